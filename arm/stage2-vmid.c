/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs by generation: more trees than VMIDs, none of which two trees have at once, and no
 * translation that outlives its tree's VMID.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>

#define FIRST 100
#define COUNT 3
#define TREES 8

static unsigned int all_dropped;

static void count_all(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	all_dropped += !mmu;
}

static void create_trees(struct s2_mmu **trees, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		trees[i] = s2mmu_init(0, S2_PAGE_4K, false);
		assert(trees[i]);
	}
}

static void destroy_trees(struct s2_mmu **trees, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		s2mmu_destroy(trees[i]);
}

static bool use(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	if (!s2_vmid_get(pool, mmu))
		return false;
	s2_vmid_put(pool, mmu);
	return true;
}

static void test_generations(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *trees[TREES];
	bool in_pool = true;

	assert(s2_vmid_pool_init(&pool, FIRST, COUNT));
	create_trees(trees, TREES);
	all_dropped = 0;
	s2_tlb_observer = count_all;
	for (int i = 0; i < TREES; i++) {
		assert(use(&pool, trees[i]));
		in_pool = in_pool && s2_vmid(trees[i]) >= FIRST &&
			  s2_vmid(trees[i]) < FIRST + COUNT;
	}
	s2_tlb_observer = NULL;
	report(in_pool, "every VMID is the pool's");
	report(all_dropped == 2 && pool.generation == 3,
	       "%d trees, %d VMIDs: expected 2 new generations, each with all translations "
	       "dropped, found %u, dropped %u times",
	       TREES, COUNT, (unsigned int)pool.generation - 1, all_dropped);
	destroy_trees(trees, TREES);
	s2_vmid_pool_destroy(&pool);
}

static void test_in_use(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *trees[TREES];
	unsigned int kept;
	bool clash = false;

	assert(s2_vmid_pool_init(&pool, FIRST, COUNT));
	create_trees(trees, TREES);
	assert(s2_vmid_get(&pool, trees[0]) && s2_vmid_get(&pool, trees[0]));
	kept = s2_vmid(trees[0]);
	for (int i = 1; i < TREES; i++) {
		assert(use(&pool, trees[i]));
		clash = clash || s2_vmid(trees[i]) == kept;
	}
	report(s2_vmid(trees[0]) == kept && !clash,
	       "a tree in use keeps its VMID, %u, and no other gets it", kept);
	s2_vmid_put(&pool, trees[0]);
	assert(s2_vmid_get(&pool, trees[1]) && s2_vmid_get(&pool, trees[2]));
	report(s2_vmid(trees[1]) != s2_vmid(trees[2]) && s2_vmid(trees[1]) != kept &&
		       s2_vmid(trees[2]) != kept,
	       "three in use have three: %u, %u, %u", kept, s2_vmid(trees[1]), s2_vmid(trees[2]));
	report(!s2_vmid_get(&pool, trees[3]), "a fourth gets none");
	s2_vmid_put(&pool, trees[2]);
	report(use(&pool, trees[3]), "until one is given back");
	s2_vmid_put(&pool, trees[1]);
	s2_vmid_put(&pool, trees[0]);
	destroy_trees(trees, TREES);
	s2_vmid_pool_destroy(&pool);
}

static u64 guest_answer(void)
{
	return 42;
}

static void test_auto(void)
{
	struct s2_mmu *mmu[2];
	unsigned int half = 1U << (s2_features()->vmid_bits - 1);

	for (int i = 0; i < 2; i++)
		mmu[i] = s2mmu_init(S2_VMID_AUTO, S2_PAGE_4K, false);
	report(mmu[0] && mmu[1] && s2_vmid(mmu[0]) >= half && s2_vmid(mmu[1]) >= half &&
		       s2_vmid(mmu[0]) != s2_vmid(mmu[1]),
	       "S2_VMID_AUTO: two of the upper half (%u bits), %u and %u", s2_features()->vmid_bits,
	       s2_vmid(mmu[0]), s2_vmid(mmu[1]));
	destroy_trees(mmu, 2);
}

/* A guest with a VMID of more than 8 bits, where the CPU has them. */
static void test_wide(void)
{
	unsigned int vmid = (1U << s2_features()->vmid_bits) - 1;
	struct guest *guest = guest_create(vmid, (void (*)(void))guest_answer, S2_PAGE_4K);

	report(guest && guest_run(guest) == GUEST_EXIT_RETURNED && guest->exit_code == 42 &&
		       guest->vttbr_el2 >> 48 == vmid,
	       "a guest with the highest VMID, %#x", vmid);
	if (guest)
		guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "generations", test_generations },
	{ "in-use", test_in_use },
	{ "auto", test_auto },
	{ "wide", test_wide },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (unsupported) {
		report_skip("%s", unsupported);
		return report_summary();
	}
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
