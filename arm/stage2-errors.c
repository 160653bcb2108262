/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that fail return an error and leave the tables as they were: every leaf, and every page
 * of memory.
 */
#include <libcflat.h>
#include <objects.h>
#include <alloc_page.h>
#include <errno.h>
#include <shortage.h>
#include <subtest.h>
#include <util.h>
#include <asm/guest.h>
#include <asm/stage2-vmid.h>

#define IPA_BITS 36
#define IPA 0x80000000UL
#define PA 0x40000000UL

struct snapshot {
	u64 leaves, hash;
	unsigned long pages;
};

static u64 add_leaf(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	struct snapshot *snapshot = data;

	snapshot->leaves++;
	snapshot->hash = (snapshot->hash ^ *leaf ^ ipa ^ level) * 0x9e3779b97f4a7c15UL;
	return 0;
}

static struct snapshot take_snapshot(struct s2_mmu *mmu)
{
	struct snapshot snapshot = { .pages = alloc_pages_in_use() };

	s2mmu_walk(mmu, 0, 1UL << IPA_BITS, add_leaf, &snapshot);
	return snapshot;
}

static bool unchanged(struct s2_mmu *mmu, struct snapshot before)
{
	struct snapshot now = take_snapshot(mmu);

	return now.leaves == before.leaves && now.hash == before.hash && now.pages == before.pages;
}

#define fails(...) __fails(SOURCE_PLACE, __VA_ARGS__)
static void __fails(const char *place, struct s2_mmu *mmu, struct snapshot before, int expected,
		    int found, const char *what)
{
	__report(place, found == expected && unchanged(mmu, before),
		 "%s: expected %d (%s) and the tables unchanged, found %d (%s) and %s", what,
		 expected, errno_name(expected), found, errno_name(found),
		 unchanged(mmu, before) ? "unchanged" : "changed");
}

static struct s2_mmu *create(enum s2_granule granule, bool allow_block)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(1, granule, allow_block, IPA_BITS);

	assert(mmu);
	return mmu;
}

/*
 * Arguments
 */

static u64 count_leaf(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return 1;
}

static void check_no_mmu(struct s2_mmu *mmu, const char *with)
{
	report(!mmu, "s2mmu_init() with %s: expected NULL, found %p", with, mmu);
	if (mmu)
		s2mmu_destroy(mmu);
}

