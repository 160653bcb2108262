/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCTLR_EL1 and SCTLR_EL2, and the values that the library gives them. A field of several bits has
 * its mask.
 *
 * Field names and positions: Arm ARM (DDI 0487), chapter D24. With HCR_EL2.E2H both have the same
 * layout; without it SCTLR_EL2 has the fields that are called SCTLR_ELx here, TCF, ATA, TMT, TME
 * and TCSO.
 */
#ifndef ASMARM64_SYSREG_SCTLR_H
#define ASMARM64_SYSREG_SCTLR_H

#include <libcflat.h>

/* In both registers and both layouts of SCTLR_EL2 */
#define SCTLR_ELx_M (UL(1) << 0)
#define SCTLR_ELx_A (UL(1) << 1)
#define SCTLR_ELx_C (UL(1) << 2)
#define SCTLR_ELx_SA (UL(1) << 3)
#define SCTLR_ELx_nAA (UL(1) << 6)
#define SCTLR_ELx_EOS (UL(1) << 11)
#define SCTLR_ELx_I (UL(1) << 12)
#define SCTLR_ELx_EnDB (UL(1) << 13)
#define SCTLR_ELx_WXN (UL(1) << 19)
#define SCTLR_ELx_IESB (UL(1) << 21)
#define SCTLR_ELx_EIS (UL(1) << 22)
#define SCTLR_ELx_EE (UL(1) << 25) /* data accesses are big-endian */
#define SCTLR_ELx_EnDA (UL(1) << 27)
#define SCTLR_ELx_EnIB (UL(1) << 30)
#define SCTLR_ELx_EnIA (UL(1) << 31)
#define SCTLR_ELx_BT (UL(1) << 36) /* SCTLR_EL1.BT1 */
#define SCTLR_ELx_ITFSB (UL(1) << 37)
#define SCTLR_ELx_DSSBS (UL(1) << 44)
#define SCTLR_ELx_NMI (UL(1) << 61)
#define SCTLR_ELx_SPINTMASK (UL(1) << 62)
#define SCTLR_EL1_M SCTLR_ELx_M
#define SCTLR_EL1_A SCTLR_ELx_A
#define SCTLR_EL1_C SCTLR_ELx_C
#define SCTLR_EL1_SA SCTLR_ELx_SA
#define SCTLR_EL1_EOS SCTLR_ELx_EOS
#define SCTLR_EL1_I SCTLR_ELx_I
#define SCTLR_EL1_WXN SCTLR_ELx_WXN
#define SCTLR_EL1_EIS SCTLR_ELx_EIS
#define SCTLR_EL1_EE SCTLR_ELx_EE
#define SCTLR_EL1_SA0 (UL(1) << 4)
#define SCTLR_EL1_CP15BEN (UL(1) << 5)
#define SCTLR_EL1_ITD (UL(1) << 7)
#define SCTLR_EL1_SED (UL(1) << 8)
#define SCTLR_EL1_UMA (UL(1) << 9)
#define SCTLR_EL1_EnRCTX (UL(1) << 10)
#define SCTLR_EL1_DZE (UL(1) << 14)
#define SCTLR_EL1_UCT (UL(1) << 15)
#define SCTLR_EL1_nTWI (UL(1) << 16)
#define SCTLR_EL1_nTWE (UL(1) << 18)
#define SCTLR_EL1_TSCXT (UL(1) << 20)
#define SCTLR_EL1_SPAN (UL(1) << 23)
#define SCTLR_EL1_E0E (UL(1) << 24) /* EL0 has its own */
#define SCTLR_EL1_UCI (UL(1) << 26)
#define SCTLR_EL1_nTLSMD (UL(1) << 28)
#define SCTLR_EL1_NTLSMD SCTLR_EL1_nTLSMD
#define SCTLR_EL1_LSMAOE (UL(1) << 29)
#define SCTLR_EL1_CMOW (UL(1) << 32)
#define SCTLR_EL1_MSCEn (UL(1) << 33)
#define SCTLR_EL1_BT0 (UL(1) << 35)
/* FEAT_MTE: allocation tags for EL0 and for EL1, and the effect of a tag check fault */
#define SCTLR_EL1_TCF0_SHIFT 38
#define SCTLR_EL1_TCF0_MASK (UL(3) << SCTLR_EL1_TCF0_SHIFT)
#define SCTLR_EL1_TCF_SHIFT 40
#define SCTLR_EL1_TCF_MASK (UL(3) << SCTLR_EL1_TCF_SHIFT)
#define SCTLR_EL1_ATA0 (UL(1) << 42)
#define SCTLR_EL1_ATA (UL(1) << 43)
#define SCTLR_EL1_TWEDEn (UL(1) << 45)
#define SCTLR_EL1_TWEDEL (UL(0xf) << 46)
#define SCTLR_EL1_TMT0 (UL(1) << 50)
#define SCTLR_EL1_TMT (UL(1) << 51)
#define SCTLR_EL1_TME0 (UL(1) << 52)
#define SCTLR_EL1_TME (UL(1) << 53)
#define SCTLR_EL1_EnASR (UL(1) << 54)
#define SCTLR_EL1_EnAS0 (UL(1) << 55)
#define SCTLR_EL1_EnALS (UL(1) << 56)
#define SCTLR_EL1_EPAN (UL(1) << 57)
#define SCTLR_EL1_TCSO0 (UL(1) << 58)
#define SCTLR_EL1_TCSO (UL(1) << 59)
#define SCTLR_EL1_EnTP2 (UL(1) << 60)
#define SCTLR_EL1_TIDCP (UL(1) << 63)
/* Bits that are 1 where the feature that gives them a meaning is absent. */
#define SCTLR_EL1_RES1                                                                         \
	(SCTLR_EL1_EOS | SCTLR_EL1_TSCXT | SCTLR_EL1_EIS | SCTLR_EL1_SPAN | SCTLR_EL1_nTLSMD | \
	 SCTLR_EL1_LSMAOE)
/*
 * Bits that read as the CPU has them: writable, RES0 or RES1, by AArch32 at EL0 and its options, and
 * by FEAT_CSV2_2
 */
#define SCTLR_EL1_BY_FEATURE (SCTLR_EL1_CP15BEN | SCTLR_EL1_ITD | SCTLR_EL1_SED | SCTLR_EL1_TSCXT)
/*
 * A host at EL1, or at EL2 with E2H, before its MMU is on. User mode: WFI, WFE and cache maintenance
 * are trapped, its stack pointer is not checked.
 */
#define SCTLR_EL1_HOST (SCTLR_EL1_RES1 | SCTLR_EL1_ITD | SCTLR_EL1_SED)
/* With E2H clear: bits 4, 5, 11, 16, 18, 22, 23, 28, 29 */
#define SCTLR_EL2_RES1 UL(0x30c50830)

#endif /* ASMARM64_SYSREG_SCTLR_H */
