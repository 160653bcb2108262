/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's controls over EL1 and EL0: encodings of those that the assembler may not know, and all
 * their fields. A field of several bits has its mask.
 *
 * Field names and positions: Arm ARM (DDI 0487), chapter D24. Controls that trap when they are 0
 * say so; the others trap, if they do, when they are 1.
 */
#ifndef ASMARM64_SYSREG_EL2_H
#define ASMARM64_SYSREG_EL2_H

#include <libcflat.h>

/* HCR_EL2 */
#define HCR_EL2_VM (UL(1) << 0)
#define HCR_EL2_SWIO (UL(1) << 1)
#define HCR_EL2_PTW (UL(1) << 2)
#define HCR_EL2_FMO (UL(1) << 3)
#define HCR_EL2_IMO (UL(1) << 4)
#define HCR_EL2_AMO (UL(1) << 5)
#define HCR_EL2_VF (UL(1) << 6)
#define HCR_EL2_VI (UL(1) << 7)
#define HCR_EL2_VSE (UL(1) << 8)
#define HCR_EL2_FB (UL(1) << 9)
#define HCR_EL2_BSU (UL(3) << 10)
#define HCR_EL2_BSU_IS (UL(1) << 10)
#define HCR_EL2_DC (UL(1) << 12)
#define HCR_EL2_TWI (UL(1) << 13)
#define HCR_EL2_TWE (UL(1) << 14)
#define HCR_EL2_TID0 (UL(1) << 15)
#define HCR_EL2_TID1 (UL(1) << 16)
#define HCR_EL2_TID2 (UL(1) << 17)
#define HCR_EL2_TID3 (UL(1) << 18)
#define HCR_EL2_TSC (UL(1) << 19)
#define HCR_EL2_TIDCP (UL(1) << 20)
#define HCR_EL2_TACR (UL(1) << 21)
#define HCR_EL2_TSW (UL(1) << 22)
#define HCR_EL2_TPCP (UL(1) << 23)
#define HCR_EL2_TPU (UL(1) << 24)
#define HCR_EL2_TTLB (UL(1) << 25)
#define HCR_EL2_TVM (UL(1) << 26)
#define HCR_EL2_TGE (UL(1) << 27)
#define HCR_EL2_TDZ (UL(1) << 28)
#define HCR_EL2_HCD (UL(1) << 29)
#define HCR_EL2_TRVM (UL(1) << 30)
#define HCR_EL2_RW (UL(1) << 31)
#define HCR_EL2_CD (UL(1) << 32)
#define HCR_EL2_ID (UL(1) << 33)
#define HCR_EL2_E2H (UL(1) << 34)
#define HCR_EL2_TLOR (UL(1) << 35)
#define HCR_EL2_TERR (UL(1) << 36)
#define HCR_EL2_TEA (UL(1) << 37)
#define HCR_EL2_MIOCNCE (UL(1) << 38)
#define HCR_EL2_TME (UL(1) << 39)
#define HCR_EL2_APK (UL(1) << 40) /* 0 traps */
#define HCR_EL2_API (UL(1) << 41) /* 0 traps */
#define HCR_EL2_NV (UL(1) << 42)
#define HCR_EL2_NV1 (UL(1) << 43)
#define HCR_EL2_AT (UL(1) << 44)
#define HCR_EL2_NV2 (UL(1) << 45)
#define HCR_EL2_FWB (UL(1) << 46)
#define HCR_EL2_FIEN (UL(1) << 47) /* 0 traps */
#define HCR_EL2_GPF (UL(1) << 48)
#define HCR_EL2_TID4 (UL(1) << 49)
#define HCR_EL2_TICAB (UL(1) << 50)
#define HCR_EL2_AMVOFFEN (UL(1) << 51)
#define HCR_EL2_TOCU (UL(1) << 52)
#define HCR_EL2_EnSCXT (UL(1) << 53) /* 0 traps */
#define HCR_EL2_TTLBIS (UL(1) << 54)
#define HCR_EL2_TTLBOS (UL(1) << 55)
#define HCR_EL2_ATA (UL(1) << 56) /* allocation tags for EL1 and EL0; 0 traps */
#define HCR_EL2_DCT (UL(1) << 57)
#define HCR_EL2_TID5 (UL(1) << 58)
#define HCR_EL2_TWEDEn (UL(1) << 59)
#define HCR_EL2_TWEDEL (UL(0xf) << 60)
/* The host's own: nothing trapped, every physical exception to EL2. */
#define HCR_HOST_VHE (HCR_EL2_E2H | HCR_EL2_TGE | HCR_EL2_RW | HCR_EL2_API | HCR_EL2_APK)
#define HCR_HOST_NVHE \
	(HCR_EL2_RW | HCR_EL2_API | HCR_EL2_APK | HCR_EL2_AMO | HCR_EL2_IMO | HCR_EL2_FMO)

