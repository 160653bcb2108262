/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * s2mmu_map() of what is mapped: the new mapping is there, what is around it stays, no TLB has the
 * old one, and no table is lost. Errors, and S2_MAP_NOREPLACE: stage2-errors.c.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <shortage.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/stage2-tlb.h>

#define VMID 1
#define IPA (4 * SZ_1G)
#define PA SZ_1G
#define NEW_PA (8 * SZ_1G) /* no memory: nothing accesses it */
#define OLD 0x1111
#define NEW 0x2222

struct range {
	u64 ipa, size;
};

/* Pages of @whole that are not mapped as they should be: @part to NEW_PA, the rest to PA. */
static unsigned int wrong_pages(struct s2_mmu *mmu, struct range whole, struct range part)
{
	unsigned int wrong = 0;

	for (u64 ipa = whole.ipa; ipa < whole.ipa + whole.size; ipa += s2_page_size(mmu)) {
		bool in_part = ipa - part.ipa < part.size;
		u64 pa = in_part ? NEW_PA + (ipa - part.ipa) : PA + (ipa - whole.ipa);
		pteval_t *leaf = s2mmu_lookup(mmu, ipa, NULL);

		wrong += s2mmu_translate(mmu, ipa) != pa || !leaf ||
			 !(*leaf & S2_AP_WRITE) != in_part;
	}
	return wrong;
}

static int level_of(struct s2_mmu *mmu, u64 ipa)
{
	int level = -1;

	s2mmu_lookup(mmu, ipa, &level);
	return level;
}

static struct s2_mmu *create(enum s2_granule granule, bool allow_block)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, granule, allow_block);

	assert(mmu);
	return mmu;
}

/*
 * Map @whole writable, then @part of it read-only to other memory. @level: expected for the leaf at
 * the start of @part.
 */
static void check_replace(struct s2_mmu *mmu, struct range whole, struct range part, int level,
			  const char *what)
{
	unsigned long before = alloc_pages_in_use();
	unsigned int wrong;
	int err;

	assert(!s2mmu_map(mmu, whole.ipa, PA, whole.size, S2_MAP_RW));
	err = s2mmu_map(mmu, part.ipa, NEW_PA, part.size, S2_MAP_RO);
	wrong = wrong_pages(mmu, whole, part);
	report(!err && !wrong && level_of(mmu, part.ipa) == level,
	       "%s: expected 0, level %d and 0 pages mapped elsewhere or with other permissions; "
	       "found %d (%s), level %d and %u",
	       what, level, err, errno_name(err), level_of(mmu, part.ipa), wrong);
	assert(!s2mmu_unmap(mmu, whole.ipa, whole.size));
	report(alloc_pages_in_use() == before, "%s: expected 0 pages of tables lost, found %ld",
	       what, alloc_pages_in_use() - before);
}

static void check_granule(enum s2_granule granule)
{
	struct s2_mmu *pages = create(granule, false), *blocks = create(granule, true);
	u64 page = s2_page_size(pages), block = pt_level_size(pages->geometry.page_shift, 2);
	const struct range one_block = { IPA, block }, two_blocks = { IPA, 2 * block };

	report_prefix_push(s2_granule_name(granule));
	check_replace(pages, one_block, (struct range){ IPA + 3 * page, page }, 3,
		      "a page of pages");
	check_replace(pages, one_block, one_block, 3, "a table of pages by pages");
	check_replace(pages, two_blocks, (struct range){ IPA + block - page, 2 * page }, 3,
		      "pages in two tables");
	check_replace(blocks, one_block, one_block, 2, "a block by a block");
	check_replace(blocks, one_block, (struct range){ IPA + page, page }, 3,
		      "a page of a block");
	check_replace(blocks, two_blocks, (struct range){ IPA + block - page, 2 * page }, 3,
		      "pages at the end of a block and the start of the next");
	check_replace(blocks, two_blocks, (struct range){ IPA, block + page }, 2,
		      "a block, and a page of the next");
	s2mmu_destroy(pages);
	s2mmu_destroy(blocks);
	report_prefix_pop();
}

static void test_ranges(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++)
		if (s2_granule_supported(granule))
			check_granule(granule);
}

/* Blocks of 1 GiB split over two levels; pages, and their table, become a block. */
static void test_levels(void)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, true);
	unsigned long before, after;

	check_replace(mmu, (struct range){ IPA, SZ_1G },
		      (struct range){ IPA + SZ_2M - SZ_4K, 2 * SZ_4K }, 3, "pages of 1 GiB");
	check_replace(mmu, (struct range){ IPA, SZ_1G }, (struct range){ IPA + SZ_2M, SZ_4M }, 2,
		      "blocks of 2 MiB of 1 GiB");
	assert(!s2mmu_map(mmu, IPA, PA + SZ_4K, SZ_2M, S2_MAP_RW));
	before = alloc_pages_in_use();
	assert(!s2mmu_map(mmu, IPA, PA, SZ_2M, S2_MAP_RW));
	after = alloc_pages_in_use();
	report(level_of(mmu, IPA) == 2 && after == before - 1,
	       "pages replaced by a block: expected level 2, 1 page freed; found level %d, %ld",
	       level_of(mmu, IPA), before - after);
	s2mmu_destroy(mmu);
}

