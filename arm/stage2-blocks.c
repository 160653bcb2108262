/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of every level and contiguous runs: split by unmapping or protecting a part, and collapsed
 * again; a guest's accesses between the steps show what is mapped.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>
#include <subtest.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/stage2-probe.h>

#define VMID 1
#define PATTERN 0x5a5a000000000000UL

static const char *const granule_names[] = { "4K", "16K", "64K" };

/*
 * A guest, and memory that it sees through a block of @level: the block's PA range has the host's
 * memory in it somewhere, of which two neighbouring pages are used.
 */
struct block {
	struct guest *guest;
	struct s2_mmu *mmu;
	int level;
	u64 size, page;
	u64 base; /* the block's IPA */
	phys_addr_t pa; /* the block's PA */
	u64 ipa[2]; /* of the pages */
	u64 *pages;
};

static bool setup(struct block *b, enum s2_granule granule, int level, bool lpa2)
{
	struct s2_config config = {
		.vmid = VMID,
		.granule = granule,
		.allow_block = true,
		.lpa2 = lpa2,
		.ipa_bits = s2_features()->pa_bits > 44 ? 44 : s2_features()->pa_bits,
	};

	*b = (struct block){ .level = level };
	b->mmu = s2mmu_create(&config);
	if (!b->mmu)
		return false;
	b->page = s2_page_size(b->mmu);
	b->size = pt_level_size(b->mmu->geometry.page_shift, level);
	b->base = 4 * b->size;
	if (level < b->mmu->geometry.first_block_level || level < b->mmu->geometry.start_level ||
	    b->base + b->size > 1UL << b->mmu->geometry.ipa_bits) {
		s2mmu_destroy(b->mmu);
		return false;
	}
	b->pages = memalign_pages(2 * b->page, 2 * b->page);
	b->pa = ALIGN_DOWN(virt_to_phys(b->pages), b->size);
	for (int i = 0; i < 2; i++) {
		b->ipa[i] = b->base + virt_to_phys(b->pages) - b->pa + i * b->page;
		b->pages[i * b->page / 8] = PATTERN + i;
	}
	b->guest = s2_probe_create(b->mmu);
	assert(b->guest);
	return true;
}

static void teardown(struct block *b)
{
	guest_destroy(b->guest);
	free_pages(b->pages);
}

static bool reads(struct block *b, int i)
{
	return s2_probe_reads(b->guest, b->ipa[i], PATTERN + i);
}

static int leaf_level(struct block *b, u64 ipa)
{
	int level = -2;

	return s2mmu_lookup(b->mmu, ipa, &level) ? level : -2;
}

/* Unmapping a page splits; its neighbour stays; mapping it again and collapsing makes the block. */
static void check_unmap(struct block *b)
{
	unsigned long pages = alloc_pages_in_use();

	report(leaf_level(b, b->ipa[0]) == b->level && reads(b, 0) && reads(b, 1),
	       "a block is read; level: expected %d, found %d", b->level, leaf_level(b, b->ipa[0]));
	report(!s2mmu_unmap(b->mmu, b->ipa[0], b->page) &&
		       s2_probe_faults(b->guest, S2_READ, b->ipa[0],
				       ESR_ELx_FSC_FAULT | PT_LEVEL_LAST) &&
		       reads(b, 1),
	       "a page of it unmapped: a fault there, level 3, and none at its neighbour");
	report(s2mmu_translate(b->mmu, b->base + b->size - b->page) == b->pa + b->size - b->page,
	       "the block's other end is where it was");
	report(s2mmu_collapse(b->mmu, b->base, b->size) == 0 &&
		       leaf_level(b, b->ipa[1]) == PT_LEVEL_LAST,
	       "with a hole it does not become a block");
	report(!s2mmu_map(b->mmu, b->ipa[0], b->pa + b->ipa[0] - b->base, b->page, S2_MAP_RW) &&
		       reads(b, 0),
	       "mapped again, it is read");
	s2mmu_collapse(b->mmu, b->base, b->size);
	report(leaf_level(b, b->ipa[0]) == b->level && reads(b, 0) && reads(b, 1) &&
		       alloc_pages_in_use() == pages,
	       "collapsed: level %d, %ld pages more than before", leaf_level(b, b->ipa[0]),
	       alloc_pages_in_use() - pages);
}

