/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the first C instruction to main(): one pass over the device tree, then console, memory, MMU,
 * arguments.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <argv.h>
#include <auxinfo.h>
#include <boot-fdt.h>
#include <cpumask.h>
#include <devicetree.h>
#include <stdlib.h>
#include <string.h>
#include <asm/console.h>
#include <asm/el2.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/pstate.h>
#include <asm/psci.h>
#include <asm/setup.h>
#include <asm/timer.h>
#include <asm/virtio-testdev.h>

#define MAX_RESERVED 64
#define MAX_UARTS 4
#define ELF_OFFSET SZ_2M

phys_addr_t phys_offset, phys_end;
u64 cpus[NR_CPUS];
int nr_cpus;
bool host_at_el2, host_vhe;
u64 boot_counter;

struct uart {
	const char *name;
	enum console_type type;
	phys_addr_t base;
	u64 size;
};

/* Memory that is not handed out */
static struct {
	phys_addr_t start, end;
} reserved[MAX_RESERVED];
static int nr_reserved;

/* Contents of the device tree that only the boot needs. */
static struct {
	struct uart uarts[MAX_UARTS];
	int nr_uarts;
	const char *stdout_path, *bootargs;
	phys_addr_t initrd_start, initrd_end;
	bool in_reserved_memory; /* the nodes below /reserved-memory come */
	bool too_large; /* more CPUs or regions of memory than the tables hold */
} tree;

cpumask_t cpu_present_mask, cpu_online_mask, cpu_idle_mask;

extern char boot_stack[], emergency_stack[];
static struct percpu boot_percpu = {
	.thread = (void *)(boot_stack + THREAD_SIZE),
	.emergency_stack = emergency_stack + 2 * THREAD_SIZE,
};

void start_image(const void *fdt, u64 counter) __noreturn;
int main(int argc, char **argv);

static void add_cpu(const struct fdt_node *node)
{
	u64 boot_cpu = get_mpidr() & MPIDR_HWID_BITMASK, mpidr, size;

	if (!fdt_reg(node, 0, &mpidr, &size))
		return;
	if (nr_cpus == NR_CPUS) {
		tree.too_large = true;
		return;
	}
	if (mpidr == boot_cpu && nr_cpus) {
		cpus[nr_cpus++] = cpus[0];
		cpus[0] = mpidr;
	} else {
		cpus[nr_cpus++] = mpidr;
	}
}

static void add_memory(const struct fdt_node *node)
{
	u64 base, size;

	for (u32 i = 0; fdt_reg(node, i, &base, &size); i++) {
		if (nr_ram_regions == MAX_RAM_REGIONS) {
			tree.too_large = true;
			return;
		}
		ram_regions[nr_ram_regions++] = (struct mem_region){ base, base + size, 0 };
		phys_offset = nr_ram_regions == 1 ? base : MIN(phys_offset, base);
		phys_end = MAX(phys_end, base + size);
	}
}

static void add_uart(const struct fdt_node *node, enum console_type type)
{
	struct uart *uart = &tree.uarts[tree.nr_uarts];

	if (tree.nr_uarts == MAX_UARTS || !fdt_reg(node, 0, &uart->base, &uart->size))
		return;
	uart->name = node->name;
	uart->type = type;
	tree.nr_uarts++;
}

static void read_chosen(const struct fdt_node *node)
{
	struct fdt_value start = node->value[FDT_INITRD_START], end = node->value[FDT_INITRD_END];

	tree.stdout_path = node->value[FDT_STDOUT_PATH].data;
	tree.bootargs = node->value[FDT_BOOTARGS].data;
	tree.initrd_start = fdt_number(start, 0, start.len / 4);
	tree.initrd_end = fdt_number(end, 0, end.len / 4);
}

static void read_psci(const struct fdt_node *node)
{
	psci_set_conduit(fdt_has_string(node->value[FDT_METHOD], "smc") ? PSCI_CONDUIT_SMC
									: PSCI_CONDUIT_HVC);
}

static void reserve(u64 start, u64 size, void *data)
{
	assert_msg(nr_reserved < MAX_RESERVED, "more than %d reserved regions", MAX_RESERVED);
	reserved[nr_reserved].start = start;
	reserved[nr_reserved++].end = start + size;
}

