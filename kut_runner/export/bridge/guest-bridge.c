/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest framework needs of its host beyond the library: see asm/guest-bridge.h. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <memregions.h>
#include <objects.h>
#include <string.h>
#include <vmalloc.h>
#include <asm/backtrace.h>
#include <asm/guest-bridge.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/guest-call.h>
#include <asm/pstate.h>
#include <asm/vgic.h>

#define MAX_CPUS 64
#define SLOT_PAGES (VM_SLOT_SIZE / PAGE_SIZE)

u64 cptr_el2_untrapped;
static struct percpu percpu[MAX_CPUS];
static struct spinlock lock;
static struct slot {
	struct slot *next;
} *free_slots;

/*
 * EL2 and its CPUs
 */

u64 cptr_el2_default(void)
{
	return CPTR_VHE_FPEN;
}

u64 cnthctl_el2_default(void)
{
	return CNTHCTL_EL2_E2H;
}

bool el2_has_pmu(void)
{
	u64 version = FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

	return version && version != 0xf;
}

u64 mdcr_el2_default(void)
{
	return el2_has_pmu() ? FIELD(read_sysreg(pmcr_el0), 15, 11) : 0;
}

static bool has_feature(u64 id_register, unsigned int lowest_bit)
{
	return FIELD(id_register, lowest_bit + 3, lowest_bit) != 0;
}

/* Controls of EL2 that the boot leaves as they are. */
static void el2_setup(void)
{
	write_sysreg(mdcr_el2_default(), mdcr_el2);
	write_sysreg(0, hstr_el2);
	write_sysreg(cnthctl_el2_default(), cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, vttbr_el2);
	if (has_feature(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_HCX))
		write_sysreg(0, HCRX_EL2);
	if (has_feature(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_GIC)) {
		write_sysreg(0xf, ICC_SRE_EL2);
		isb();
		write_sysreg(ICH_HCR_NO_VGIC, ICH_HCR_EL2);
	}
	isb();
}

static void take_sve_trap(struct pt_regs *regs, unsigned int esr)
{
	assert(host_sve_unpark());
}

static void percpu_init(struct percpu *cpu, struct thread_info *thread)
{
	cpu->cpu = thread->cpu;
	cpu->thread = thread;
	cpu->emergency_stack = memalign_pages(THREAD_SIZE, THREAD_SIZE) + THREAD_SIZE;
	cptr_el2_untrapped = cptr_el2_default();
	el2_setup();
	pstate_setup();
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_SVE, take_sve_trap);
}

struct percpu *this_percpu(void)
{
	struct thread_info *thread = current_thread_info();
	struct percpu *cpu = &percpu[thread->cpu];

	assert(thread->cpu < MAX_CPUS);
	if (!cpu->thread)
		percpu_init(cpu, thread);
	return cpu;
}

/* current_thread_info() is found by the stack pointer, which in a handler is the guest's. */
void guest_host_stack_prepare(struct guest *guest)
{
	memcpy(thread_info_sp((u64)guest), this_percpu()->thread, sizeof(struct thread_info));
}

void guest_host_exception(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	struct thread_info *thread = this_percpu()->thread;

	if (guest_fixup_exception(v, regs, esr))
		return;
	assert_msg(thread->vector_handlers[v], "vector %d in a guest's handler, ESR_EL2 %#x", v,
		   esr);
	thread->vector_handlers[v](v, regs, esr);
}

const char *vector_name(enum vector v)
{
	static const char *const names[] = {
		"ELxT_SYNC", "ELxT_IRQ", "ELxT_FIQ", "ELxT_ERROR",
		"ELxH_SYNC", "ELxH_IRQ", "ELxH_FIQ", "ELxH_ERROR",
		"ELx_LOW_SYNC_64", "ELx_LOW_IRQ_64", "ELx_LOW_FIQ_64", "ELx_LOW_ERROR_64",
		"ELx_LOW_SYNC_32", "ELx_LOW_IRQ_32", "ELx_LOW_FIQ_32", "ELx_LOW_ERROR_32",
	};

	return v < VECTOR_MAX ? names[v] : "?";
}

/*
 * Memory
 */

/* The library knows memory as one region, whose start and end it finds at the boot. */
struct mem_region *guest_bridge_ram_regions(void)
{
	static struct mem_region memory;

