/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables.
 *
 * Every change runs in two passes over the range. The first counts the tables that are missing and
 * finds what is in the way; then the tables are allocated; the second pass cannot fail.
 */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/stage2_mmu.h>
#include <asm/stage2-tlb.h>

/* VTCR_EL2 (DDI 0487, D24.2.187) */
#define VTCR_IRGN0_WB (1UL << 8)
#define VTCR_ORGN0_WB (1UL << 10)
#define VTCR_SH0_INNER (3UL << 12)
#define VTCR_SL0_SHIFT 6
#define VTCR_TG0_SHIFT 14
#define VTCR_PS_SHIFT 16
#define VTCR_RES1 (1UL << 31)
#define VTTBR_VMID_SHIFT 48

#define IPA_BITS_DEFAULT 40U
#define VMID_MAX 255

/* A list of tables through their first word. */
struct spare_table {
	struct spare_table *next;
};

struct change {
	struct s2_mmu *mmu;
	struct spare_table *spare; /* tables for the second pass */
	struct spare_table *dropped; /* tables to free once no walk can reach them */
	bool unmap;
	pteval_t attributes; /* of the new leaves */
};

static bool has_fwb(void)
{
	return FIELD(read_sysreg_s(ID_AA64MMFR2_EL1), ID_AA64MMFR2_FWB + 3, ID_AA64MMFR2_FWB);
}

static unsigned int parange(void)
{
	return FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0);
}

bool s2_granule_supported(enum s2_granule granule)
{
	/*
	 * The lowest bits of TGran<n>_2 and TGran<n> in ID_AA64MMFR0_EL1, and what the latter says
	 * for "no"
	 */
	static const struct {
		unsigned char stage2, stage1, none;
	} fields[] = {
		[S2_PAGE_4K] = { 40, 28, 0xf },
		[S2_PAGE_16K] = { 32, 20, 0x0 },
		[S2_PAGE_64K] = { 36, 24, 0xf },
	};
	u64 id = read_sysreg(id_aa64mmfr0_el1);
	unsigned int stage2 = FIELD(id, fields[granule].stage2 + 3, fields[granule].stage2);
	unsigned int stage1 = FIELD(id, fields[granule].stage1 + 3, fields[granule].stage1);

	return stage2 ? stage2 >= 2 : stage1 != fields[granule].none;
}

static u64 vtcr_value(enum s2_granule granule, const struct s2_geometry *geometry)
{
	static const u64 tg0[] = { [S2_PAGE_4K] = 0, [S2_PAGE_16K] = 2, [S2_PAGE_64K] = 1 };

	return VTCR_RES1 | VTCR_IRGN0_WB | VTCR_ORGN0_WB | VTCR_SH0_INNER | geometry->t0sz |
	       (u64)geometry->sl0 << VTCR_SL0_SHIFT | tg0[granule] << VTCR_TG0_SHIFT |
	       (u64)MIN(parange(), 5U) << VTCR_PS_SHIFT;
}

struct s2_mmu *s2mmu_init_ipa(int vmid, enum s2_granule granule, bool allow_block,
			      unsigned int ipa_bits)
{
	struct s2_geometry geometry;
	struct s2_mmu *mmu;
	size_t root_size;

	assert_msg(vmid >= 0 && vmid <= VMID_MAX, "VMID %d", vmid);
	if (!host_at_el2 || !s2_granule_supported(granule) ||
	    ipa_bits > s2_parange_bits(parange()) || s2_geometry(granule, ipa_bits, &geometry))
		return NULL;
	mmu = calloc(1, sizeof(*mmu));
	if (!mmu)
		return NULL;
	/* VTTBR_EL2 wants the root aligned to its size. */
	root_size = (u64)geometry.root_tables << geometry.page_shift;
	mmu->root = memalign_pages(root_size, root_size);
	if (!mmu->root) {
		free(mmu);
		return NULL;
	}
	mmu->geometry = geometry;
	mmu->allow_block = allow_block;
	mmu->fwb = has_fwb();
	mmu->vtcr = vtcr_value(granule, &geometry);
	mmu->vttbr = (u64)vmid << VTTBR_VMID_SHIFT | virt_to_phys(mmu->root);
	return mmu;
}