static void test_arguments(void)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, true);
	u64 page = s2_page_size(mmu), end = 1UL << IPA_BITS;
	u64 pa_end = 1UL << mmu->geometry.pa_bits;
	struct snapshot before;
	int err;

	assert(!s2mmu_map(mmu, IPA, PA, 4 * page, S2_MAP_RW));
	before = take_snapshot(mmu);
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 8, PA, page, S2_MAP_RW), "map, IPA misaligned");
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 0, PA + 8, page, S2_MAP_RW),
	      "map, PA misaligned");
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 0, PA, page + 8, S2_MAP_RW),
	      "map, size misaligned");
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 0, PA, 0, S2_MAP_RW), "map, size 0");
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 0, PA, page, 1UL << 40), "map, no such flag");
	fails(mmu, before, -EINVAL, s2mmu_map(mmu, 0, PA, page, S2_MAP_RW | S2_MAP_TRACK_DIRTY),
	      "map, writable and tracking dirty state");
	fails(mmu, before, -ERANGE, s2mmu_map(mmu, end, PA, page, S2_MAP_RW), "map, IPA too high");
	fails(mmu, before, -ERANGE, s2mmu_map(mmu, end - page, PA, 2 * page, S2_MAP_RW),
	      "map, end too high");
	fails(mmu, before, -ERANGE, s2mmu_map(mmu, page, PA, -page, S2_MAP_RW),
	      "map, wraps around");
	fails(mmu, before, -ERANGE, s2mmu_map(mmu, 0, pa_end, page, S2_MAP_RW), "map, PA too high");
	fails(mmu, before, -EINVAL, s2mmu_unmap(mmu, IPA + 8, page), "unmap, misaligned");
	fails(mmu, before, -ERANGE, s2mmu_unmap(mmu, end - page, 2 * page), "unmap, too high");
	fails(mmu, before, -EINVAL, s2mmu_protect(mmu, IPA, page + 1, S2_MAP_RO),
	      "protect, misaligned");
	fails(mmu, before, -EINVAL, s2mmu_protect(mmu, IPA, page, 1UL << 40),
	      "protect, no such flag");
	fails(mmu, before, -EINVAL, s2mmu_collapse(mmu, IPA, 1), "collapse, misaligned");
	fails(mmu, before, -ERANGE, s2mmu_collapse(mmu, end, page), "collapse, too high");
	fails(mmu, before, 0, s2mmu_set_accessed(mmu, end, page),
	      "set accessed, beyond the last IPA");
	fails(mmu, before, 4, s2mmu_walk(mmu, IPA, UINT64_MAX, count_leaf, NULL),
	      "walk, 4 leaves and beyond the last IPA");
	check_no_mmu(s2mmu_init(1 << s2_features()->vmid_bits, S2_PAGE_4K, false),
		     "a VMID beyond the CPU's bits");
	check_no_mmu(s2mmu_init(-2, S2_PAGE_4K, false), "VMID -2");
	fails(mmu, before, 0, s2mmu_unmap(mmu, 0, IPA), "unmap, nothing mapped");
	fails(mmu, before, 0, s2mmu_protect(mmu, 0, IPA, S2_MAP_RO), "protect, nothing mapped");
	fails(mmu, before, 0, s2mmu_collapse(mmu, 0, end),
	      "collapse, pages that cannot be a block");
	err = s2mmu_map(mmu, end - page, pa_end - page, page, S2_MAP_RW);
	report(!err, "map, the last page of IPAs to the last one of PAs: expected 0, found %d (%s)",
	       err, errno_name(err));
	s2mmu_destroy(mmu);
}

/* Features that the CPU lacks are refused, not mapped as something else. */
static void test_absent(void)
{
	struct s2_mmu *mmu = create(S2_PAGE_4K, false);
	struct snapshot before = take_snapshot(mmu);
	u64 page = s2_page_size(mmu);

	if (s2_features()->xnx)
		report_skip("execute permission of one EL: the CPU has FEAT_XNX");
	else
		fails(mmu, before, -EOPNOTSUPP,
		      s2mmu_map(mmu, 0, PA, page, S2_MAP_RO | S2_MAP_XN_EL0),
		      "execute at EL1 only, without FEAT_XNX");
	if (mmu->fwb)
		fails(mmu, before, -EOPNOTSUPP,
		      s2mmu_map(mmu, 0, PA, page, S2_MAP_RO | S2_MAP_NORMAL_WT),
		      "write-through, with FEAT_S2FWB");
	else
		report_skip("write-through: the CPU does not have FEAT_S2FWB");
	s2mmu_destroy(mmu);
	check_no_mmu(s2mmu_init_ipa(1, S2_PAGE_4K, false, s2_features()->pa_bits + 1),
		     "more IPA bits than ID_AA64MMFR0_EL1.PARange");
}

/*
 * Overlaps: of pages, of blocks, behind pages that could be mapped
 */

#define NOREPLACE (S2_MAP_RW | S2_MAP_NOREPLACE)
#define PAGES 6 /* more than are looked at together */

