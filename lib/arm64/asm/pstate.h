/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE of the host, where an exception to it leaves a bit as the interrupted code had it or gives
 * it a value of its own (AArch64.TakeException() of DDI 0487; docs/guest-framework.md has a list).
 */
#ifndef ASMARM64_PSTATE_H
#define ASMARM64_PSTATE_H

#include <libcflat.h>

/*
 * Find out which bits the CPU has, and clear PAN: memory of the host's is mapped for its user mode
 * too. On every CPU, before the others.
 */
void pstate_setup(void);
/*
 * Have the host's vectors clear PAN, where the CPU has it, before they use the stack. Once, with
 * the MMU off: afterwards code is read-only.
 */
void pstate_patch_vectors(void);

/*
 * DAIF, UAO, DIT, SSBS, TCO and ALLINT, where the CPU has them, as in SPSR_ELx (PSR_*_BIT). Not
 * PAN, with which C code of the host cannot run.
 */
u64 pstate_save(void);
/* The caller may have exceptions unmasked from here on. */
void pstate_restore(u64 pstate);

#endif
