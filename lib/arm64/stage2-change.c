/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of mappings: unmap and protect, with blocks and contiguous runs split at the ends of the
 * range, and collapse. Break-before-make throughout (DDI 0487, D8.16.1): a leaf whose size, type or
 * contiguous hint changes is invalid, and out of every TLB, before it is valid again.
 */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>

/*
 * The tables that splitting takes, at most. A range that ends inside a block splits it into one
 * table, and its two ends split one entry each at every level below.
 */
static long count_splits(struct s2_mmu *mmu, const pteval_t *table, int level, u64 ipa, u64 size)
{
	long count = 0;

	while (size) {
		pteval_t entry = table[s2_entry_index(mmu, ipa, level)];
		u64 chunk = s2_chunk_size(mmu, ipa, size, level);

		if (pt_is_table(entry, level))
			count += count_splits(mmu, s2_table_of(entry), level + 1, ipa, chunk);
		else if ((entry & PT_VALID) && chunk < s2_entry_size(mmu, level))
			count += 1 + 2 * (PT_LEVEL_LAST - level - 1);
		ipa += chunk;
		size -= chunk;
	}
	return count;
}

/*
 * Invalidate a descriptor, in the tables and in every TLB; returns the old one, with the CPU's last
 * update.
 */
static pteval_t break_entry(struct s2_mmu *mmu, pteval_t *entry, int level, u64 ipa)
{
	u64 size = s2_entry_size(mmu, level);
	pteval_t old = s2_exchange(entry, 0);

	s2_tlb_flush_range(mmu, ALIGN_DOWN(ipa, size), size);
	return old;
}

/* Replace a block by a table of smaller leaves that map the same. */
static pteval_t *split(struct s2_change *change, pteval_t *entry, int level, u64 ipa)
{
	struct s2_mmu *mmu = change->mmu;
	pteval_t *table = s2_take_spare_table(change);
	pteval_t old = break_entry(mmu, entry, level, ipa);
	pteval_t attributes = s2_leaf_bits(mmu, old) | pt_leaf_type(level + 1);
	u64 step = s2_entry_size(mmu, level + 1);
	phys_addr_t pa = s2_leaf_to_pa(mmu, old);

	for (unsigned int i = 0; i < s2_table_entries(mmu); i++)
		table[i] = s2_pa_to_leaf(mmu, pa + i * step) | attributes;
	dsb(ishst); /* the table's contents before the pointer to it */
	*entry = s2_table_entry(table);
	return table;
}

/*
 * Take the hint from the run that @entry is in. All of its leaves are broken before one is made
 * without: a TLB may hold any of them for the whole run.
 */
static void split_run(struct s2_change *change, pteval_t *entry, int level, u64 ipa)
{
	struct s2_mmu *mmu = change->mmu;
	unsigned int entries = s2_contiguous_entries(&mmu->geometry, level);
	u64 run = entries * s2_entry_size(mmu, level);
	pteval_t *first = entry - (ipa & (run - 1)) / s2_entry_size(mmu, level);

	for (unsigned int i = 0; i < entries; i++)
		__atomic_fetch_and(&first[i], ~PT_VALID, __ATOMIC_RELAXED);
	s2_tlb_flush_range(mmu, ALIGN_DOWN(ipa, run), run);
	for (unsigned int i = 0; i < entries; i++)
		first[i] = (first[i] & ~S2_CONTIGUOUS) | PT_VALID;
}

/* True when the leaf's run is to be split: only all of it may go in one step. */
static bool breaks_run(const struct s2_change *change, pteval_t leaf, int level, u64 ipa)
{
	unsigned int entries = s2_contiguous_entries(&change->mmu->geometry, level);
	u64 run = entries * s2_entry_size(change->mmu, level), base = ALIGN_DOWN(ipa, run);

	return (leaf & S2_CONTIGUOUS) && entries > 1 &&
	       (!change->unmap || base < change->start || base + run > change->end);
}

/* The new value of @leaf. Its dirty state is kept if it is tracked before and after. */
static pteval_t protected(const struct s2_change *change, pteval_t leaf)
{
	pteval_t kept = s2_address_mask(change->mmu) | PT_VALID | PT_TABLE;

	if (leaf & change->attributes & S2_DBM)
		kept |= S2_AP_WRITE;
	return (leaf & kept) | change->attributes;
}

/*
 * Permissions and the access flag change in place; the type does not. The CPU may set flags
 * meanwhile.
 */
