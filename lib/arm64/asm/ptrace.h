/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers saved on every exception of the host. */
#ifndef ASMARM64_PTRACE_H
#define ASMARM64_PTRACE_H

/* PSTATE, as SPSR_ELx holds it (DDI 0487, C5.2.19) */
#define PSR_MODE_EL0t 0x0
#define PSR_MODE_EL1t 0x4
#define PSR_MODE_EL1h 0x5
#define PSR_MODE_EL2t 0x8
#define PSR_MODE_EL2h 0x9
#define PSR_MODE_EL3t 0xc
#define PSR_MODE_EL3h 0xd
#define PSR_MODE_MASK 0xf
#define PSR_MODE32_BIT 0x10 /* AArch32; its User mode is 0x10 */
#define PSR_T32_BIT 0x20 /* AArch32 only */
#define PSR_F_BIT 0x40
#define PSR_I_BIT 0x80
#define PSR_A_BIT 0x100
#define PSR_D_BIT 0x200
#define PSR_AA32_E_BIT 0x200 /* AArch32: big-endian data */
#define PSR_DAIF (PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)
#define PSR_SSBS_BIT 0x1000
#define PSR_ALLINT_BIT 0x2000
#define PSR_IL_BIT 0x00100000
#define PSR_SS_BIT 0x00200000
#define PSR_PAN_BIT 0x00400000
#define PSR_UAO_BIT 0x00800000
#define PSR_DIT_BIT 0x01000000
#define PSR_TCO_BIT 0x02000000
#define PSR_V_BIT 0x10000000
#define PSR_C_BIT 0x20000000
#define PSR_Z_BIT 0x40000000
#define PSR_N_BIT 0x80000000

/* The same bits as immediates: of MSR (immediate) to DAIFSet and DAIFClr, of CCMP */
#define DAIF_IMM(psr) ((psr) >> 6)
#define NZCV_IMM(psr) ((psr) >> 28)

#ifndef __ASSEMBLY__

#include <libcflat.h>

struct user_pt_regs {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
};

struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp;
			u64 pc;
			u64 pstate;
		};
	};
	u64 orig_x0;
	u64 syscallno;
};

/* What the exception entry pushes */
struct exception_frame {
	struct pt_regs regs;
	u64 record[2]; /* a frame record, so that a backtrace crosses the exception */
};

#define processor_mode(regs) ((regs)->pstate & PSR_MODE_MASK)
#define user_mode(regs) (processor_mode(regs) == PSR_MODE_EL0t)
#define interrupts_enabled(regs) (!((regs)->pstate & PSR_I_BIT))
#define fast_interrupts_enabled(regs) (!((regs)->pstate & PSR_F_BIT))

#endif /* !__ASSEMBLY__ */
#endif
