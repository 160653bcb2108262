/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMIDs, handed out by generations. */
#include <libcflat.h>
#include <alloc.h>
#include <bitops.h>
#include <string.h>
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
	pool->used = calloc(1, bitmap_size(pool));
	return pool->used;
}

void s2_vmid_pool_destroy(struct s2_vmid_pool *pool)
{
	assert_msg(!pool->trees, "a tree uses VMID %u", s2_vmid(pool->trees));
	free(pool->used);
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

/* Trees in use keep their VMIDs; nothing of any other is left in a TLB. */
static void begin_generation(struct s2_vmid_pool *pool)
{
	pool->generation++;
	pool->next = 0;
	memset(pool->used, 0, bitmap_size(pool));
	for (struct s2_mmu *mmu = pool->trees; mmu; mmu = mmu->next_auto) {
		test_and_mark(pool, s2_vmid(mmu) - pool->first);
		mmu->vmid_generation = pool->generation;
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
	mmu->vmid_generation = pool->generation;
	return true;
}

bool s2_vmid_get(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	bool ok = true;

	spin_lock(&pool->lock);
	if (!mmu->vmid_users) {
		ok = mmu->vmid_generation == pool->generation || assign(pool, mmu);
		if (ok) {
			mmu->next_auto = pool->trees;
			pool->trees = mmu;
		}
	}
	mmu->vmid_users += ok;
	spin_unlock(&pool->lock);
	return ok;
}

void s2_vmid_put(struct s2_vmid_pool *pool, struct s2_mmu *mmu)
{
	spin_lock(&pool->lock);
	assert(mmu->vmid_users);
	if (!--mmu->vmid_users) {
		struct s2_mmu **link = &pool->trees;

		while (*link != mmu)
			link = &(*link)->next_auto;
		*link = mmu->next_auto;
	}
	spin_unlock(&pool->lock);
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
