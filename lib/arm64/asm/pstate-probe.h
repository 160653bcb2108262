/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exception return of EL2 with any SPSR_EL2, the exception to EL2 that follows, and PSTATE as EL2
 * then has it, for rows of the conformance suite.
 *
 * All of PSTATE is in SPSR_EL2 of a second exception, an SVC that is the first instruction of the
 * vector: no access to memory comes before it, which PSTATE.PAN could deny.
 */
#ifndef ASMARM64_PSTATE_PROBE_H
#define ASMARM64_PSTATE_PROBE_H

#include <libcflat.h>

struct pstate_probe {
	u64 pc, spsr, hcr; /* before: ELR_EL2, SPSR_EL2, HCR_EL2 */
	u64 esr, elr, out_spsr, far; /* after: of the first exception */
	u64 vector; /* its offset in EL2's vector table */
	u64 pstate; /* of its handler, as in SPSR_EL2 */
};

/*
 * Return by ERET. Code at @pc must be an exception to EL2, and may use no register. The caller has
 * DAIF set; PSTATE and HCR_EL2 are afterwards what they were.
 */
void pstate_probe_run(struct pstate_probe *probe);

#endif
