/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mapping: only invalid entries change, so without TLB maintenance, unless something is replaced:
 * that is unmapped first.
 *
 * Two passes over the range. The first counts the tables that are missing and finds what is mapped
 * already; then the tables are allocated; the second pass cannot fail. New tables are filled before
 * they are linked. A range within one existing last-level table needs none of this.
 */
#include <libcflat.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/stage2-internal.h>

int s2_check_range(const struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size)
{
	u64 limit = 1UL << mmu->geometry.ipa_bits, pa_limit = 1UL << mmu->geometry.pa_bits;

	if (!size || !IS_ALIGNED(ipa | pa | size, s2_page_size(mmu)))
		return -EINVAL;
	if (size > limit || ipa > limit - size || size > pa_limit || pa > pa_limit - size)
		return -ERANGE;
	return 0;
}

/* Pages everywhere; blocks where the geometry has them and the caller wants them. */
static bool leaf_fits(const struct s2_mmu *mmu, u64 chunk, phys_addr_t pa, int level)
{
	if (level == PT_LEVEL_LAST)
		return true;
	return mmu->allow_block && level >= mmu->geometry.first_block_level &&
	       chunk == s2_entry_size(mmu, level) && IS_ALIGNED(pa, s2_entry_size(mmu, level));
}

static bool any_valid(const pteval_t *entry, u64 count)
{
	pteval_t any = 0;

	for (; count >= 4; count -= 4, entry += 4)
		any |= entry[0] | entry[1] | entry[2] | entry[3];
	while (count--)
		any |= *entry++;
	return any & PT_VALID;
}

/*
 * The tables that are missing, or -EEXIST. @table is NULL below a missing table, where level 3 is
 * empty. To replace, leaves and tables that lie whole in the range count as missing.
 */
static long count_map(const struct s2_change *change, const pteval_t *table, int level, u64 ipa,
		      phys_addr_t pa, u64 size)
{
	const struct s2_mmu *mmu = change->mmu;
	long count = 0, below;

	if (level == PT_LEVEL_LAST)
		return table && !change->replace &&
				       any_valid(&table[s2_entry_index(mmu, ipa, level)],
						 size >> mmu->geometry.page_shift)
			       ? -EEXIST
			       : 0;
	while (size) {
		pteval_t entry = table ? table[s2_entry_index(mmu, ipa, level)] : 0;
		u64 chunk = s2_chunk_size(mmu, ipa, size, level);
		bool is_table = pt_is_table(entry, level),
		     is_leaf = (entry & PT_VALID) && !is_table;

		if (change->replace)
			is_table = is_table && chunk < s2_entry_size(mmu, level);
		else if (is_leaf)
			return -EEXIST;
		if (is_table) {
			below = count_map(change, s2_table_of(entry), level + 1, ipa, pa, chunk);
			if (below < 0)
				return below;
			count += below;
		} else if (!leaf_fits(mmu, chunk, pa, level)) {
			/* A leaf of which a part is replaced is split, which is counted apart. */
			if (!is_leaf || chunk == s2_entry_size(mmu, level))
				count++;
			count += count_map(change, NULL, level + 1, ipa, pa, chunk);
		}
		ipa += chunk;
		pa += chunk;
		size -= chunk;
	}
	return count;
}

static bool any_table(const pteval_t *entry, unsigned int count, int level)
{
	while (count && !pt_is_table(*entry, level))
		count--, entry++;
	return count;
}

/*
 * The run of the leaf @entry, which maps @ipa, is in the request, aligned on both sides, and leaves
 * only. A table without a valid entry may be in the way, which is kept.
 */
static bool is_run(const struct s2_change *change, const pteval_t *entry, int level, u64 ipa)
{
	const struct s2_mmu *mmu = change->mmu;
	unsigned int entries = s2_contiguous_entries(&mmu->geometry, level);
	u64 size = s2_entry_size(mmu, level), run = entries * size, base = ALIGN_DOWN(ipa, run);

	return entries > 1 && base >= change->start && base + run <= change->end &&
	       IS_ALIGNED(change->pa_offset, run) &&
	       !any_table(entry - (ipa - base) / size, entries, level);
}

static pteval_t contiguous_hint(const struct s2_change *change, const pteval_t *entry, int level,
				u64 ipa)
{
	return change->contiguous && is_run(change, entry, level, ipa) ? S2_CONTIGUOUS : 0;
}

/* Write leaves whose format has the address unchanged: the common case, and the fast one. */
static void fill_plain(pteval_t *entry, pteval_t value, u64 step, u64 count)
{
	for (; count >= 8; count -= 8, entry += 8, value += 8 * step) {
		entry[0] = value;
		entry[1] = value + step;
		entry[2] = value + 2 * step;
		entry[3] = value + 3 * step;
		entry[4] = value + 4 * step;
		entry[5] = value + 5 * step;
		entry[6] = value + 6 * step;
		entry[7] = value + 7 * step;
	}
	for (; count; count--, value += step)
		*entry++ = value;
}

static void fill_pages(const struct s2_change *change, pteval_t *entry, u64 ipa, phys_addr_t pa,
		       u64 count)
{
	const struct s2_mmu *mmu = change->mmu;
	pteval_t attributes = change->attributes | pt_leaf_type(PT_LEVEL_LAST);
	u64 step = s2_page_size(mmu);

	if (!change->contiguous && !mmu->geometry.ds && !mmu->geometry.lpa) {
		fill_plain(entry, pa | attributes, step, count);
		return;
	}
	for (; count; count--, entry++, ipa += step, pa += step)
		*entry = s2_pa_to_leaf(mmu, pa) | attributes |
			 contiguous_hint(change, entry, PT_LEVEL_LAST, ipa);
}