static void protect_leaf(struct s2_change *change, pteval_t *entry, int level, u64 ipa)
{
	pteval_t old = *entry;

	if ((old ^ change->attributes) & S2_MEMATTR_MASK)
		*entry = protected(change, break_entry(change->mmu, entry, level, ipa));
	else
		while (!__atomic_compare_exchange_n(entry, &old, protected(change, old), true,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
}

static bool table_empty(const struct s2_mmu *mmu, const pteval_t *table)
{
	unsigned int i = 0;

	while (i < s2_table_entries(mmu) && !(table[i] & PT_VALID))
		i++;
	return i == s2_table_entries(mmu);
}

static void commit_change(struct s2_change *change, pteval_t *table, int level, u64 ipa, u64 size);

static void change_table(struct s2_change *change, pteval_t *entry, int level, u64 ipa, u64 chunk)
{
	pteval_t *table = s2_table_of(*entry);

	if (change->unmap && chunk == s2_entry_size(change->mmu, level)) {
		*entry = 0;
		s2_drop_tree(change, table, level + 1);
		return;
	}
	commit_change(change, table, level + 1, ipa, chunk);
	if (change->unmap && !change->replace && table_empty(change->mmu, table)) {
		*entry = 0;
		s2_drop_table(change, table);
	}
}

static void change_leaf(struct s2_change *change, pteval_t *entry, int level, u64 ipa, u64 chunk)
{
	if (breaks_run(change, *entry, level, ipa))
		split_run(change, entry, level, ipa);
	if (chunk < s2_entry_size(change->mmu, level))
		commit_change(change, split(change, entry, level, ipa), level + 1, ipa, chunk);
	else if (change->unmap)
		*entry = 0;
	else
		protect_leaf(change, entry, level, ipa);
}

static void commit_change(struct s2_change *change, pteval_t *table, int level, u64 ipa, u64 size)
{
	while (size) {
		pteval_t *entry = &table[s2_entry_index(change->mmu, ipa, level)];
		u64 chunk = s2_chunk_size(change->mmu, ipa, size, level);

		if (pt_is_table(*entry, level))
			change_table(change, entry, level, ipa, chunk);
		else if (*entry & PT_VALID)
			change_leaf(change, entry, level, ipa, chunk);
		ipa += chunk;
		size -= chunk;
	}
}

long s2_count_splits(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	return count_splits(mmu, mmu->root, mmu->geometry.start_level, ipa, size);
}

void s2_unmap_range(struct s2_change *change, u64 ipa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;

	change->unmap = true;
	commit_change(change, mmu->root, mmu->geometry.start_level, ipa, size);
	s2_tlb_flush_range(mmu, ipa, size);
}

static int change_range(struct s2_change *change, u64 ipa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;
	int start_level = mmu->geometry.start_level, err;

	change->start = ipa;
	change->end = ipa + size;
	spin_lock(&mmu->lock);
	err = s2_alloc_spare_tables(change, s2_count_splits(mmu, ipa, size));
	if (!err) {
		commit_change(change, mmu->root, start_level, ipa, size);
		s2_tlb_flush_range(mmu, ipa, size);
		/* No walk reaches them any more. */
		s2_free_tables(change->dropped);
		s2_free_tables(change->spare);
	}
	spin_unlock(&mmu->lock);
	return err;
}

int s2mmu_unmap(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	struct s2_change change = { .mmu = mmu, .unmap = true };

	return s2_check_range(mmu, ipa, 0, size) ?: change_range(&change, ipa, size);
}

int s2mmu_protect(struct s2_mmu *mmu, u64 ipa, u64 size, unsigned long flags)
{
	struct s2_change change = { .mmu = mmu };
	int err = s2_check_range(mmu, ipa, 0, size);

	err = err ?: s2_leaf_attributes(mmu, flags, &change.attributes);
	return err ?: change_range(&change, ipa, size);
}

/*
 * The block at @level that maps what the leaves of @table, one level below, map together; 0 if none
 * does.
 */
static pteval_t block_of(const struct s2_mmu *mmu, const pteval_t *table, int level)
{
	pteval_t type = pt_leaf_type(level + 1),
		 bits = s2_leaf_bits(mmu, table[0]) & ~S2_CONTIGUOUS;
	u64 step = s2_entry_size(mmu, level + 1);
	phys_addr_t pa = s2_leaf_to_pa(mmu, table[0]);

	if (level < mmu->geometry.first_block_level || !IS_ALIGNED(pa, s2_entry_size(mmu, level)))
		return 0;
	for (unsigned int i = 0; i < s2_table_entries(mmu); i++)
		if ((table[i] & ~S2_CONTIGUOUS) !=
		    (s2_pa_to_leaf(mmu, pa + i * step) | bits | type))
			return 0;
	return s2_pa_to_leaf(mmu, pa) | bits | pt_leaf_type(level);
}

/*
 * The CPU may have set an access flag or a dirty bit after the first read; once the table is out of
 * the TLBs it cannot.
 */
static bool collapse_entry(struct s2_change *change, pteval_t *entry, int level, u64 ipa)
{
	pteval_t old = *entry, *table = s2_table_of(old), block;

	if (!block_of(change->mmu, table, level))
		return false;
	break_entry(change->mmu, entry, level, ipa);
	block = block_of(change->mmu, table, level);
	*entry = block ?: old;
	if (block)
		s2_drop_table(change, table);
	return block;
}

static int collapse_range(struct s2_change *change, pteval_t *table, int level, u64 ipa, u64 size)
{
	int count = 0;

	while (size && level < PT_LEVEL_LAST) {
		pteval_t *entry = &table[s2_entry_index(change->mmu, ipa, level)];
		u64 chunk = s2_chunk_size(change->mmu, ipa, size, level);

		if (pt_is_table(*entry, level)) {
			count += collapse_range(change, s2_table_of(*entry), level + 1, ipa, chunk);
			if (chunk == s2_entry_size(change->mmu, level))
				count += collapse_entry(change, entry, level, ipa);
		}
		ipa += chunk;
		size -= chunk;
	}
	return count;
}

int s2mmu_collapse(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	struct s2_change change = { .mmu = mmu };
	int err = s2_check_range(mmu, ipa, 0, size), count;

	if (err)
		return err;
	spin_lock(&mmu->lock);
	count = collapse_range(&change, mmu->root, mmu->geometry.start_level, ipa, size);
	spin_unlock(&mmu->lock);
	dsb(ishst); /* the walker must see the blocks */
	isb();
	s2_free_tables(change.dropped);
	return count;
}
