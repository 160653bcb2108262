/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage-2 tables by hand, for one address. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-path.h>

#define ROOT_SIZE SZ_1M /* 16 tables of 64K */
#define TABLE_SIZE SZ_64K
#define LEVELS 5 /* -1..3 */
#define PATTERN 0x0005a5a5a5a5a000UL /* of indices */
#define LEAF (S2_MEMATTR(S2_MEMATTR_NORMAL_WB) | S2_AP_READ | S2_AP_WRITE | S2_AF)
#define VMID (1UL << VTTBR_VMID_SHIFT)

static struct {
	pteval_t *root;
	pteval_t *code[LEVELS], *path[LEVELS]; /* tables below the root, by level + 1 */
	u64 *data;
	pteval_t *written[2 * LEVELS]; /* entries that are not 0 */
	unsigned int nr_written;
} tables;

bool s2_path_init(void)
{
	char *below = memalign_pages(TABLE_SIZE, (2 * LEVELS + 1) * TABLE_SIZE);

	tables.root = memalign_pages(ROOT_SIZE, ROOT_SIZE);
	if (!below || !tables.root)
		return false;
	for (unsigned int n = 0; n < LEVELS; n++) {
		tables.code[n] = (pteval_t *)(below + 2 * n * TABLE_SIZE);
		tables.path[n] = (pteval_t *)(below + (2 * n + 1) * TABLE_SIZE);
	}
	tables.data = (u64 *)(below + 2 * LEVELS * TABLE_SIZE);
	tables.data[0] = 1UL << 32 | PROBE_CODE;
	sync_icache(tables.data, PAGE_SIZE);
	return true;
}

u64 *s2_path_data(void)
{
	return tables.data;
}

static enum s2_granule granule_of(const struct s2_shape *shape)
{
	return (enum s2_granule)((shape->page_shift - 12) / 2);
}

const struct s2_lack *s2_path_lack(const struct s2_shape *shape)
{
	static const struct s2_lack granules[] = {
		{ "FEAT_TGran4K", "ID_AA64MMFR0_EL1.TGran4_2" },
		{ "FEAT_TGran16K", "ID_AA64MMFR0_EL1.TGran16_2" },
		{ "FEAT_TGran64K", "ID_AA64MMFR0_EL1.TGran64_2" },
	};
	static const struct s2_lack lpa2[] = {
		{ "FEAT_LPA2", "ID_AA64MMFR0_EL1.TGran4_2" },
		{ "FEAT_LPA2", "ID_AA64MMFR0_EL1.TGran16_2" },
	};
	enum s2_granule granule = granule_of(shape);

	if (!s2_granule_supported(granule))
		return &granules[granule];
	return shape->ds && !s2_granule_lpa2(granule) ? &lpa2[granule] : NULL;
}

static struct s2_geometry geometry_of(const struct s2_shape *shape)
{
	return (struct s2_geometry){ .page_shift = shape->page_shift, .ds = shape->ds };
}

static unsigned int leaf_bits(const struct s2_shape *shape, int level)
{
	return pt_level_shift(shape->page_shift, level);
}

u64 s2_path_ipa(const struct s2_shape *shape, int level)
{
	struct s2_geometry geometry = geometry_of(shape);
	unsigned int ipa_bits = 64 - shape->t0sz, bits = leaf_bits(shape, level);
	u64 top = 1UL << (ipa_bits - 1), low;

	for (unsigned int n = s2_contiguous_entries(&geometry, level); n > 1; n /= 2)
		bits++;
	low = (1UL << MIN(bits, ipa_bits - 1)) - 1;
	return top | (PATTERN & ~low & (top - 1)) | (virt_to_phys(tables.data) & low);
}

u64 s2_path_code(const struct s2_shape *shape)
{
	return probe_code() & ((1UL << shape->page_shift) - 1);
}

static pteval_t *write_entry(pteval_t *table, u64 index, pteval_t value)
{
	table[index] = value;
	tables.written[tables.nr_written++] = &table[index];
	return &table[index];
}

static u64 index_of(const struct s2_shape *shape, u64 ipa, int level)
{
	u64 index = ipa >> leaf_bits(shape, level);

	if (level == shape->start)
		return index;
	return index & ((1UL << pt_level_bits(shape->page_shift)) - 1);
}

static u64 page_of(const struct s2_shape *shape, u64 address)
{
	return address & ~((1UL << shape->page_shift) - 1);
}

static void build_code(const struct s2_shape *shape)
{
	u64 ipa = s2_path_code(shape);

	for (int level = shape->start; level <= PT_LEVEL_LAST; level++) {
		pteval_t *table = level == shape->start ? tables.root : tables.code[level + 1];
		u64 value = level == PT_LEVEL_LAST ? page_of(shape, probe_code()) | LEAF
						   : virt_to_phys(tables.code[level + 2]);

		write_entry(table, index_of(shape, ipa, level), value | PT_VALID | PT_TABLE);
	}
}

pteval_t *s2_path_build(const struct s2_shape *shape, u64 ipa, int level, u64 bits,
			enum s2_path_target target)
{
	u64 data = virt_to_phys(tables.data);
	pteval_t *found = NULL;

	while (tables.nr_written)
		*tables.written[--tables.nr_written] = 0;
	build_code(shape);
	for (int l = shape->start; l <= PT_LEVEL_LAST; l++) {
		pteval_t *table = l == shape->start ? tables.root : tables.path[l + 1], *entry;
		u64 next = l == PT_LEVEL_LAST ? page_of(shape, data) | LEAF
					      : virt_to_phys(tables.path[l + 2]);

		if (l == level && target == S2_PATH_NOTHING)
			next = 0;
		else if (l == level && target == S2_PATH_DATA)
			next = data & ~((1UL << leaf_bits(shape, l)) - 1);
		next |= l == level ? bits : PT_VALID | PT_TABLE;
		entry = write_entry(table, index_of(shape, ipa, l), next);
		if (l == level)
			found = entry;
	}
	return found;
}

u64 s2_path_vtcr(const struct s2_shape *shape)
{
	static const u64 tg0[] = { [S2_PAGE_4K] = 0, [S2_PAGE_16K] = 2, [S2_PAGE_64K] = 1 };

	return VTCR_EL2_RES1 | VTCR_EL2_IRGN0_WB | VTCR_EL2_ORGN0_WB | VTCR_EL2_SH0_INNER |
	       shape->t0sz | (u64)shape->sl0 << VTCR_EL2_SL0_SHIFT |
	       (u64)shape->sl2 << VTCR_EL2_SL2_SHIFT |
	       tg0[granule_of(shape)] << VTCR_EL2_TG0_SHIFT | (shape->ds ? VTCR_EL2_DS : 0);
}

u64 s2_path_vttbr(void)
{
	return virt_to_phys(tables.root) | VMID;
}
