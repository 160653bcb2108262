/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's stage 1. */
#include <libcflat.h>
#include <alloc_page.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/spinlock.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

#define TCR_T0SZ (64 - VA_BITS)
#define TCR_IRGN0_WB (1UL << 8)
#define TCR_ORGN0_WB (1UL << 10)
#define TCR_SH0_INNER (3UL << 12)
#define TCR_TG0_SHIFT 14
/* EL1, and EL2 with E2H: the upper half of addresses has the fields of the lower one */
#define TCR_UPPER_SHIFT 16
#define TCR_TG1_SHIFT 30
#define TCR_IPS_SHIFT 32 /* EL1, and EL2 with E2H */
#define TCR_EL2_RES1 (1UL << 31 | 1UL << 23)
#define TCR_EL2_PS_SHIFT 16
#define PARANGE_48 5

pgd_t *mmu_idmap;
static struct spinlock lock; /* for adding tables to mmu_idmap */

static unsigned int entry_index(u64 va, int level)
{
	unsigned int mask = (1U << pt_level_bits(PAGE_SHIFT)) - 1;

	return va >> pt_level_shift(PAGE_SHIFT, level) & mask;
}

static pteval_t leaf_attributes(enum mmu_prot prot)
{
	/*
	 * At EL2 with E2H clear the regime has one exception level: AP[1] is RES1 and UXN means XN.
	 * Elsewhere AP[1] lets user mode access all of it (asm/user.h).
	 */
	bool one_level = host_at_el2 && !host_vhe;
	pteval_t user = PTE_USER;
	pteval_t never_executed = one_level ? PTE_UXN : PTE_UXN | PTE_PXN;
	pteval_t memory = PTE_AF | PTE_SHARED | PTE_ATTRINDX(MT_NORMAL) | user;

	switch (prot) {
	case MMU_TEXT:
#ifdef __ARM_FEATURE_BTI_DEFAULT
		return memory | PTE_RDONLY | PTE_GP; /* RES0 without FEAT_BTI */
#else
		return memory | PTE_RDONLY;
#endif
	case MMU_RODATA:
		return memory | PTE_RDONLY | never_executed;
	case MMU_DATA:
		return memory | never_executed;
	case MMU_DATA_PRIVILEGED:
		return (one_level ? memory : memory & ~PTE_USER) | never_executed;
	case MMU_HEAP:
		return memory;
	case MMU_DEVICE:
		return PTE_AF | PTE_SHARED | PTE_ATTRINDX(MT_DEVICE_nGnRE) | user | never_executed;
	}
	return 0;
}

/* The table that @entry of @level leads to, created if missing; NULL when memory is out. */
static pteval_t *next_table(pteval_t *entry, int level)
{
	assert_msg(!*entry || pt_is_table(*entry, level), "another leaf is in the way: %lx",
		   *entry);
	if (!*entry) {
		pteval_t *table = alloc_page();

		if (!table)
			return NULL;
		dsb(ishst); /* the zeros before the pointer to them */
		*entry = __pa(table) | PT_VALID | PT_TABLE;
	}
	return __va(*entry & PT_ADDR_MASK);
}

/* The leaf that maps @va, with its level; NULL when none does. */
static pteval_t *find_leaf(pgd_t *pgtable, uintptr_t va, int *level)
{
	pteval_t *table = pgtable;

	for (*level = pt_start_level(PAGE_SHIFT, VA_BITS);; ++*level) {
		pteval_t *entry = &table[entry_index(va, *level)];

		if (!pt_is_table(*entry, *level))
			return *entry & PT_VALID ? entry : NULL;
		table = __va(*entry & PT_ADDR_MASK);
	}
}

pteval_t *mmu_page_entry(pgd_t *pgtable, uintptr_t va)
{
	pteval_t *table = pgtable;
	int level = pt_start_level(PAGE_SHIFT, VA_BITS);

	for (; level < PT_LEVEL_LAST; level++) {
		pteval_t entry = table[entry_index(va, level)];

		if (!pt_is_table(entry, level))
			return NULL;
		table = __va(entry & PT_ADDR_MASK);
	}
	return &table[entry_index(va, level)];
}

