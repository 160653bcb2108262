/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: both stages. A row of kut_model/areas/s1s2.py changes a descriptor of stage 1, one of
 * stage 2 or both:
 *
 *   stage 1   VA by TTBR0: three tables, and the page OUT; the code by TTBR1, with a table of its own
 *   stage 2   each of the four pages by a 1G entry of its own; the code and its table one to one
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s1s2.h>
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

/* A descriptor's change; @level 0: none. @page: of stage 2, whose entry */
struct s1s2_edit {
	u64 clear, set;
	u8 level, page;
};

/*
 * An access at @offset of the page, by an address with @tag in its top byte; or, with @at_el2, AT by
 * the host
 */
struct s1s2_op {
	enum probe_op op;
	u8 el, pan, tag;
	u16 offset;
	bool at_el2;
	enum probe_at at;
};

struct s1s2_row {
	u8 stage1, stage2, op, ptw, needs;
	struct translation_set set;
};

#include CONFORM_HEADER

#define VA 0x40000000UL
#define UPPER_VA (~0UL << CONFORM_IPA_BITS) /* of TTBR1 */
#define PAGES 4
#define OUT (PAGES - 1)
#define LEVELS 3
#define IPA(page) (0x100000000UL + (page) * SZ_1G)
#define VALUE (4UL << 32 | PROBE_CODE) /* of OUT: it is page 4 */
#define TCR_PROBE                                                                                 \
	(TCR_TBI0 | UL(2) << 32 /* IPS: 40 bits */ | UL(2) << 30 /* TG1: 4K */ | UL(0x35) << 24 | \
	 (UL(64) - CONFORM_IPA_BITS) << 16 | UL(0x35) << 8 | (UL(64) - CONFORM_IPA_BITS))
#define MAIR 0x04ffUL
#define VTCR_PS (7UL << VTCR_EL2_PS_SHIFT)
#define VTCR_PS_40 (2UL << VTCR_EL2_PS_SHIFT)

static struct {
	struct s2_mmu *mmu;
	u64 *pages[PAGES]; /* stage 1's tables by level - 1, and OUT */
	pteval_t *upper; /* stage 1's table for the code */
	pteval_t stage1[LEVELS]; /* descriptors without a change, by level - 1 */
	struct translation_pages named;
} test;

static u64 *alloc_mapped(u64 ipa)
{
	u64 *page = alloc_page();

	conform_map_page(test.mmu, ipa ?: virt_to_phys(page), page, S2_MAP_RW);
	return page;
}

static void create_pages(void)
{
	test.named.count = PAGES;
	for (unsigned int n = 0; n < PAGES; n++) {
		test.pages[n] = alloc_mapped(IPA(n));
		test.named.ipa[n] = IPA(n);
		test.named.pa[n] = virt_to_phys(test.pages[n]);
	}
	test.stage1[0] = IPA(1) | PT_VALID | PT_TABLE;
	test.stage1[1] = IPA(2) | PT_VALID | PT_TABLE;
	test.stage1[2] = IPA(OUT) | CONFORM_S1_LEAF | PT_TABLE;
	test.pages[OUT][0] = VALUE;
	dcache_clean_inval_poc(test.pages[OUT], PAGE_SIZE); /* some rows make it Device */
	sync_icache(test.pages[OUT], PAGE_SIZE);
}

static bool create(void)
{
	test.mmu = conform_stage2();
	if (!test.mmu)
		return false;
	conform_map_page(test.mmu, probe_code(), phys_to_virt(probe_code()), S2_MAP_RO);
	create_pages();
	test.upper = alloc_mapped(0);
	test.upper[probe_code() >> 30] = conform_code_block();
	return true;
}

static pteval_t edited(pteval_t entry, const struct s1s2_edit *edit)
{
	return (entry & ~edit->clear) | edit->set;
}

/* Change the row's descriptors; returns that of stage 2, NULL if it is none, and its old value. */
static pteval_t *change(const struct s1s2_row *r, pteval_t *old)
{
	const struct s1s2_edit *stage1 = &s1s2_stage1[r->stage1], *stage2 = &s1s2_stage2[r->stage2];
	pteval_t *entry = NULL;

	for (unsigned int level = 1; level <= LEVELS; level++) {
		pteval_t value = test.stage1[level - 1];

		test.pages[level - 1][level == 1 ? VA >> 30 : 0] =
			level == stage1->level ? edited(value, stage1) : value;
	}
	if (stage2->level) {
		entry = s2mmu_entry(test.mmu, IPA(stage2->page), stage2->level);
		*old = *entry;
		*entry = edited(*old, stage2);
	}
	return entry;
}

static u32 outcome_of(const struct s1s2_op *op)
{
	u64 address = (VA + op->offset) | (u64)op->tag << 56;
	struct probe_exit exit;

	if (op->at_el2)
		return translation_outcome_at(probe_at(op->at, VA), op->at >= PROBE_S1E1R,
					      &test.named);
	exit = probe_access(op->op, op->el, op->pan, address);
	if ((op->op == PROBE_AT_READ || op->op == PROBE_AT_WRITE) && !exit.el)
		return translation_outcome_at(exit.par, true, &test.named);
	return translation_outcome(&exit, op->op, address, &test.named);
}

static void set_regime(const struct s1s2_row *r)
{
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | (r->ptw ? HCR_EL2_PTW : 0),
		.vtcr = (test.mmu->vtcr & ~VTCR_PS) | VTCR_PS_40,
		.vttbr = test.mmu->vttbr,
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | SCTLR_EL1_M,
		.tcr = TCR_PROBE,
		.ttbr0 = IPA(0),
		.ttbr1 = virt_to_phys(test.upper),
		.mair = MAIR,
	};

	probe_set(&regime);
}

static enum conform_verdict run(u32 row)
{
	const struct s1s2_row *r = &s1s2_rows[row];
	pteval_t *entry, old;
	u32 found;

	if (conform_lacks(s1s2_needs[r->needs]))
		return CONFORM_SKIP;
	set_regime(r);
	entry = change(r, &old);
	probe_flush();
	found = outcome_of(&s1s2_ops[r->op]);
	if (entry)
		*entry = old;
	return translation_check(s1s2_outcomes, r->set, found);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct s1s2_row *r = &s1s2_rows[row];

	snprintf(buffer, size, "s1s2.%s.%s.ptw%u.%s", s1s2_stage1_names[r->stage1],
		 s1s2_stage2_names[r->stage2], r->ptw, s1s2_op_names[r->op]);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	return conform_probe_main(&area, UPPER_VA | probe_code(), argc, argv);
}