/* HCRX_EL2, FEAT_HCX */
#define HCRX_EL2 sys_reg(3, 4, 1, 2, 2)
#define HCRX_EL2_EnAS0 (UL(1) << 0) /* 0 traps */
#define HCRX_EL2_EnALS (UL(1) << 1) /* 0 traps */
#define HCRX_EL2_EnASR (UL(1) << 2) /* 0 traps */
#define HCRX_EL2_FnXS (UL(1) << 3)
#define HCRX_EL2_FGTnXS (UL(1) << 4)
#define HCRX_EL2_SMPME (UL(1) << 5)
#define HCRX_EL2_TALLINT (UL(1) << 6)
#define HCRX_EL2_VINMI (UL(1) << 7)
#define HCRX_EL2_VFNMI (UL(1) << 8)
#define HCRX_EL2_CMOW (UL(1) << 9)
#define HCRX_EL2_MCE2 (UL(1) << 10)
#define HCRX_EL2_MSCEn (UL(1) << 11) /* 0: UNDEFINED */
#define HCRX_EL2_TCR2En (UL(1) << 14) /* 0 traps */
#define HCRX_EL2_SCTLR2En (UL(1) << 15) /* 0 traps */
#define HCRX_EL2_PTTWI (UL(1) << 16)
#define HCRX_EL2_D128En (UL(1) << 17) /* 0 traps */
#define HCRX_EL2_EnSNERR (UL(1) << 18)
#define HCRX_EL2_TMEA (UL(1) << 19)
#define HCRX_EL2_EnSDERR (UL(1) << 20)
#define HCRX_EL2_EnIDCP128 (UL(1) << 21) /* 0 traps */
#define HCRX_EL2_GCSEn (UL(1) << 22)
#define HCRX_EL2_EnFPM (UL(1) << 23) /* 0 traps */
#define HCRX_EL2_PACMEn (UL(1) << 24)

/* Fine-grained traps, FEAT_FGT; HAFGRTR_EL2 with FEAT_AMUv1 as well */
#define HFGRTR_EL2 sys_reg(3, 4, 1, 1, 4)
#define HFGWTR_EL2 sys_reg(3, 4, 1, 1, 5)
#define HFGITR_EL2 sys_reg(3, 4, 1, 1, 6)
#define HFGITR_EL2_SVC_EL0 (UL(1) << 52)
#define HFGITR_EL2_SVC_EL1 (UL(1) << 53)
#define HDFGRTR_EL2 sys_reg(3, 4, 3, 1, 4)
#define HDFGWTR_EL2 sys_reg(3, 4, 3, 1, 5)
#define HAFGRTR_EL2 sys_reg(3, 4, 3, 1, 6)
/* FEAT_FGT2 */
#define HFGRTR2_EL2 sys_reg(3, 4, 3, 1, 2)
#define HFGWTR2_EL2 sys_reg(3, 4, 3, 1, 3)
#define HFGITR2_EL2 sys_reg(3, 4, 3, 1, 7)
#define HDFGRTR2_EL2 sys_reg(3, 4, 3, 1, 0)
#define HDFGWTR2_EL2 sys_reg(3, 4, 3, 1, 1)

