/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the library that tests may use and the framework does not. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <argv.h>
#include <errata.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>

/*
 * Memory
 */

static unsigned int allocations, frees;
static struct alloc_ops *library_ops;

static void *count_memalign(size_t alignment, size_t size)
{
	allocations++;
	return library_ops->memalign(alignment, size);
}

static void count_free(void *mem)
{
	frees++;
	library_ops->free(mem);
}

static void test_alloc_ops(void)
{
	struct alloc_ops counting = { .memalign = count_memalign, .free = count_free };

	library_ops = alloc_ops;
	alloc_ops = &counting;
	free(malloc(10));
	free(calloc(2, 10));
	free(memalign(64, 10));
	free(NULL);
	alloc_ops = library_ops;
	free(malloc(10));
	report(allocations == 3 && frees == 3,
	       "malloc(), calloc(), memalign() through alloc_ops: expected 3, found %u; freed %u",
	       allocations, frees);
}

/* True when @count pages from @pa on can be reserved, and none of them twice. */
static bool reserve_once(phys_addr_t pa, size_t count)
{
	unsigned long before = alloc_pages_in_use();

	if (reserve_pages(pa, count) || alloc_pages_in_use() != before + count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (reserve_pages(pa + i * PAGE_SIZE, 1) == 0)
			return false;
	return reserve_pages(pa, count) == -1 && alloc_pages_in_use() == before + count;
}

static void test_reserve(void)
{
	unsigned long before = alloc_pages_in_use();
	char *block = alloc_pages(4);
	phys_addr_t pa = virt_to_phys(block), never = ALIGN(pa + SZ_16M, SZ_1M) + 3 * PAGE_SIZE;
	unsigned int met = 0;
	void *pages[64];

	report(reserve_pages(pa, 1) == -1, "a page that is in use is not reserved");
	report(reserve_pages(PHYS_END, 1) == -1 && reserve_pages(0, 1) == -1,
	       "nor is one that is not there");
	free_pages(block);
	report(reserve_once(pa + 5 * PAGE_SIZE, 3), "three pages in the middle of a free block");
	report(reserve_pages(pa, 16) == -1 && alloc_pages_in_use() == before + 3,
	       "a range that is free in part stays as it was");
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page();
		met += virt_to_phys(pages[i]) - (pa + 5 * PAGE_SIZE) < 3 * PAGE_SIZE;
	}
	report(!met, "nobody gets a reserved page: %u of %zu", met, ARRAY_SIZE(pages));
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		free_page(pages[i]);
	unreserve_pages(pa + 5 * PAGE_SIZE, 3);
	report(reserve_once(never, 5), "five pages that were never handed out");
	unreserve_pages(never, 5);
	report(alloc_pages_in_use() == before && reserve_once(pa, 16),
	       "given back, they are one block again: %lu pages in use",
	       alloc_pages_in_use() - before);
	unreserve_pages(pa, 16);
}

/*
 * Translation
 */

static unsigned int faults;

static void skip_fault(struct pt_regs *regs, unsigned int esr)
{
	faults += (esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
	regs->pc += 4;
}

/* True when a store of @value to @p takes a permission fault. */
static bool store_faults(u64 *p, u64 value)
{
	unsigned int before = faults;

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, skip_fault);
	asm volatile("str %0, [%1]" : : "r"(value), "r"(p) : "memory");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, NULL);
	return faults != before;
}

static void test_vmap(void)
{
	u64 *mem = alloc_pages(1), *other = alloc_page();
	phys_addr_t pa = virt_to_phys(mem);
	u64 *alias = vmap(pa + 8, 2 * PAGE_SIZE - 8);
	u64 *last = &mem[2 * PAGE_SIZE / 8 - 1];
	pteval_t *entry;

	setup_vm();
	mem[1] = 1;
	*last = 2;
	report(vm_available() && alias != &mem[1] && alias[0] == 1,
	       "vmap() of the byte it is told");
	report(alias[2 * PAGE_SIZE / 8 - 2] == 2, "vmap() to the end");
	alias[0] = 3;
	report(mem[1] == 3 && virt_to_phys(alias) == pa + 8, "memory is one under two addresses");
	report(virt_to_pte_phys(mmu_idmap, mem) == pa &&
		       virt_to_pte_phys(mmu_idmap, (char *)alias + 1) == pa + 9,
	       "virt_to_pte_phys() in a block and in a page");
	report(virt_to_pte_phys(mmu_idmap, alloc_vpage()) == INVALID_PHYS_ADDR,
	       "an address of alloc_vpage() is not mapped");

	other[1] = 4;
	entry = install_page(mmu_idmap, virt_to_phys(other), alias);
	report(entry == follow_pte(mmu_idmap, (uintptr_t)alias) && alias[0] == 4,
	       "install_page() takes the place of another: expected 4, found %lu", alias[0]);
	report(pte_val(*entry) & PTE_VALID, "its entry: %#lx", pte_val(*entry));
}

