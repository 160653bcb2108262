/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: the permissions of a stage-2 page. A row is a descriptor of kut_model/areas/s2perm.py,
 * in tables that are made once:
 *
 *   stage 2   the image one to one; PAGE_IPA the page of the row; OUT_IPA a page; TABLES_IPA stage
 *             1's tables
 *   stage 1   the image one to one; WALK_VA is OUT_IPA, by a level-3 table in the page of the row
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2perm.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

struct s2perm_row {
	unsigned int kind : 4, op : 4, el : 1, s2ap : 2, xn : 2, af : 1, dbm : 1, ha : 1, hd : 1,
		normal : 1, ptw : 1;
	u8 needs;
	struct translation_set set;
};

#include CONFORM_HEADER

#define PAGE_IPA 0x80000000UL
#define OUT_IPA 0xc0000000UL
#define TABLES_IPA 0x100000000UL
#define WALK_VA 0x80000000UL
#define VALUE(page) ((u64)(page) << 32 | PROBE_CODE) /* of a page's first 8 bytes */
#define DATA_OFFSET 0x100 /* of accesses that write, or maintain caches */
#define ZVA_OFFSET 0x800

/* Kinds and accesses in the order of the model */
enum {
	KIND_PLAIN,
	KIND_DC,
	KIND_WALK,
	KIND_AF,
	KIND_DIRTY,
	KIND_PIE, /* and with S2PIR_EL2 */
	KIND_PIE_WALK,
	KIND_PIE_AF,
	KIND_PIE_DIRTY,
};
enum {
	OP_READ,
	OP_WRITE,
	OP_ATOMIC,
	OP_EXEC,
	OP_DC_ZVA,
	OP_DC_IVAC,
	OP_DC_CIVAC,
	OP_DC_CVAC,
	OP_IC_IVAU,
	OP_READ_UNALIGNED,
	OP_WRITE_UNALIGNED,
	OP_AT_READ,
	OP_AT_WRITE,
};

#define S1_DBM (UL(1) << 51)
#define TCR_HA (UL(1) << 39)
#define TCR_HD (UL(1) << 40)
#define MAIR_NORMAL 0xffUL
#define MEMATTR_NORMAL S2_MEMATTR(S2_MEMATTR_NORMAL_WB)
#define MEMATTR_DEVICE S2_MEMATTR(S2_MEMATTR_DEVICE_nGnRE)

static struct {
	struct s2_mmu *mmu;
	pteval_t *leaf; /* of PAGE_IPA */
	u64 *page, *out; /* memory of the page of plain accesses, and of what walks reach */
	pteval_t *level3, *level1; /* stage 1's tables: level 3 is the page of walks */
} test;

static u64 *alloc_with_value(unsigned int number)
{
	u64 *page = alloc_page();

	assert_msg(page, "no memory");
	page[0] = VALUE(number);
	dcache_clean_inval_poc(page, PAGE_SIZE); /* some rows map it as Device */
	sync_icache(page, PAGE_SIZE);
	return page;
}

static void create_stage1(void)
{
	pteval_t *level2 = alloc_page();

	test.level1 = alloc_page();
	test.level3 = alloc_page();
	assert_msg(test.level3, "no memory");
	conform_map_page(test.mmu, TABLES_IPA, test.level1, S2_MAP_RW);
	conform_map_page(test.mmu, TABLES_IPA + PAGE_SIZE, level2, S2_MAP_RW);
	test.level1[probe_code() >> 30] = conform_code_block();
	test.level1[WALK_VA >> 30] = (TABLES_IPA + PAGE_SIZE) | PT_VALID | PT_TABLE;
	level2[0] = PAGE_IPA | PT_VALID | PT_TABLE;
}

static bool create(void)
{
	test.mmu = conform_stage2();
	if (!test.mmu)
		return false;
	test.page = alloc_with_value(1);
	test.out = alloc_with_value(2);
	conform_map_page(test.mmu, probe_code(), phys_to_virt(probe_code()), S2_MAP_RO);
	conform_map_page(test.mmu, PAGE_IPA, test.page, S2_MAP_RW);
	conform_map_page(test.mmu, OUT_IPA, test.out, S2_MAP_RW);
	create_stage1();
	test.leaf = s2mmu_entry(test.mmu, PAGE_IPA, PT_LEVEL_LAST);
	return true;
}

static bool is_indirect(const struct s2perm_row *r)
{
	return r->kind >= KIND_PIE;
}

/* The kind without S2PIR_EL2. */
static unsigned int kind_of(const struct s2perm_row *r)
{
	if (!is_indirect(r))
		return r->kind;
	return r->kind == KIND_PIE ? KIND_PLAIN : r->kind - KIND_PIE_WALK + KIND_WALK;
}

static bool walks(const struct s2perm_row *r)
{
	return kind_of(r) >= KIND_WALK;
}

static void set_regime(const struct s2perm_row *r)
{
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | (r->kind == KIND_DC ? HCR_EL2_DC : 0) |
		       (r->ptw ? HCR_EL2_PTW : 0),
		.vtcr = test.mmu->vtcr | (r->ha ? VTCR_EL2_HA : 0) | (r->hd ? VTCR_EL2_HD : 0) |
			(is_indirect(r) ? VTCR_EL2_S2PIE : 0),
		.vttbr = test.mmu->vttbr,
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | (walks(r) ? SCTLR_EL1_M : 0),
		.tcr = PROBE_TCR(CONFORM_IPA_BITS) | (kind_of(r) > KIND_WALK ? TCR_HA | TCR_HD : 0),
		.ttbr0 = TABLES_IPA,
		.mair = MAIR_NORMAL,
	};

	probe_set(&regime);
}

