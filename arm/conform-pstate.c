/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: exception returns of EL2, and PSTATE at the exception that follows. Rows are those
 * of kut_model/areas/pstate.py. EL1 and EL0 run code of the image without stage 2.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/pstate.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/processor.h>
#include <asm/pstate-probe.h>
#include <asm/pstate.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

/* A field of SPSR_EL2, and the feature that it belongs to, or NULL. */
struct pstate_field {
	const char *name;
	u32 mask;
	const struct conform_feature *feature;
};

struct pstate_row {
	const char *name;
	u32 spsr; /* for the return */
	u32 esr; /* of the exception */
	u32 before, before_known; /* SPSR_EL2 of the exception, and the bits to compare */
	u32 after, after_known; /* PSTATE of its handler */
	u16 vector;
	u8 needs;
	bool aarch32; /* the exception is taken from it */
	bool rw, tge; /* HCR_EL2 */
	bool span, dssbs, spintmask; /* SCTLR_EL2 */
	bool pc_unknown; /* the return makes PC[63:32] and PC[1:0] UNKNOWN */
};

#include CONFORM_HEADER

#define PC_KNOWN 0xfffffffcUL

asm(".pushsection .text.conform_pstate, \"ax\"\n"
    "	.balign	4\n"
    "pstate_a64: brk #0\n"
    "pstate_a32: .inst 0xe1200070\n" /* bkpt #0 */
    "pstate_t32: .inst 0xbe00be00\n" /* bkpt #0, twice */
    "	.popsection\n");
extern const char pstate_a64[], pstate_a32[], pstate_t32[];

static u64 hcr, sctlr_el1, sctlr_el2;
static u32 absent64, absent32; /* bits of fields that the CPU lacks */

static u32 absent(const struct pstate_field *fields, u32 count)
{
	u32 mask = 0;

	for (u32 i = 0; i < count; i++)
		if (fields[i].feature && !conform_has(fields[i].feature))
			mask |= fields[i].mask;
	return mask;
}

/* Add the names of the fields of @bits to @text of @size bytes. */
static void add_names(char *text, size_t size, const struct pstate_field *fields, u32 count,
		      u32 bits)
{
	for (u32 i = 0; i < count; i++) {
		size_t length = strlen(text);

		if (fields[i].mask & bits)
			snprintf(text + length, size - length, " %s", fields[i].name);
	}
}

static u64 code_of(const struct pstate_row *row)
{
	if (!(row->spsr & PSR_MODE32_BIT))
		return (u64)pstate_a64;
	return row->spsr & PSR_T32_BIT ? (u64)pstate_t32 : (u64)pstate_a32;
}

static bool takes_exception(const struct pstate_row *row, const struct pstate_probe *probe)
{
	u64 known = row->pc_unknown ? PC_KNOWN : ~0UL;
	unsigned int ec = ESR_ELx_EC(probe->esr);

	/* Where the return makes the PC UNKNOWN, a fault of the PC comes first. */
	if (row->pc_unknown && (ec == ESR_ELx_EC_PC_ALIGN || ec == ESR_ELx_EC_IABT_CUR))
		return probe->vector == row->vector;
	/* Area exceptions has IL, which is that of the instruction. */
	return probe->vector == row->vector && !((probe->esr ^ row->esr) & ~(u64)ESR_ELx_IL) &&
	       !((probe->elr ^ probe->pc) & known);
}

static enum conform_verdict check(const struct pstate_row *row, const struct pstate_probe *probe)
{
	u32 missing = row->aarch32 ? absent32 : absent64;
	u32 before = (probe->out_spsr ^ row->before) & row->before_known & ~missing;
	u32 after = (probe->pstate ^ row->after) & row->after_known & ~absent64;
	char expected[96], found[96], wrong[128] = "";