static void test_ranges(void)
{
	u64 *mem = memalign_pages(SZ_2M, SZ_4M), *va = alloc_vpages(SZ_1G / PAGE_SIZE);
	phys_addr_t pa = virt_to_phys(mem);
	pgprot_t data = __pgprot(PTE_WBWA | PTE_UXN | PTE_PXN | PTE_USER);
	pgprot_t rodata = __pgprot(pgprot_val(data) | PTE_RDONLY);
	u64 leaf = pt_level_size(PAGE_SHIFT, 2), wrong = 0;

	for (u64 i = 0; i < SZ_4M / 8; i += PAGE_SIZE / 8)
		mem[i] = i;
	mmu_set_range_ptes(mmu_idmap, (uintptr_t)va, pa, pa + 4 * PAGE_SIZE, data);
	for (u64 i = 0; i < 4 * PAGE_SIZE / 8; i += PAGE_SIZE / 8)
		wrong += va[i] != i;
	report(!wrong && !follow_pte(mmu_idmap, (uintptr_t)va + 4 * PAGE_SIZE),
	       "four pages, and no more: %lu wrong", wrong);
	report(!store_faults(va, 5) && mem[0] == 5, "they can be written");
	mmu_set_range_ptes(mmu_idmap, (uintptr_t)va, pa, pa + PAGE_SIZE, rodata);
	report(store_faults(va, 6) && mem[0] == 5, "made read-only, they cannot");
	flush_dcache_addr((unsigned long)va);
	report(mem[0] == 5, "what was written is there after flush_dcache_addr()");

	va = (u64 *)ALIGN((uintptr_t)va + leaf, leaf);
	pa = ALIGN_DOWN(pa, leaf);
	mmu_set_range_sect(mmu_idmap, (uintptr_t)va, pa, pa + leaf, data);
	report(virt_to_pte_phys(mmu_idmap, (char *)va + leaf - 1) == pa + leaf - 1 &&
		       !pt_is_table(*follow_pte(mmu_idmap, (uintptr_t)va), 2),
	       "a block of %lu MiB", leaf / SZ_1M);
	report(va[(virt_to_phys(mem) - pa) / 8 + PAGE_SIZE / 8] == PAGE_SIZE / 8,
	       "memory through it");
}

/*
 * Text and environment
 */

static void test_text(void)
{
	static const struct {
		const char *text, *pattern;
		bool fits;
	} cases[] = {
		{ "", "", true },	    { "", "*", true },		 { "a", "", false },
		{ "abc", "abc", true },	    { "abc", "ab", false },	 { "ab", "abc", false },
		{ "abc", "a*", true },	    { "abc", "*c", true },	 { "abc", "*b", false },
		{ "abc", "a*c", true },	    { "abcbc", "a*bc", true },	 { "abcb", "a*bc", false },
		{ "aXbYc", "*X*Y*", true }, { "aYbXc", "*X*Y*", false }, { "ab", "a**b", true },
	};
	char digits[BINSTR_SZ];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		report(simple_glob(cases[i].text, cases[i].pattern) == cases[i].fits,
		       "simple_glob(\"%s\", \"%s\"): %sexpected", cases[i].text, cases[i].pattern,
		       cases[i].fits ? "" : "not ");
	binstr(0x8000000000000005, digits);
	report(!strcmp(digits, "1000'0000'0000'0000'0000'0000'0000'0000'"
			       "0000'0000'0000'0000'0000'0000'0000'0101"),
	       "binstr(): %s", digits);
	TEST_EXPECT_EQ(strlen(digits), BINSTR_SZ - 1);
	report(__getchar() == -1, "nobody types anything");
}

static void test_errata(void)
{
	static const char environment[] = "ERRATA_yes=y\nERRATA_one=1\nERRATA_no=n\n";

	setup_env(environment, sizeof(environment) - 1);
	report(ERRATA(yes) && ERRATA(one) && !ERRATA(no) && !ERRATA(unknown),
	       "ERRATA(): what the environment says is mended");
	report(ERRATA_RELAXED(yes) && ERRATA_RELAXED(one) && !ERRATA_RELAXED(no) &&
		       ERRATA_RELAXED(unknown),
	       "ERRATA_RELAXED(): and what it says nothing of");
}

/*
 * The CPU
 */

/* SVE is the tests' own to turn on. */
static void open_sve(void)
{
	if (!host_at_el2)
		write_sysreg(read_sysreg(cpacr_el1) | CPACR_EL1_FPEN | CPACR_EL1_ZEN, cpacr_el1);
	else if (host_vhe)
		write_sysreg(read_sysreg(cptr_el2) | CPTR_VHE_ZEN, cptr_el2);
	else
		write_sysreg(read_sysreg(cptr_el2) & ~CPTR_NVHE_TZ, cptr_el2);
	isb();
}

static void test_cpu(void)
{
	u64 stack = (u64)__builtin_frame_address(0), sp = current_stack_pointer;

	report(system_supports_granule(PAGE_SIZE) && !system_supports_granule(SZ_2M),
	       "the CPU has pages of %lu KiB", PAGE_SIZE / 1024);
	report(stack - sp < THREAD_SIZE, "current_stack_pointer: %#lx, frame at %#lx", sp, stack);
	if (system_supports_sve()) {
		open_sve();
		report(sve_vl() >= 128 && sve_vl() % 128 == 0 && sve_vl() <= 2048,
		       "vectors of %d bits", sve_vl());
	} else {
		report_skip("no SVE (ID_AA64PFR0_EL1.SVE)");
	}
	if (system_supports_rndr())
		report(read_sysreg(RNDR) != read_sysreg(RNDR), "RNDR gives two numbers");
	else
		report_skip("no FEAT_RNG (ID_AA64ISAR0_EL1.RNDR)");
}

static const struct subtest subtests[] = {
	{ "alloc-ops", test_alloc_ops },
	{ "reserve", test_reserve },
	{ "vmap", test_vmap },
	{ "ranges", test_ranges },
	{ "text", test_text },
	{ "errata", test_errata },
	{ "cpu", test_cpu },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