static unsigned int count_hints(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	unsigned int hints = 0;

	for (u64 end = ipa + size; ipa < end; ipa += s2_page_size(mmu))
		hints += !!(*s2mmu_lookup(mmu, ipa, NULL) & S2_CONTIGUOUS);
	return hints;
}

/* A run of which a page is replaced is none any more; the one beside it stays. */
static void test_run(void)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, false);
	unsigned int hints[2];

	assert(!s2mmu_map(mmu, IPA, PA, 2 * SZ_64K, S2_MAP_RW | S2_MAP_CONTIGUOUS));
	assert(!s2mmu_map(mmu, IPA + SZ_4K, NEW_PA, SZ_4K, S2_MAP_RW | S2_MAP_CONTIGUOUS));
	hints[0] = count_hints(mmu, IPA, SZ_64K);
	hints[1] = count_hints(mmu, IPA + SZ_64K, SZ_64K);
	report(hints[0] == 0 && hints[1] == 16,
	       "contiguous hints of a run with a page replaced, and of the next: expected 0 and 16, "
	       "found %u and %u",
	       hints[0], hints[1]);
	s2mmu_destroy(mmu);
}

/*
 * Break-before-make (DDI 0487, D8.16.1)
 */

#define WATCHED (IPA + 5 * SZ_4K)
static unsigned int while_unmapped, while_mapped;

static void count_invalidation(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	if (WATCHED - ipa >= size)
		return;
	if (s2mmu_lookup(mmu, WATCHED, NULL))
		while_mapped++;
	else
		while_unmapped++;
}

static void check_broken(bool allow_block, u64 ipa, u64 size, const char *what)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, allow_block);

	assert(!s2mmu_map(mmu, IPA, PA, SZ_2M, S2_MAP_RW));
	while_unmapped = while_mapped = 0;
	s2_tlb_observer = count_invalidation;
	assert(!s2mmu_map(mmu, ipa, NEW_PA, size, S2_MAP_RW));
	s2_tlb_observer = NULL;
	report(while_unmapped == 1 && s2mmu_lookup(mmu, WATCHED, NULL),
	       "invalidations of %s while it is unmapped, mapped at the end: expected 1, 1; found "
	       "%u (and %u while it is mapped), %d",
	       what, while_unmapped, while_mapped, !!s2mmu_lookup(mmu, WATCHED, NULL));
	s2mmu_destroy(mmu);
}

static void test_break_before_make(void)
{
	check_broken(false, WATCHED, SZ_4K, "a page that is replaced");
	check_broken(true, IPA, SZ_2M, "a block that is replaced");
	check_broken(true, IPA, SZ_4K, "a block of which another page is replaced");
}

/*
 * A guest reads a page, the host replaces it in a handler, and the guest reads it again, without
 * leaving guest_run(), which might invalidate the TLB otherwise.
 */

static u64 guest_read_twice(volatile u64 *word)
{
	u64 first = *word;

	asm volatile("hvc #1" : : : "memory");
	return first << 32 | *word;
}

static enum guest_handler_result replace_page(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64 ||
	    s2mmu_map(guest->s2mmu, IPA, virt_to_phys(guest->data), PAGE_SIZE, S2_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static void test_tlb(void)
{
	struct guest *guest =
		guest_require(guest_create(VMID, (void (*)(void))guest_read_twice, S2_PAGE_4K));
	u64 *pages[2] = { alloc_page(), alloc_page() };

	assert(pages[0] && pages[1]);
	*pages[0] = OLD;
	*pages[1] = NEW;
	assert(!s2mmu_map(guest->s2mmu, IPA, virt_to_phys(pages[0]), PAGE_SIZE, S2_MAP_RW));
	guest->data = pages[1];
	guest->x[0] = IPA;
	guest_install_handler(guest, ELx_LOW_SYNC_64, replace_page);
	guest_check_run(guest, EXPECT_RETURN((u64)OLD << 32 | NEW),
			"words read from a page before and after its replacement");
	guest_destroy(guest);
	free_page(pages[0]);
	free_page(pages[1]);
}

/* Without memory for the table of a block that is to be split, nothing changes. */
static void test_shortage(void)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, true);
	const struct range whole = { IPA, SZ_2M }, none = { IPA, 0 };
	struct held_pages *held;
	int err;

	assert(!s2mmu_map(mmu, IPA, PA, SZ_2M, S2_MAP_RW));
	held = hold_all_pages();
	err = s2mmu_map(mmu, IPA + SZ_4K, NEW_PA, SZ_4K, S2_MAP_RO);
	release_pages(held);
	report(err == -ENOMEM && level_of(mmu, IPA + SZ_4K) == 2 && !wrong_pages(mmu, whole, none),
	       "a page of a block, without memory: expected -ENOMEM, level 2 and 0 pages changed; "
	       "found %s, level %d and %u",
	       errno_name(err), level_of(mmu, IPA + SZ_4K), wrong_pages(mmu, whole, none));
	s2mmu_destroy(mmu);
}

static const struct subtest subtests[] = {
	{ "ranges", test_ranges }, { "levels", test_levels },
	{ "run", test_run },	   { "break-before-make", test_break_before_make },
	{ "tlb", test_tlb },	   { "shortage", test_shortage },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
