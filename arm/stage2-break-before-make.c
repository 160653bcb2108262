/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Break-before-make (DDI 0487, D8.16.1): when the TLB entries of a leaf that changes its size, its
 * type or its contiguous hint are dropped, no walk finds it. A TLB cannot be asked, but each
 * invalidation can be watched.
 */
#include <libcflat.h>
#include <subtest.h>
#include <util.h>
#include <asm/guest.h>
#include <asm/stage2-tlb.h>

#define IPA 0x80000000UL
#define PA 0x40000000UL
#define PAGE (IPA + 5 * SZ_4K) /* in each of the ranges */

/* Invalidations that cover PAGE, while it is unmapped and while it is mapped. */
static unsigned int while_unmapped, while_mapped;
/* The last of the first kind */
static u64 dropped_ipa, dropped_size;

static void count_invalidation(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	if (ipa > PAGE || PAGE - ipa >= size)
		return;
	if (s2mmu_lookup(mmu, PAGE, NULL)) {
		while_mapped++;
		return;
	}
	while_unmapped++;
	dropped_ipa = ipa;
	dropped_size = size;
}

static struct s2_mmu *create(bool allow_block, u64 size, unsigned long flags)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, allow_block);

	assert(mmu && !s2mmu_map(mmu, IPA, PA, size, flags));
	return mmu;
}

static void begin(void)
{
	while_unmapped = while_mapped = 0;
	s2_tlb_observer = count_invalidation;
}

/* Exactly one invalidation while PAGE is unmapped, and PAGE is mapped again. */
static void end(struct s2_mmu *mmu, const char *what)
{
	s2_tlb_observer = NULL;
	report(while_unmapped == 1 && s2mmu_translate(mmu, PAGE) == PAGE - IPA + PA,
	       "%s: expected 1 invalidation while it is unmapped, PA %#lx; found %u, and %u while "
	       "mapped, PA %#lx",
	       what, PAGE - IPA + PA, while_unmapped, while_mapped, s2mmu_translate(mmu, PAGE));
	s2mmu_destroy(mmu);
}

static void test_split(void)
{
	struct s2_mmu *mmu = create(true, SZ_2M, S2_MAP_RW);

	begin();
	assert(!s2mmu_unmap(mmu, IPA, SZ_4K));
	end(mmu, "a block of which another page is unmapped");
	mmu = create(true, SZ_1G, S2_MAP_RW);
	begin();
	assert(!s2mmu_unmap(mmu, IPA + SZ_2M, SZ_2M));
	end(mmu, "a block of 1 GiB of which another block is unmapped");
}

static void test_collapse(void)
{
	struct s2_mmu *mmu = create(false, SZ_2M, S2_MAP_RW);
	int collapsed;

	begin();
	collapsed = s2mmu_collapse(mmu, IPA, SZ_2M);
	report(collapsed == 1, "tables of 2 MiB of pages that collapse: expected 1, found %d",
	       collapsed);
	end(mmu, "pages that become a block");
}

static void test_type(void)
{
	struct s2_mmu *mmu = create(false, SZ_64K, S2_MAP_RW);

	begin();
	assert(!s2mmu_protect(mmu, PAGE, SZ_4K, S2_MAP_RW | S2_MAP_NORMAL_NC));
	end(mmu, "a page that becomes non-cacheable");
	report(dropped_ipa == PAGE && dropped_size == SZ_4K,
	       "what is invalidated of it: expected %#lx bytes from %#lx, found %#lx from %#lx",
	       (u64)SZ_4K, PAGE, dropped_size, dropped_ipa);
	mmu = create(false, SZ_64K, S2_MAP_RW);
	begin();
	assert(!s2mmu_protect(mmu, PAGE, SZ_4K, S2_MAP_RO));
	s2_tlb_observer = NULL;
	report(while_unmapped == 0 && while_mapped == 1,
	       "invalidations of a page made read-only, while unmapped and mapped: expected 0 and 1, "
	       "found %u and %u",
	       while_unmapped, while_mapped);
	s2mmu_destroy(mmu);
}

static struct s2_mmu *create_run(void)
{
	return create(false, SZ_64K, S2_MAP_RW | S2_MAP_CONTIGUOUS);
}

static unsigned int hints(struct s2_mmu *mmu)
{
	unsigned int count = 0;

	for (u64 ipa = IPA; ipa < IPA + SZ_64K; ipa += SZ_4K) {
		const pteval_t *leaf = s2mmu_lookup(mmu, ipa, NULL);

		count += leaf && (*leaf & S2_CONTIGUOUS);
	}
	return count;
}

/* A run is split when any part of it is unmapped, and when all of it is protected. */
static void test_run(void)
{
	static const struct {
		u64 ipa, size;
		const char *what;
	} parts[] = {
		{ IPA, SZ_4K, "the first page of a contiguous run" },
		{ IPA + 6 * SZ_4K, SZ_4K, "a page in a contiguous run" },
		{ IPA + 6 * SZ_4K, 10 * SZ_4K, "the end of a contiguous run" },
		{ IPA + 8 * SZ_4K, SZ_64K, "the end of a contiguous run and what follows it" },
	};
	struct s2_mmu *mmu;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		mmu = create_run();
		begin();
		assert(!s2mmu_unmap(mmu, parts[i].ipa, parts[i].size));
		report_equal(hints(mmu), 0, "contiguous hints, %s unmapped", parts[i].what);
		end(mmu, parts[i].what);
	}
	mmu = create_run();
	begin();
	assert(!s2mmu_protect(mmu, IPA, SZ_64K, S2_MAP_RO));
	report_equal(hints(mmu), 0, "contiguous hints of a run that is protected");
	end(mmu, "a contiguous run that is protected");
}

/* All of a run goes in one step. */
static void test_whole_run(void)
{
	struct s2_mmu *mmu = create_run();

	begin();
	assert(!s2mmu_unmap(mmu, IPA, SZ_64K));
	s2_tlb_observer = NULL;
	report(while_unmapped == 1 && while_mapped == 0 && !s2mmu_lookup(mmu, PAGE, NULL),
	       "a contiguous run that is unmapped: expected 1 invalidation while unmapped and 0 "
	       "while mapped, found %u and %u",
	       while_unmapped, while_mapped);
	s2mmu_destroy(mmu);
}

/* A raw descriptor, which is restored. */
static void test_raw(void)
{
	struct s2_mmu *mmu = create(false, SZ_64K, S2_MAP_RW);
	pteval_t *leaf = s2mmu_lookup(mmu, PAGE, NULL);

	assert(!s2mmu_set_raw(mmu, PAGE, PT_LEVEL_LAST, *leaf + SZ_64K));
	begin();
	s2mmu_restore_raw(mmu);
	end(mmu, "a raw descriptor that is restored");
}

static const struct subtest subtests[] = {
	{ "split", test_split }, { "collapse", test_collapse },	  { "type", test_type },
	{ "run", test_run },	 { "whole-run", test_whole_run }, { "raw", test_raw },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