/* Replace what is mapped at @va by a leaf at @level, by break-before-make. */
static void set_leaf(pgd_t *pgtable, u64 va, int level, pteval_t leaf)
{
	pteval_t *table = pgtable, *entry;

	for (int above = pt_start_level(PAGE_SHIFT, VA_BITS); above < level; above++) {
		entry = &table[entry_index(va, above)];
		if (*entry & PT_VALID && !pt_is_table(*entry, above))
			mmu_split_block(entry, above);
		table = next_table(entry, above);
		assert_msg(table, "no memory for a page table");
	}
	entry = &table[entry_index(va, level)];
	assert_msg(!pt_is_table(*entry, level), "a table is in the way: %lx", *entry);
	if (*entry & PT_VALID && *entry != leaf) {
		*entry = 0;
		flush_tlb_page(va);
	}
	*entry = leaf;
}

/* Leaves of @level, from @va on, for [@start, @end). */
static void set_leaves(pgd_t *pgtable, u64 va, phys_addr_t start, phys_addr_t end, int level,
		       pteval_t attributes)
{
	u64 size = pt_level_size(PAGE_SHIFT, level);

	va = ALIGN_DOWN(va, size);
	spin_lock(&lock);
	for (phys_addr_t pa = ALIGN_DOWN(start, size); pa < end; pa += size, va += size)
		set_leaf(pgtable, va, level,
			 pa | attributes | PTE_AF | PTE_SHARED | pt_leaf_type(level));
	spin_unlock(&lock);
	dsb(ishst);
	isb();
}

void mmu_set_range_ptes(pgd_t *pgtable, uintptr_t va, phys_addr_t start, phys_addr_t end,
			pgprot_t prot)
{
	set_leaves(pgtable, va, start, end, PT_LEVEL_LAST, pgprot_val(prot));
}

void mmu_set_range_sect(pgd_t *pgtable, uintptr_t va, phys_addr_t start, phys_addr_t end,
			pgprot_t prot)
{
	set_leaves(pgtable, va, start, end, PT_LEVEL_LAST - 1, pgprot_val(prot));
}

pteval_t *install_page(pgd_t *pgtable, phys_addr_t phys, void *virt)
{
	mmu_set_range_ptes(pgtable, (uintptr_t)virt, phys, phys + 1,
			   __pgprot(leaf_attributes(MMU_HEAP)));
	return follow_pte(pgtable, (uintptr_t)virt);
}

static bool map_level(pteval_t *table, int level, u64 va, phys_addr_t pa, u64 size,
		      pteval_t attributes)
{
	u64 leaf_size = pt_level_size(PAGE_SHIFT, level);
	/* Blocks of 1 GiB with 4K pages; one level lower with the others */
	bool leaves = level >= (PAGE_SHIFT == 12 ? 1 : 2);

	while (size) {
		pteval_t *entry = &table[entry_index(va, level)];
		u64 offset = va & (leaf_size - 1), chunk = MIN(size, leaf_size - offset);
		pteval_t bits = attributes | pt_leaf_type(level);

		if (leaves && chunk == leaf_size && IS_ALIGNED(pa, leaf_size) && !*entry) {
			*entry = pa | bits;
		} else if (*entry != ((pa - offset) | bits)) { /* nor is it mapped already */
			pteval_t *below = next_table(entry, level);

			if (!below || !map_level(below, level + 1, va, pa, chunk, attributes))
				return false;
		}
		va += chunk;
		pa += chunk;
		size -= chunk;
	}
	return true;
}

bool mmu_try_map(pgd_t *pgtable, u64 va, phys_addr_t pa, u64 size, enum mmu_prot prot)
{
	bool mapped;

	assert(IS_ALIGNED(va | pa | size, PAGE_SIZE));
	spin_lock(&lock);
	mapped = map_level(pgtable, pt_start_level(PAGE_SHIFT, VA_BITS), va, pa, size,
			   leaf_attributes(prot));
	spin_unlock(&lock);
	/* From invalid to valid: no TLB holds anything; the walker must see the entries. */
	dsb(ishst);
	isb();
	return mapped;
}

void mmu_map(pgd_t *pgtable, u64 va, phys_addr_t pa, u64 size, enum mmu_prot prot)
{
	bool mapped = mmu_try_map(pgtable, va, pa, size, prot);

	assert_msg(mapped, "no memory for a page table");
}

pteval_t *follow_pte(pgd_t *pgtable, uintptr_t va)
{
	int level;

	return find_leaf(pgtable, va, &level);
}