#define S2PIR_EL2 sys_reg(3, 4, 10, 2, 5) /* FEAT_S2PIE */

/* FEAT_NV2: the page of asm/guest-vncr.h, by its address at EL2 */
#define VNCR_EL2 sys_reg(3, 4, 2, 2, 0)

/* MDCR_EL2 */
#define MDCR_EL2_HPMN (UL(0x1f) << 0) /* the number of event counters that EL1 has */
#define MDCR_EL2_TPMCR (UL(1) << 5)
#define MDCR_EL2_TPM (UL(1) << 6)
#define MDCR_EL2_HPME (UL(1) << 7)
#define MDCR_EL2_TDE (UL(1) << 8)
#define MDCR_EL2_TDA (UL(1) << 9)
#define MDCR_EL2_TDOSA (UL(1) << 10)
#define MDCR_EL2_TDRA (UL(1) << 11)
#define MDCR_EL2_E2PB (UL(3) << 12) /* 3: not trapped */
#define MDCR_EL2_TPMS (UL(1) << 14)
#define MDCR_EL2_EnSPM (UL(1) << 15) /* 0 traps */
#define MDCR_EL2_HPMD (UL(1) << 17)
#define MDCR_EL2_TTRF (UL(1) << 19)
#define MDCR_EL2_HCCD (UL(1) << 23)
#define MDCR_EL2_E2TB (UL(3) << 24) /* 3: not trapped */
#define MDCR_EL2_HLP (UL(1) << 26)
#define MDCR_EL2_TDCC (UL(1) << 27)
#define MDCR_EL2_MTPME (UL(1) << 28)
#define MDCR_EL2_HPMFZO (UL(1) << 29)
#define MDCR_EL2_PMSSE (UL(3) << 30)
#define MDCR_EL2_HPMFZS (UL(1) << 36)
#define MDCR_EL2_PMEE (UL(3) << 40)
#define MDCR_EL2_EBWE (UL(1) << 43)

/* CPACR_EL1, and CPTR_EL2 with HCR_EL2.E2H: 3 for "not trapped", 0 for "trapped" */
#define CPACR_EL1_ZEN (UL(3) << 16)
#define CPACR_EL1_FPEN (UL(3) << 20)
#define CPACR_EL1_SMEN (UL(3) << 24)
#define CPACR_EL1_TTA (UL(1) << 28)
#define CPACR_EL1_E0POE (UL(1) << 29) /* 0 traps */
#define CPTR_VHE_ZEN (UL(3) << 16)
#define CPTR_VHE_ZEN_EL2 (UL(1) << 16) /* EL2's half of it: 0 traps both */
#define CPTR_VHE_FPEN (UL(3) << 20)
#define CPTR_VHE_SMEN (UL(3) << 24)
#define CPTR_VHE_TTA (UL(1) << 28)
#define CPTR_VHE_E0POE (UL(1) << 29) /* 0 traps */
/* CPTR_EL2 without: 1 for "trapped" */
#define CPTR_NVHE_TZ (UL(1) << 8)
#define CPTR_NVHE_TFP (UL(1) << 10)
#define CPTR_NVHE_TSM (UL(1) << 12)
#define CPTR_NVHE_TTA (UL(1) << 20)
/* In both: the activity monitors, and CPACR_EL1 */
#define CPTR_EL2_TAM (UL(1) << 30)
#define CPTR_EL2_TCPAC (UL(1) << 31)

