/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: memory attributes of both stages, as AT S12E1R reports them. A row of
 * kut_model/areas/s2attr.py is a leaf of stage 1, or stage 1 off, a leaf of stage 2 and the controls.
 *
 *   stage 1   VA is a 1G block to OUT_IPA
 *   stage 2   TABLE_IPA has stage 1's table, OUT_IPA the leaf of the row
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2attr.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/at.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

struct s2attr_stage1 {
	u8 mair, sh, cached, on, dc;
};

/* Outcomes are PAR_EL1.ATTR << 2 | SH. */
struct s2attr_row {
	u8 stage1, memattr, sh, fwb, cd, nxs, needs;
	struct translation_set set;
};

#include CONFORM_HEADER

#define VA 0x40000000UL
#define TABLE_IPA 0x100000000UL
#define OUT_IPA 0x1c0000000UL
#define S1_BLOCK (OUT_IPA | PTE_AF | PTE_USER | PT_VALID)
#define S2_LEAF (S2_AF | S2_AP_READ | S2_AP_WRITE | PT_VALID | PT_TABLE)
#define S2_FNXS (UL(1) << 11)
#define FAULT 0x400U /* no outcome of the tables */

static struct {
	struct s2_mmu *mmu;
	pteval_t *table, *table_leaf, *leaf; /* stage 1's table, and stage-2 leaves of both IPAs */
} test;

static bool create(void)
{
	test.mmu = conform_stage2();
	if (!test.mmu)
		return false;
	test.table = alloc_page();
	conform_map_page(test.mmu, TABLE_IPA, test.table, S2_MAP_RW);
	conform_map_page(test.mmu, OUT_IPA, test.table, S2_MAP_RW);
	test.table_leaf = s2mmu_entry(test.mmu, TABLE_IPA, PT_LEVEL_LAST);
	test.leaf = s2mmu_entry(test.mmu, OUT_IPA, PT_LEVEL_LAST);
	return true;
}

static void set_tables(const struct s2attr_row *r, const struct s2attr_stage1 *stage1)
{
	u64 pa = virt_to_phys(test.table);
	unsigned int normal = r->fwb ? S2_MEMATTR_FWB_NORMAL_WB : S2_MEMATTR_NORMAL_WB;

	test.table[VA >> 30] = S1_BLOCK | (u64)stage1->sh << 8;
	*test.table_leaf = pa | S2_LEAF | S2_SHARED | S2_MEMATTR(normal);
	*test.leaf = pa | S2_LEAF | S2_MEMATTR(r->memattr) | (u64)r->sh << 8 |
		     (r->nxs ? S2_FNXS : 0);
}

static void set_regime(const struct s2attr_row *r, const struct s2attr_stage1 *stage1)
{
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | (r->fwb ? HCR_EL2_FWB : 0) | (r->cd ? HCR_EL2_CD : 0) |
		       (stage1->dc ? HCR_EL2_DC : 0),
		.vtcr = test.mmu->vtcr,
		.vttbr = test.mmu->vttbr,
		.sctlr = SCTLR_EL1_I | (stage1->cached ? SCTLR_EL1_C : 0) |
			 (stage1->on ? SCTLR_EL1_M : 0),
		.tcr = PROBE_TCR(CONFORM_IPA_BITS),
		.ttbr0 = TABLE_IPA,
		.mair = stage1->mair,
	};

	probe_set(&regime);
}

static const char *decode(u32 outcome, char *buffer, size_t size)
{
	if (outcome & FAULT)
		snprintf(buffer, size, "a fault, FST %#lx", FIELD(outcome, 5, 0));
	else
		snprintf(buffer, size, "ATTR %#x, SH %u", outcome >> 2, outcome & 3);
	return buffer;
}

static enum conform_verdict fail(struct translation_set set, u32 found)
{
	char expected[320] = "", text[40], actual[40];
	int length = 0;

	for (unsigned int n = 0; n < set.count; n++)
		length += snprintf(expected + length, sizeof(expected) - length, "%s%s",
				   n ? ", or " : "",
				   decode(s2attr_outcomes[set.first + n], text, sizeof(text)));
	return conform_fail("expected PAR_EL1 with %s, found %s", expected,
			    decode(found, actual, sizeof(actual)));
}

static enum conform_verdict run(u32 row)
{
	const struct s2attr_row *r = &s2attr_rows[row];
	const struct s2attr_stage1 *stage1 = &s2attr_stage1s[r->stage1];
	u64 par;
	u32 found;

	if (conform_lacks(s2attr_needs[r->needs]))
		return CONFORM_SKIP;
	set_tables(r, stage1);
	set_regime(r, stage1);
	probe_flush();
	par = probe_at(PROBE_S12E1R, stage1->on ? VA : OUT_IPA);
	found = par & PAR_EL1_F ? FAULT | PAR_EL1_FST(par)
				: PAR_EL1_ATTR(par) << 2 | PAR_EL1_SH(par);
	if (translation_permits(s2attr_outcomes, r->set, found))
		return CONFORM_PASS;
	return fail(r->set, found);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct s2attr_row *r = &s2attr_rows[row];

	snprintf(buffer, size, "s2attr.%s.fwb%u.memattr%u.sh%u.cd%u.nxs%u",
		 s2attr_stage1_names[r->stage1], r->fwb, r->memattr, r->sh, r->cd, r->nxs);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	return conform_probe_main(&area, 0, argc, argv);
}