struct s2_mmu *s2mmu_init(int vmid, enum s2_granule granule, bool allow_block)
{
	return s2mmu_init_ipa(vmid, granule, allow_block,
			      MIN(s2_parange_bits(parange()), IPA_BITS_DEFAULT));
}

static pteval_t leaf_attributes(const struct s2_mmu *mmu, unsigned long flags)
{
	unsigned int normal = mmu->fwb ? S2_MEMATTR_FWB_NORMAL_WB : S2_MEMATTR_NORMAL_WB;
	bool device = flags & S2_MAP_DEVICE;

	return S2_AF | S2_SHARED | S2_MEMATTR(device ? S2_MEMATTR_DEVICE_nGnRE : normal) |
	       (flags & S2_MAP_READ ? S2_AP_READ : 0) | (flags & S2_MAP_WRITE ? S2_AP_WRITE : 0) |
	       (flags & S2_MAP_XN ? S2_XN : 0);
}

static u64 entry_size(const struct s2_mmu *mmu, int level)
{
	return pt_level_size(mmu->geometry.page_shift, level);
}

/*
 * The root is wider than other tables when it is concatenated: its index has no upper bound but the
 * range.
 */
static u64 entry_index(const struct s2_mmu *mmu, u64 ipa, int level)
{
	u64 index = ipa >> pt_level_shift(mmu->geometry.page_shift, level);

	if (level == mmu->geometry.start_level)
		return index;
	return index & ((1UL << pt_level_bits(mmu->geometry.page_shift)) - 1);
}

static pteval_t *table_of(pteval_t entry)
{
	return phys_to_virt(entry & PT_ADDR_MASK);
}

/* How much of [@ipa, @ipa + @size) the entry for @ipa at @level covers. */
static u64 chunk_size(const struct s2_mmu *mmu, u64 ipa, u64 size, int level)
{
	u64 span = entry_size(mmu, level);

	return MIN(size, span - (ipa & (span - 1)));
}

/*
 * Pages everywhere; blocks at level 1 with 4K granules and at level 2 with any (without FEAT_LPA2).
 */
static bool leaf_fits(const struct s2_mmu *mmu, u64 chunk, phys_addr_t pa, int level)
{
	int first_block_level = mmu->geometry.page_shift == 12 ? 1 : 2;

	if (level == PT_LEVEL_LAST)
		return true;
	return mmu->allow_block && level >= first_block_level && chunk == entry_size(mmu, level) &&
	       IS_ALIGNED(pa, entry_size(mmu, level));
}

static int check_range(const struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size)
{
	u64 limit = 1UL << mmu->geometry.ipa_bits;
	u64 pa_limit = 1UL << s2_parange_bits(parange());

	if (!size || !IS_ALIGNED(ipa | pa | size, s2_page_size(mmu)))
		return -EINVAL;
	if (size > limit || ipa > limit - size || size > pa_limit || pa > pa_limit - size)
		return -ERANGE;
	return 0;
}

static struct spare_table *push_table(struct spare_table *list, void *table)
{
	struct spare_table *head = table;

	head->next = list;
	return head;
}

static void free_tables(struct spare_table *list)
{
	while (list) {
		struct spare_table *next = list->next;

		free_pages(list);
		list = next;
	}
}

static int alloc_spare_tables(struct change *change, long count)
{
	u64 size = s2_page_size(change->mmu);

	while (count-- > 0) {
		void *table = memalign_pages(size, size);

		if (!table) {
			free_tables(change->spare);
			return -ENOMEM;
		}
		change->spare = push_table(change->spare, table);
	}
	return 0;
}

static pteval_t *take_spare_table(struct change *change)
{
	struct spare_table *table = change->spare;

	change->spare = table->next;
	table->next = NULL;
	return (pteval_t *)table;
}

/*
 * First pass of map: the tables that are missing, or -EEXIST. @table is NULL below a missing table,
 * where level 3 needs no look.
 */
