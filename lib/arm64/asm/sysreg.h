/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers: access by name or by encoding, and the fields that the library uses.
 *
 * Field names and positions: Arm ARM (DDI 0487), chapter D24.
 */
#ifndef ASMARM64_SYSREG_H
#define ASMARM64_SYSREG_H

/* The S<op0>_<op1>_C<crn>_C<crm>_<op2> name, for registers that the assembler may not know. */
#define sys_reg(op0, op1, crn, crm, op2) S##op0##_##op1##_C##crn##_C##crm##_##op2

/* The operands of SYS, for instructions that the assembler may not know. */
#define sys_insn(op1, crn, crm, op2) "#" #op1 ", c" #crn ", c" #crm ", #" #op2
#define TLBI_RIPAS2E1IS sys_insn(4, 8, 0, 2) /* FEAT_TLBIRANGE */

#include <libcflat.h>
#include <asm/sysreg-el2.h>
#include <asm/sysreg-sctlr.h>

#ifndef __ASSEMBLY__

#include <bitops.h>

#define read_sysreg(r)                                          \
	({                                                      \
		u64 __val;                                      \
		asm volatile("mrs %0, " xstr(r) : "=r"(__val)); \
		__val;                                          \
	})
#define write_sysreg(v, r)                                            \
	do {                                                          \
		u64 __new = (u64)(v);                                 \
		asm volatile("msr " xstr(r) ", %x0" : : "rZ"(__new)); \
	} while (0)
#define read_sysreg_s(r) read_sysreg(r)
#define write_sysreg_s(v, r) write_sysreg(v, r)

/* One of a row of registers for EL0, as pmevcntr<n>_el0; @n is a plain number. */
#define read_regn_el0(reg, n) read_sysreg(reg##n##_el0)
#define write_regn_el0(reg, n, v) write_sysreg(v, reg##n##_el0)

/* Field [@hi:@lo] of @v. */
#define FIELD(v, hi, lo) (((v) >> (lo)) & ((UL(1) << ((hi) - (lo) + 1)) - 1))

#endif /* !__ASSEMBLY__ */

#define CurrentEL_EL1 (1 << 2)
#define CurrentEL_EL2 (2 << 2)

/* The _EL12 and _EL02 names: EL1's registers, seen from EL2 with E2H set (DDI 0487, D8.9). */
#define SCTLR_EL12 sys_reg(3, 5, 1, 0, 0)
#define CPACR_EL12 sys_reg(3, 5, 1, 0, 2)
#define TTBR0_EL12 sys_reg(3, 5, 2, 0, 0)
#define TTBR1_EL12 sys_reg(3, 5, 2, 0, 1)
#define TCR_EL12 sys_reg(3, 5, 2, 0, 2)
#define SPSR_EL12 sys_reg(3, 5, 4, 0, 0)
#define ELR_EL12 sys_reg(3, 5, 4, 0, 1)
#define AFSR0_EL12 sys_reg(3, 5, 5, 1, 0)
#define AFSR1_EL12 sys_reg(3, 5, 5, 1, 1)
#define ESR_EL12 sys_reg(3, 5, 5, 2, 0)
#define TFSR_EL12 sys_reg(3, 5, 5, 6, 0)
#define FAR_EL12 sys_reg(3, 5, 6, 0, 0)
#define MAIR_EL12 sys_reg(3, 5, 10, 2, 0)
#define AMAIR_EL12 sys_reg(3, 5, 10, 3, 0)
#define VBAR_EL12 sys_reg(3, 5, 12, 0, 0)
#define CONTEXTIDR_EL12 sys_reg(3, 5, 13, 0, 1)
#define CNTKCTL_EL12 sys_reg(3, 5, 14, 1, 0)
#define CNTP_CTL_EL02 sys_reg(3, 5, 14, 2, 1)
#define CNTP_CVAL_EL02 sys_reg(3, 5, 14, 2, 2)
#define CNTV_CTL_EL02 sys_reg(3, 5, 14, 3, 1)
#define CNTV_CVAL_EL02 sys_reg(3, 5, 14, 3, 2)

#ifndef __ASSEMBLY__

/* A register of EL1, from a host at EL2: its own name, and the one for a host with E2H set. */
#define read_sysreg_el1(nvhe, vhe) (host_vhe ? read_sysreg(vhe) : read_sysreg(nvhe))
#define write_sysreg_el1(v, nvhe, vhe)         \
	do {                                   \
		if (host_vhe)                  \
			write_sysreg(v, vhe);  \
		else                           \
			write_sysreg(v, nvhe); \
	} while (0)

#endif /* !__ASSEMBLY__ */

