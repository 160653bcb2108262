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
	       "malloc(), calloc(), memalign() through alloc_ops: expected 3, and 3 free(), found %u, %u",
	       allocations, frees);
}

/* @count pages from @pa on can be reserved, and none of them twice. */
static void check_reserve(phys_addr_t pa, size_t count, const char *what)
{
	unsigned long before = alloc_pages_in_use(), taken;
	int first = reserve_pages(pa, count), twice = 0;

	for (size_t i = 0; i < count; i++)
		twice += reserve_pages(pa + i * PAGE_SIZE, 1) == 0;
	twice += reserve_pages(pa, count) == 0;
	taken = alloc_pages_in_use() - before;
	report(!first && taken == count && !twice,
	       "reserve_pages() of %zu pages %s: expected 0, %zu pages in use, 0 reserved twice, "
	       "found %d, %lu, %d",
	       count, what, count, first, taken, twice);
}

static void test_reserve(void)
{
	unsigned long before = alloc_pages_in_use();
	char *block = alloc_pages(4);
	phys_addr_t pa = virt_to_phys(block), never = ALIGN(pa + SZ_16M, SZ_1M) + 3 * PAGE_SIZE;
	unsigned int met = 0;
	void *pages[64];

	report_equal_int(reserve_pages(pa, 1), -1, "reserve_pages() of a page in use");
	report_equal_int(reserve_pages(PHYS_END, 1), -1, "reserve_pages() behind the memory");
	report_equal_int(reserve_pages(0, 1), -1, "reserve_pages() at address 0");
	free_pages(block);
	check_reserve(pa + 5 * PAGE_SIZE, 3, "in the middle of a free block");
	report_equal_int(reserve_pages(pa, 16), -1,
			 "reserve_pages() of a range that is free in part");
	report_equal(alloc_pages_in_use() - before, 3, "pages in use after a range was refused");
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page();
		met += virt_to_phys(pages[i]) - (pa + 5 * PAGE_SIZE) < 3 * PAGE_SIZE;
	}
	report(!met, "reserved pages among %zu from alloc_page(): expected 0, found %u",
	       ARRAY_SIZE(pages), met);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		free_page(pages[i]);
	unreserve_pages(pa + 5 * PAGE_SIZE, 3);
	check_reserve(never, 5, "that were never handed out");
	unreserve_pages(never, 5);
	report_equal(alloc_pages_in_use() - before, 0, "pages in use after unreserve_pages()");
	check_reserve(pa, 16, "that were unreserved in parts");
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
	report_equal(vm_available(), true, "vm_available()");
	report(alias != &mem[1], "address from vmap(): expected another than %p, found %p", &mem[1],
	       alias);
	report_equal(alias[0], 1, "first word of a vmap()");
	report_equal(alias[2 * PAGE_SIZE / 8 - 2], 2, "last word of a vmap()");
	alias[0] = 3;
	report_equal(mem[1], 3, "word in memory written through its vmap()");
	report_equal(virt_to_phys(alias), pa + 8, "virt_to_phys() of a vmap()");
	report_equal(virt_to_pte_phys(mmu_idmap, mem), pa, "virt_to_pte_phys() in a block");
	report_equal(virt_to_pte_phys(mmu_idmap, (char *)alias + 1), pa + 9,
		     "virt_to_pte_phys() in a page");
	report_equal(virt_to_pte_phys(mmu_idmap, alloc_vpage()), INVALID_PHYS_ADDR,
		     "virt_to_pte_phys() of an alloc_vpage()");

	other[1] = 4;
	entry = install_page(mmu_idmap, virt_to_phys(other), alias);
	report_equal((u64)entry, (u64)follow_pte(mmu_idmap, (uintptr_t)alias),
		     "entry from install_page()");
	report_equal(alias[0], 4, "word of a page installed in place of another");
	report(pte_val(*entry) & PTE_VALID,
	       "entry of an installed page: expected valid, found %#lx", pte_val(*entry));
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
	report_equal(wrong, 0, "wrong words on four pages of mmu_set_range_ptes()");
	report_equal((u64)follow_pte(mmu_idmap, (uintptr_t)va + 4 * PAGE_SIZE), 0,
		     "leaf behind four pages of mmu_set_range_ptes()");
	report_equal(store_faults(va, 5), false, "permission fault of a store to a writable page");
	report_equal(mem[0], 5, "word stored to a writable page");
	mmu_set_range_ptes(mmu_idmap, (uintptr_t)va, pa, pa + PAGE_SIZE, rodata);
	report_equal(store_faults(va, 6), true, "permission fault of a store to a read-only page");
	report_equal(mem[0], 5, "word after a store to a read-only page");
	flush_dcache_addr((unsigned long)va);
	report_equal(mem[0], 5, "word after flush_dcache_addr()");

	va = (u64 *)ALIGN((uintptr_t)va + leaf, leaf);
	pa = ALIGN_DOWN(pa, leaf);
	mmu_set_range_sect(mmu_idmap, (uintptr_t)va, pa, pa + leaf, data);
	report_equal(virt_to_pte_phys(mmu_idmap, (char *)va + leaf - 1), pa + leaf - 1,
		     "address of the last byte of a block of %lu MiB", leaf / SZ_1M);
	report(!pt_is_table(*follow_pte(mmu_idmap, (uintptr_t)va), 2),
	       "descriptor by mmu_set_range_sect(): expected a block, found %#lx",
	       *follow_pte(mmu_idmap, (uintptr_t)va));
	report_equal(va[(virt_to_phys(mem) - pa) / 8 + PAGE_SIZE / 8], PAGE_SIZE / 8,
		     "word read through a block");
}