/* One page after the other in a range of pages of one table */
static void check_each_page(struct s2_mmu *mmu, u64 ipa)
{
	u64 page = s2_page_size(mmu);
	int refused = 0;

	for (int i = 0; i < PAGES; i++) {
		assert(!s2mmu_map(mmu, ipa + i * page, PA, page, NOREPLACE));
		refused += s2mmu_map(mmu, ipa, PA, PAGES * page, NOREPLACE) == -EEXIST;
		assert(!s2mmu_unmap(mmu, ipa, PAGES * page));
	}
	report(refused == PAGES,
	       "map, %d pages of which one is mapped, each in turn: expected %d times -EEXIST, "
	       "found %d times",
	       PAGES, PAGES, refused);
}

static void test_overlap(void)
{
	const unsigned long flags = NOREPLACE;

	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		struct s2_mmu *mmu;
		struct snapshot before;
		u64 page, block;

		if (!s2_granule_supported(granule))
			continue;
		mmu = create(granule, true);
		page = s2_page_size(mmu);
		block = pt_level_size(mmu->geometry.page_shift, 2);
		report_prefix_push(s2_granule_name(granule));
		assert(!s2mmu_map(mmu, IPA, PA, block, S2_MAP_RW) &&
		       !s2mmu_map(mmu, IPA + 3 * block - page, PA, page, S2_MAP_RW));
		before = take_snapshot(mmu);
		fails(mmu, before, -EEXIST, s2mmu_map(mmu, IPA + page, PA, page, flags),
		      "map, a page in a block");
		fails(mmu, before, -EEXIST, s2mmu_map(mmu, IPA, PA, block, flags),
		      "map, a block on a block");
		fails(mmu, before, -EEXIST, s2mmu_map(mmu, IPA - 4 * page, PA, 5 * page, flags),
		      "map, the end of a range of pages");
		fails(mmu, before, -EEXIST, s2mmu_map(mmu, IPA + block, PA, 2 * block, flags),
		      "map, a page at the end of blocks");
		fails(mmu, before, -EEXIST, s2mmu_map(mmu, IPA + 3 * block - page, PA, page, flags),
		      "map, a page on a page");
		check_each_page(mmu, IPA + 4 * block);
		report_prefix_pop();
		s2mmu_destroy(mmu);
	}
}

/*
 * Memory runs out
 */

/* Chunks of object_alloc(), which alloc_pages_in_use() does not count, and how many more there are */
#define UNLIMITED __LONG_MAX__

static struct alloc_ops *uncounted;
static long chunks, left;

static void *counting_memalign(size_t alignment, size_t size)
{
	void *mem = left ? uncounted->memalign(alignment, size) : NULL;

	chunks += !!mem;
	left -= !!mem;
	return mem;
}

static void counting_free(void *mem)
{
	chunks--;
	uncounted->free(mem);
}

static void count_chunks(long limit)
{
	static struct alloc_ops counting = { .memalign = counting_memalign, .free = counting_free };

	uncounted = object_ops;
	object_ops = &counting;
	chunks = 0;
	left = limit;
}

static long end_count(void)
{
	object_ops = uncounted;
	return chunks;
}

#define MAX_TABLES 16

typedef int (*request_fn)(struct s2_mmu *mmu);

/*
 * Give the request 0, 1, 2... tables of memory: -ENOMEM and no change until it has @needed, then
 * it succeeds.
 */
static void starve(struct s2_mmu *mmu, request_fn request, int needed, const char *what)
{
	u64 size = s2_page_size(mmu);
	void *tables[MAX_TABLES];
	struct held_pages *held;
	int given = 0, err = -ENOMEM, changed = 0;

	for (int i = 0; i < MAX_TABLES; i++) {
		tables[i] = memalign_pages(size, size);
		assert(tables[i]);
	}
	held = hold_all_pages();
	while (given < MAX_TABLES) {
		struct snapshot before = take_snapshot(mmu);

		err = request(mmu);
		if (err != -ENOMEM)
			break;
		changed += !unchanged(mmu, before);
		free_pages(tables[given++]);
	}
	release_pages(held);
	for (int i = given; i < MAX_TABLES; i++)
		free_pages(tables[i]);
	report(!err && given == needed,
	       "%s: expected success with %d tables, found %d (%s) with %d", what, needed, err,
	       errno_name(err), given);
	report(!changed, "%s: -ENOMEM that changed the tables: expected 0, found %d", what,
	       changed);
}

