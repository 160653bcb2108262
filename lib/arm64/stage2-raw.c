/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw descriptors, for tables that are wrong on purpose. */
#include <libcflat.h>
#include <objects.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>

/* A descriptor's value before s2mmu_set_raw(). */
struct s2_raw {
	struct s2_raw *next;
	pteval_t *entry, old;
};

/*
 * The descriptor for @ipa at @level. Tables above it that are missing are taken from @change; NULL
 * without @change, and when a block is above.
 */
static pteval_t *descend(struct s2_change *change, u64 ipa, int level)
{
	struct s2_mmu *mmu = change->mmu;
	pteval_t *table = mmu->root;

	for (int l = mmu->geometry.start_level; l < level; l++) {
		pteval_t *entry = &table[s2_entry_index(mmu, ipa, l)];

		if (!(*entry & PT_VALID) && change->spare) {
			pteval_t *below = s2_take_spare_table(change);

			s2_clear_table(mmu, below);
			dsb(ishst); /* the zeros before the pointer to them */
			*entry = s2_table_entry(below);
		}
		if (!pt_is_table(*entry, l))
			return NULL;
		table = s2_table_of(*entry);
	}
	return &table[s2_entry_index(mmu, ipa, level)];
}

/* Tables missing above the descriptor; -EEXIST: a block. */
static int count_missing(struct s2_mmu *mmu, u64 ipa, int level)
{
	const pteval_t *table = mmu->root;

	for (int l = mmu->geometry.start_level; l < level; l++) {
		pteval_t entry = table[s2_entry_index(mmu, ipa, l)];

		if (!(entry & PT_VALID))
			return level - l;
		if (!pt_is_table(entry, l))
			return -EEXIST;
		table = s2_table_of(entry);
	}
	return 0;
}

static bool in_tree(const struct s2_mmu *mmu, u64 ipa, int level)
{
	return !(ipa >> mmu->geometry.ipa_bits) && level >= mmu->geometry.start_level &&
	       level <= PT_LEVEL_LAST;
}

pteval_t *s2mmu_entry(struct s2_mmu *mmu, u64 ipa, int level)
{
	struct s2_change change = { .mmu = mmu };

	return in_tree(mmu, ipa, level) ? descend(&change, ipa, level) : NULL;
}

int s2mmu_set_raw(struct s2_mmu *mmu, u64 ipa, int level, pteval_t value)
{
	struct s2_change change = { .mmu = mmu };
	int missing = in_tree(mmu, ipa, level) ? count_missing(mmu, ipa, level) : -EINVAL;
	struct s2_raw *raw;

	if (missing < 0)
		return missing;
	raw = object_alloc(sizeof(*raw));
	if (!raw || s2_alloc_spare_tables(&change, missing)) {
		object_free(raw);
		return -ENOMEM;
	}
	raw->entry = descend(&change, ipa, level);
	raw->old = s2_exchange(raw->entry, value);
	raw->next = mmu->raw;
	mmu->raw = raw;
	dsb(ishst); /* the walker sees it; TLBs are left to the test */
	isb();
	return 0;
}

void s2mmu_restore_raw(struct s2_mmu *mmu)
{
	/* By break-before-make (DDI 0487, D8.16.1): any of them may be valid. */
	for (struct s2_raw *raw = mmu->raw; raw; raw = raw->next)
		s2_exchange(raw->entry, 0);
	s2_tlb_flush_all(mmu);
	while (mmu->raw) {
		struct s2_raw *raw = mmu->raw;

		mmu->raw = raw->next;
		*raw->entry = raw->old;
		object_free(raw);
	}
	dsb(ishst); /* the walker sees them; no TLB holds what was invalid */
	isb();
}
