/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 instructions as values for .inst: an assembler for AArch64 knows none of them.
 * Encodings: DDI 0487, F5.1 and, of FP, F6.1. Registers are numbers, r0..r15.
 */
#ifndef ASMARM64_A32_H
#define ASMARM64_A32_H

#define A32_SP 13
#define A32_LR 14

/* @insn on condition NE */
#define A32_NE(insn) (((insn) & 0x0fffffff) | 0x1 << 28)

/* Exceptions and branches; @offset is counted from the instruction itself. */
#define A32_SVC(imm) (0xef000000 | (imm))
#define A32_HVC(imm) (0xe1400070 | (imm) >> 4 << 8 | ((imm) & 0xf))
#define A32_B(offset) (0xea000000 | ((((offset) - 8) >> 2) & 0xffffff))
#define A32_BX(rm) (0xe12fff10 | (rm))

/* Data processing, with an immediate below 256 */
#define A32_MOV(rd, rm) (0xe1a00000 | (rd) << 12 | (rm))
#define A32_MVN_IMM(rd, imm) (0xe3e00000 | (rd) << 12 | (imm))
#define A32_ADD_IMM(rd, rn, imm) (0xe2800000 | (rn) << 16 | (rd) << 12 | (imm))
#define A32_ORR_IMM(rd, rn, imm) (0xe3800000 | (rn) << 16 | (rd) << 12 | (imm))
#define A32_MRS_CPSR(rd) (0xe10f0000 | (rd) << 12)
#define A32_CMP(rn, rm) (0xe1500000 | (rn) << 16 | (rm))

/* Memory: [rn, #imm] */
#define A32_LDR(rt, rn, imm) (0xe5900000 | (rn) << 16 | (rt) << 12 | (imm))
#define A32_STR(rt, rn, imm) (0xe5800000 | (rn) << 16 | (rt) << 12 | (imm))
#define A32_PUSH(rt) (0xe92d0000 | 1 << (rt))
#define A32_POP(rt) (0xe8bd0000 | 1 << (rt))
#define A32_ISB 0xf57ff06f

/* System registers of coprocessor 15: @reg is a CP15_ name below, its opc1, CRn, CRm, opc2. */
#define A32_MCR(rt, reg) A32_CP15(0xee000f10, rt, reg)
#define A32_MRC(rt, reg) A32_CP15(0xee100f10, rt, reg)
#define A32_CP15(insn, rt, opc1, crn, crm, opc2) \
	((insn) | (opc1) << 21 | (crn) << 16 | (rt) << 12 | (opc2) << 5 | (crm))
#define CP15_SCTLR 0, 1, 0, 0
#define CP15_TTBR0 0, 2, 0, 0
#define CP15_TTBR1 0, 2, 0, 1
#define CP15_TTBCR 0, 2, 0, 2
#define CP15_TTBCR2 0, 2, 0, 3
#define CP15_DACR 0, 3, 0, 0
#define CP15_DFSR 0, 5, 0, 0
#define CP15_IFSR 0, 5, 0, 1
#define CP15_ADFSR 0, 5, 1, 0
#define CP15_AIFSR 0, 5, 1, 1
#define CP15_DFAR 0, 6, 0, 0
#define CP15_IFAR 0, 6, 0, 2
#define CP15_PRRR 0, 10, 2, 0
#define CP15_NMRR 0, 10, 2, 1
#define CP15_AMAIR0 0, 10, 3, 0
#define CP15_AMAIR1 0, 10, 3, 1
#define CP15_CONTEXTIDR 0, 13, 0, 1

/* 64-bit ones: opc1, CRm. @rt is the low half. */
#define A32_MCRR(rt, rt2, reg) A32_CP15_64(0xec400f00, rt, rt2, reg)
#define A32_MRRC(rt, rt2, reg) A32_CP15_64(0xec500f00, rt, rt2, reg)
#define A32_CP15_64(insn, rt, rt2, opc1, crm) \
	((insn) | (rt2) << 16 | (rt) << 12 | (opc1) << 4 | (crm))
#define CP15_64_TTBR0 0, 2
#define CP15_64_TTBR1 1, 2

/*
 * SPSR of a mode that is not the current one: @sysm is its SYSm ("Banked register")
 */
#define A32_MSR_SPSR(sysm, rn) (0xe160f200 | ((sysm) & 0xf) << 16 | (sysm) >> 4 << 8 | (rn))
#define A32_MRS_SPSR(rd, sysm) (0xe1400200 | ((sysm) & 0xf) << 16 | (rd) << 12 | (sysm) >> 4 << 8)
#define SYSM_FIQ 0x0e
#define SYSM_IRQ 0x10
#define SYSM_ABT 0x14
#define SYSM_UND 0x16

/* FP: FPEXC, and s0 */
#define A32_VMSR_FPEXC(rt) (0xeee80a10 | (rt) << 12)
#define A32_VMRS_FPEXC(rt) (0xeef80a10 | (rt) << 12)
#define A32_VMOV_TO_S0(rt) (0xee000a10 | (rt) << 12)
#define A32_VMOV_FROM_S0(rt) (0xee100a10 | (rt) << 12)

/* T32: two 16-bit instructions, the first one at the lower address */
#define T32_PAIR(first, second) ((second) << 16 | (first))
#define T32_CMP_IMM(rn, imm) (0x2800 | (rn) << 8 | (imm))
#define T32_MOV_IMM(rd, imm) (0x2000 | (rd) << 8 | (imm))
#define T32_LDR(rt, rn) (0x6800 | (rn) << 3 | (rt))
#define T32_BX(rm) (0x4700 | (rm) << 3)
#define T32_ITE_EQ 0xbf0c
#define T32_NOP 0xbf00
/* A 32-bit one, by its halves */
#define T32_HVC(imm) T32_PAIR(0xf7e0 | (imm) >> 12, 0x8000 | ((imm) & 0xfff))

#endif