/* Two pages, on both sides of a boundary of tables of every level. */
static int map_across(struct s2_mmu *mmu)
{
	u64 page = s2_page_size(mmu);

	return s2mmu_map(mmu, (1UL << 35) - page, PA, 2 * page, S2_MAP_RW);
}

static int unmap_in_block(struct s2_mmu *mmu)
{
	return s2mmu_unmap(mmu, IPA + s2_page_size(mmu), s2_page_size(mmu));
}

static int protect_in_block(struct s2_mmu *mmu)
{
	u64 block = pt_level_size(mmu->geometry.page_shift, 2);

	return s2mmu_protect(mmu, IPA + block + s2_page_size(mmu), s2_page_size(mmu), S2_MAP_RO);
}

static int set_raw(struct s2_mmu *mmu)
{
	long lost;
	int err;

	count_chunks(UNLIMITED);
	err = s2mmu_set_raw(mmu, 0, PT_LEVEL_LAST, 0);
	lost = end_count();
	if (err && lost)
		report_fail("s2mmu_set_raw() without memory: expected 0 chunks lost, found %ld",
			    lost);
	return err;
}

static void test_memory(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		struct s2_mmu *mmu;
		unsigned long before, after;
		u64 block;
		int levels;

		if (!s2_granule_supported(granule))
			continue;
		object_free(object_alloc(24)); /* their own page, for the note of s2mmu_set_raw() */
		mmu = create(granule, true);
		block = pt_level_size(mmu->geometry.page_shift, 2);
		levels = PT_LEVEL_LAST - mmu->geometry.start_level;
		report_prefix_push(s2_granule_name(granule));
		starve(mmu, map_across, 2 * levels, "map");
		assert(!s2mmu_map(mmu, IPA, PA, 2 * block, S2_MAP_RW));
		starve(mmu, unmap_in_block, 1, "unmap a part of a block");
		starve(mmu, protect_in_block, 1, "protect a part of a block");
		starve(mmu, set_raw, levels, "raw descriptor");
		before = alloc_pages_in_use();
		s2mmu_destroy(mmu);
		after = alloc_pages_in_use();
		report(after < before,
		       "pages in use after s2mmu_destroy(): expected less than %lu, found %lu",
		       before, after);
		report_prefix_pop();
	}
}

static void test_create(void)
{
	unsigned long before;
	struct held_pages *held;
	struct s2_mmu *mmu;
	long lost;

	s2mmu_destroy(create(S2_PAGE_4K, false)); /* its chunk stays */
	before = alloc_pages_in_use();
	held = hold_all_pages();
	count_chunks(UNLIMITED);
	mmu = s2mmu_init(1, S2_PAGE_4K, false);
	lost = end_count();
	release_pages(held);
	report(!mmu && alloc_pages_in_use() == before && !lost,
	       "s2mmu_init() without memory: expected NULL, 0 pages and 0 chunks lost, found %p, "
	       "%ld, %ld",
	       mmu, alloc_pages_in_use() - before, lost);
}

/* Without a chunk for itself, and for the bitmap of VMIDs that the first one allocates. */
static void test_create_auto(void)
{
	const struct s2_config config = { .vmid = S2_VMID_AUTO };
	unsigned long before;
	struct s2_mmu *mmu;
	long lost;

	s2mmu_destroy(create(S2_PAGE_4K, false)); /* its chunk stays */
	before = alloc_pages_in_use();
	for (long limit = 0; limit < 2; limit++) {
		count_chunks(limit);
		mmu = s2mmu_create(&config);
		lost = end_count();
		report(!mmu && alloc_pages_in_use() == before && !lost,
		       "first s2mmu_create() of S2_VMID_AUTO with %ld chunks: expected NULL, 0 pages "
		       "and 0 chunks lost, found %p, %ld, %ld",
		       limit, mmu, alloc_pages_in_use() - before, lost);
	}
	mmu = s2mmu_create(&config);
	report(mmu, "s2mmu_create() of S2_VMID_AUTO after it failed: expected a stage 2, found %p",
	       mmu);
	s2mmu_destroy(mmu);
}

