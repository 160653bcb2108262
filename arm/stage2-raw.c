/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors by hand: wrong tables, what the CPU makes of them, and the walk in words, which
 * tests/test_framework.py reads.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <subtest.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/stage2-probe.h>

#define IPA 0x100000000UL
#define VALUE 0x1234567890UL
#define RESERVED_AT_LEVEL_3 PT_VALID /* without bit 1 */

struct raw {
	struct guest *guest;
	struct s2_mmu *mmu;
	u64 *page;
};

static void setup(struct raw *raw)
{
	*raw = (struct raw){ .mmu = s2mmu_init(1, S2_PAGE_4K, true), .page = alloc_page() };
	assert(raw->mmu && raw->page);
	raw->guest = s2_probe_create(raw->mmu);
	raw->page[0] = VALUE;
	assert(raw->guest &&
	       !s2mmu_map(raw->mmu, IPA, virt_to_phys(raw->page), PAGE_SIZE, S2_MAP_RW));
}

/* Set, see the CPU take @fsc (0: none), put back, see it read again. */
static void check(struct raw *raw, int level, pteval_t value, unsigned int fsc, const char *what)
{
	bool as_expected;

	assert(!s2mmu_set_raw(raw->mmu, IPA, level, value));
	as_expected = fsc ? s2_probe_faults(raw->guest, S2_READ, IPA, fsc)
			  : s2_probe_reads(raw->guest, IPA, VALUE);
	report(as_expected && *s2mmu_entry(raw->mmu, IPA, level) == value,
	       "%s: expected fault %#x, found ESR_EL2 %#lx", what, fsc, raw->guest->esr_el2);
	s2mmu_restore_raw(raw->mmu);
	report(s2_probe_reads(raw->guest, IPA, VALUE), "%s: put back", what);
}

static void test_wrong(void)
{
	struct raw raw;
	pteval_t leaf;

	setup(&raw);
	leaf = *s2mmu_lookup(raw.mmu, IPA, NULL);
	check(&raw, 3, leaf & ~PT_VALID, ESR_ELx_FSC_FAULT | 3, "invalid page");
	check(&raw, 3, (leaf & ~3UL) | RESERVED_AT_LEVEL_3, ESR_ELx_FSC_FAULT | 3,
	      "reserved at level 3");
	check(&raw, 3, leaf & ~S2_AF, ESR_ELx_FSC_ACCESS | 3, "no access flag");
	check(&raw, 3, leaf & ~S2_AP_READ, ESR_ELx_FSC_PERM | 3, "no right to read");
	check(&raw, 2, 0, ESR_ELx_FSC_FAULT | 2, "invalid table");
	check(&raw, 1, 0, ESR_ELx_FSC_FAULT | 1, "invalid root entry");
	/* A table above PARange */
	if (s2_features()->pa_bits < 48)
		check(&raw, 2, 1UL << 47 | PT_VALID | PT_TABLE, ESR_ELx_FSC_ADDRSZ | 2,
		      "a table beyond PARange");
	check(&raw, 3, leaf ^ S2_MEMATTR(2), 0, "another type");
	guest_destroy(raw.guest);
	free_page(raw.page);
}

static void test_errors(void)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, true);
	int start = mmu->geometry.start_level;
	unsigned long pages;

	report(s2mmu_set_raw(mmu, 1UL << mmu->geometry.ipa_bits, 3, 0) == -EINVAL &&
		       s2mmu_set_raw(mmu, 0, start - 1, 0) == -EINVAL &&
		       s2mmu_set_raw(mmu, 0, 4, 0) == -EINVAL && !s2mmu_entry(mmu, 0, 4),
	       "no such address or level: -EINVAL");
	assert(!s2mmu_map(mmu, 0, 0, SZ_2M, S2_MAP_RW));
	report(s2mmu_set_raw(mmu, 0, 3, 0) == -EEXIST, "below a block: -EEXIST");
	report(!s2mmu_entry(mmu, SZ_2M, 3), "no table, no descriptor");
	pages = alloc_pages_in_use();
	report(!s2mmu_set_raw(mmu, SZ_1G, 3, 0) && alloc_pages_in_use() == pages + 2,
	       "tables above a descriptor are made: expected 2, found %ld",
	       alloc_pages_in_use() - pages);
	s2mmu_destroy(mmu);
}

/* The lines that a reader sees. */
static void test_words(void)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(1, S2_PAGE_4K, true, 36);

	assert(!s2mmu_map(mmu, 0x80000000, 0x40000000, SZ_2M, S2_MAP_RO | S2_MAP_XN) &&
	       !s2mmu_map(mmu, 0x80200000, 0x40200000, 3 * SZ_4K, S2_MAP_RW) &&
	       !s2mmu_map(mmu, 0x80300000, 0x9000000, SZ_4K, S2_MAP_RW | S2_MAP_DEVICE));
	s2mmu_print(mmu);
	s2mmu_explain(mmu, 0x80123456);
	s2mmu_explain(mmu, 0x80201234);
	s2mmu_explain(mmu, 0x80204000);
	s2mmu_explain(mmu, 1UL << 40);
	assert(!s2mmu_set_raw(mmu, 0xc0000000, 2, 0x7ffffffff003));
	s2mmu_explain(mmu, 0xc0000000);
	s2mmu_destroy(mmu);
	report_pass("printed");
}

static const struct subtest subtests[] = {
	{ "wrong", test_wrong },
	{ "errors", test_errors },
	{ "words", test_words },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
