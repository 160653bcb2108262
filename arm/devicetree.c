/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's own device tree, by node, compared with the results of boot and drivers. */
#include <libcflat.h>
#include <alloc_page.h>
#include <argv.h>
#include <devicetree.h>
#include <memregions.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/psci.h>
#include <asm/setup.h>

#define PATH_SIZE 256

/* Print the path of @node from the names of its parents. */
static void print_path(int node, char *path)
{
	const char *name = fdt_get_name(dt_fdt(), node, NULL);
	int parent = fdt_parent_offset(dt_fdt(), node);
	size_t length;

	*path = '\0';
	if (parent < 0)
		return;
	print_path(parent, path);
	length = strlen(path);
	snprintf(path + length, PATH_SIZE - length, "/%s", name);
}

static void test_nodes(void)
{
	int node = -1, nodes = 0, wrong = 0;

	report(dt_available(), "dt_available(): expected 1, found %d, device tree of %u bytes",
	       dt_available(), fdt_totalsize(dt_fdt()));
	while ((node = fdt_next_node(dt_fdt(), node, NULL)) >= 0) {
		char path[PATH_SIZE];
		int found;

		print_path(node, path);
		found = fdt_path_offset(dt_fdt(), *path ? path : "/");
		if (found != node && !wrong++)
			report_info("%s is at %d, expected %d", path, found, node);
		nodes++;
	}
	report(node == -FDT_ERR_NOTFOUND, "fdt_next_node() of the last node: expected %s, found %s",
	       fdt_strerror(-FDT_ERR_NOTFOUND), fdt_strerror(node));
	report(nodes > 10 && !wrong,
	       "nodes: expected more than 10, 0 of them at another place by their path, found %d, "
	       "%d",
	       nodes, wrong);
}

struct cpu_count {
	int count, unknown;
};

static void count_cpu(int fdtnode, u64 regval, void *info)
{
	struct cpu_count *seen = info;
	bool known = false;

	for (int i = 0; i < nr_cpus; i++)
		known |= cpus[i] == regval;
	seen->count++;
	seen->unknown += !known;
}

static void test_cpus(void)
{
	struct cpu_count seen = { 0, 0 };
	int error = dt_for_each_cpu_node(count_cpu, &seen);

	report(!error && seen.count == nr_cpus, "CPU nodes: expected %d, found %d, %s", nr_cpus,
	       seen.count, fdt_strerror(error));
	report(!seen.unknown, "CPU nodes that are not in cpus[]: expected 0, found %d",
	       seen.unknown);
}

static void test_memory(void)
{
	struct dt_pbus_reg regs[MAX_RAM_REGIONS];
	int count = dt_get_memory_params(regs, ARRAY_SIZE(regs)), wrong = 0;

	report(count == nr_ram_regions, "regions of memory: expected %d, found %d", nr_ram_regions,
	       count);
	for (int i = 0; i < MIN(count, nr_ram_regions); i++)
		wrong += regs[i].addr != ram_regions[i].start ||
			 regs[i].addr + regs[i].size != ram_regions[i].end || ram_regions[i].flags;
	report(!wrong, "regions of memory that differ from ram_regions[]: expected 0, found %d",
	       wrong);
}

static int count_regions(void)
{
	int count = 0;

	for (struct mem_region *r = mem_regions; r->end; ++r)
		count++;
	return count;
}

static void check_region(int i, phys_addr_t start, phys_addr_t end, unsigned int flags)
{
	const struct mem_region *r = &mem_regions[i];

	report(r->start == start && r->end == end && r->flags == flags,
	       "mem_regions[%d]: expected %#lx to %#lx, flags %#x, found %#lx to %#lx, flags %#x",
	       i, start, end, flags, r->start, r->end, r->flags);
}

/* The image is 512 KiB behind the start of memory, and the machine has no more below 256 GiB. */
static void test_table(void)
{
	check_region(0, PHYS_OFFSET, __pa(_etext), MR_F_CODE);
	check_region(1, __pa(_etext), PHYS_END, 0);
	check_region(2, 0, SZ_1G, MR_F_IO);
	check_region(3, 1UL << 38, (1UL << 38) + SZ_512M, MR_F_IO);
	check_region(4, 1UL << 39, 1UL << 40, MR_F_IO);
	report_equal_int(count_regions(), 5, "entries before the end of mem_regions[]");
}