bool memory_is_reserved(phys_addr_t pa)
{
	for (int i = 0; i < nr_reserved; i++)
		if (pa >= reserved[i].start && pa < reserved[i].end)
			return true;
	return false;
}

/*
 * A child of /reserved-memory (Devicetree Specification v0.4, 3.5). One without reg asks for memory
 * of its size, anywhere: it gets none here.
 */
static void reserve_node(const struct fdt_node *node)
{
	u64 base, size;

	for (u32 i = 0; fdt_reg(node, i, &base, &size); i++)
		reserve(base, size, NULL);
}

enum node_kind {
	NODE_OTHER,
	NODE_VIRTIO_MMIO,
	NODE_PL011,
	NODE_16550,
	NODE_PSCI,
	NODE_GIC_V2,
	NODE_GIC_V3,
	NODE_TIMER,
};

#define KNOWN(kind, string) { kind, sizeof(string), string }
static const struct {
	u8 kind, size;
	char string[22];
} known_nodes[] = {
	KNOWN(NODE_VIRTIO_MMIO, "virtio,mmio"),
	KNOWN(NODE_PL011, "arm,pl011"),
	KNOWN(NODE_16550, "ns16550a"),
	KNOWN(NODE_PSCI, "arm,psci-0.2"),
	KNOWN(NODE_PSCI, "arm,psci-1.0"),
	KNOWN(NODE_GIC_V3, "arm,gic-v3"),
	KNOWN(NODE_GIC_V2, "arm,cortex-a15-gic"),
	KNOWN(NODE_GIC_V2, "arm,gic-400"),
	KNOWN(NODE_TIMER, "arm,armv8-timer"),
};

/* The kind of a node, by the first of its compatible strings that is known. */
static enum node_kind node_kind(struct fdt_value compatible)
{
	for (u32 i = 0; i < compatible.len; i += strlen(compatible.data + i) + 1) {
		const char *string = compatible.data + i;

		/* The end is compared first: most strings differ there. */
		for (size_t k = 0; k < ARRAY_SIZE(known_nodes); k++)
			if (known_nodes[k].size <= compatible.len - i &&
			    !string[known_nodes[k].size - 1] &&
			    !strcmp(string, known_nodes[k].string))
				return known_nodes[k].kind;
	}
	return NODE_OTHER;
}

static void read_device(const struct fdt_node *node)
{
	u64 base, size;

	switch (node_kind(node->value[FDT_COMPATIBLE])) {
	case NODE_VIRTIO_MMIO:
		if (fdt_reg(node, 0, &base, &size))
			virtio_testdev_candidate(base, size);
		break;
	case NODE_PL011:
		add_uart(node, CONSOLE_PL011);
		break;
	case NODE_16550:
		add_uart(node, CONSOLE_16550);
		break;
	case NODE_PSCI:
		read_psci(node);
		break;
	case NODE_GIC_V2:
		gic_candidate(2, node);
		break;
	case NODE_GIC_V3:
		gic_candidate(3, node);
		break;
	case NODE_TIMER:
		timer_candidate(node);
		break;
	case NODE_OTHER:
		break;
	}
}

static void read_node(const struct fdt_node *node, void *data)
{
	struct fdt_value type = node->value[FDT_DEVICE_TYPE];

	/* The first letter spares most nodes the call. */
	if (node->depth == 1)
		tree.in_reserved_memory = node->name[0] == 'r' &&
					  !strcmp(node->name, "reserved-memory");
	if (tree.in_reserved_memory && node->depth == 2)
		reserve_node(node);
	else if (fdt_has_string(type, "memory"))
		add_memory(node);
	else if (fdt_has_string(type, "cpu"))
		add_cpu(node);
	else if (node->depth == 1 && !strcmp(node->name, "chosen"))
		read_chosen(node);
	else
		read_device(node);
}

/*
 * stdout-path is "/pl011@9000000", maybe with options after a colon; anything else, as an alias,
 * means the first UART.
 */
static const struct uart *console_uart(void)
{
	const char *path = tree.stdout_path ?: "", *name = strrchr(path, '/') ?: path;
	size_t len;

	name += *name == '/';
	len = strchrnul(name, ':') - name;
	for (int i = 0; i < tree.nr_uarts; i++)
		if (strlen(tree.uarts[i].name) == len && !strncmp(tree.uarts[i].name, name, len))
			return &tree.uarts[i];
	return tree.nr_uarts ? &tree.uarts[0] : NULL;
}

