/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw descriptors: wrong tables, the faults that they cause, and the decoded walk, which
 * tests/test_framework.py reads.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <subtest.h>
#include <util.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/stage2-check.h>

#define IPA 0x100000000UL
#define VALUE 0x1234567890UL
#define RESERVED_AT_LEVEL_3 PT_VALID /* without bit 1 */

struct raw {
	struct guest *guest;
	struct s2_mmu *mmu;
	u64 *page;
};

static void setup_raw(struct raw *raw)
{
	*raw = (struct raw){ .mmu = s2mmu_init(1, S2_PAGE_4K, true), .page = alloc_page() };
	assert(raw->mmu && raw->page);
	raw->guest = s2_probe_create(raw->mmu);
	raw->page[0] = VALUE;
	dcache_clean_inval_poc(raw->page, sizeof(raw->page[0])); /* for a read past the caches */
	assert(raw->guest &&
	       !s2mmu_map(raw->mmu, IPA, virt_to_phys(raw->page), PAGE_SIZE, S2_MAP_RW));
}

/*
 * A raw descriptor made by break-before-make (DDI 0487, D8.16.1), as a TLB may hold the one before:
 * the fault @fsc that it causes or S2_NO_FAULT, and the descriptor restored.
 */
static void check(struct raw *raw, int level, pteval_t value, unsigned int fsc, const char *what)
{
	assert(!s2mmu_set_raw(raw->mmu, IPA, level, 0));
	s2mmu_flush(raw->mmu);
	assert(!s2mmu_set_raw(raw->mmu, IPA, level, value));
	if (fsc == S2_NO_FAULT)
		s2_check_reads(raw->guest, IPA, VALUE, "%s", what);
	else
		s2_check_access(raw->guest, 1, S2_READ, IPA, NULL, fsc, "%s", what);
	report_equal(*s2mmu_entry(raw->mmu, IPA, level), value, "%s, descriptor", what);
	s2mmu_restore_raw(raw->mmu);
	s2_check_reads(raw->guest, IPA, VALUE, "%s, restored", what);
}

static void test_wrong(void)
{
	struct raw raw;
	pteval_t leaf;

	setup_raw(&raw);
	leaf = *s2mmu_lookup(raw.mmu, IPA, NULL);
	check(&raw, 3, leaf & ~PT_VALID, ESR_ELx_FSC_FAULT | 3, "invalid page");
	check(&raw, 3, (leaf & ~3UL) | RESERVED_AT_LEVEL_3, ESR_ELx_FSC_FAULT | 3,
	      "reserved at level 3");
	check(&raw, 3, leaf & ~S2_AF, ESR_ELx_FSC_ACCESS | 3, "no access flag");
	check(&raw, 3, leaf & ~S2_AP_READ, ESR_ELx_FSC_PERM | 3, "no read permission");
	check(&raw, 2, 0, ESR_ELx_FSC_FAULT | 2, "invalid table");
	check(&raw, 1, 0, ESR_ELx_FSC_FAULT | 1, "invalid root entry");
	/* A table above PARange */
	if (s2_features()->pa_bits < 48)
		check(&raw, 2, 1UL << 47 | PT_VALID | PT_TABLE, ESR_ELx_FSC_ADDRSZ | 2,
		      "a table beyond PARange");
	check(&raw, 3, (leaf & ~S2_MEMATTR_MASK) | S2_MEMATTR(S2_MEMATTR_NORMAL_NC), S2_NO_FAULT,
	      "non-cacheable");
	guest_destroy(raw.guest);
	free_page(raw.page);
}

/* Several descriptors, one of them twice, have their own values again. */
static void test_restore(void)
{
	struct raw raw;
	u64 pages[] = { IPA, IPA + SZ_64K, IPA + SZ_2M, IPA };

	setup_raw(&raw);
	for (u64 i = 0; i < ARRAY_SIZE(pages); i++)
		assert(!s2mmu_set_raw(raw.mmu, pages[i], PT_LEVEL_LAST, 0x100 * (i + 1)));
	report_equal(*s2mmu_entry(raw.mmu, IPA, PT_LEVEL_LAST), 0x400,
		     "descriptor set raw twice, before s2mmu_restore_raw()");
	s2mmu_restore_raw(raw.mmu);
	s2_check_reads(raw.guest, IPA, VALUE, "descriptor set raw twice, restored");
	for (u64 i = 1; i < 3; i++)
		report_equal(*s2mmu_entry(raw.mmu, pages[i], PT_LEVEL_LAST), 0,
			     "descriptor for %#lx, which was 0, restored", pages[i]);
	guest_destroy(raw.guest);
	free_page(raw.page);
}