/* Pointer authentication keys, FEAT_PAuth */
#define APIAKEYLO_EL1 sys_reg(3, 0, 2, 1, 0)
#define APIAKEYHI_EL1 sys_reg(3, 0, 2, 1, 1)
#define APIBKEYLO_EL1 sys_reg(3, 0, 2, 1, 2)
#define APIBKEYHI_EL1 sys_reg(3, 0, 2, 1, 3)
#define APDAKEYLO_EL1 sys_reg(3, 0, 2, 2, 0)
#define APDAKEYHI_EL1 sys_reg(3, 0, 2, 2, 1)
#define APDBKEYLO_EL1 sys_reg(3, 0, 2, 2, 2)
#define APDBKEYHI_EL1 sys_reg(3, 0, 2, 2, 3)
#define APGAKEYLO_EL1 sys_reg(3, 0, 2, 3, 0)
#define APGAKEYHI_EL1 sys_reg(3, 0, 2, 3, 1)

/* PSTATE, each in a register of its own */
#define PSTATE_PAN sys_reg(3, 0, 4, 2, 3)
#define PSTATE_UAO sys_reg(3, 0, 4, 2, 4)
#define PSTATE_ALLINT sys_reg(3, 0, 4, 3, 0)
#define PSTATE_DIT sys_reg(3, 3, 4, 2, 5)
#define PSTATE_SSBS sys_reg(3, 3, 4, 2, 6)
#define PSTATE_TCO sys_reg(3, 3, 4, 2, 7)

/* Registers newer than the assembler's base architecture */
#define ZCR_EL1 sys_reg(3, 0, 1, 2, 0)
#define ZCR_EL1_LEN UL(0xf) /* vectors of at most (LEN + 1) * 128 bits */
#define ZCR_EL12 sys_reg(3, 5, 1, 2, 0)
#define ZCR_EL2 sys_reg(3, 4, 1, 2, 0)
#define ID_AA64MMFR2_EL1 sys_reg(3, 0, 0, 7, 2)
#define ID_AA64MMFR4_EL1 sys_reg(3, 0, 0, 7, 4)
#define ID_AA64ISAR2_EL1 sys_reg(3, 0, 0, 6, 2)

/* RAS: the syndrome of a virtual SError, and where ESB defers it to */
#define VSESR_EL2 sys_reg(3, 4, 5, 2, 3)
#define VDISR_EL2 sys_reg(3, 4, 12, 1, 1)
#define DISR_EL1 sys_reg(3, 0, 12, 1, 1)
/* SME */
#define LORC_EL1 sys_reg(3, 0, 10, 4, 3)
#define RNDR sys_reg(3, 3, 2, 4, 0)
/* FEAT_MTE2: tag check faults that were taken asynchronously, by bit 55 of the address */
#define TFSR_EL1 sys_reg(3, 0, 5, 6, 0)
#define TFSR_EL1_TF0 (UL(1) << 0)
#define TFSR_EL1_TF1 (UL(1) << 1)
#define TPIDR2_EL0 sys_reg(3, 3, 13, 0, 5)

/* EL2's virtual timer, FEAT_VHE */
#define CNTHV_TVAL_EL2 sys_reg(3, 4, 14, 3, 0)
#define CNTHV_CTL_EL2 sys_reg(3, 4, 14, 3, 1)
#define CNTHV_CVAL_EL2 sys_reg(3, 4, 14, 3, 2)
#define CNTP_TVAL_EL02 sys_reg(3, 5, 14, 2, 0)
#define CNTV_TVAL_EL02 sys_reg(3, 5, 14, 3, 0)

/*
 * GIC version 3: the CPU interface (a guest's own names for its virtual one), and EL2's of guests
 */