static void commit_map(struct s2_change *change, pteval_t *table, int level, u64 ipa,
		       phys_addr_t pa, u64 size);

/*
 * A new table with what [@ipa, @ipa + @size) maps in it, and zeros around that. Above the last
 * level an entry is looked at before it is written: only there may the table hold what it held.
 */
static pteval_t *new_table(struct s2_change *change, int level, u64 ipa, phys_addr_t pa, u64 size)
{
	pteval_t *table = s2_take_spare_table(change);

	if (level < PT_LEVEL_LAST || size < s2_entry_size(change->mmu, level - 1))
		s2_clear_table(change->mmu, table);
	commit_map(change, table, level, ipa, pa, size);
	return table;
}

static void commit_map(struct s2_change *change, pteval_t *table, int level, u64 ipa,
		       phys_addr_t pa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;

	if (level == PT_LEVEL_LAST) {
		fill_pages(change, &table[s2_entry_index(mmu, ipa, level)], ipa, pa,
			   size >> mmu->geometry.page_shift);
		return;
	}
	while (size) {
		pteval_t *entry = &table[s2_entry_index(mmu, ipa, level)];
		u64 chunk = s2_chunk_size(mmu, ipa, size, level);

		if (leaf_fits(mmu, chunk, pa, level) && !(*entry & PT_VALID)) {
			*entry = s2_pa_to_leaf(mmu, pa) | change->attributes |
				 contiguous_hint(change, entry, level, ipa) | pt_leaf_type(level);
		} else if (pt_is_table(*entry, level)) {
			commit_map(change, s2_table_of(*entry), level + 1, ipa, pa, chunk);
		} else {
			pteval_t *below = new_table(change, level + 1, ipa, pa, chunk);

			dsb(ishst); /* the table's contents before the pointer to it */
			*entry = s2_table_entry(below);
		}
		ipa += chunk;
		pa += chunk;
		size -= chunk;
	}
}

/* The last-level table for all of the range; NULL when it is missing, or is not one for all. */
static pteval_t *last_table(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	pteval_t *table = mmu->root;

	for (int level = mmu->geometry.start_level; level < PT_LEVEL_LAST; level++) {
		pteval_t entry = table[s2_entry_index(mmu, ipa, level)];

		if (!pt_is_table(entry, level))
			return NULL;
		table = s2_table_of(entry);
	}
	return s2_chunk_size(mmu, ipa, size, PT_LEVEL_LAST - 1) == size ? table : NULL;
}

static int map_in_table(struct s2_change *change, pteval_t *table, u64 ipa, phys_addr_t pa,
			u64 size)
{
	pteval_t *entry = &table[s2_entry_index(change->mmu, ipa, PT_LEVEL_LAST)];
	u64 count = size >> change->mmu->geometry.page_shift;

	if (any_valid(entry, count))
		return -EEXIST;
	fill_pages(change, entry, ipa, pa, count);
	return 0;
}

static int map_new(struct s2_change *change, u64 ipa, phys_addr_t pa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;
	int start_level = mmu->geometry.start_level, err;
	pteval_t *table = last_table(mmu, ipa, size);
	long count;

	if (table)
		return map_in_table(change, table, ipa, pa, size);
	count = count_map(change, mmu->root, start_level, ipa, pa, size);
	if (count < 0)
		return count;
	err = s2_alloc_spare_tables(change, count);
	if (!err)
		commit_map(change, mmu->root, start_level, ipa, pa, size);
	return err;
}

static int replace(struct s2_change *change, u64 ipa, phys_addr_t pa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;
	int start_level = mmu->geometry.start_level, err;
	long splits = s2_count_splits(mmu, ipa, size);

	change->replace = true;
	err = s2_alloc_spare_tables(
		change, splits + count_map(change, mmu->root, start_level, ipa, pa, size));
	if (err)
		return err;
	s2_unmap_range(change, ipa, size);
	commit_map(change, mmu->root, start_level, ipa, pa, size);
	s2_free_tables(change->dropped); /* no walk reaches them any more */
	s2_free_tables(change->spare);
	return 0;
}

int s2mmu_map(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size, unsigned long flags)
{
	struct s2_change change = {
		.mmu = mmu,
		.start = ipa,
		.end = ipa + size,
		/* A CPU may mark any entry of a run dirty: each page has its own state. */
		.contiguous = (flags & S2_MAP_CONTIGUOUS) && !(flags & S2_MAP_TRACK_DIRTY),
		.pa_offset = pa - ipa,
	};
	int err = s2_check_range(mmu, ipa, pa, size);

	err = err ?: s2_leaf_attributes(mmu, flags, &change.attributes);
	if (err)
		return err;
	spin_lock(&mmu->lock);
	err = map_new(&change, ipa, pa, size);
	if (err == -EEXIST && !(flags & S2_MAP_NOREPLACE))
		err = replace(&change, ipa, pa, size);
	spin_unlock(&mmu->lock);
	/* No TLB holds an invalid entry, but the walker must see the valid one. */
	dsb(ishst);
	isb();
	return err;
}