	memory.start = PHYS_OFFSET;
	memory.end = PHYS_END;
	return &memory;
}

void clear_pages(void *mem, unsigned long count)
{
	memset(mem, 0, count * PAGE_SIZE);
}

void sync_icache(const void *start, size_t size)
{
	u64 ctr = read_sysreg(ctr_el0);
	u64 dline = 4UL << FIELD(ctr, 19, 16), iline = 4UL << FIELD(ctr, 3, 0);
	u64 first = (u64)start, end = first + size, va;

	for (va = ALIGN_DOWN(first, dline); va < end; va += dline)
		asm volatile("dc cvau, %0" : : "r"(va) : "memory");
	dsb(ish);
	for (va = ALIGN_DOWN(first, iline); va < end; va += iline)
		asm volatile("ic ivau, %0" : : "r"(va) : "memory");
	dsb(ish);
	isb();
}

/* In a guest's handler HCR_EL2.TGE is clear, and the EL1 forms would be the guest's. */
static void flush_host_tlb(const char *va, bool all_cpus)
{
	if (read_sysreg(hcr_el2) & HCR_EL2_TGE)
		asm volatile("tlbi vaae1is, %0" : : "r"(FIELD((u64)va, 55, 12)) : "memory");
	else
		asm volatile("tlbi alle2is" : : : "memory");
	dsb(ish);
	isb();
}

void mmu_page_hide(pteval_t *pte, const void *va)
{
	*pte &= ~PT_VALID;
	dsb(ishst);
	flush_host_tlb(va, false);
}

void mmu_page_show(pteval_t *pte)
{
	*pte |= PT_VALID;
	dsb(ishst);
	isb();
}

void *object_alloc(size_t size)
{
	return calloc(1, size);
}

void object_free(void *object)
{
	if (object)
		free(object);
}

void *vm_slot_alloc(void)
{
	struct slot *slot;
	u64 va;

	spin_lock(&lock);
	slot = free_slots;
	if (slot)
		free_slots = slot->next;
	spin_unlock(&lock);
	if (slot) {
		va = *(u64 *)(slot + 1);
		free(slot);
		return (void *)va;
	}
	va = (u64)alloc_vpages(2 * SLOT_PAGES);
	return (void *)ALIGN(va, VM_SLOT_SIZE);
}

static void unmap_page(char *va)
{
	pteval_t *pte = follow_pte(mmu_idmap, (uintptr_t)va), old = pte ? *pte : 0;

	if (!(old & PT_VALID))
		return;
	*pte = 0;
	dsb(ishst);
	flush_host_tlb(va, true);
	free_page(phys_to_virt(old & PT_ADDR_MASK));
}

void vm_slot_free(void *block)
{
	struct slot *slot = malloc(sizeof(*slot) + sizeof(u64));
	u64 page;

	for (page = 0; page < SLOT_PAGES; page++)
		unmap_page((char *)block + page * PAGE_SIZE);
	*(u64 *)(slot + 1) = (u64)block;
	spin_lock(&lock);
	slot->next = free_slots;
	free_slots = slot;
	spin_unlock(&lock);
}

bool vm_populate_as(void *start, size_t size, enum mmu_prot prot)
{
	char *va;

	for (va = start; va < (char *)start + size; va += PAGE_SIZE) {
		void *page = alloc_page();

		if (!page) {
			while (va > (char *)start)
				unmap_page(va -= PAGE_SIZE);
			return false;
		}
		install_page(mmu_idmap, virt_to_phys(page), va);
		if (prot == MMU_DATA_PRIVILEGED)
			mmu_clear_user(mmu_idmap, (unsigned long)va);
	}
	return true;
}

bool vm_populate(void *start, size_t size)
{
	return vm_populate_as(start, size, MMU_DATA);
}

/*
 * A guest's printf() and the like: they have neither console nor locks there.
 */

/* The host is at EL2, its guests are not. */
bool in_guest(void)
{
	return current_level() == CurrentEL_EL1;
}

void guest_call_enable(void)
{
}

void guest_answer_call(struct guest *guest)
{
	assert_msg(false, "a guest calls the host");
}

/*
 * Reports
 */

void assert_failed(const char *place, const char *condition, const char *fmt, ...)
{
	va_list args;

	printf("%s: assert failed: %s: ", place, condition);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	dump_stack();
	abort();
}