static pteval_t stage2_leaf(const struct s2perm_row *r)
{
	return virt_to_phys(walks(r) ? test.level3 : test.page) | PT_VALID | PT_TABLE | S2_SHARED |
	       (r->normal ? MEMATTR_NORMAL : MEMATTR_DEVICE) | (u64)r->s2ap << 6 |
	       (r->af ? S2_AF : 0) | (r->dbm ? S2_DBM : 0) | (u64)r->xn << 53;
}

static pteval_t stage1_leaf(const struct s2perm_row *r)
{
	pteval_t leaf = OUT_IPA | CONFORM_S1_LEAF | PT_TABLE;

	if (kind_of(r) == KIND_AF)
		leaf &= ~PTE_AF;
	if (kind_of(r) == KIND_DIRTY)
		leaf |= S1_DBM | PTE_RDONLY;
	return r->op == OP_EXEC ? leaf | PTE_RDONLY : leaf;
}

static u32 access_outcome(const struct s2perm_row *r, u64 address,
			  const struct translation_pages *pages)
{
	static const struct {
		enum probe_op op;
		u64 offset;
	} ops[] = {
		[OP_READ] = { PROBE_READ, 0 },
		[OP_WRITE] = { PROBE_WRITE, DATA_OFFSET },
		[OP_ATOMIC] = { PROBE_ATOMIC, DATA_OFFSET },
		[OP_EXEC] = { PROBE_EXECUTE, 0 },
		[OP_DC_ZVA] = { PROBE_DC_ZVA, ZVA_OFFSET },
		[OP_DC_IVAC] = { PROBE_DC_IVAC, DATA_OFFSET },
		[OP_DC_CIVAC] = { PROBE_DC_CIVAC, DATA_OFFSET },
		[OP_DC_CVAC] = { PROBE_DC_CVAC, DATA_OFFSET },
		[OP_IC_IVAU] = { PROBE_IC_IVAU, DATA_OFFSET },
		[OP_READ_UNALIGNED] = { PROBE_READ, DATA_OFFSET + 1 },
		[OP_WRITE_UNALIGNED] = { PROBE_WRITE, DATA_OFFSET + 1 },
	};
	u64 target = address + ops[r->op].offset;
	struct probe_exit exit = probe_access(ops[r->op].op, r->el, false, target);

	return translation_outcome(&exit, ops[r->op].op, target, pages);
}

static u32 outcome_of(const struct s2perm_row *r)
{
	struct translation_pages pages = {
		.count = 2,
		.ipa = { PAGE_IPA, OUT_IPA },
		.pa = { virt_to_phys(walks(r) ? test.level3 : test.page), virt_to_phys(test.out) },
	};
	u64 address = walks(r) ? WALK_VA : PAGE_IPA;
	bool write = r->op == OP_AT_WRITE;

	if (r->op < OP_AT_READ)
		return access_outcome(r, address, &pages);
	return translation_outcome_at(probe_at(r->el ? (write ? PROBE_S12E1W : PROBE_S12E1R)
						     : (write ? PROBE_S12E0W : PROBE_S12E0R),
					       address),
				      false, &pages);
}

/* The bits of the descriptors that hardware changed. */
static u32 changes(pteval_t stage1, pteval_t stage2)
{
	pteval_t changed1 = test.level3[0] ^ stage1, changed2 = *test.leaf ^ stage2;

	return (changed2 & S2_AF ? TRANSLATION_S2_AF : 0) |
	       (changed2 & S2_AP_WRITE ? TRANSLATION_S2_DIRTY : 0) |
	       (changed1 & PTE_AF ? TRANSLATION_S1_AF : 0) |
	       (changed1 & PTE_RDONLY ? TRANSLATION_S1_DIRTY : 0);
}

static enum conform_verdict run(u32 row)
{
	const struct s2perm_row *r = &s2perm_rows[row];
	pteval_t stage1 = stage1_leaf(r), stage2 = stage2_leaf(r);
	u32 found;

	if (conform_lacks(s2perm_needs[r->needs]))
		return CONFORM_SKIP;
	test.level3[0] = stage1;
	*test.leaf = stage2;
	set_regime(r);
	probe_flush();
	found = outcome_of(r) | changes(stage1, stage2);
	return translation_check(s2perm_outcomes, r->set, found);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct s2perm_row *r = &s2perm_rows[row];

	snprintf(buffer, size, "s2perm.%s.%s.el%u.ap%u.xn%u.af%u.dbm%u.ha%u.hd%u.%s.ptw%u",
		 s2perm_kinds[r->kind], s2perm_ops[r->op], r->el, r->s2ap, r->xn, r->af, r->dbm,
		 r->ha, r->hd, r->normal ? "normal" : "device", r->ptw);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	if (conform_has(&conform_features[CONFORM_FEAT_S2PIE]))
		write_sysreg_s(S2PERM_S2PIR, S2PIR_EL2);
	return conform_probe_main(&area, probe_code(), argc, argv);
}