/* CNTHCTL_EL2 */
#define CNTHCTL_NVHE_EL1PCTEN (UL(1) << 0) /* 0 traps */
#define CNTHCTL_NVHE_EL1PCEN (UL(1) << 1) /* 0 traps */
/* With HCR_EL2.E2H they move, and bits 0, 1, 8 and 9 are CNTKCTL_EL1's */
#define CNTHCTL_VHE_EL0PCTEN (UL(1) << 0) /* 0 traps */
#define CNTHCTL_VHE_EL0VCTEN (UL(1) << 1) /* 0 traps */
#define CNTHCTL_VHE_EL0VTEN (UL(1) << 8) /* 0 traps */
#define CNTHCTL_VHE_EL0PTEN (UL(1) << 9) /* 0 traps */
#define CNTHCTL_VHE_EL1PCTEN (UL(1) << 10) /* 0 traps */
#define CNTHCTL_VHE_EL1PTEN (UL(1) << 11) /* 0 traps */
/* In both */
#define CNTHCTL_EVNTEN (UL(1) << 2)
#define CNTHCTL_EVNTDIR (UL(1) << 3)
#define CNTHCTL_EVNTI (UL(0xf) << 4)
#define CNTHCTL_ECV (UL(1) << 12)
#define CNTHCTL_EL1TVT (UL(1) << 13)
#define CNTHCTL_EL1TVCT (UL(1) << 14)
#define CNTHCTL_EL1NVPCT (UL(1) << 15)
#define CNTHCTL_EL1NVVCT (UL(1) << 16)
#define CNTHCTL_EVNTIS (UL(1) << 17)
#define CNTHCTL_CNTVMASK (UL(1) << 18)
#define CNTHCTL_CNTPMASK (UL(1) << 19)

/* VTCR_EL2 */
#define VTCR_EL2_T0SZ (UL(0x3f) << 0)
#define VTCR_EL2_SL0 (UL(3) << 6)
#define VTCR_EL2_IRGN0 (UL(3) << 8)
#define VTCR_EL2_ORGN0 (UL(3) << 10)
#define VTCR_EL2_SH0 (UL(3) << 12)
#define VTCR_EL2_TG0 (UL(3) << 14)
#define VTCR_EL2_PS (UL(7) << 16)
#define VTCR_EL2_VS (UL(1) << 19)
#define VTCR_EL2_HA (UL(1) << 21)
#define VTCR_EL2_HD (UL(1) << 22)
#define VTCR_EL2_HWU59 (UL(1) << 25)
#define VTCR_EL2_HWU60 (UL(1) << 26)
#define VTCR_EL2_HWU61 (UL(1) << 27)
#define VTCR_EL2_HWU62 (UL(1) << 28)
#define VTCR_EL2_NSW (UL(1) << 29)
#define VTCR_EL2_NSA (UL(1) << 30)
#define VTCR_EL2_RES1 (UL(1) << 31)
#define VTCR_EL2_DS (UL(1) << 32)
#define VTCR_EL2_SL2 (UL(1) << 33)
#define VTCR_EL2_AssuredOnly (UL(1) << 34)
#define VTCR_EL2_TL1 (UL(1) << 35)
#define VTCR_EL2_S2PIE (UL(1) << 36)
#define VTCR_EL2_S2POE (UL(1) << 37)
#define VTCR_EL2_D128 (UL(1) << 38)
#define VTCR_EL2_GCSH (UL(1) << 40)
#define VTCR_EL2_TL0 (UL(1) << 41)
#define VTCR_EL2_HAFT (UL(1) << 44)
#define VTCR_EL2_SL0_SHIFT 6
#define VTCR_EL2_IRGN0_WB (UL(1) << 8)
#define VTCR_EL2_ORGN0_WB (UL(1) << 10)
#define VTCR_EL2_SH0_INNER (UL(3) << 12)
#define VTCR_EL2_TG0_SHIFT 14
#define VTCR_EL2_PS_SHIFT 16
#define VTCR_EL2_SL2_SHIFT 33

#endif /* ASMARM64_SYSREG_EL2_H */
