/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation instructions, and their result in PAR_EL1.
 *
 * at_s1e1r(va) and the like translate @va, as a read (r) or write (w) at the EL of the name,
 * through stage 1 (s1) or both stages (s12), with the registers that are in the CPU, and return
 * PAR_EL1. The register itself keeps its value, which while a guest's registers are in the CPU is
 * the guest's.
 *
 * An instruction that the CPU does not have is UNDEFINED, and those of s12 and e2 are so below EL2.
 * A fault is in the result. Exceptions are an external abort on a walk and, below EL2, a fault of
 * stage 2 on a walk (DDI 0487, D8, "Address translation instructions").
 */
#ifndef ASMARM64_AT_H
#define ASMARM64_AT_H

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>

/* clang-format off */
/* By encoding (DDI 0487, C5.5): the assembler may not know them. X(name, operands of SYS) */
#define AT_INSTRUCTIONS(X)                                                                         \
	X(s1e1r, sys_insn(0, 7, 8, 0))                                                             \
	X(s1e1w, sys_insn(0, 7, 8, 1))                                                             \
	X(s1e0r, sys_insn(0, 7, 8, 2))                                                             \
	X(s1e0w, sys_insn(0, 7, 8, 3))                                                             \
	X(s1e1rp, sys_insn(0, 7, 9, 0)) /* with PSTATE.PAN, FEAT_PAN2 */                           \
	X(s1e1wp, sys_insn(0, 7, 9, 1))                                                            \
	X(s1e1a, sys_insn(0, 7, 9, 2)) /* without permission checks, FEAT_ATS1A */                 \
	X(s1e2r, sys_insn(4, 7, 8, 0))                                                             \
	X(s1e2w, sys_insn(4, 7, 8, 1))                                                             \
	X(s1e2a, sys_insn(4, 7, 9, 2))                                                             \
	X(s12e1r, sys_insn(4, 7, 8, 4))                                                            \
	X(s12e1w, sys_insn(4, 7, 8, 5))                                                            \
	X(s12e0r, sys_insn(4, 7, 8, 6))                                                            \
	X(s12e0w, sys_insn(4, 7, 8, 7))
/* clang-format on */

/* PAR_EL1, which is given back the value that it had before the instruction. */
static inline u64 __at_result(u64 kept)
{
	u64 par;

	isb(); /* AT before PAR_EL1 */
	par = read_sysreg(par_el1);
	write_sysreg(kept, par_el1);
	return par;
}

#define AT_FUNCTION(name, operands)                                          \
	static inline u64 at_##name(u64 va)                                  \
	{                                                                    \
		u64 kept = read_sysreg(par_el1);                             \
		asm volatile("sys " operands ", %0" : : "r"(va) : "memory"); \
		return __at_result(kept);                                    \
	}
AT_INSTRUCTIONS(AT_FUNCTION)
#undef AT_FUNCTION

/*
 * Fields of PAR_EL1 in its 64-bit format (DDI 0487, D24.2.133); the 128-bit one is for VMSAv9-128
 * tables only, which HCRX_EL2.D128En permits.
 */
#define PAR_EL1_F (UL(1) << 0) /* the translation failed */
/* Where it did not: */
#define PAR_EL1_SH(par) FIELD(par, 8, 7)
#define PAR_EL1_SH_OUTER UL(2)
#define PAR_EL1_SH_INNER UL(3)
#define PAR_EL1_PA_MASK (((UL(1) << 40) - 1) << 12)
#define PAR_EL1_PA(par) ((par) & PAR_EL1_PA_MASK) /* of the 4 KiB that @va is in */
#define PAR_EL1_ATTR(par) FIELD(par, 63, 56) /* as in MAIR_EL1 */
/* Where it did: */
#define PAR_EL1_FST(par) FIELD(par, 6, 1) /* ESR_ELx_FSC_* */
#define PAR_EL1_DIRTY_BIT (UL(1) << 15) /* FEAT_S1PIE, FEAT_S2PIE */
#define PAR_EL1_PTW (UL(1) << 8) /* stage 2, on a walk of stage 1 */
#define PAR_EL1_S (UL(1) << 9) /* stage 2 */

#endif