static void test_devices(void)
{
	int console = dt_get_default_console_node(), size;
	int psci = fdt_node_offset_by_compatible(dt_fdt(), -1, "arm,psci-0.2");
	const char *method = fdt_getprop(dt_fdt(), psci, "method", &size);
	const char *conduit = psci_get_conduit() == PSCI_CONDUIT_SMC ? "smc" : "hvc";
	int version = gic_init();
	void *expected = version == 3 ? gicv3_dist_base() : gicv2_dist_base();
	struct dt_pbus_reg reg = { 0, 0 };
	int error, by_register;

	error = fdt_node_check_compatible(dt_fdt(), console, "arm,pl011");
	report(!error, "console, node %d, compatible with arm,pl011: expected 0, found %d", console,
	       error);
	error = dt_pbus_translate_node(console, 0, &reg);
	by_register = dt_node_by_register(reg.addr + reg.size - 1);
	report(!error && by_register == console,
	       "node of the last register of the console at %#lx: expected %d, found %d", reg.addr,
	       console, by_register);
	report(method && !strcmp(method, conduit), "method of the PSCI node: expected %s, found %s",
	       conduit, method ?: fdt_strerror(size));
	error = dt_pbus_get_base_compatible(version == 3 ? "arm,gic-v3" : "arm,cortex-a15-gic",
					    &reg);
	report(version && !error && reg.addr == virt_to_phys(expected),
	       "address of the distributor, GIC version %d: expected %#lx, found %#lx, %s", version,
	       virt_to_phys(expected), reg.addr, fdt_strerror(error));
}

static void check_flags(phys_addr_t pa, unsigned int expected, const char *what)
{
	unsigned int found = memregions_get_flags(pa);

	report(found == expected, "flags of %s at %#lx: expected %#x, found %#x", what, pa,
	       expected, found);
}

static void test_added_regions(void)
{
	struct mem_region added = { PHYS_END + SZ_1M, PHYS_END + SZ_2M, MR_F_PERSISTENT };
	int before = count_regions();
	struct mem_region *found = memregions_find(added.start);

	report(!found, "memregions_find(%#lx) before it is added: expected NULL, found %p",
	       added.start, found);
	found = memregions_add(&added);
	report(found == &mem_regions[before], "memregions_add(): expected %p, found %p",
	       &mem_regions[before], found);
	check_flags(added.start, MR_F_PERSISTENT, "a region that was added");
	check_flags(added.end, MR_F_UNKNOWN, "what follows a region that was added");
	found = memregions_find(added.end - 1);
	report(found == &mem_regions[before],
	       "memregions_find(%#lx) after it is added: expected mem_regions[%d] at %p, found %p",
	       added.end - 1, before, &mem_regions[before], found);
	memregions_add(&(struct mem_region){ SZ_4K, SZ_8K, MR_F_PERSISTENT });
	check_flags(SZ_4K, MR_F_PERSISTENT, "a region that was added over one of the machine");
	report_equal_int(count_regions(), before + 2, "entries of mem_regions[] after both");
}

static void test_regions(void)
{
	struct dt_pbus_reg console = { 0, 0 };
	void *page = alloc_page();
	const char *initrd;
	u32 size;

	dt_pbus_translate_node(dt_get_default_console_node(), 0, &console);
	check_flags(__pa(_stext), MR_F_CODE, "text");
	check_flags(__pa(_etext), MR_F_RESERVED, "the image behind its text");
	check_flags(__pa(&page), MR_F_RESERVED, "the stack");
	check_flags(__pa(_end) - 1, MR_F_RESERVED, "the image's end");
	check_flags(__pa(dt_fdt()), MR_F_RESERVED, "the device tree");
	check_flags(virt_to_phys(page), 0, "a page of memory");
	check_flags(console.addr, MR_F_IO, "the console");
	check_flags(PHYS_OFFSET, MR_F_CODE, "memory below the image");
	check_flags(PHYS_END, MR_F_UNKNOWN, "what follows memory");
	if (!dt_get_initrd(&initrd, &size))
		check_flags(__pa(initrd) + size - 1, MR_F_RESERVED, "the end of the initrd");
	report(memregions_find(mem_regions[0].end - 1) == mem_regions,
	       "memregions_find() of the first region's last byte: expected %p, found %p",
	       mem_regions, memregions_find(mem_regions[0].end - 1));
	test_added_regions();
	free_page(page);
}

static void test_chosen(void)
{
	const char *bootargs;
	int error = dt_get_bootargs(&bootargs);

	if (__argc > 1)
		report(!error && strstr(bootargs, __argv[1]),
		       "bootargs: expected to have \"%s\", found \"%s\"", __argv[1],
		       bootargs ?: fdt_strerror(error));
	else
		report(!bootargs || !*bootargs, "bootargs: expected none, found \"%s\"",
		       bootargs ?: fdt_strerror(error));
}

static const struct subtest subtests[] = {
	{ "table", test_table },   { "nodes", test_nodes },	{ "cpus", test_cpus },
	{ "memory", test_memory }, { "devices", test_devices }, { "regions", test_regions },
	{ "chosen", test_chosen },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
