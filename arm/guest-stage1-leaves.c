/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's own stage 1: its leaves, with all flags and sizes, its limits, and its memory. */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <shortage.h>
#include <subtest.h>
#include <util.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/setup.h>

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
/* SCTLR_EL1: M, C and I */
#define SCTLR_ON 0x1005UL
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

/*
 * What is mapped, and tables that cannot be made
 */

static void check_map(struct stage1 *stage1, const char *what, u64 va, u64 size, int expected)
{
	int err = guest_stage1_map(stage1->tables, va, IPA, size, S1_MAP_RW);

	report(err == expected, "guest_stage1_map() of %s: expected %d, found %d", what, expected,
	       err);
}

/* The leaf at @va is what it was. */
static void check_kept(struct stage1 *stage1, const char *what, u64 va, pteval_t expected)
{
	pteval_t *leaf = guest_stage1_lookup(stage1->tables, va, NULL);

	report(leaf && *leaf == expected, "leaf of %s after it: expected %#lx, found %#lx", what,
	       expected, leaf ? *leaf : 0);
}

static void test_exist(void)
{
	struct stage1 stage1 = create();
	u64 page = VA + SZ_2M;
	pteval_t block_leaf, page_leaf;

	check_map(&stage1, "2 MiB", VA, SZ_2M, 0);
	check_map(&stage1, "a page", page, SZ_4K, 0);
	block_leaf = *guest_stage1_lookup(stage1.tables, VA, NULL);
	page_leaf = *guest_stage1_lookup(stage1.tables, page, NULL);
	check_map(&stage1, "a page of a block", VA + SZ_4K, SZ_4K, -EEXIST);
	check_map(&stage1, "a block again", VA, SZ_2M, -EEXIST);
	check_map(&stage1, "a page again", page, SZ_4K, -EEXIST);
	check_map(&stage1, "a block in place of pages", page, SZ_2M, -EEXIST);
	check_kept(&stage1, "the block", VA, block_leaf);
	check_kept(&stage1, "the page", page, page_leaf);
	destroy(&stage1);
}

/* A table for each 2 MiB: so many as fit into the chunks, with the root and that of level 2. */
static void test_limit(void)
{
	struct stage1 stage1 = create();
	int expected = GUEST_STAGE1_MAX_CHUNKS * (SZ_64K / SZ_4K) - 1 - 2, tables = 0, err = 0;

	while (!err) {
		err = guest_stage1_map(stage1.tables, VA + tables * (u64)SZ_2M, IPA, SZ_4K,
				       S1_MAP_RW);
		tables += !err;
	}
	report(tables == expected && err == -ENOMEM,
	       "tables of level 3 in all chunks: expected %d, then %d, found %d, %d", expected,
	       -ENOMEM, tables, err);
	destroy(&stage1);
}

/* Chunks are in stage 2 while they are the guest's, and no longer. */
static void test_chunks(void)
{
	struct stage1 stage1 = create();
	u64 chunk = __pa(stage1.tables), mapped = s2mmu_translate(stage1.guest->s2mmu, chunk),
	    after;
	unsigned long before = alloc_pages_in_use();

	for (u64 i = 0; i < 3 * SZ_64K / SZ_4K; i++)
		assert(!guest_stage1_map(stage1.tables, VA + i * SZ_2M, IPA, SZ_4K, S1_MAP_RW));
	report(mapped == chunk && alloc_pages_in_use() > before,
	       "page tables at stage 2: expected one to one at %#lx, found %#lx", chunk, mapped);
	guest_stage1_destroy(stage1.tables);
	after = s2mmu_translate(stage1.guest->s2mmu, chunk);
	report(after == INVALID_PHYS_ADDR,
	       "page tables at stage 2 after guest_stage1_destroy(): expected no address, found %#lx",
	       after);
	report(alloc_pages_in_use() < before,
	       "pages in use after guest_stage1_destroy(): expected less than %lu, found %lu",
	       before, alloc_pages_in_use());
	guest_destroy(stage1.guest);
}

