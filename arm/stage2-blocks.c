/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of every level and contiguous runs: split by unmapping or protecting a part, and collapsed
 * again; a guest's accesses between the steps show what is mapped.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>
#include <subtest.h>
#include <util.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/stage2-check.h>

#define VMID 1
#define PATTERN 0x5a5a000000000000UL

/*
 * A guest, and a block of @level whose PA range contains memory of the host, of which two pages
 * next to each other are used.
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

static bool setup_block(struct block *b, enum s2_granule granule, int level, bool lpa2)
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

#define check_reads(b, i, what) s2_check_reads((b)->guest, (b)->ipa[i], PATTERN + (i), what)
#define check_writes(b, i, fsc, what)                                                       \
	({                                                                                  \
		u64 __value = PATTERN + (i);                                                \
		s2_check_access((b)->guest, 1, S2_WRITE, (b)->ipa[i], &__value, fsc, what); \
	})

/* With a page unmapped it cannot collapse, mapped again it does. */
static void check_collapse(struct block *b)
{
	report_equal_int(s2mmu_collapse(b->mmu, b->base, b->size), 0,
			 "tables that collapse with a page unmapped");
	s2_check_leaf(b->mmu, b->ipa[1], PT_LEVEL_LAST, "not collapsed");
	report_equal_error(
		s2mmu_map(b->mmu, b->ipa[0], b->pa + b->ipa[0] - b->base, b->page, S2_MAP_RW), 0,
		"map of the unmapped page");
	check_reads(b, 0, "page mapped again");
	s2mmu_collapse(b->mmu, b->base, b->size);
	s2_check_leaf(b->mmu, b->ipa[0], b->level, "collapsed");
	check_reads(b, 0, "collapsed");
	check_reads(b, 1, "collapsed, second page");
}

/* Unmapping a page splits; its neighbour stays; mapping it again and collapsing makes the block. */
static void check_unmap(struct block *b)
{
	unsigned long pages = alloc_pages_in_use();

	s2_check_leaf(b->mmu, b->ipa[0], b->level, "block");
	check_reads(b, 0, "block");
	check_reads(b, 1, "block, second page");
	report_equal_error(s2mmu_unmap(b->mmu, b->ipa[0], b->page), 0,
			   "unmap of a page of a block");
	s2_check_access(b->guest, 1, S2_READ, b->ipa[0], NULL, ESR_ELx_FSC_FAULT | PT_LEVEL_LAST,
			"page of a block unmapped");
	check_reads(b, 1, "neighbour of an unmapped page");
	s2_check_translates(b->mmu, b->base + b->size - b->page, b->pa + b->size - b->page,
			    "last page of a block that was split");
	check_collapse(b);
	report_equal(alloc_pages_in_use() - pages, 0,
		     "pages in use after splitting and collapsing");
}

/* Protecting a page splits too. */
static void check_protect(struct block *b)
{
	check_writes(b, 0, S2_NO_FAULT, "block");
	report_equal_error(s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RO), 0,
			   "protect of a page of a block");
	check_writes(b, 0, ESR_ELx_FSC_PERM | PT_LEVEL_LAST, "page of a block made read-only");
	check_reads(b, 0, "page of a block made read-only");
	check_writes(b, 1, S2_NO_FAULT, "neighbour of a read-only page");
	s2mmu_collapse(b->mmu, b->base, b->size);
	s2_check_leaf(b->mmu, b->ipa[0], PT_LEVEL_LAST,
		      "pages of different permissions, collapsed");
	report_equal_error(s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RW), 0,
			   "protect of the read-only page");
	report_equal_int(s2mmu_collapse(b->mmu, b->base, b->size), PT_LEVEL_LAST - b->level,
			 "tables that collapse with equal permissions");
	s2_check_leaf(b->mmu, b->ipa[0], b->level, "pages of equal permissions, collapsed");
	check_reads(b, 0, "pages of equal permissions, collapsed");
}