/* Checks that each page of [@start, @start + @size) has its number, and is writable but for @page. */
static void check_pages(u64 *start, size_t size, u64 *page, const char *what)
{
	u64 wrong = 0, denied = 0;

	for (u64 *word = start; word < start + size / 8; word += PAGE_SIZE / 8) {
		wrong += *word != (u64)word;
		denied += store_faults(word, (u64)word);
	}
	report(store_faults(page, (u64)page), "store to a page of %s: expected a fault, found none",
	       what);
	report_equal(wrong, 0, "wrong words in a block that was split, %s", what);
	report_equal(denied, 1, "pages of it that are not writable, %s", what);
}

/* A page of a block that maps the heap */
static void test_split(void)
{
	u64 size = pt_level_size(PAGE_SHIFT, 2);
	u64 *mem = memalign_pages(size, size), *page = mem + 3 * PAGE_SIZE / 8;
	pteval_t before;
	phys_addr_t pa;

	if (!mem) {
		report_skip("no memory for a block of %lu MiB", size / SZ_1M);
		return;
	}
	pa = virt_to_phys(page);
	for (u64 *word = mem; word < mem + size / 8; word += PAGE_SIZE / 8)
		*word = (u64)word;
	before = *follow_pte(mmu_idmap, (uintptr_t)mem);
	report(!mmu_page_entry(mmu_idmap, (uintptr_t)mem),
	       "leaf of the heap: expected a block, found %#lx", before);
	mmu_set_range_ptes(mmu_idmap, (uintptr_t)page, pa, pa + PAGE_SIZE,
			   __pgprot((before & ~(PT_ADDR_MASK | PT_TABLE)) | PTE_RDONLY));
	check_pages(mem, size, page, "made read-only by mmu_set_range_ptes()");
	report(mmu_page_entry(mmu_idmap, (uintptr_t)mem) &&
		       !((*follow_pte(mmu_idmap, (uintptr_t)mem) ^ before) &
			 ~(PT_ADDR_MASK | PT_TABLE)),
	       "attributes of another page of the block: expected those of %#lx, found %#lx",
	       before, *follow_pte(mmu_idmap, (uintptr_t)mem));
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
	static const char expected[] = "1000'0000'0000'0000'0000'0000'0000'0000'"
				       "0000'0000'0000'0000'0000'0000'0000'0101";
	char digits[BINSTR_SZ];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		report_equal(simple_glob(cases[i].text, cases[i].pattern), cases[i].fits,
			     "simple_glob(\"%s\", \"%s\")", cases[i].text, cases[i].pattern);
	binstr(0x8000000000000005, digits);
	report(!strcmp(digits, expected), "binstr(): expected %s, found %s", expected, digits);
	TEST_EXPECT_EQ(strlen(digits), BINSTR_SZ - 1);
	TEST_EXPECT_EQ(-1, 0xffffffff);
	TEST_EXPECT_EQ_MSG((u8)0xff, 0xff, "an unsigned char");
	report_equal_int(__getchar(), -1, "__getchar() with nothing typed");
}

