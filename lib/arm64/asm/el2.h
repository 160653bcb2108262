/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2 itself: its reset state and its vectors. */
#ifndef ASMARM64_EL2_H
#define ASMARM64_EL2_H

#include <libcflat.h>

extern char host_vectors_el1[], host_vectors_el2[];

/*
 * Set the controls that reset leaves UNKNOWN, on this CPU: nothing that EL1 needs is trapped,
 * everything else is. HCR_EL2 and SCTLR_EL2 are set before (start.S).
 */
void el2_setup(void);
/*
 * Values that depend on HCR_EL2.E2H: FP and SIMD allowed, SVE and SME trapped; counters not
 * trapped.
 */
u64 cptr_el2_default(void);
/* cptr_el2_default(), from el2_setup() on: for comparison at each entry and exit of a guest. */
extern u64 cptr_el2_untrapped;
u64 cnthctl_el2_default(void);
/* Nothing trapped, and every event counter EL1's (HPMN), whatever reset or firmware left. */
u64 mdcr_el2_default(void);
/* FEAT_PMUv3 */
bool el2_has_pmu(void);
/* FEAT_NV2, also where it comes without FEAT_NV (DDI 0487, ID_AA64MMFR4_EL1.NV_frac) */
bool el2_has_nv2(void);

#endif
