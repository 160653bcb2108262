/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers with controls that enable or trap instructions below EL2, by number, for rows of the
 * conformance suite. Each has a base; a row changes fields of some and restores them.
 *
 * HCR_EL2 is a value that goes into effect with the instruction (asm/conform-probe.h), because the
 * host depends on it; all others are written at once.
 */
#ifndef ASMARM64_CONFORM_CONTROLS_H
#define ASMARM64_CONFORM_CONTROLS_H

#include <libcflat.h>

enum control {
	CONTROL_HCR_EL2,
	CONTROL_HCRX_EL2,
	CONTROL_MDCR_EL2,
	CONTROL_CPTR_EL2,
	CONTROL_CNTHCTL_EL2,
	CONTROL_HSTR_EL2,
	CONTROL_ICH_HCR_EL2,
	CONTROL_ICC_SRE_EL2,
	CONTROL_ICC_SRE_EL1,
	CONTROL_MPAM2_EL2,
	CONTROL_MPAMHCR_EL2,
	CONTROL_HFGRTR_EL2,
	CONTROL_HFGWTR_EL2,
	CONTROL_HFGITR_EL2,
	CONTROL_HDFGRTR_EL2,
	CONTROL_HDFGWTR_EL2,
	CONTROL_HAFGRTR_EL2,
	CONTROL_SCTLR_EL2,
	CONTROL_SCTLR_EL1,
	CONTROL_CPACR_EL1,
	CONTROL_CNTKCTL_EL1,
	CONTROL_MDSCR_EL1,
	CONTROL_PMUSERENR_EL0,
	CONTROL_AMUSERENR_EL0,
	CONTROL_GCSCRE0_EL1,
	NR_CONTROLS,
};

/* Bits of a register, and what they are to be; lists have one for a register. */
struct control_change {
	u8 control; /* enum control */
	bool may_be_fixed; /* the implementation may ignore it: the row is skipped then */
	u64 mask, value;
};

/* Set the base: @changes to what the registers hold now. Once, on this CPU. */
void controls_set_base(const struct control_change *changes, unsigned int count);
/*
 * Apply @changes to the base, without those of registers that the CPU lacks. False if one that may
 * be fixed is.
 */
bool controls_apply(const struct control_change *changes, unsigned int count);
/* Bring back the base of the registers that @changes are about. */
void controls_restore(const struct control_change *changes, unsigned int count);
/* HCR_EL2 for the next instruction. */
u64 controls_hcr(void);

#endif