/* Hand [@start, @end) to the allocator, without what is reserved from entry @i on. */
static void add_free_memory(phys_addr_t start, phys_addr_t end, int i)
{
	for (; i < nr_reserved; i++) {
		phys_addr_t hole_start = reserved[i].start, hole_end = reserved[i].end;

		if (hole_start < end && hole_end > start) {
			add_free_memory(start, MAX(hole_start, start), i + 1);
			add_free_memory(MIN(hole_end, end), end, i + 1);
			return;
		}
	}
	if (start < end)
		page_alloc_add_area(start, end);
}

static void setup_memory(const void *fdt)
{
	phys_addr_t image = memregions_image_start();

	reserve(image, __pa(_end) - image, NULL);
	reserve(__pa(fdt), fdt_size(fdt), NULL);
	reserve(tree.initrd_start, tree.initrd_end - tree.initrd_start, NULL);
	fdt_for_each_reservation(fdt, reserve, NULL);
	for (int i = 0; i < nr_ram_regions; i++)
		add_free_memory(ram_regions[i].start, ram_regions[i].end, 0);
	memregions_setup();
}

void setup_cpu(struct percpu *percpu)
{
	*percpu->thread = (struct thread_info){ .cpu = percpu->cpu };
	pstate_setup();
	if (host_at_el2) {
		write_sysreg(percpu, tpidr_el2);
		write_sysreg(host_vectors_el2, vbar_el2);
		el2_setup();
	} else {
		write_sysreg(percpu, tpidr_el1);
		write_sysreg(host_vectors_el1, vbar_el1);
		write_sysreg(system_supports_sve() ? CPACR_EL1_FPEN | CPACR_EL1_ZEN
						   : CPACR_EL1_FPEN,
			     cpacr_el1);
		/* Counters and timers of user mode are trapped */
		write_sysreg(0, cntkctl_el1);
	}
	isb();
}

static void setup_console(void)
{
	const struct uart *uart = console_uart();

	if (uart)
		console_setup(uart->type, (void *)uart->base);
}

static void setup_mmu(void)
{
	const struct uart *uart = console_uart();

	mmu_setup();
	if (uart)
		ioremap(uart->base, uart->size);
	virtio_testdev_map();
	if (auxinfo.flags & AUXINFO_MMU_OFF)
		mmu_prepare(mmu_idmap); /* locks between CPUs need it */
	else
		mmu_enable(mmu_idmap);
}

/*
 * A boot of the ELF file rather than the flat image passes no device tree: QEMU puts it at the
 * start of memory, which is ELF_OFFSET below where image.lds has the file loaded.
 */
static const void *find_tree(const void *handed)
{
	return fdt_valid(handed) ? handed : (const void *)_start - ELF_OFFSET;
}

void start_image(const void *fdt, u64 counter)
{
	fdt = find_tree(fdt);
	boot_counter = counter;
	dt_init(fdt);
	host_at_el2 = current_level() == CurrentEL_EL2;
	host_vhe = host_at_el2 && (read_sysreg(hcr_el2) & HCR_EL2_E2H);
	setup_cpu(&boot_percpu);
	pstate_patch_vectors();
	/* Without a valid device tree no console is known: abort() ends in WFI. */
	if (!fdt_valid(fdt) || !fdt_for_each_node(fdt, read_node, NULL))
		abort();
	setup_console();
	assert_msg(!tree.too_large, "more than %d CPUs or %d regions of memory", NR_CPUS,
		   MAX_RAM_REGIONS);
	assert_msg(nr_ram_regions && nr_cpus, "no memory or no CPU in the device tree");
	if (!system_supports_granule(PAGE_SIZE)) {
		report_skip("the CPU has no pages of %lu KiB (ID_AA64MMFR0_EL1.TGran*)",
			    PAGE_SIZE / 1024);
		exit(report_summary());
	}
	setup_memory(fdt);
	setup_mmu();
	setup_args_progname(tree.bootargs, auxinfo.progname);
	cpumask_setall(&cpu_present_mask);
	set_cpu_online(0, true);
	if (tree.initrd_start)
		setup_env(phys_to_virt(tree.initrd_start), tree.initrd_end - tree.initrd_start);
	exit(main(__argc, __argv));
}
