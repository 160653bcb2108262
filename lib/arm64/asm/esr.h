/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exception syndromes: ESR_ELx (DDI 0487, D24.2.40). */
#ifndef ASMARM64_ESR_H
#define ASMARM64_ESR_H

#include <libcflat.h>

#define ESR_ELx_EC_SHIFT 26
#define ESR_ELx_EC_WIDTH 6
#define ESR_ELx_EC_MASK 0x3f
#define ESR_ELx_EC_UPPER_HALF (UL(1) << 31) /* classes 0x20 and up */
#define ESR_ELx_EC(esr) (((esr) >> ESR_ELx_EC_SHIFT) & ESR_ELx_EC_MASK)
#define ESR_ELx_IL (UL(1) << 25)
#define ESR_ELx_ISS_MASK UL(0x1ffffff)
#define ESR_ELx_ISS(esr) ((esr) & ESR_ELx_ISS_MASK)

/* Exception classes; every other value of 0x00..0x3f is reserved. */
#define ESR_ELx_EC_UNKNOWN UL(0x00)
#define ESR_ELx_EC_WFx UL(0x01)
#define ESR_ELx_EC_CP15_32 UL(0x03)
#define ESR_ELx_EC_CP15_64 UL(0x04)
#define ESR_ELx_EC_CP14_MR UL(0x05)
#define ESR_ELx_EC_CP14_LS UL(0x06)
#define ESR_ELx_EC_FP_ASIMD UL(0x07)
#define ESR_ELx_EC_CP10_ID UL(0x08)
#define ESR_ELx_EC_PAC UL(0x09)
#define ESR_ELx_EC_OTHER UL(0x0a) /* LD64B, ST64B and others */
#define ESR_ELx_EC_CP14_64 UL(0x0c)
#define ESR_ELx_EC_BTI UL(0x0d)
#define ESR_ELx_EC_ILL UL(0x0e)
#define ESR_ELx_EC_SVC32 UL(0x11)
#define ESR_ELx_EC_HVC32 UL(0x12)
#define ESR_ELx_EC_SMC32 UL(0x13)
#define ESR_ELx_EC_SYSREG128 UL(0x14)
#define ESR_ELx_EC_SVC64 UL(0x15)
#define ESR_ELx_EC_HVC64 UL(0x16)
#define ESR_ELx_EC_SMC64 UL(0x17)
#define ESR_ELx_EC_SYS64 UL(0x18)
#define ESR_ELx_EC_SVE UL(0x19)
#define ESR_ELx_EC_ERET UL(0x1a)
#define ESR_ELx_EC_TSTART UL(0x1b)
#define ESR_ELx_EC_FPAC UL(0x1c)
#define ESR_ELx_EC_SME UL(0x1d)
#define ESR_ELx_EC_GPC UL(0x1e)
#define ESR_ELx_EC_IMP_DEF UL(0x1f)
#define ESR_ELx_EC_IABT_LOW UL(0x20)
#define ESR_ELx_EC_IABT_CUR UL(0x21)
#define ESR_ELx_EC_PC_ALIGN UL(0x22)
#define ESR_ELx_EC_DABT_LOW UL(0x24)
#define ESR_ELx_EC_DABT_CUR UL(0x25)
#define ESR_ELx_EC_SP_ALIGN UL(0x26)
#define ESR_ELx_EC_MOPS UL(0x27)
#define ESR_ELx_EC_FP_EXC32 UL(0x28)
#define ESR_ELx_EC_FP_EXC64 UL(0x2c)
#define ESR_ELx_EC_GCS UL(0x2d)
#define ESR_ELx_EC_SERROR UL(0x2f)
#define ESR_ELx_EC_BREAKPT_LOW UL(0x30)
#define ESR_ELx_EC_BREAKPT_CUR UL(0x31)
#define ESR_ELx_EC_SOFTSTP_LOW UL(0x32)
#define ESR_ELx_EC_SOFTSTP_CUR UL(0x33)
#define ESR_ELx_EC_WATCHPT_LOW UL(0x34)
#define ESR_ELx_EC_WATCHPT_CUR UL(0x35)
#define ESR_ELx_EC_BKPT32 UL(0x38)
#define ESR_ELx_EC_VECTOR32 UL(0x3a)
#define ESR_ELx_EC_BRK64 UL(0x3c)
#define ESR_ELx_EC_PROFILING UL(0x3d)

/* Aborts */
#define ESR_ELx_DIRTY_BIT (UL(1) << 37) /* of ISS2: FEAT_S1PIE, FEAT_S2PIE */
#define ESR_ELx_ISV (UL(1) << 24)
#define ESR_ELx_SAS_SHIFT 22
#define ESR_ELx_SSE (UL(1) << 21)
#define ESR_ELx_SRT_SHIFT 16
#define ESR_ELx_SF (UL(1) << 15)
#define ESR_ELx_AR (UL(1) << 14)
#define ESR_ELx_VNCR (UL(1) << 13) /* an access that FEAT_NV2 makes to memory */
#define ESR_ELx_FnV (UL(1) << 10)
#define ESR_ELx_EA (UL(1) << 9)
#define ESR_ELx_CM (UL(1) << 8)
#define ESR_ELx_S1PTW (UL(1) << 7)
#define ESR_ELx_WNR (UL(1) << 6)
#define ESR_ELx_FSC 0x3f
#define ESR_ELx_FSC_TYPE 0x3c
#define ESR_ELx_FSC_LEVEL 0x03
#define ESR_ELx_FSC_ADDRSZ 0x00 /* + level */
#define ESR_ELx_FSC_FAULT 0x04 /* translation, + level */
#define ESR_ELx_FSC_ACCESS 0x08 /* + level */
#define ESR_ELx_FSC_PERM 0x0c /* + level */
#define ESR_ELx_FSC_EXTABT 0x10
#define ESR_ELx_FSC_MTE 0x11
#define ESR_ELx_FSC_SEA_TTW 0x14 /* + level */
#define ESR_ELx_FSC_ALIGNMENT 0x21
#define ESR_ELx_FSC_TLBCONF 0x30

