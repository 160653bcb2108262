/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers that a guest with FEAT_NV2 has in memory.
 *
 * With HCR_EL2.NV and NV2 an access at EL1 to one of them is a load or store in the page at
 * VNCR_EL2, at an address of EL2's. Registers of EL1 are among them by their _EL12 and _EL02 names
 * while HCR_EL2.NV1 is 0, and by their own while it is 1 (DDI 0487, D8, "Enhanced support for
 * nested virtualization").
 */
#ifndef ASMARM64_GUEST_VNCR_H
#define ASMARM64_GUEST_VNCR_H

#include <libcflat.h>
#include <asm/guest.h>

#define VNCR_SIZE SZ_4K

/* clang-format off */
/* Registers of EL2, with their offset in bytes and their op0, op1, CRn, CRm, op2. X() */
#define VNCR_EL2_REGISTERS(X)                                                                      \
	X(VTTBR_EL2, 0x020, 3, 4, 2, 1, 0)                                                         \
	X(VSTTBR_EL2, 0x030, 3, 4, 2, 6, 0)                                                        \
	X(VTCR_EL2, 0x040, 3, 4, 2, 1, 2)                                                          \
	X(VSTCR_EL2, 0x048, 3, 4, 2, 6, 2)                                                         \
	X(VMPIDR_EL2, 0x050, 3, 4, 0, 0, 5)                                                        \
	X(CNTVOFF_EL2, 0x060, 3, 4, 14, 0, 3)                                                      \
	X(HCR_EL2, 0x078, 3, 4, 1, 1, 0)                                                           \
	X(HSTR_EL2, 0x080, 3, 4, 1, 1, 3)                                                          \
	X(VPIDR_EL2, 0x088, 3, 4, 0, 0, 0)                                                         \
	X(TPIDR_EL2, 0x090, 3, 4, 13, 0, 2)                                                        \
	X(HCRX_EL2, 0x0a0, 3, 4, 1, 2, 2)                                                          \
	X(VNCR_EL2, 0x0b0, 3, 4, 2, 2, 0)                                                          \
	X(HDFGRTR2_EL2, 0x1a0, 3, 4, 3, 1, 0)                                                      \
	X(CNTPOFF_EL2, 0x1a8, 3, 4, 14, 0, 6)                                                      \
	X(HDFGWTR2_EL2, 0x1b0, 3, 4, 3, 1, 1)                                                      \
	X(HFGRTR_EL2, 0x1b8, 3, 4, 1, 1, 4)                                                        \
	X(HFGWTR_EL2, 0x1c0, 3, 4, 1, 1, 5)                                                        \
	X(HFGITR_EL2, 0x1c8, 3, 4, 1, 1, 6)                                                        \
	X(HDFGRTR_EL2, 0x1d0, 3, 4, 3, 1, 4)                                                       \
	X(HDFGWTR_EL2, 0x1d8, 3, 4, 3, 1, 5)                                                       \
	X(HAFGRTR_EL2, 0x1e8, 3, 4, 3, 1, 6)                                                       \
	X(SMPRIMAP_EL2, 0x1f8, 3, 4, 1, 2, 5)                                                      \
	X(HFGRTR2_EL2, 0x2c0, 3, 4, 3, 1, 2)                                                       \
	X(HFGWTR2_EL2, 0x2c8, 3, 4, 3, 1, 3)                                                       \
	X(HFGITR2_EL2, 0x310, 3, 4, 3, 1, 7)                                                       \
	X(ICH_HCR_EL2, 0x4c0, 3, 4, 12, 11, 0)                                                     \
	X(ICH_VMCR_EL2, 0x4c8, 3, 4, 12, 11, 7)                                                    \
	X(VDISR_EL2, 0x500, 3, 4, 12, 1, 1)                                                        \
	X(VSESR_EL2, 0x508, 3, 4, 5, 2, 3)                                                         \
	X(MPAMHCR_EL2, 0x930, 3, 4, 10, 4, 0)                                                      \
	X(MPAMVPMV_EL2, 0x938, 3, 4, 10, 4, 1)
/*
 * Registers of EL1 and EL0: the same, with op0, op1, CRn, CRm, op2 of the own name. That of the
 * _EL12 or _EL02 name differs in op1, which is 5.
 */
#define VNCR_EL1_REGISTERS(X)                                                                      \
	X(CPACR_EL1, 0x100, 3, 0, 1, 0, 2)                                                         \
	X(CONTEXTIDR_EL1, 0x108, 3, 0, 13, 0, 1)                                                   \
	X(SCTLR_EL1, 0x110, 3, 0, 1, 0, 0)                                                         \
	X(TCR_EL1, 0x120, 3, 0, 2, 0, 2)                                                           \
	X(AFSR0_EL1, 0x128, 3, 0, 5, 1, 0)                                                         \
	X(AFSR1_EL1, 0x130, 3, 0, 5, 1, 1)                                                         \
	X(ESR_EL1, 0x138, 3, 0, 5, 2, 0)                                                           \
	X(MAIR_EL1, 0x140, 3, 0, 10, 2, 0)                                                         \
	X(AMAIR_EL1, 0x148, 3, 0, 10, 3, 0)                                                        \
	X(SPSR_EL1, 0x160, 3, 0, 4, 0, 0)                                                          \
	X(CNTV_CVAL_EL0, 0x168, 3, 3, 14, 3, 2)                                                    \
	X(CNTV_CTL_EL0, 0x170, 3, 3, 14, 3, 1)                                                     \
	X(CNTP_CVAL_EL0, 0x178, 3, 3, 14, 2, 2)                                                    \
	X(CNTP_CTL_EL0, 0x180, 3, 3, 14, 2, 1)                                                     \
	X(SCXTNUM_EL1, 0x188, 3, 0, 13, 0, 7)                                                      \
	X(TFSR_EL1, 0x190, 3, 0, 5, 6, 0)                                                          \
	X(ZCR_EL1, 0x1e0, 3, 0, 1, 2, 0)                                                           \
	X(SMCR_EL1, 0x1f0, 3, 0, 1, 2, 6)                                                          \
	X(TTBR0_EL1, 0x200, 3, 0, 2, 0, 0)                                                         \
	X(TTBR1_EL1, 0x210, 3, 0, 2, 0, 1)                                                         \
	X(FAR_EL1, 0x220, 3, 0, 6, 0, 0)                                                           \
	X(ELR_EL1, 0x230, 3, 0, 4, 0, 1)                                                           \
	X(VBAR_EL1, 0x250, 3, 0, 12, 0, 0)                                                         \
	X(TCR2_EL1, 0x270, 3, 0, 2, 0, 3)                                                          \
	X(SCTLR2_EL1, 0x278, 3, 0, 1, 0, 3)                                                        \
	X(PIRE0_EL1, 0x290, 3, 0, 10, 2, 2)                                                        \
	X(PIR_EL1, 0x2a0, 3, 0, 10, 2, 3)                                                          \
	X(POR_EL1, 0x2a8, 3, 0, 10, 2, 4)                                                          \
	X(PMSCR_EL1, 0x828, 3, 0, 9, 9, 0)                                                         \
	X(TRFCR_EL1, 0x880, 3, 0, 1, 2, 1)                                                         \
	X(MPAM1_EL1, 0x900, 3, 0, 10, 5, 0)
/* Of EL1, without such names: by their own whatever NV1 is */
#define VNCR_OTHER_REGISTERS(X)                                                                    \
	X(ACTLR_EL1, 0x118, 3, 0, 1, 0, 1)                                                         \
	X(MDSCR_EL1, 0x158, 2, 0, 0, 2, 2)                                                         \
	X(SP_EL1, 0x240, 3, 4, 4, 1, 0)                                                            \
	X(PMBLIMITR_EL1, 0x800, 3, 0, 9, 10, 0)                                                    \
	X(PMBPTR_EL1, 0x810, 3, 0, 9, 10, 1)                                                       \
	X(PMBSR_EL1, 0x820, 3, 0, 9, 10, 3)                                                        \
	X(PMSEVFR_EL1, 0x830, 3, 0, 9, 9, 5)                                                       \
	X(PMSICR_EL1, 0x838, 3, 0, 9, 9, 2)                                                        \
	X(PMSIRR_EL1, 0x840, 3, 0, 9, 9, 3)                                                        \
	X(PMSLATFR_EL1, 0x848, 3, 0, 9, 9, 6)
/* clang-format on */

#define VNCR_OFFSET(name, offset, ...) VNCR_##name = (offset),
/* Offsets in bytes: VNCR_HCR_EL2 and so on */
enum vncr_offset {
	VNCR_EL2_REGISTERS(VNCR_OFFSET) VNCR_EL1_REGISTERS(VNCR_OFFSET)
		VNCR_OTHER_REGISTERS(VNCR_OFFSET)
};
#undef VNCR_OFFSET
#define VNCR_ICH_LR_EL2(n) (0x400 + 8 * (n)) /* 0..15 */
#define VNCR_ICH_AP0R_EL2(n) (0x480 + 8 * (n)) /* 0..3 */
#define VNCR_ICH_AP1R_EL2(n) (0x4a0 + 8 * (n))
#define VNCR_MPAMVPM_EL2(n) (0x940 + 8 * (n)) /* 0..7 */
#define VNCR_AMEVCNTVOFF0_EL2(n) (0xa00 + 8 * (n)) /* 0..15 */
#define VNCR_AMEVCNTVOFF1_EL2(n) (0xa80 + 8 * (n))

/* The reason why guests cannot have such a page here, for report_skip(), or NULL. */
const char *guest_vncr_unsupported(void);
/*
 * Give @guest a page of zeroes, with vncr_el2 and HCR_EL2.NV and NV2 in hcr_el2; NV1 stays. False
 * when memory is out or guest_vncr_unsupported(). guest_destroy() frees it.
 */
bool guest_vncr_enable(struct guest *guest);
/* The register at @offset of the page; at any time, in handlers too. */
static inline u64 *guest_vncr(struct guest *guest, unsigned int offset)
{
	return (u64 *)(guest->vncr_page + offset);
}

#endif
