/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding leaves, and their access and dirty state. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>

pteval_t *s2mmu_lookup(struct s2_mmu *mmu, u64 ipa, int *level)
{
	pteval_t *table = mmu->root;

	if (ipa >> mmu->geometry.ipa_bits)
		return NULL;
	for (int l = mmu->geometry.start_level;; l++) {
		pteval_t *entry = &table[s2_entry_index(mmu, ipa, l)];

		if (pt_is_table(*entry, l)) {
			table = s2_table_of(*entry);
			continue;
		}
		if (level)
			*level = l;
		return *entry & PT_VALID ? entry : NULL;
	}
}

phys_addr_t s2mmu_translate(struct s2_mmu *mmu, u64 ipa)
{
	int level;
	pteval_t *leaf = s2mmu_lookup(mmu, ipa, &level);

	if (!leaf)
		return INVALID_PHYS_ADDR;
	return s2_leaf_to_pa(mmu, *leaf) | (ipa & (s2_entry_size(mmu, level) - 1));
}

struct visit {
	s2_visit_fn visit;
	void *data;
};

static u64 walk(struct s2_mmu *mmu, pteval_t *table, int level, u64 ipa, u64 size,
		const struct visit *visit)
{
	u64 sum = 0;

	while (size) {
		pteval_t *entry = &table[s2_entry_index(mmu, ipa, level)];
		u64 chunk = s2_chunk_size(mmu, ipa, size, level);

		if (pt_is_table(*entry, level))
			sum += walk(mmu, s2_table_of(*entry), level + 1, ipa, chunk, visit);
		else if (*entry & PT_VALID)
			sum += visit->visit(mmu, entry, level,
					    ALIGN_DOWN(ipa, s2_entry_size(mmu, level)),
					    visit->data);
		ipa += chunk;
		size -= chunk;
	}
	return sum;
}

u64 s2mmu_walk(struct s2_mmu *mmu, u64 ipa, u64 size, s2_visit_fn visit, void *data)
{
	u64 limit = 1UL << mmu->geometry.ipa_bits, sum;

	if (ipa >= limit)
		return 0;
	size = MIN(size, limit - ipa);
	spin_lock(&mmu->lock);
	sum = walk(mmu, mmu->root, mmu->geometry.start_level, ipa, size,
		   &(struct visit){ visit, data });
	spin_unlock(&mmu->lock);
	return sum;
}

/* The CPU may write the descriptors meanwhile: single bits, atomically. */
static u64 set_bits(pteval_t *leaf, pteval_t bits)
{
	return (__atomic_fetch_or(leaf, bits, __ATOMIC_RELAXED) & bits) != bits;
}

static u64 clear_bits(pteval_t *leaf, pteval_t bits)
{
	return (__atomic_fetch_and(leaf, ~bits, __ATOMIC_RELAXED) & bits) != 0;
}

static u64 set_accessed(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return set_bits(leaf, S2_AF);
}

static u64 clear_accessed(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return clear_bits(leaf, S2_AF);
}

static u64 set_dirty(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return *leaf & S2_DBM ? set_bits(leaf, S2_AP_WRITE) : 0;
}

static u64 clear_dirty(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return *leaf & S2_DBM ? clear_bits(leaf, S2_AP_WRITE) : 0;
}

static u64 change_state(struct s2_mmu *mmu, u64 ipa, u64 size, s2_visit_fn visit)
{
	u64 count = s2mmu_walk(mmu, ipa, size, visit, NULL);

	if (count)
		s2_tlb_flush_range(mmu, ipa, size);
	return count;
}

u64 s2mmu_set_accessed(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	u64 count = s2mmu_walk(mmu, ipa, size, set_accessed, NULL);

	/* A descriptor without the flag is in no TLB (DDI 0487, D8.5.1). */
	dsb(ishst);
	isb();
	return count;
}

u64 s2mmu_clear_accessed(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	return change_state(mmu, ipa, size, clear_accessed);
}

u64 s2mmu_set_dirty(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	return change_state(mmu, ipa, size, set_dirty);
}

u64 s2mmu_clear_dirty(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	return change_state(mmu, ipa, size, clear_dirty);
}
