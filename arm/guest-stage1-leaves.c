/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaves of a guest's own stage 1: guest_stage1_map() with all flags and sizes. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>

#define VMID 28
#define VA SZ_1G
#define IPA 0x123400000000UL

/* A descriptor of VMSAv8-64, stage 1 (DDI 0487, D8.3.1) */
#define AP_EL0 (1UL << 6)
#define AP_RO (1UL << 7)
#define SH_INNER (3UL << 8)
#define AF (1UL << 10)
#define NG (1UL << 11)
#define PXN (1UL << 53)
#define UXN (1UL << 54)
#define ATTR_INDEX(leaf) FIELD(leaf, 4, 2)
/* MAIR_EL1 */
#define NORMAL_WB 0xff
#define NORMAL_NC 0x44
#define DEVICE_nGnRE 0x04
#define BITS (AP_EL0 | AP_RO | SH_INNER | AF | NG | PXN | UXN)

struct stage1 {
	struct guest *guest;
	struct guest_stage1 *tables;
};

static struct stage1 create(void)
{
	struct guest *guest = guest_create_4k(VMID, create);
	struct guest_stage1 *tables = guest_stage1_create(guest, 39);

	assert(tables);
	return (struct stage1){ guest, tables };
}

static void destroy(struct stage1 *stage1)
{
	guest_stage1_destroy(stage1->tables);
	guest_destroy(stage1->guest);
}

static void check_flags(unsigned long flags, u64 bits, u64 type)
{
	struct stage1 stage1 = create();
	pteval_t leaf;
	u64 mair;

	assert(!guest_stage1_map(stage1.tables, VA, IPA, SZ_4K, flags));
	leaf = *guest_stage1_lookup(stage1.tables, VA, NULL);
	mair = stage1.tables->mair >> 8 * ATTR_INDEX(leaf) & 0xff;
	report((leaf & BITS) == (bits | SH_INNER | AF) && mair == type,
	       "leaf with flags %#lx: expected attributes %#lx, MAIR_EL1 %#lx, found %#lx, %#lx",
	       flags, bits | SH_INNER | AF, type, leaf & BITS, mair);
	destroy(&stage1);
}

static void test_flags(void)
{
	check_flags(S1_MAP_RO, AP_RO, NORMAL_WB);
	check_flags(S1_MAP_RW, 0, NORMAL_WB);
	check_flags(S1_MAP_RW | S1_MAP_USER, AP_EL0, NORMAL_WB);
	check_flags(S1_MAP_RO | S1_MAP_XN, AP_RO | PXN | UXN, NORMAL_WB);
	check_flags(S1_MAP_RW | S1_MAP_DEVICE_nGnRE, PXN | UXN, DEVICE_nGnRE);
	check_flags(S1_MAP_DEVICE, PXN | UXN, DEVICE_nGnRE);
	check_flags(S1_MAP_RW | S1_MAP_NC, 0, NORMAL_NC);
	check_flags(S1_MAP_RW | S1_MAP_NG, NG, NORMAL_WB);
}

/* @size bytes from VA on, to @ipa: the level of the leaf, and its address. */
static void check_leaf(u64 size, u64 ipa, int expected)
{
	struct stage1 stage1 = create();
	u64 address;
	int level;

	assert(!guest_stage1_map(stage1.tables, VA, ipa, size, S1_MAP_RW));
	address = FIELD(*guest_stage1_lookup(stage1.tables, VA, &level), 47, 12) << 12;
	report(level == expected && address == ipa,
	       "leaf of %#lx bytes: expected level %d, address %#lx, found level %d, %#lx", size,
	       expected, ipa, level, address);
	destroy(&stage1);
}

static void test_levels(void)
{
	check_leaf(SZ_4K, IPA, 3);
	check_leaf(SZ_2M, IPA, 2);
	check_leaf(SZ_2M, IPA + SZ_4K, 3);
	check_leaf(SZ_1G, IPA, 1);
	check_leaf(SZ_1G, IPA + SZ_2M, 2);
}

static const struct subtest subtests[] = {
	{ "flags", test_flags },
	{ "levels", test_levels },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