phys_addr_t virt_to_pte_phys(pgd_t *pgtable, const volatile void *virt)
{
	int level;
	pteval_t *leaf = find_leaf(pgtable, (uintptr_t)virt, &level);
	u64 offset;

	if (!leaf)
		return INVALID_PHYS_ADDR;
	offset = (uintptr_t)virt & (pt_level_size(PAGE_SHIFT, level) - 1);
	return (*leaf & PT_ADDR_MASK & PAGE_MASK) + offset;
}

static void map_identical(phys_addr_t start, phys_addr_t end, enum mmu_prot prot)
{
	if (start < end)
		mmu_map(mmu_idmap, start, start, end - start, prot);
}

/*
 * Memory, without the image: its parts have their own permissions, and a guard page is not mapped
 * at all.
 */
static void map_region(const struct mem_region *region)
{
	phys_addr_t start = PAGE_ALIGN(region->start), end = region->end & PAGE_MASK;
	phys_addr_t image_start = __pa(_start), image_end = __pa(_end);

	if (image_start >= start && image_start < end) {
		map_identical(start, image_start, MMU_HEAP);
		start = image_end;
	}
	map_identical(start, end, MMU_HEAP);
}

static void map_image(void)
{
	extern char boot_stack[], emergency_stack[];

	map_identical(__pa(_stext), __pa(_etext), MMU_TEXT);
	map_identical(__pa(_etext), __pa(_sdata), MMU_RODATA);
	map_identical(__pa(_sdata), __pa(boot_stack), MMU_DATA);
	map_identical(__pa(boot_stack) + THREAD_SIZE, __pa(emergency_stack), MMU_DATA);
	map_identical(__pa(emergency_stack) + THREAD_SIZE, __pa(_end), MMU_DATA);
}

void mmu_setup(void)
{
	mmu_idmap = alloc_page();
	assert_msg(mmu_idmap, "no memory for a page table");
	map_image();
	for (int i = 0; i < nr_ram_regions; i++)
		map_region(&ram_regions[i]);
}

static u64 pa_range(void)
{
	return MIN(FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0), (u64)PARANGE_48);
}

#define TCR_HALF (TCR_T0SZ | TCR_IRGN0_WB | TCR_ORGN0_WB | TCR_SH0_INNER)

/* For TTBR0_EL1. TG0 counts 4K, 64K, 16K from 0. */
static u64 tcr_lower(void)
{
	u64 tg0 = PAGE_SHIFT == 12 ? 0 : PAGE_SHIFT == 16 ? 1 : 2;

	return TCR_HALF | tg0 << TCR_TG0_SHIFT;
}

u64 mmu_tcr_el1(void)
{
	/* TG1 counts 16K, 4K, 64K from 1. */
	u64 tg1 = PAGE_SHIFT == 14 ? 1 : PAGE_SHIFT == 12 ? 2 : 3;

	return tcr_lower() | (u64)TCR_HALF << TCR_UPPER_SHIFT | tg1 << TCR_TG1_SHIFT | TCR_EPD1 |
	       pa_range() << TCR_IPS_SHIFT;
}

static u64 tcr_value(void)
{
	if (host_at_el2 && !host_vhe)
		return tcr_lower() | TCR_EL2_RES1 | pa_range() << TCR_EL2_PS_SHIFT;
	return mmu_tcr_el1();
}

void mmu_prepare(pgd_t *pgtable)
{
	dsb(sy); /* the tables, written with the MMU off */
	if (host_at_el2) {
		write_sysreg(MAIR_VALUE, mair_el2);
		write_sysreg(tcr_value(), tcr_el2);
		write_sysreg(__pa(pgtable), ttbr0_el2);
		isb();
		asm volatile("tlbi alle2" : : : "memory");
	} else {
		write_sysreg(MAIR_VALUE, mair_el1);
		write_sysreg(tcr_value(), tcr_el1);
		write_sysreg(__pa(pgtable), ttbr0_el1);
		isb();
		asm volatile("tlbi vmalle1" : : : "memory");
	}
	dsb(nsh);
	isb();
}

void mmu_enable(pgd_t *pgtable)
{
	u64 on = SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I;

	current_thread_info()->pgtable = pgtable;
	mmu_prepare(pgtable);
	if (host_at_el2)
		write_sysreg(read_sysreg(sctlr_el2) | on, sctlr_el2);
	else
		write_sysreg(read_sysreg(sctlr_el1) | on, sctlr_el1);
	isb();
}