static long count_map(struct s2_mmu *mmu, const pteval_t *table, int level, u64 ipa, phys_addr_t pa,
		      u64 size)
{
	long count = 0, below;

	if (!table && level == PT_LEVEL_LAST)
		return 0;
	while (size) {
		pteval_t entry = table ? table[entry_index(mmu, ipa, level)] : 0;
		u64 chunk = chunk_size(mmu, ipa, size, level);

		if ((entry & PT_VALID) && !pt_is_table(entry, level))
			return -EEXIST;
		if (pt_is_table(entry, level)) {
			below = count_map(mmu, table_of(entry), level + 1, ipa, pa, chunk);
			if (below < 0)
				return below;
			count += below;
		} else if (!leaf_fits(mmu, chunk, pa, level)) {
			count += 1 + count_map(mmu, NULL, level + 1, ipa, pa, chunk);
		}
		ipa += chunk;
		pa += chunk;
		size -= chunk;
	}
	return count;
}

static pteval_t *add_table(struct change *change, pteval_t *entry)
{
	pteval_t *table = take_spare_table(change);

	dsb(ishst); /* the table's contents before the pointer to it */
	*entry = virt_to_phys(table) | PT_VALID | PT_TABLE;
	return table;
}

static void commit_map(struct change *change, pteval_t *table, int level, u64 ipa, phys_addr_t pa,
		       u64 size)
{
	struct s2_mmu *mmu = change->mmu;

	while (size) {
		pteval_t *entry = &table[entry_index(mmu, ipa, level)];
		u64 chunk = chunk_size(mmu, ipa, size, level);

		if (pt_is_table(*entry, level))
			commit_map(change, table_of(*entry), level + 1, ipa, pa, chunk);
		else if (leaf_fits(mmu, chunk, pa, level))
			*entry = pa | change->attributes | pt_leaf_type(level);
		else
			commit_map(change, add_table(change, entry), level + 1, ipa, pa, chunk);
		ipa += chunk;
		pa += chunk;
		size -= chunk;
	}
}

int s2mmu_map(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size, unsigned long flags)
{
	struct change change = { .mmu = mmu, .attributes = leaf_attributes(mmu, flags) };
	int start_level = mmu->geometry.start_level;
	int err = check_range(mmu, ipa, pa, size);
	long count;

	if (err)
		return err;
	spin_lock(&mmu->lock);
	count = count_map(mmu, mmu->root, start_level, ipa, pa, size);
	err = count < 0 ? (int)count : alloc_spare_tables(&change, count);
	if (!err)
		commit_map(&change, mmu->root, start_level, ipa, pa, size);
	spin_unlock(&mmu->lock);
	/*
	 * From invalid to valid: no TLB holds the old entry, but the walker must see the new one.
	 */
	dsb(ishst);
	isb();
	return err;
}

/*
 * First pass of unmap and protect: the tables that splitting takes, at most. A range that ends
 * inside a block splits it into one table, and its two ends split one entry each at every level
 * below.
 */
static long count_splits(struct s2_mmu *mmu, const pteval_t *table, int level, u64 ipa, u64 size)
{
	long count = 0;

	while (size) {
		pteval_t entry = table[entry_index(mmu, ipa, level)];
		u64 chunk = chunk_size(mmu, ipa, size, level);

		if (pt_is_table(entry, level)) {
			count += count_splits(mmu, table_of(entry), level + 1, ipa, chunk);
		} else if ((entry & PT_VALID) && chunk < entry_size(mmu, level)) {
			count += 1 + 2 * (PT_LEVEL_LAST - level - 1);
		}
		ipa += chunk;
		size -= chunk;
	}
	return count;
}

/* Replace a block by a table of smaller leaves that say the same, with break-before-make. */
static pteval_t *split(struct change *change, pteval_t *entry, int level, u64 ipa)
{
	struct s2_mmu *mmu = change->mmu;
	pteval_t *table = take_spare_table(change);
	pteval_t attributes = *entry & ~(PT_ADDR_MASK | PT_VALID | PT_TABLE);
	u64 step = entry_size(mmu, level + 1);
	phys_addr_t pa = *entry & PT_ADDR_MASK;

	for (unsigned int i = 0; i < 1U << pt_level_bits(mmu->geometry.page_shift); i++)
		table[i] = (pa + i * step) | attributes | pt_leaf_type(level + 1);
	*entry = 0;
	s2_tlb_flush_range(mmu, ALIGN_DOWN(ipa, entry_size(mmu, level)), entry_size(mmu, level));
	*entry = virt_to_phys(table) | PT_VALID | PT_TABLE;
	return table;
}

