/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the host at EL1 or EL0, in the host's own address space: its translation tables, and
 * no stage 2. For short tests of what a lower exception level may do, and of what EL2 traps, that
 * need no guest.
 *
 * run_in_el1() and run_in_el0() are names of a proposal for kvm-unit-tests ("basic EL1/EL0 guest
 * support", v1); the rest of the interface is kut's.
 */
#ifndef ASMARM64_RUN_IN_H
#define ASMARM64_RUN_IN_H

#include <libcflat.h>
#include <asm/processor.h>

/* How the function ended: it returned, or took an exception that is not an interrupt. */
struct run_in_result {
	bool returned;
	u64 value; /* what it returned */
	unsigned int el; /* 1 or 2: where the exception was taken to */
	enum vector vector; /* of the table there: ELxH_SYNC at EL1, ELx_LOW_SYNC_64 and so on */
	u64 esr, elr, spsr, far; /* of the exception; far when its class has one */
};

/* The reason why there is none here, for report_skip(), or NULL: the host must be at EL2. */
const char *run_in_unsupported(void);

/*
 * Call @func(@arg) at EL1 or EL0, on a stack of its own, with DAIF as the caller has it. The traps
 * that the caller has set in HCR_EL2, CPTR_EL2, MDCR_EL2, CNTHCTL_EL2 and HSTR_EL2 apply. EL1's
 * registers are in their reset state but for the translation, and are the host's again at the end.
 * Interrupts that the caller does not mask are taken by the host's handlers, and @func goes on.
 *
 * @func may call printf(), report() and whatever else uses no register of EL2. Aborts the run when
 * memory is out.
 */
struct run_in_result run_in_el1(u64 (*func)(u64 arg), u64 arg);
struct run_in_result run_in_el0(u64 (*func)(u64 arg), u64 arg);

#endif