/* Protecting a page splits too. */
static void check_protect(struct block *b)
{
	u64 value = PATTERN;

	report(s2_probe(b->guest, 1, S2_WRITE, b->ipa[0], &value) &&
		       !s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RO) &&
		       s2_probe_faults(b->guest, S2_WRITE, b->ipa[0],
				       ESR_ELx_FSC_PERM | PT_LEVEL_LAST) &&
		       reads(b, 0),
	       "a page of it made read-only: a write faults, a read does not");
	value = PATTERN + 1;
	report(s2_probe(b->guest, 1, S2_WRITE, b->ipa[1], &value), "its neighbour is writable");
	s2mmu_collapse(b->mmu, b->base, b->size);
	report(leaf_level(b, b->ipa[0]) == PT_LEVEL_LAST,
	       "pages of different rights do not become a block");
	report(!s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RW) &&
		       s2mmu_collapse(b->mmu, b->base, b->size) == PT_LEVEL_LAST - b->level &&
		       leaf_level(b, b->ipa[0]) == b->level && reads(b, 0),
	       "of the same they do");
}

static void check_block(enum s2_granule granule, int level, bool lpa2)
{
	struct block b;
	unsigned long pages;

	if (!setup(&b, granule, level, lpa2))
		return;
	report_prefix_pushf("%s%s, level %d", granule_names[granule], lpa2 ? " LPA2" : "", level);
	pages = alloc_pages_in_use();
	assert(!s2mmu_map(b.mmu, b.base, b.pa, b.size, S2_MAP_RW));
	check_unmap(&b);
	check_protect(&b);
	report(!s2mmu_unmap(b.mmu, b.ipa[1], b.page) && !s2mmu_unmap(b.mmu, b.base, b.size) &&
		       !s2_probe(b.guest, 1, S2_READ, b.ipa[0], NULL) &&
		       (b.guest->esr_el2 & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_FAULT,
	       "all unmapped");
	report(alloc_pages_in_use() == pages, "tables that became empty are freed: %ld left",
	       alloc_pages_in_use() - pages);
	teardown(&b);
	report_prefix_pop();
}

static void test_blocks(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++)
		for (int level = 0; level < PT_LEVEL_LAST; level++) {
			check_block(granule, level, false);
			check_block(granule, level, true);
		}
}

/*
 * Contiguous runs of pages
 */

static unsigned int hints(struct block *b, u64 ipa, u64 size)
{
	unsigned int count = 0;

	for (u64 offset = 0; offset < size; offset += b->page) {
		pteval_t *leaf = s2mmu_lookup(b->mmu, ipa + offset, NULL);

		count += leaf && (*leaf & S2_CONTIGUOUS);
	}
	return count;
}