/* Put @table and all below it on the list of those to free. */
static void drop_table(struct change *change, pteval_t *table, int level)
{
	if (level < PT_LEVEL_LAST)
		for (unsigned int i = 0; i < 1U << pt_level_bits(change->mmu->geometry.page_shift);
		     i++)
			if (pt_is_table(table[i], level))
				drop_table(change, table_of(table[i]), level + 1);
	change->dropped = push_table(change->dropped, table);
}

static void change_entry(struct change *change, pteval_t *entry, int level)
{
	pteval_t old = *entry;

	if (!change->unmap) {
		*entry = (old & (PT_ADDR_MASK | PT_VALID | PT_TABLE)) | change->attributes;
		return;
	}
	*entry = 0;
	if (pt_is_table(old, level))
		drop_table(change, table_of(old), level + 1);
}

static void commit_change(struct change *change, pteval_t *table, int level, u64 ipa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;

	while (size) {
		pteval_t *entry = &table[entry_index(mmu, ipa, level)];
		u64 chunk = chunk_size(mmu, ipa, size, level);
		bool is_table = pt_is_table(*entry, level), whole = chunk == entry_size(mmu, level);

		if (!(*entry & PT_VALID))
			;
		else if (whole && (change->unmap || !is_table))
			change_entry(change, entry, level);
		else
			commit_change(change,
				      is_table ? table_of(*entry)
					       : split(change, entry, level, ipa),
				      level + 1, ipa, chunk);
		ipa += chunk;
		size -= chunk;
	}
}

static int change_range(struct change *change, u64 ipa, u64 size)
{
	struct s2_mmu *mmu = change->mmu;
	int start_level = mmu->geometry.start_level;
	int err = check_range(mmu, ipa, 0, size);

	if (err)
		return err;
	spin_lock(&mmu->lock);
	err = alloc_spare_tables(change, count_splits(mmu, mmu->root, start_level, ipa, size));
	if (!err) {
		commit_change(change, mmu->root, start_level, ipa, size);
		s2_tlb_flush_range(mmu, ipa, size);
		free_tables(change->dropped);
		free_tables(change->spare);
	}
	spin_unlock(&mmu->lock);
	return err;
}

int s2mmu_unmap(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	struct change change = { .mmu = mmu, .unmap = true };

	return change_range(&change, ipa, size);
}

int s2mmu_protect(struct s2_mmu *mmu, u64 ipa, u64 size, unsigned long flags)
{
	struct change change = { .mmu = mmu, .attributes = leaf_attributes(mmu, flags) };

	return change_range(&change, ipa, size);
}

pteval_t *s2mmu_lookup(struct s2_mmu *mmu, u64 ipa, int *level)
{
	pteval_t *table = mmu->root;

	if (ipa >> mmu->geometry.ipa_bits)
		return NULL;
	for (int l = mmu->geometry.start_level;; l++) {
		pteval_t *entry = &table[entry_index(mmu, ipa, l)];

		if (pt_is_table(*entry, l)) {
			table = table_of(*entry);
			continue;
		}
		if (level)
			*level = l;
		return *entry & PT_VALID ? entry : NULL;
	}
}

void s2mmu_flush(struct s2_mmu *mmu)
{
	s2_tlb_flush_all(mmu);
}

void s2mmu_destroy(struct s2_mmu *mmu)
{
	struct change change = { .mmu = mmu };
	int level = mmu->geometry.start_level;
	u64 entries =
		1UL << (mmu->geometry.ipa_bits - pt_level_shift(mmu->geometry.page_shift, level));

	s2_tlb_flush_all(mmu);
	for (u64 i = 0; i < entries; i++)
		if (pt_is_table(mmu->root[i], level))
			drop_table(&change, table_of(mmu->root[i]), level + 1);
	free_tables(change.dropped);
	free_pages(mmu->root);
	free(mmu);
}

void s2mmu_enable(struct s2_mmu *mmu)
{
	write_sysreg(mmu->vtcr, vtcr_el2);
	write_sysreg(mmu->vttbr, vttbr_el2);
	isb(); /* the tree before the bit that makes it count */
	write_sysreg(read_sysreg(hcr_el2) | HCR_EL2_VM, hcr_el2);
	isb();
}

void s2mmu_disable(struct s2_mmu *mmu)
{
	write_sysreg(read_sysreg(hcr_el2) & ~HCR_EL2_VM, hcr_el2);
	isb();
	write_sysreg(0, vttbr_el2);
	isb();
}
