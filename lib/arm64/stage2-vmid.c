/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs, handed out by generations.
 *
 * A user increments the count of users and then compares the generation of its stage 2 with the
 * pool's; a new one is written first, and then the counts are read. Both in this order on all CPUs,
 * so that one of the two sees the other: the user that its VMID is old, or the new generation that
 * it has a user.
 */
#include <libcflat.h>
#include <objects.h>
#include <bitops.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>

static size_t bitmap_size(const struct s2_vmid_pool *pool)
{
	return DIV_ROUND_UP(pool->count, BITS_PER_LONG) * sizeof(u64);
}

bool s2_vmid_pool_init(struct s2_vmid_pool *pool, unsigned int first, unsigned int count)
{
	assert(count && first + count <= 1U << s2_features()->vmid_bits);
	*pool = (struct s2_vmid_pool){ .first = first, .count = count, .generation = 1 };
	pool->used = object_alloc(bitmap_size(pool));
	return pool->used;
}

void s2_vmid_pool_destroy(struct s2_vmid_pool *pool)
{
	assert_msg(!pool->mmus, "a stage 2 takes its VMIDs from the pool");
	object_free(pool->used);
}

void s2_vmid_join(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	spin_lock(&pool->lock);
	mmu->vmid_pool = pool;
	mmu->next_auto = pool->mmus;
	pool->mmus = mmu;
	spin_unlock(&pool->lock);
}

void s2_vmid_leave(struct s2_mmu *mmu)
{
	struct s2_vmid_pool *pool = mmu->vmid_pool;
	struct s2_mmu **link = &pool->mmus;

	assert(!mmu->vmid_users);
	spin_lock(&pool->lock);
	while (*link != mmu)
		link = &(*link)->next_auto;
	*link = mmu->next_auto;
	spin_unlock(&pool->lock);
}

static bool test_and_mark(struct s2_vmid_pool *pool, unsigned int index)
{
	u64 *word = &pool->used[index / BITS_PER_LONG], bit = BIT(index % BITS_PER_LONG);
	bool was = *word & bit;

	*word |= bit;
	return was;
}

/* A free one from `next` on, or -1: those before it are taken, until the generation ends. */
static int find_free(struct s2_vmid_pool *pool)
{
	while (pool->next < pool->count && test_and_mark(pool, pool->next))
		pool->next++;
	return pool->next < pool->count ? (int)pool->next++ : -1;
}

/* The VMID is read after the generation that it is of. */
static u64 tree_generation(const struct s2_mmu *mmu)
{
	return smp_load_acquire(&mmu->vmid_generation);
}

static void set_tree_generation(struct s2_mmu *mmu, u64 generation)
{
	smp_store_release(&mmu->vmid_generation, generation);
}

static bool is_current(const struct s2_mmu *mmu)
{
	return tree_generation(mmu) ==
	       __atomic_load_n(&mmu->vmid_pool->generation, __ATOMIC_SEQ_CST);
}

/* Stage 2s in use keep their VMIDs; nothing of any other is left in a TLB. */
static void begin_generation(struct s2_vmid_pool *pool)
{
	u64 old = pool->generation;

	__atomic_store_n(&pool->generation, old + 1, __ATOMIC_SEQ_CST);
	pool->next = 0;
	memset(pool->used, 0, bitmap_size(pool));
	for (struct s2_mmu *mmu = pool->mmus; mmu; mmu = mmu->next_auto) {
		if (!__atomic_load_n(&mmu->vmid_users, __ATOMIC_SEQ_CST) ||
		    tree_generation(mmu) != old)
			continue;
		test_and_mark(pool, s2_vmid(mmu) - pool->first);
		set_tree_generation(mmu, pool->generation);
	}
	s2_tlb_flush_all_vmids();
}

static bool assign(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	int index = find_free(pool);

	if (index < 0) {
		begin_generation(pool);
		index = find_free(pool);
	}
	if (index < 0)
		return false;
	mmu->vttbr = (mmu->vttbr & (BIT(VTTBR_VMID_SHIFT) - 1)) | (u64)(pool->first + index)
									  << VTTBR_VMID_SHIFT;
	set_tree_generation(mmu, pool->generation);
	return true;
}

/* Another CPU may have taken one first: then that is used. */
static bool renew(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	bool ok;

	spin_lock(&pool->lock);
	ok = is_current(mmu) || assign(pool, mmu);
	spin_unlock(&pool->lock);
	dsb(ish); /* the VMID before walks with it: see s2_vmid_hold() */
	return ok;
}

static void add_user(struct s2_mmu *mmu, int count)
{
	__atomic_add_fetch(&mmu->vmid_users, count, __ATOMIC_SEQ_CST);
}

bool s2_vmid_get(struct s2_mmu *mmu)
{
	if (!mmu->vmid_pool)
		return true;
	add_user(mmu, 1);
	if (is_current(mmu) || renew(mmu->vmid_pool, mmu))
		return true;
	add_user(mmu, -1);
	return false;
}

bool s2_vmid_hold(struct s2_mmu *mmu)
{
	if (!mmu->vmid_pool)
		return true;
	add_user(mmu, 1);
	if (is_current(mmu))
		return true;
	add_user(mmu, -1);
	return false;
}

void s2_vmid_put(struct s2_mmu *mmu)
{
	if (mmu->vmid_pool)
		add_user(mmu, -1);
}

struct s2_vmid_pool *s2_vmid_default_pool(void)
{
	static struct s2_vmid_pool pool;
	static struct spinlock lock;
	unsigned int half = 1U << (s2_features()->vmid_bits - 1);
	bool ok;

	spin_lock(&lock);
	ok = pool.used || s2_vmid_pool_init(&pool, half, half);
	spin_unlock(&lock);
	return ok ? &pool : NULL;
}