/* One chunk is there, but with pages of 64K its only page is struct guest_stage1's. */
static void test_shortage(void)
{
	const struct guest_stage1_config config = { .granule = S2_PAGE_64K, .va_bits = 42 };
	void *chunk, *singles[8];
	struct guest *guest;
	struct guest_stage1 *tables;
	struct held_pages *held;
	unsigned long before;
	u64 mapped;

	if (PAGE_SIZE == SZ_64K) {
		report_skip(
			"a page of the host is as large as a chunk, so that no page is too small");
		return;
	}
	if (!guest_stage1_granule_supported(S2_PAGE_64K)) {
		report_skip("the CPU has no pages of 64K at stage 1 (ID_AA64MMFR0_EL1.TGran64)");
		return;
	}
	guest = guest_create_4k(VMID, create);
	chunk = memalign_pages(SZ_64K, SZ_64K);
	/* For tables of stage 2; every other one, so that they stay single */
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++)
		singles[i] = alloc_page();
	held = hold_all_pages();
	free_pages(chunk);
	for (size_t i = 0; i < ARRAY_SIZE(singles); i += 2)
		free_page(singles[i]);
	before = alloc_pages_in_use();
	tables = guest_stage1_create_config(guest, &config);
	mapped = s2mmu_translate(guest->s2mmu, __pa(chunk));
	report(!tables && alloc_pages_in_use() == before && mapped == INVALID_PHYS_ADDR,
	       "guest_stage1_create_config() with memory for one chunk: expected NULL, 0 pages "
	       "lost, no address at stage 2; found %p, %ld, %#lx",
	       tables, alloc_pages_in_use() - before, mapped);
	release_pages(held);
	for (size_t i = 1; i < ARRAY_SIZE(singles); i += 2)
		free_page(singles[i]);
	guest_destroy(guest);
}

/* Where its address maps other memory a chunk is given back. */
static void test_in_the_way(void)
{
	struct guest *guest = guest_create_4k(VMID, create);
	struct guest_stage1 *tables;
	unsigned long before;

	for (u64 ipa = ram_regions[0].start; ipa < ram_regions[0].end; ipa += SZ_64K)
		s2mmu_map(guest->s2mmu, ipa, ipa + SZ_1G, SZ_64K, S2_MAP_RW | S2_MAP_NOREPLACE);
	before = alloc_pages_in_use();
	tables = guest_stage1_create(guest, 39);
	report(!tables && alloc_pages_in_use() == before,
	       "guest_stage1_create() where its addresses map other memory: expected NULL, 0 pages "
	       "lost, found %p, %ld",
	       tables, alloc_pages_in_use() - before);
	guest_destroy(guest);
}

/* TCR_EL1 without IPS: TG1, SH1 to T1SZ or EPD1, TG0, SH0 to T0SZ (DDI 0487, D24.2.193) */
static void test_tcr(void)
{
	static const struct {
		struct guest_stage1_config config;
		u32 tcr;
	} sizes[] = {
		{ { S2_PAGE_4K, 39, 0 }, 0x00803519 },
		{ { S2_PAGE_4K, 48, 25 }, 0xb5273510 },
		{ { S2_PAGE_16K, 47, 36 }, 0x751cb511 },
		{ { S2_PAGE_64K, 48, 48 }, 0xf5107510 },
	};
	u64 parange = FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct guest_stage1_config *config = &sizes[i].config;
		u64 most = config->granule == S2_PAGE_64K ? 6 : 5;
		u64 expected = sizes[i].tcr | MIN(parange, most) << 32;

		report_equal(guest_stage1_tcr(config), expected, "TCR_EL1, %s, %u and %u bits",
			     s2_granule_name(config->granule), config->va_bits,
			     config->high_va_bits);
	}
}

static void test_enable(void)
{
	struct stage1 stage1 = create();

	guest_stage1_enable(stage1.tables);
	report_equal(stage1.guest->sctlr_el1 & SCTLR_ON, SCTLR_ON,
		     "M, C and I of SCTLR_EL1 after guest_stage1_enable()");
	destroy(&stage1);
}

static const struct subtest subtests[] = {
	{ "flags", test_flags },	   { "levels", test_levels }, { "exist", test_exist },
	{ "limit", test_limit },	   { "chunks", test_chunks }, { "shortage", test_shortage },
	{ "in-the-way", test_in_the_way }, { "tcr", test_tcr },	      { "enable", test_enable },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