void mmu_disable(void)
{
	u64 off = SCTLR_ELx_M | SCTLR_ELx_C;

	if (host_at_el2)
		write_sysreg(read_sysreg(sctlr_el2) & ~off, sctlr_el2);
	else
		write_sysreg(read_sysreg(sctlr_el1) & ~off, sctlr_el1);
	isb();
}

void mmu_clear_user(pgd_t *pgtable, unsigned long va)
{
	pteval_t *pte = follow_pte(pgtable, va);

	assert_msg(pte, "%lx is not mapped", va);
	*pte &= ~PTE_USER;
	flush_tlb_page(va);
}

bool mmu_enabled(void)
{
	return (host_at_el2 ? read_sysreg(sctlr_el2) : read_sysreg(sctlr_el1)) & SCTLR_ELx_M;
}

/* The EL2 form reaches the host's own regime with E2H and without, whatever HCR_EL2.TGE is. */
void flush_tlb_all(void)
{
	dsb(ishst);
	if (host_at_el2)
		asm volatile("tlbi alle2is" : : : "memory");
	else
		asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	isb();
}

/*
 * TLBI VAE2 would reach the host's regime always, but QEMU 7.2 does not apply it to EL2&0. With E2H
 * the EL1 form means EL2&0 as long as TGE is set; in a guest's handler it is not, and all of EL2&0
 * is dropped.
 */
#define tlbi_host_page(va, shareable)                                                           \
	do {                                                                                    \
		u64 __page = FIELD(va, 55, 12);                                                 \
		if (!host_at_el2 || (host_vhe && (read_sysreg(hcr_el2) & HCR_EL2_TGE)))         \
			asm volatile("tlbi vaae1" shareable ", %0" : : "r"(__page) : "memory"); \
		else if (host_vhe)                                                              \
			asm volatile("tlbi alle2" shareable : : : "memory");                    \
		else                                                                            \
			asm volatile("tlbi vae2" shareable ", %0" : : "r"(__page) : "memory");  \
	} while (0)

void flush_tlb_page(unsigned long va)
{
	dsb(ishst);
	tlbi_host_page(va, "is");
	dsb(ish);
	isb();
}

phys_addr_t virt_to_phys(const volatile void *va)
{
	phys_addr_t pa;

	if (!vm_contains(va))
		return __pa(va);
	pa = virt_to_pte_phys(mmu_idmap, va);
	assert_msg(pa != INVALID_PHYS_ADDR, "%p is not mapped", va);
	return pa;
}

void mmu_page_hide(pteval_t *pte, const void *va)
{
	*pte &= ~PT_VALID;
	dsb(nshst);
	tlbi_host_page((u64)va, "");
	dsb(nsh);
	isb();
}

void mmu_page_show(pteval_t *pte)
{
	*pte |= PT_VALID;
	dsb(ishst); /* also for a CPU that the guest moves to */
	isb();
}

void *ioremap(phys_addr_t pa, size_t size)
{
	phys_addr_t start = pa & PAGE_MASK;

	/* Before the tables exist, addresses are physical. */
	if (mmu_idmap)
		mmu_map(mmu_idmap, start, start, PAGE_ALIGN(pa + size) - start, MMU_DEVICE);
	return __va(pa);
}

void flush_dcache_addr(unsigned long va)
{
	asm volatile("dc civac, %0" : : "r"(va) : "memory");
	dsb(ish);
}

void dcache_clean_inval_poc(const void *start, size_t size)
{
	u64 line = 4UL << FIELD(get_ctr(), 19, 16), end = (u64)start + size;

	for (u64 va = ALIGN_DOWN((u64)start, line); va < end; va += line)
		asm volatile("dc civac, %0" : : "r"(va) : "memory");
	dsb(sy);
}

void sync_icache(const void *start, size_t size)
{
	u64 ctr = get_ctr();
	u64 dline = 4UL << FIELD(ctr, 19, 16), iline = 4UL << FIELD(ctr, 3, 0);
	u64 first = (u64)start, end = first + size;

	for (u64 va = ALIGN_DOWN(first, dline); va < end; va += dline)
		asm volatile("dc cvau, %0" : : "r"(va) : "memory");
	dsb(ish);
	for (u64 va = ALIGN_DOWN(first, iline); va < end; va += iline)
		asm volatile("ic ivau, %0" : : "r"(va) : "memory");
	dsb(ish);
	isb();
}
