/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction at EL1 or EL0, and the exception that ends it, for rows of the conformance suite.
 *
 * It runs in the host's address space without stage 2: EL1 has the host's translation tables, and
 * EL0 of the host (HCR_EL2.TGE) is the host's user mode. An exception that EL1 takes reaches EL2 by
 * an HVC in EL1's vectors, which needs HCR_EL2.HCD clear.
 */
#ifndef ASMARM64_CONFORM_PROBE_H
#define ASMARM64_CONFORM_PROBE_H

#include <libcflat.h>

struct probe {
	u64 x[31]; /* before and after */
	u64 pc, spsr, hcr; /* before: ELR_EL2, SPSR_EL2, HCR_EL2 */
	u64 esr, elr, out_spsr, far; /* after: of the exception that EL2 took */
	u64 vector; /* offset in EL2's vector table */
	u64 out_hcr; /* after: HCR_EL2, of which a virtual SError clears VSE */
	/* from probe_run() */
	unsigned int el; /* the exception level that took the first exception, 1 or 2 */
	u64 el1_vector; /* offset in EL1's vector table, if it was 1 */
};

/* Members of the exception are those of EL1 where EL1 took it. */
void probe_run(struct probe *probe);

/*
 * Set up EL1 on this CPU: the host's tables, vectors that lead to EL2, everything else in its reset
 * state.
 */
void probe_setup_el1(void);

#endif