static void test_errors(void)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, true);
	int start = mmu->geometry.start_level;
	unsigned long pages;

	report_equal_error(s2mmu_set_raw(mmu, 1UL << mmu->geometry.ipa_bits, 3, 0), -EINVAL,
			   "s2mmu_set_raw() beyond the last IPA");
	report_equal_error(s2mmu_set_raw(mmu, 0, start - 1, 0), -EINVAL,
			   "s2mmu_set_raw() above the start level");
	report_equal_error(s2mmu_set_raw(mmu, 0, 4, 0), -EINVAL, "s2mmu_set_raw() at level 4");
	report_equal((u64)s2mmu_entry(mmu, 0, 4), 0, "s2mmu_entry() at level 4");
	assert(!s2mmu_map(mmu, 0, 0, SZ_2M, S2_MAP_RW));
	report_equal_error(s2mmu_set_raw(mmu, 0, 3, 0), -EEXIST, "s2mmu_set_raw() below a block");
	report_equal((u64)s2mmu_entry(mmu, SZ_2M, 3), 0, "s2mmu_entry() where no table is");
	pages = alloc_pages_in_use();
	report_equal_error(s2mmu_set_raw(mmu, SZ_1G, 3, 0), 0, "s2mmu_set_raw() where no table is");
	report_equal(alloc_pages_in_use() - pages, 2, "tables created by s2mmu_set_raw()");
	s2mmu_destroy(mmu);
}

/* Descriptors that are replaced and restored over and over take no memory. */
static void test_leak(void)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, false);
	unsigned long before = 0;

	for (int round = 0; round <= 1000; round++) {
		assert(!s2mmu_set_raw(mmu, 0, PT_LEVEL_LAST, 0));
		s2mmu_restore_raw(mmu);
		if (!round)
			before = alloc_pages_in_use();
	}
	report(alloc_pages_in_use() == before,
	       "pages in use after 1000 raw descriptors were restored: expected %lu, found %lu",
	       before, alloc_pages_in_use());
	s2mmu_destroy(mmu);
}

/* Printed leaves and explanations of addresses; tests/ compares them. */
static void test_descriptions(void)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(1, S2_PAGE_4K, true, 40);
	char leaf[96];

	assert(!s2mmu_map(mmu, 0x80000000, 0x40000000, SZ_2M, S2_MAP_RO | S2_MAP_XN) &&
	       !s2mmu_map(mmu, 0x80200000, 0x40200000, 3 * SZ_4K, S2_MAP_RW) &&
	       !s2mmu_map(mmu, 0x80300000, 0x9000000, SZ_4K, S2_MAP_RW | S2_MAP_DEVICE_nGnRE));
	s2mmu_print(mmu);
	s2mmu_explain(mmu, 0x80123456);
	s2mmu_explain(mmu, 0x80201234);
	s2mmu_explain(mmu, 0x80204000);
	s2mmu_explain(mmu, 1UL << 40);
	assert(!s2mmu_set_raw(mmu, 0xc0000000, 2, 0x7ffffffff003));
	s2mmu_explain(mmu, 0xc0000000);
	assert(!s2mmu_set_raw(mmu, 0x140000000, 1, PT_VALID | PT_TABLE));
	s2mmu_explain(mmu, 0x140000000);
	assert(!s2mmu_map(mmu, 0x200000000, 0x40000000, SZ_1G, S2_MAP_RW));
	s2mmu_explain(mmu, 0x200000000);
	for (pteval_t attr = 0; attr < 16; attr++)
		report_info("type %lu: %s", attr,
			    s2mmu_describe_leaf(mmu, S2_MEMATTR(attr), leaf, sizeof(leaf)));
	s2mmu_destroy(mmu);
	mmu = s2mmu_init_ipa(1, S2_PAGE_4K, true, 44); /* with a level 0, on CPUs that have one */
	if (mmu) {
		assert(!s2mmu_set_raw(mmu, 0, 0, S2_AF | PT_VALID));
		s2mmu_explain(mmu, 0);
		s2mmu_destroy(mmu);
	}
	report_pass("printed");
}

static const struct subtest subtests[] = {
	{ "wrong", test_wrong },   { "restore", test_restore },
	{ "errors", test_errors }, { "descriptions", test_descriptions },
	{ "leak", test_leak },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