static void check_run(struct block *b)
{
	unsigned int entries = s2_contiguous_entries(&b->mmu->geometry, PT_LEVEL_LAST);
	u64 run = entries * b->page, pa = ALIGN_DOWN(virt_to_phys(b->pages), run);
	u64 start = b->base, offset = virt_to_phys(b->pages) - pa;

	b->ipa[0] = start + offset;
	b->ipa[1] = start + offset + b->page;
	/* A run, and a page that is none */
	report(!s2mmu_map(b->mmu, start, pa, run + b->page, S2_MAP_RW | S2_MAP_CONTIGUOUS) &&
		       hints(b, start, run + b->page) == entries,
	       "hints: expected %u, found %u", entries, hints(b, start, run + b->page));
	report(reads(b, 0) && reads(b, 1), "the run is read");
	report(!s2mmu_unmap(b->mmu, b->ipa[0], b->page) && hints(b, start, run) == 0 &&
		       s2_probe_faults(b->guest, S2_READ, b->ipa[0],
				       ESR_ELx_FSC_FAULT | PT_LEVEL_LAST) &&
		       reads(b, 1),
	       "a page of it unmapped: no hint is left, and its neighbour is read");
	s2mmu_unmap(b->mmu, start, run + b->page);
	/* Not aligned to each other: no hint */
	report(!s2mmu_map(b->mmu, start, pa + b->page, run, S2_MAP_RW | S2_MAP_CONTIGUOUS) &&
		       hints(b, start, run) == 0,
	       "IPA and PA that are not aligned alike get no hint");
	s2mmu_unmap(b->mmu, start, run);
	report(!s2mmu_map(b->mmu, start, pa, run, S2_MAP_RW | S2_MAP_CONTIGUOUS) && reads(b, 0) &&
		       !s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RO) &&
		       hints(b, start, run) == 0 &&
		       s2_probe_faults(b->guest, S2_WRITE, b->ipa[0],
				       ESR_ELx_FSC_PERM | PT_LEVEL_LAST) &&
		       reads(b, 1),
	       "a page of a run made read-only: no hint is left");
}

static void test_contiguous(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		struct block b;

		if (!setup(&b, granule, 2, false))
			continue;
		report_prefix_push(granule_names[granule]);
		check_run(&b);
		teardown(&b);
		report_prefix_pop();
	}
}

/* Blocks have runs too: two runs of level 2 and one block over. */
static void test_contiguous_blocks(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 size = pt_level_size(12, 2), run = 16 * size, found = 0;

	assert(!s2mmu_map(mmu, 0, 0, 2 * run + size, S2_MAP_RW | S2_MAP_CONTIGUOUS));
	for (u64 ipa = 0; ipa < 2 * run + size; ipa += size)
		found += !!(*s2mmu_lookup(mmu, ipa, NULL) & S2_CONTIGUOUS);
	report(found == 32, "2 MiB blocks with the hint: expected 32, found %lu", found);
	assert(!s2mmu_unmap(mmu, run, SZ_4K));
	found = 0;
	for (u64 ipa = size; ipa < 2 * run + size; ipa += size)
		found += ipa != run && (*s2mmu_lookup(mmu, ipa, NULL) & S2_CONTIGUOUS);
	report(found == 15, "after a page of the second run is unmapped: expected 15, found %lu",
	       found);
	s2mmu_destroy(mmu);
}

static void test_contiguous_dirty(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, false);
	u64 hints = 0;

	assert(!s2mmu_map(mmu, 0, 0, SZ_64K, S2_MAP_RO | S2_MAP_TRACK_DIRTY | S2_MAP_CONTIGUOUS));
	for (u64 ipa = 0; ipa < SZ_64K; ipa += SZ_4K)
		hints += !!(*s2mmu_lookup(mmu, ipa, NULL) & S2_CONTIGUOUS);
	report(hints == 0,
	       "pages of which each is to tell if it was written: expected 0 with the hint, found %lu",
	       hints);
	s2mmu_destroy(mmu);
}

/* A range that begins and ends in one block of 1 GiB: a table of level 2, and two of level 3. */
static void test_ends(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 first = SZ_1G, last = SZ_1G + SZ_1G - SZ_4K;
	unsigned long pages = alloc_pages_in_use();

	assert(!s2mmu_map(mmu, SZ_1G, 0, SZ_1G, S2_MAP_RW));
	report(!s2mmu_unmap(mmu, first + SZ_4K, last - first - SZ_4K) &&
		       s2mmu_translate(mmu, first) == 0 &&
		       s2mmu_translate(mmu, last) == last - first,
	       "all but the first and the last page unmapped: these are where they were");
	report(s2mmu_translate(mmu, first + SZ_4K) == INVALID_PHYS_ADDR &&
		       s2mmu_translate(mmu, last - SZ_4K) == INVALID_PHYS_ADDR,
	       "their neighbours are not");
	report(alloc_pages_in_use() == pages + 3, "tables: expected 3, found %ld",
	       alloc_pages_in_use() - pages);
	s2mmu_destroy(mmu);
}