static void check_block(enum s2_granule granule, int level, bool lpa2)
{
	struct block b;
	unsigned long pages;
	char syndrome[128];
	bool done;

	if (!setup_block(&b, granule, level, lpa2))
		return;
	report_prefix_pushf("%s%s, level %d", s2_granule_name(granule), lpa2 ? " LPA2" : "", level);
	pages = alloc_pages_in_use();
	assert(!s2mmu_map(b.mmu, b.base, b.pa, b.size, S2_MAP_RW));
	check_unmap(&b);
	check_protect(&b);
	report_equal_error(s2mmu_unmap(b.mmu, b.ipa[1], b.page), 0, "unmap of one page");
	report_equal_error(s2mmu_unmap(b.mmu, b.base, b.size), 0, "unmap of the rest");
	done = s2_probe(b.guest, 1, S2_READ, b.ipa[0], NULL);
	report(!done && (b.guest->esr_el2 & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_FAULT,
	       "read with all unmapped: expected a translation fault, found %s",
	       done ? "no fault" : esr_decode(b.guest->esr_el2, syndrome, sizeof(syndrome)));
	report_equal(alloc_pages_in_use() - pages, 0, "pages in use by tables with all unmapped");
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

/* s2mmu_walk() is told where a leaf begins, also when the range begins in it. */
#define MAX_LEAVES 4

struct visited {
	unsigned int nr;
	u64 ipas[MAX_LEAVES];
	int levels[MAX_LEAVES];
};

static u64 note_leaf(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	struct visited *visited = data;

	if (visited->nr < MAX_LEAVES) {
		visited->ipas[visited->nr] = ipa;
		visited->levels[visited->nr] = level;
	}
	visited->nr++;
	return visited->nr;
}

static void test_walk(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	struct visited v = {};
	u64 sum;

	assert(!s2mmu_map(mmu, SZ_1G, 0, SZ_1G, S2_MAP_RW) &&
	       !s2mmu_map(mmu, 2 * SZ_1G, 0, SZ_2M + SZ_4K, S2_MAP_RW));
	sum = s2mmu_walk(mmu, SZ_1G + 3 * SZ_4K, SZ_1G + SZ_2M, note_leaf, &v);
	report(v.nr == 3 && sum == 1 + 2 + 3,
	       "leaves of a walk: expected 3, sum of what visits return 6, found %u, %lu", v.nr,
	       sum);
	report(v.ipas[0] == SZ_1G && v.levels[0] == 1 && v.ipas[1] == 2 * SZ_1G &&
		       v.levels[1] == 2 && v.ipas[2] == 2 * SZ_1G + SZ_2M && v.levels[2] == 3,
	       "a walk that begins in a block of 1 GiB: expected leaves %#lx, level 1, %#lx, level 2, "
	       "%#lx, level 3; found %#lx, %d, %#lx, %d, %#lx, %d",
	       SZ_1G, 2 * SZ_1G, 2UL * SZ_1G + SZ_2M, v.ipas[0], v.levels[0], v.ipas[1],
	       v.levels[1], v.ipas[2], v.levels[2]);
	s2mmu_destroy(mmu);
}

/*
 * Contiguous runs of pages
 */

/* Entries of a run by granule and level (DDI 0487, D8.7.1) */
static void test_contiguous_entries(void)
{
	static const struct {
		enum s2_granule granule;
		unsigned int page_shift, entries[PT_LEVEL_LAST + 1];
	} runs[] = {
		{ S2_PAGE_4K, 12, { 1, 16, 16, 16 } },
		{ S2_PAGE_16K, 14, { 1, 1, 32, 128 } },
		{ S2_PAGE_64K, 16, { 1, 1, 32, 32 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		for (int level = 0; level <= PT_LEVEL_LAST; level++)
			report_equal(
				s2_contiguous_entries(
					&(struct s2_geometry){ .page_shift = runs[i].page_shift },
					level),
				runs[i].entries[level], "entries of a run, %s, level %d",
				s2_granule_name(runs[i].granule), level);
}

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
	unsigned long flags = S2_MAP_RW | S2_MAP_CONTIGUOUS;

	b->ipa[0] = start + offset;
	b->ipa[1] = start + offset + b->page;
	/* A run, and one page more */
	report_equal_error(s2mmu_map(b->mmu, start, pa, run + b->page, flags), 0, "map of a run");
	report_equal(hints(b, start, run + b->page), entries, "contiguous hints of a run");
	check_reads(b, 0, "run");
	check_reads(b, 1, "run, second page");
	report_equal_error(s2mmu_unmap(b->mmu, b->ipa[0], b->page), 0, "unmap of a page of a run");
	report_equal(hints(b, start, run), 0, "contiguous hints of a run with a page unmapped");
	s2_check_access(b->guest, 1, S2_READ, b->ipa[0], NULL, ESR_ELx_FSC_FAULT | PT_LEVEL_LAST,
			"page of a run unmapped");
	check_reads(b, 1, "neighbour of an unmapped page of a run");
	s2mmu_unmap(b->mmu, start, run + b->page);
	report_equal_error(s2mmu_map(b->mmu, start, pa + b->page, run, flags), 0,
			   "map with IPA and PA not aligned alike");
	report_equal(hints(b, start, run), 0, "contiguous hints, IPA and PA not aligned alike");
	s2mmu_unmap(b->mmu, start, run);
	report_equal_error(s2mmu_map(b->mmu, start, pa, run, flags), 0, "map of another run");
	check_reads(b, 0, "another run");
	report_equal_error(s2mmu_protect(b->mmu, b->ipa[0], b->page, S2_MAP_RO), 0,
			   "protect of a page of a run");
	report_equal(hints(b, start, run), 0, "contiguous hints of a run with a page protected");
	s2_check_access(b->guest, 1, S2_WRITE, b->ipa[0], NULL, ESR_ELx_FSC_PERM | PT_LEVEL_LAST,
			"page of a run made read-only");
	check_reads(b, 1, "neighbour of a read-only page of a run");
}

static void test_contiguous(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		struct block b;

		if (!setup_block(&b, granule, 2, false))
			continue;
		report_prefix_push(s2_granule_name(granule));
		check_run(&b);
		teardown(&b);
		report_prefix_pop();
	}
}

/* Of the 2 MiB blocks in [@ipa, @ipa + @size), those with the contiguous hint. */
static unsigned int block_hints(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	unsigned int count = 0;
	int level;

	for (u64 end = ipa + size; ipa < end; ipa += SZ_2M) {
		const pteval_t *leaf = s2mmu_lookup(mmu, ipa, &level);

		count += leaf && level == 2 && (*leaf & S2_CONTIGUOUS);
	}
	return count;
}

/* Runs of blocks: two of level 2, and one block more. */
static void test_contiguous_blocks(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 run = 16 * SZ_2M, size = 2 * run + SZ_2M;

	assert(!s2mmu_map(mmu, 0, 0, size, S2_MAP_RW | S2_MAP_CONTIGUOUS));
	report_equal(block_hints(mmu, 0, size), 32, "contiguous hints of two runs of blocks");
	assert(!s2mmu_unmap(mmu, run, SZ_4K));
	report_equal(block_hints(mmu, 0, size), 16,
		     "contiguous hints of two runs of blocks, a page of the second unmapped");
	s2mmu_destroy(mmu);
}

/* A table without valid entries is kept: the run that it is in is none. */
static void test_contiguous_table(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 run = 16 * SZ_2M, in_run = run + 5 * SZ_2M;

	assert(!s2mmu_set_raw(mmu, in_run, PT_LEVEL_LAST, 0));
	s2mmu_restore_raw(mmu);
	assert(!s2mmu_map(mmu, 0, 0, 2 * run, S2_MAP_RW | S2_MAP_CONTIGUOUS));
	s2_check_leaf(mmu, in_run, PT_LEVEL_LAST, "mapped where an empty table is");
	report_equal(block_hints(mmu, 0, run), 16, "contiguous hints of a run of blocks");
	report_equal(block_hints(mmu, run, run), 0,
		     "contiguous hints of 15 blocks around a table of pages");
	report_equal(*s2mmu_lookup(mmu, in_run, NULL) & S2_CONTIGUOUS, S2_CONTIGUOUS,
		     "contiguous hint of a page in the table");
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
	       "contiguous hints of pages that track dirty state: expected 0, found %lu", hints);
	s2mmu_destroy(mmu);
}

/* A range that begins and ends in one block of 1 GiB: a table of level 2, and two of level 3. */
static void test_ends(void)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 first = SZ_1G, last = SZ_1G + SZ_1G - SZ_4K;
	unsigned long pages = alloc_pages_in_use();

	assert(!s2mmu_map(mmu, SZ_1G, 0, SZ_1G, S2_MAP_RW));
	report_equal_error(s2mmu_unmap(mmu, first + SZ_4K, last - first - SZ_4K), 0,
			   "unmap of all but the first and the last page");
	s2_check_translates(mmu, first, 0, "first page, its neighbour unmapped");
	s2_check_translates(mmu, last, last - first, "last page, its neighbour unmapped");
	s2_check_translates(mmu, first + SZ_4K, INVALID_PHYS_ADDR, "second page, unmapped");
	s2_check_translates(mmu, last - SZ_4K, INVALID_PHYS_ADDR, "last page but one, unmapped");
	report_equal(alloc_pages_in_use() - pages, 3, "tables for the first and the last page");
	s2mmu_destroy(mmu);
}

/* 2 MiB of pages, those from number @from on mapped from @pa on, cannot be a block. */
static void check_no_block(unsigned int from, phys_addr_t pa, const char *what)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 head = (u64)from * SZ_4K;

	for (u64 offset = 0; offset < SZ_2M; offset += SZ_4K)
		assert(!s2mmu_map(mmu, SZ_2M + offset,
				  offset < head ? SZ_1G + offset : pa + offset - head, SZ_4K,
				  S2_MAP_RW));
	report_equal_int(s2mmu_collapse(mmu, SZ_2M, SZ_2M), 0, "tables that collapse, %s", what);
	s2_check_translates(mmu, SZ_2M + head, pa, "%s, first of them", what);
	s2_check_translates(mmu, SZ_2M + SZ_2M - SZ_4K, pa + SZ_2M - SZ_4K - head, "%s, last page",
			    what);
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

/* Leave only the memory of @pages free, filled with descriptors of a table at @victim. */
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
	report(!err && !wrong,
	       "1 GiB of %s mapped: expected 0 (success), 0 wrong translations, found %d (%s), %lu",
	       what, err, errno_name(err), wrong);
	report(!written,
	       "1 GiB of %s mapped, words written to a page that is no table: expected 0, found %lu",
	       what, written);
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
	{ "walk", test_walk },
	{ "contiguous-entries", test_contiguous_entries },
	{ "contiguous-dirty", test_contiguous_dirty },
	{ "contiguous", test_contiguous },
	{ "contiguous-blocks", test_contiguous_blocks },
	{ "contiguous-table", test_contiguous_table },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