static void test_errno_name(void)
{
	static const struct {
		int error;
		const char *name;
	} cases[] = {
		{ 1, "success" },
		{ 0, "success" },
		{ -1, "unknown" },
		{ -ENOENT, "ENOENT" },
		{ -EEXIST, "EEXIST" },
		{ -EOPNOTSUPP, "EOPNOTSUPP" },
		{ -EOPNOTSUPP - 1, "unknown" },
		{ INT32_MIN, "unknown" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		report(!strcmp(errno_name(cases[i].error), cases[i].name),
		       "errno_name(%d): expected %s, found %s", cases[i].error, cases[i].name,
		       errno_name(cases[i].error));
}

static void test_errata(void)
{
	static const char environment[] = "ERRATA_yes=y\nERRATA_one=1\nERRATA_no=n\n";

	setup_env(environment, sizeof(environment) - 1);
	report(ERRATA(yes) && ERRATA(one) && !ERRATA(no) && !ERRATA(unknown),
	       "ERRATA() of y, 1, n and unset: expected 1, 1, 0, 0, found %d, %d, %d, %d",
	       ERRATA(yes), ERRATA(one), ERRATA(no), ERRATA(unknown));
	report(ERRATA_RELAXED(yes) && ERRATA_RELAXED(one) && !ERRATA_RELAXED(no) &&
		       ERRATA_RELAXED(unknown),
	       "ERRATA_RELAXED() of y, 1, n and unset: expected 1, 1, 0, 1, found %d, %d, %d, %d",
	       ERRATA_RELAXED(yes), ERRATA_RELAXED(one), ERRATA_RELAXED(no),
	       ERRATA_RELAXED(unknown));
}

/*
 * The CPU
 */

/* The library leaves SVE off. */
static void enable_sve(void)
{
	if (!host_at_el2)
		write_sysreg(read_sysreg(cpacr_el1) | CPACR_EL1_FPEN | CPACR_EL1_ZEN, cpacr_el1);
	else if (host_vhe)
		write_sysreg(read_sysreg(cptr_el2) | CPTR_VHE_ZEN, cptr_el2);
	else
		write_sysreg(read_sysreg(cptr_el2) & ~CPTR_NVHE_TZ, cptr_el2);
	isb();
}

static void check_rndr(void)
{
	u64 first = read_sysreg(RNDR), second = read_sysreg(RNDR);

	report(first != second, "two reads of RNDR: expected to differ, found %#lx and %#lx", first,
	       second);
}

static void test_cpu(void)
{
	u64 stack = (u64)__builtin_frame_address(0), sp = current_stack_pointer;

	report_equal(system_supports_granule(PAGE_SIZE), true, "system_supports_granule(%lu)",
		     PAGE_SIZE);
	report_equal(system_supports_granule(SZ_2M), false, "system_supports_granule(%d)", SZ_2M);
	report(stack - sp < THREAD_SIZE,
	       "current_stack_pointer: expected less than %d below the frame at %#lx, found %#lx",
	       (int)THREAD_SIZE, stack, sp);
	if (system_supports_sve()) {
		enable_sve();
		report(sve_vl() >= 128 && sve_vl() % 128 == 0 && sve_vl() <= 2048,
		       "sve_vl(): expected a multiple of 128 up to 2048, found %d", sve_vl());
	} else {
		report_skip("no SVE (ID_AA64PFR0_EL1.SVE)");
	}
	if (system_supports_rndr())
		check_rndr();
	else
		report_skip("no FEAT_RNG (ID_AA64ISAR0_EL1.RNDR)");
}

static const struct subtest subtests[] = {
	{ "alloc-ops", test_alloc_ops },   { "reserve", test_reserve }, { "vmap", test_vmap },
	{ "ranges", test_ranges },	   { "split", test_split },	{ "text", test_text },
	{ "errno-name", test_errno_name }, { "errata", test_errata },	{ "cpu", test_cpu },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