/* 2 MiB of pages, of which those from the @from'th on begin at @pa: they are not a block. */
static void check_no_block(unsigned int from, phys_addr_t pa, const char *what)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 head = (u64)from * SZ_4K;

	for (u64 offset = 0; offset < SZ_2M; offset += SZ_4K)
		assert(!s2mmu_map(mmu, SZ_2M + offset,
				  offset < head ? SZ_1G + offset : pa + offset - head, SZ_4K,
				  S2_MAP_RW));
	report(s2mmu_collapse(mmu, SZ_2M, SZ_2M) == 0 && s2mmu_translate(mmu, SZ_2M + head) == pa &&
		       s2mmu_translate(mmu, SZ_2M + SZ_2M - SZ_4K) == pa + SZ_2M - SZ_4K - head,
	       "%s do not become a block", what);
	s2mmu_destroy(mmu);
}

static void test_no_block(void)
{
	check_no_block(0, SZ_1G + SZ_4K, "pages whose addresses are not aligned");
	check_no_block(511, SZ_1G, "pages whose last one is elsewhere");
	check_no_block(1, SZ_2M, "pages whose first one is elsewhere");
}

/*
 * Tables in memory that was in use before
 */

#define USED_PAGES 520 /* tables for 1 GiB of pages, and some */

/* Memory is as much as @pages has, and full of pointers to @victim that look like tables'. */
static struct held_pages *use_all_memory(u64 **pages, const u64 *victim)
{
	struct held_pages *held;

	for (int i = 0; i < USED_PAGES; i++) {
		pages[i] = alloc_pages_flags(0, FLAG_DONTZERO);
		assert(pages[i]);
		for (unsigned int word = 0; word < SZ_4K / sizeof(u64); word++)
			pages[i][word] = virt_to_phys(victim) | PT_VALID | PT_TABLE;
	}
	held = hold_all_pages();
	for (int i = 0; i < USED_PAGES; i++)
		free_page(pages[i]);
	return held;
}

static u64 wrong_pages(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size)
{
	u64 wrong = 0;

	for (u64 offset = 0; offset < size; offset += SZ_64K)
		wrong += s2mmu_translate(mmu, ipa + offset) != pa + offset;
	return wrong;
}

static void map_in_used_memory(phys_addr_t pa, const char *what)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(VMID, S2_PAGE_4K, true, 36);
	static u64 *pages[USED_PAGES];
	u64 *victim = alloc_page(), written = 0, wrong;
	struct held_pages *held = use_all_memory(pages, victim);
	int err = s2mmu_map(mmu, SZ_1G, pa, SZ_1G, S2_MAP_RW);

	release_pages(held);
	wrong = wrong_pages(mmu, SZ_1G, pa, SZ_1G);
	for (unsigned int word = 0; word < SZ_4K / sizeof(u64); word++)
		written += victim[word] != 0;
	report(!err && !wrong, "1 GiB of %s: error %d, %lu wrong translations", what, err, wrong);
	report(!written, "words written where no table is: expected 0, found %lu", written);
	s2mmu_destroy(mmu);
	free_page(victim);
}

static void test_used_memory(void)
{
	map_in_used_memory(SZ_2M, "blocks of 2 MiB");
	map_in_used_memory(SZ_4K, "pages");
}

static const struct subtest subtests[] = {
	{ "blocks", test_blocks },
	{ "ends", test_ends },
	{ "no-block", test_no_block },
	{ "used-memory", test_used_memory },
	{ "contiguous-dirty", test_contiguous_dirty },
	{ "contiguous", test_contiguous },
	{ "contiguous-blocks", test_contiguous_blocks },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
