/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of an area of system registers, of the generated header that is included before. */
#ifndef CONFORM_TRAPS_H
#define CONFORM_TRAPS_H

#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-sysreg.h>
#include <asm/guest.h>
#include <asm/setup.h>

asm(".pushsection .text.conform_traps, \"ax\"\n.balign 8\nconform_traps_code:\n" SYSREG_CODE
    ".popsection\n");
extern const char conform_traps_code[];

static const struct sysreg_tables conform_traps_tables = {
	.area = CONFORM_AREA,
	.features = conform_features,
	.insns = sysreg_insns,
	.sets = sysreg_sets,
	.changes = sysreg_changes,
	.base = sysreg_base,
	.outcomes = sysreg_outcomes,
	.rows = sysreg_rows,
	.code = conform_traps_code,
	.nr_features = ARRAY_SIZE(conform_features),
	.nr_insns = ARRAY_SIZE(sysreg_insns),
	.nr_base = ARRAY_SIZE(sysreg_base),
};

/* main() of the image: rows for hosts whose HCR_EL2.E2H is @vhe. */
static int conform_traps(int argc, char **argv, bool vhe)
{
	static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH,
						  sysreg_id, sysreg_run };
	const char *reason = conform_unsupported(vhe);
	u64 hcr;
	int result;

	if (reason)
		return skip_all(reason);
	hcr = read_sysreg(hcr_el2);
	sysreg_setup(&conform_traps_tables);
	result = conform_main(&area, argc, argv);
	assert_msg(read_sysreg(hcr_el2) == hcr, "HCR_EL2 after the rows: expected %#lx, found %#lx",
		   hcr, read_sysreg(hcr_el2));
	return result;
}

#endif