/* NULL for what this CPU lacks, and only for that. */
static void check_config(bool supported, const struct s2_config *config, const char *what)
{
	struct s2_mmu *mmu = s2mmu_create(config);

	report(!!mmu == supported,
	       "s2mmu_create() with %s, which the CPU %s: expected %s, found %s", what,
	       supported ? "has" : "lacks", supported ? "a stage 2" : "NULL",
	       mmu ? "a stage 2" : "NULL");
	if (mmu)
		s2mmu_destroy(mmu);
}

static void test_lacking(void)
{
	const struct s2_features *features = s2_features();

	check_config(features->hw_access, &(struct s2_config){ .vmid = 1, .hw_access = true },
		     "access flag set by the CPU");
	check_config(features->hw_dirty,
		     &(struct s2_config){
			     .vmid = 1, .hw_access = features->hw_access, .hw_dirty = true },
		     "dirty state kept by the CPU");
	check_config(s2_granule_lpa2(S2_PAGE_4K), &(struct s2_config){ .vmid = 1, .lpa2 = true },
		     "52-bit descriptors");
	check_config(features->vmid_bits == 16, &(struct s2_config){ .vmid = 256 },
		     "VMIDs of 16 bits");
}

#define SPLIT_TABLES 3

/* Unmap a part of a block while @count pages of memory are free. */
static int unmap_with(unsigned int count, u64 block, u64 ipa, u64 size)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, true);
	void *pages[SPLIT_TABLES];
	struct held_pages *held;
	int err;

	assert(mmu && !s2mmu_map(mmu, IPA, PA, block, S2_MAP_RW));
	for (unsigned int i = 0; i < count; i++)
		pages[i] = alloc_page();
	held = hold_all_pages();
	for (unsigned int i = 0; i < count; i++)
		free_page(pages[i]);
	err = s2mmu_unmap(mmu, ipa, size);
	release_pages(held);
	s2mmu_destroy(mmu);
	return err;
}

/* As many tables as a split takes are enough, and one less is not. */
static void test_split_tables(void)
{
	static const struct {
		u64 block, ipa, size;
		unsigned int tables;
	} splits[] = {
		{ SZ_2M, IPA, SZ_4K, 1 },
		{ SZ_2M, IPA + SZ_4K, SZ_8K, 1 },
		{ SZ_1G, IPA + SZ_2M - SZ_4K, SZ_8K, SPLIT_TABLES }, /* and both ends */
	};

	for (size_t i = 0; i < ARRAY_SIZE(splits); i++) {
		unsigned int tables = splits[i].tables;
		int less = unmap_with(tables - 1, splits[i].block, splits[i].ipa, splits[i].size);
		int enough = unmap_with(tables, splits[i].block, splits[i].ipa, splits[i].size);

		report(less == -ENOMEM && !enough,
		       "%#lx bytes from %#lx, unmapped from a block of %#lx with memory for %u and %u "
		       "tables: expected %d and 0, found %d and %d",
		       splits[i].size, splits[i].ipa, splits[i].block, tables - 1, tables, -ENOMEM,
		       less, enough);
	}
}

static const struct subtest subtests[] = {
	{ "arguments", test_arguments }, { "absent", test_absent },
	{ "overlap", test_overlap },	 { "memory", test_memory },
	{ "create", test_create },	 { "create-auto", test_create_auto },
	{ "lacking", test_lacking },	 { "split-tables", test_split_tables },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
