/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the stage-2 library. */
#ifndef ASMARM64_STAGE2_INTERNAL_H
#define ASMARM64_STAGE2_INTERNAL_H

#include <libcflat.h>
#include <asm/io.h>
#include <asm/stage2_mmu.h>
#include <asm/sysreg.h>

#define VTTBR_VMID_SHIFT 48

/* A list of tables through their first word. */
struct spare_table {
	struct spare_table *next;
};

/* A change of a range: what the first pass prepared, for the second, which cannot fail. */
struct s2_change {
	struct s2_mmu *mmu;
	u64 start, end; /* IPAs */
	struct spare_table *spare; /* tables for the second pass, not zeroed */
	struct spare_table *dropped; /* tables to free once no walk can reach them */
	pteval_t attributes; /* of the new leaves */
	bool unmap;
	bool replace; /* of a map: what is mapped goes first, and tables that it empties stay */
	bool contiguous; /* make runs */
	u64 pa_offset; /* of a map: PA - IPA */
};

/* Attributes of a leaf for S2_MAP_ flags, without address and type; -EINVAL or -EOPNOTSUPP. */
int s2_leaf_attributes(const struct s2_mmu *mmu, unsigned long flags, pteval_t *attributes);
/* -EINVAL: misaligned or empty; -ERANGE: beyond the IPA size. */
int s2_check_range(const struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size);

/*
 * stage2-change.c: the tables that splitting at the ends of a range takes, at most; and unmapping
 * it, with them. The lock is held.
 */
long s2_count_splits(struct s2_mmu *mmu, u64 ipa, u64 size);
void s2_unmap_range(struct s2_change *change, u64 ipa, u64 size);

/* All @count tables or none: -ENOMEM. */
int s2_alloc_spare_tables(struct s2_change *change, long count);
pteval_t *s2_take_spare_table(struct s2_change *change);
void s2_drop_table(struct s2_change *change, pteval_t *table);
/* @table of @level and all below it. */
void s2_drop_tree(struct s2_change *change, pteval_t *table, int level);
void s2_free_tables(struct spare_table *list);
void s2_clear_table(const struct s2_mmu *mmu, pteval_t *table);

static inline u64 s2_entry_size(const struct s2_mmu *mmu, int level)
{
	return pt_level_size(mmu->geometry.page_shift, level);
}

/* Entries of a table that is not the root. */
static inline unsigned int s2_table_entries(const struct s2_mmu *mmu)
{
	return 1U << pt_level_bits(mmu->geometry.page_shift);
}

/*
 * The root is wider than other tables when it is concatenated: its index has no upper bound but the
 * range.
 */
static inline u64 s2_entry_index(const struct s2_mmu *mmu, u64 ipa, int level)
{
	u64 index = ipa >> pt_level_shift(mmu->geometry.page_shift, level);

	if (level == mmu->geometry.start_level)
		return index;
	return index & (s2_table_entries(mmu) - 1);
}

/* Bytes of [@ipa, @ipa + @size) that the entry for @ipa at @level covers. */
static inline u64 s2_chunk_size(const struct s2_mmu *mmu, u64 ipa, u64 size, int level)
{
	u64 span = s2_entry_size(mmu, level);

	return MIN(size, span - (ipa & (span - 1)));
}

/* Tables of the library are below 2^48, where the formats of their addresses do not differ. */
static inline pteval_t *s2_table_of(pteval_t entry)
{
	return phys_to_virt(entry & PT_ADDR_MASK);
}

static inline pteval_t s2_table_entry(const pteval_t *table)
{
	return virt_to_phys(table) | PT_VALID | PT_TABLE;
}

/* The bits of a leaf that are its address (DDI 0487, D8.3.1). */
static inline pteval_t s2_address_mask(const struct s2_mmu *mmu)
{
	if (mmu->geometry.ds)
		return UL(0x0003fffffffff300);
	return mmu->geometry.lpa ? UL(0x0000fffffffff000) : PT_ADDR_MASK;
}

/* @pa in a leaf's format. */
static inline pteval_t s2_pa_to_leaf(const struct s2_mmu *mmu, phys_addr_t pa)
{
	if (mmu->geometry.ds)
		return (pa & UL(0x0003fffffffff000)) | FIELD(pa, 51, 50) << 8;
	if (mmu->geometry.lpa)
		return (pa & UL(0x0000ffffffff0000)) | FIELD(pa, 51, 48) << 12;
	return pa;
}

static inline phys_addr_t s2_leaf_to_pa(const struct s2_mmu *mmu, pteval_t leaf)
{
	if (mmu->geometry.ds)
		return (leaf & UL(0x0003fffffffff000)) | FIELD(leaf, 9, 8) << 50;
	if (mmu->geometry.lpa)
		return (leaf & UL(0x0000ffffffff0000)) | FIELD(leaf, 15, 12) << 48;
	return leaf & PT_ADDR_MASK;
}

/* The bits of a leaf that are neither address nor type. */
static inline pteval_t s2_leaf_bits(const struct s2_mmu *mmu, pteval_t leaf)
{
	return leaf & ~(s2_address_mask(mmu) | PT_VALID | PT_TABLE);
}

/* Replace a descriptor that the CPU may update meanwhile (HA, HD); returns the old one. */
static inline pteval_t s2_exchange(pteval_t *entry, pteval_t value)
{
	return __atomic_exchange_n(entry, value, __ATOMIC_RELAXED);
}

#endif