#define ICC_PMR_EL1 sys_reg(3, 0, 4, 6, 0)
#define ICC_IAR0_EL1 sys_reg(3, 0, 12, 8, 0)
#define ICC_EOIR0_EL1 sys_reg(3, 0, 12, 8, 1)
#define ICC_HPPIR0_EL1 sys_reg(3, 0, 12, 8, 2)
#define ICC_BPR0_EL1 sys_reg(3, 0, 12, 8, 3)
#define ICC_DIR_EL1 sys_reg(3, 0, 12, 11, 1)
#define ICC_RPR_EL1 sys_reg(3, 0, 12, 11, 3)
#define ICC_SGI1R_EL1 sys_reg(3, 0, 12, 11, 5)
#define ICC_ASGI1R_EL1 sys_reg(3, 0, 12, 11, 6)
#define ICC_SGI0R_EL1 sys_reg(3, 0, 12, 11, 7)
#define ICC_IAR1_EL1 sys_reg(3, 0, 12, 12, 0)
#define ICC_EOIR1_EL1 sys_reg(3, 0, 12, 12, 1)
#define ICC_HPPIR1_EL1 sys_reg(3, 0, 12, 12, 2)
#define ICC_BPR1_EL1 sys_reg(3, 0, 12, 12, 3)
#define ICC_CTLR_EL1 sys_reg(3, 0, 12, 12, 4)
#define ICC_SRE_EL1 sys_reg(3, 0, 12, 12, 5)
#define ICC_IGRPEN0_EL1 sys_reg(3, 0, 12, 12, 6)
#define ICC_IGRPEN1_EL1 sys_reg(3, 0, 12, 12, 7)
#define ICC_GRPEN1_EL1 ICC_IGRPEN1_EL1
#define ICC_SRE_EL2 sys_reg(3, 4, 12, 9, 5)
#define ICH_AP0R_EL2(n) sys_reg(3, 4, 12, 8, n)
#define ICH_AP1R_EL2(n) sys_reg(3, 4, 12, 9, n)
#define ICH_HCR_EL2 sys_reg(3, 4, 12, 11, 0)
#define ICH_VTR_EL2 sys_reg(3, 4, 12, 11, 1)
#define ICH_MISR_EL2 sys_reg(3, 4, 12, 11, 2)
#define ICH_EISR_EL2 sys_reg(3, 4, 12, 11, 3)
#define ICH_ELRSR_EL2 sys_reg(3, 4, 12, 11, 5)
#define ICH_VMCR_EL2 sys_reg(3, 4, 12, 11, 7)
#define ICH_LR0_EL2(n) sys_reg(3, 4, 12, 12, n) /* list registers 0..7 */
#define ICH_LR8_EL2(n) sys_reg(3, 4, 12, 13, n) /* 8..15 */

/* CNTKCTL_EL1: counters and timers for EL0 */
#define CNTKCTL_EL1_EL0PCTEN (UL(1) << 0)
#define CNTKCTL_EL1_EL0VCTEN (UL(1) << 1)
#define CNTKCTL_EL1_EL0VTEN (UL(1) << 8)
#define CNTKCTL_EL1_EL0PTEN (UL(1) << 9)
#define CNTKCTL_EL1_ALL \
	(CNTKCTL_EL1_EL0PCTEN | CNTKCTL_EL1_EL0VCTEN | CNTKCTL_EL1_EL0VTEN | CNTKCTL_EL1_EL0PTEN)

/* ID registers: the position of a field's lowest bit; most have four */
#define ID_FIELD_WIDTH 4
#define ID_FIELD(id_register, lowest_bit) \
	FIELD(id_register, (lowest_bit) + ID_FIELD_WIDTH - 1, lowest_bit)
#define ID_AA64MMFR1_VH 8
#define ID_AA64ISAR1_API_APA (UL(0xff) << 4) /* both fields; of ISAR2, APA3 */
#define ID_AA64ISAR2_APA3 (UL(0xf) << 12)
#define ID_AA64ISAR1_PAUTH (ID_AA64ISAR1_API_APA | UL(0xff) << 24) /* and GPI, GPA; GPA3 */
#define ID_AA64ISAR2_PAUTH (ID_AA64ISAR2_APA3 | UL(0xf) << 8)
#define ID_AA64MMFR2_FWB 40
#define ID_AA64MMFR2_ST 28
#define ID_AA64MMFR4_NV_FRAC 20
#define ID_AA64MMFR4_E2H0 24
#define ID_AA64MMFR1_HAFDBS 0
#define ID_AA64MMFR1_VMIDBITS 4
#define ID_AA64MMFR1_XNX 28
#define ID_AA64ISAR0_TLB 56
#define ID_AA64ISAR0_RNDR 60
#define ID_AA64PFR0_GIC 24
#define ID_AA64PFR0_SVE 32
#define ID_AA64PFR0_RAS 28
#define ID_AA64PFR1_MTE 8
#define ID_AA64PFR1_EL1_MTE_SHIFT ID_AA64PFR1_MTE
#define ID_AA64PFR0_MPAM 40
#define ID_AA64PFR0_AMU 44
#define ID_AA64PFR1_SME 24
#define ID_AA64PFR1_GCS 44
#define ID_AA64MMFR0_FGT 56
#define ID_AA64MMFR0_FGT_FGT2 2 /* the value: FEAT_FGT2 */
#define ID_AA64MMFR2_NV 24
#define ID_AA64MMFR2_NV_NV2 2 /* the value: FEAT_NV2 */
#define ID_AA64MMFR1_LO 16
#define ID_AA64MMFR1_PAN 20
#define ID_AA64MMFR1_HCX 40

#endif /* ASMARM64_SYSREG_H */