/* DDI 0487, D24.2.40, "ISS encoding for an exception from MSR, MRS, or System instruction" */
#define ESR_ELx_SYS64_ISS(op0, op1, crn, crm, op2)                                   \
	((u64)(op0) << 20 | (u64)(op2) << 17 | (u64)(op1) << 14 | (u64)(crn) << 10 | \
	 (u64)(crm) << 1)
#define ESR_ELx_SYS64_ISS_REGISTER ESR_ELx_SYS64_ISS(3, 7, 15, 15, 7) /* mask: which register */
#define ESR_ELx_SYS64_ISS_READ UL(1)

/* Names of kvm-unit-tests before it had those of Linux; the series for guests uses them. */
#define ESR_EL1_EC_UNKNOWN ESR_ELx_EC_UNKNOWN
#define ESR_EL1_EC_WFI ESR_ELx_EC_WFx
#define ESR_EL1_EC_CP15_32 ESR_ELx_EC_CP15_32
#define ESR_EL1_EC_CP15_64 ESR_ELx_EC_CP15_64
#define ESR_EL1_EC_CP14_MR ESR_ELx_EC_CP14_MR
#define ESR_EL1_EC_CP14_LS ESR_ELx_EC_CP14_LS
#define ESR_EL1_EC_FP_ASIMD ESR_ELx_EC_FP_ASIMD
#define ESR_EL1_EC_CP10_ID ESR_ELx_EC_CP10_ID
#define ESR_EL1_EC_CP14_64 ESR_ELx_EC_CP14_64
#define ESR_EL1_EC_ILL_ISS ESR_ELx_EC_ILL
#define ESR_EL1_EC_SVC32 ESR_ELx_EC_SVC32
#define ESR_EL1_EC_SVC64 ESR_ELx_EC_SVC64
#define ESR_EL1_EC_SYS64 ESR_ELx_EC_SYS64
#define ESR_EL1_EC_SVE ESR_ELx_EC_SVE
#define ESR_EL1_EC_IABT_EL0 ESR_ELx_EC_IABT_LOW
#define ESR_EL1_EC_IABT_EL1 ESR_ELx_EC_IABT_CUR
#define ESR_EL1_EC_PC_ALIGN ESR_ELx_EC_PC_ALIGN
#define ESR_EL1_EC_DABT_EL0 ESR_ELx_EC_DABT_LOW
#define ESR_EL1_EC_DABT_EL1 ESR_ELx_EC_DABT_CUR
#define ESR_EL1_EC_SP_ALIGN ESR_ELx_EC_SP_ALIGN
#define ESR_EL1_EC_FP_EXC32 ESR_ELx_EC_FP_EXC32
#define ESR_EL1_EC_FP_EXC64 ESR_ELx_EC_FP_EXC64
#define ESR_EL1_EC_SERROR ESR_ELx_EC_SERROR
#define ESR_EL1_EC_BREAKPT_EL0 ESR_ELx_EC_BREAKPT_LOW
#define ESR_EL1_EC_BREAKPT_EL1 ESR_ELx_EC_BREAKPT_CUR
#define ESR_EL1_EC_SOFTSTP_EL0 ESR_ELx_EC_SOFTSTP_LOW
#define ESR_EL1_EC_SOFTSTP_EL1 ESR_ELx_EC_SOFTSTP_CUR
#define ESR_EL1_EC_WATCHPT_EL0 ESR_ELx_EC_WATCHPT_LOW
#define ESR_EL1_EC_WATCHPT_EL1 ESR_ELx_EC_WATCHPT_CUR
#define ESR_EL1_EC_BKPT32 ESR_ELx_EC_BKPT32
#define ESR_EL1_EC_BRK64 ESR_ELx_EC_BRK64

#ifndef __ASSEMBLY__

/* Name of the exception class, never NULL. */
const char *esr_class_name(u64 esr);
/* True for the four abort classes: FAR (and from a lower EL HPFAR) may be valid. */
bool esr_is_abort(u64 esr);
/*
 * The decoded syndrome, as "data abort from a lower EL: translation fault, level 3, write". Cut at
 * @size bytes; returns @buf.
 */
const char *esr_decode(u64 esr, char *buf, int size);
/* The same without the fields of the ISS that @mask leaves out, for a syndrome that is expected. */
const char *esr_decode_masked(u64 esr, u64 mask, char *buf, int size);

#endif /* !__ASSEMBLY__ */
#endif