	if (!takes_exception(row, probe))
		return conform_fail(
			"expected vector %#x, ESR %#x (%s), ELR +0, found vector %#lx, ESR %#lx "
			"(%s), ELR %+ld, SPSR_EL2 %#lx",
			row->vector, row->esr, esr_decode(row->esr, expected, sizeof(expected)),
			probe->vector, probe->esr, esr_decode(probe->esr, found, sizeof(found)),
			(long)(probe->elr - probe->pc), probe->out_spsr);
	if (!before && !after)
		return CONFORM_PASS;
	if (row->aarch32)
		add_names(wrong, sizeof(wrong), pstate_fields32, ARRAY_SIZE(pstate_fields32),
			  before);
	else
		add_names(wrong, sizeof(wrong), pstate_fields64, ARRAY_SIZE(pstate_fields64),
			  before);
	snprintf(wrong + strlen(wrong), sizeof(wrong) - strlen(wrong), "; handler:");
	add_names(wrong, sizeof(wrong), pstate_fields64, ARRAY_SIZE(pstate_fields64), after);
	return conform_fail("expected SPSR_EL2 %#x (bits %#x), PSTATE of the handler %#x (bits "
			    "%#x), found SPSR_EL2 %#lx, PSTATE %#lx (differ: SPSR_EL2:%s)",
			    row->before, row->before_known & ~missing, row->after,
			    row->after_known & ~absent64, probe->out_spsr, probe->pstate, wrong);
}

static void write_controls(const struct pstate_row *row)
{
	u64 changed = PSTATE_VHE ? SCTLR_EL1_SPAN : 0, value;

	changed |= absent64 & PSR_SSBS_BIT ? 0 : SCTLR_ELx_DSSBS;
	changed |= absent64 & PSR_ALLINT_BIT ? 0 : SCTLR_ELx_SPINTMASK;
	value = (row->span ? SCTLR_EL1_SPAN : 0) | (row->dssbs ? SCTLR_ELx_DSSBS : 0) |
		(row->spintmask ? SCTLR_ELx_SPINTMASK : 0);
	write_sysreg((sctlr_el2 & ~changed) | (value & changed), sctlr_el2);
	/* Stage 1 of EL1 in AArch32 would read the tables in another format. */
	write_sysreg_el1(row->rw ? sctlr_el1 : sctlr_el1 & ~SCTLR_ELx_M, sctlr_el1, SCTLR_EL12);
	isb();
}

static enum conform_verdict run(u32 number)
{
	const struct pstate_row *row = &pstate_rows[number];
	struct pstate_probe probe = { .pc = code_of(row), .spsr = row->spsr };
	u64 daif = read_sysreg(daif);

	if (conform_lacks(pstate_needs[row->needs]))
		return CONFORM_SKIP;
	probe.hcr = hcr | (row->rw ? HCR_EL2_RW : 0) | (row->tge ? HCR_EL2_TGE : 0);
	daif_set(PSR_DAIF);
	write_controls(row);
	pstate_probe_run(&probe);
	write_sysreg(sctlr_el2, sctlr_el2);
	isb();
	daif_restore(daif);
	return check(row, &probe);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "pstate.%s", pstate_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(PSTATE_VHE);
	u64 pstate;
	int result;

	if (reason)
		return skip_all(reason);
	probe_setup_el1();
	hcr = read_sysreg(hcr_el2) & ~(HCR_EL2_RW | HCR_EL2_TGE);
	/* ITD would make BKPT in an IT block UNDEFINED. */
	sctlr_el1 = read_sysreg_el1(sctlr_el1, SCTLR_EL12) & ~SCTLR_EL1_ITD;
	sctlr_el2 = read_sysreg(sctlr_el2) & ~(PSTATE_VHE ? SCTLR_EL1_ITD : 0);
	write_sysreg(read_sysreg(mdcr_el2) | MDCR_EL2_TDE, mdcr_el2);
	absent64 = absent(pstate_fields64, ARRAY_SIZE(pstate_fields64));
	absent32 = absent(pstate_fields32, ARRAY_SIZE(pstate_fields32));
	/* With bits that an exception would change. */
	pstate_restore(pstate_save() | PSR_DIT_BIT | PSR_UAO_BIT | PSR_SSBS_BIT);
	pstate = pstate_save();
	result = conform_main(&area, argc, argv);
	assert_msg(pstate_save() == pstate, "PSTATE after the rows: expected %#lx, found %#lx",
		   pstate, pstate_save());
	return result;
}
