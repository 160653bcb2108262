/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMSAv8-64 translation tables: the bits (DDI 0487, D8.3), and the arithmetic of levels and
 * indices, which is the same for both stages and every granule.
 */
#ifndef ASMARM64_PGTABLE_HWDEF_H
#define ASMARM64_PGTABLE_HWDEF_H

#include <libcflat.h>
#include <asm/page.h>

#define PT_VALID (UL(1) << 0)
#define PT_TABLE \
	(UL(1) << 1) /* levels 0..2: a table, not a block; level 3: must be set for a page */
#define PT_LEVEL_LAST 3
#define PT_ADDR_MASK UL(0x0000fffffffff000)

/* Stage 1 */
#define PTE_ATTRINDX(i) ((u64)(i) << 2)
#define PTE_ATTRINDX_MASK PTE_ATTRINDX(7)
#define PTE_USER (UL(1) << 6) /* AP[1]; RES1 in a regime of one exception level */
#define PTE_RDONLY (UL(1) << 7) /* AP[2] */
#define PTE_SHARED (UL(3) << 8) /* inner shareable */
#define PTE_AF (UL(1) << 10)
#define PTE_NG (UL(1) << 11)
#define PTE_GP (UL(1) << 50) /* guarded: an indirect branch must land on a BTI */
#define PTE_PXN (UL(1) << 53)
#define PTE_UXN (UL(1) << 54) /* XN in a regime of one exception level */

/* TCR_EL1, and TCR_EL2 with E2H */
#define TCR_EPD1 (UL(1) << 23) /* no translations by TTBR1 */
#define TCR_TBI0 (UL(1) << 37) /* the top byte of an address below 2^55 is ignored */
#define TCR_TCMA0 (UL(1) << 57) /* accesses with tag 0 are not checked */

/* MAIR_ELx, by index */
#define MT_DEVICE_nGnRnE 0
#define MT_DEVICE_nGnRE 1
#define MT_DEVICE_GRE 2
#define MT_NORMAL_NC 3
#define MT_NORMAL 4
#define MT_NORMAL_WT 5
#define MT_DEVICE_nGRE 6
#define MT_NORMAL_TAGGED 7 /* with FEAT_MTE2 */
#define MAIR_VALUE                                                                          \
	(UL(0x00) << 0 | UL(0x04) << 8 | UL(0x0c) << 16 | UL(0x44) << 24 | UL(0xff) << 32 | \
	 UL(0xbb) << 40 | UL(0x08) << 48 | UL(0xf0) << 56)

/* Stage 2 */
#define S2_MEMATTR(attr) ((u64)(attr) << 2)
#define S2_MEMATTR_MASK S2_MEMATTR(0xf)
/* Device types are the same with and without HCR_EL2.FWB. */
#define S2_MEMATTR_DEVICE_nGnRnE 0x0
#define S2_MEMATTR_DEVICE_nGnRE 0x1
#define S2_MEMATTR_DEVICE_nGRE 0x2
#define S2_MEMATTR_DEVICE_GRE 0x3
#define S2_MEMATTR_NORMAL_NC 0x5
#define S2_MEMATTR_NORMAL_WT 0xa
#define S2_MEMATTR_NORMAL_WB 0xf
#define S2_MEMATTR_FWB_NORMAL_NC 0x5
#define S2_MEMATTR_FWB_NORMAL_WB 0x6 /* with HCR_EL2.FWB: Normal for any type of stage 1 */
#define S2_MEMATTR_FWB_STAGE1 0x7 /* the type of stage 1 */
#define S2_AP_READ (UL(1) << 6)
#define S2_AP_WRITE (UL(1) << 7)
#define S2_SHARED (UL(3) << 8)
#define S2_AF (UL(1) << 10)
#define S2_DBM (UL(1) << 51) /* with VTCR_EL2.HD a write sets S2_AP_WRITE */
#define S2_CONTIGUOUS (UL(1) << 52)
/* XN[1:0] with FEAT_XNX, which EL may not execute; without, bit 54 is both and 53 is RES0. */
#define S2_XN_MASK (UL(3) << 53)
#define S2_XN_EL1 (UL(1) << 53)
#define S2_XN (UL(2) << 53)
#define S2_XN_EL0 (UL(3) << 53)

#ifndef __ASSEMBLY__

typedef u64 pteval_t;
typedef pteval_t pgd_t;

/* Address bits that one level of tables resolves; @page_shift is 12, 14 or 16. */
static inline unsigned int pt_level_bits(unsigned int page_shift)
{
	return page_shift - 3;
}

/* The lowest address bit that indexes a table at @level (0..3): an entry maps 2^shift bytes. */
static inline unsigned int pt_level_shift(unsigned int page_shift, int level)
{
	return page_shift + (PT_LEVEL_LAST - level) * pt_level_bits(page_shift);
}

static inline u64 pt_level_size(unsigned int page_shift, int level)
{
	return 1UL << pt_level_shift(page_shift, level);
}

/* The level whose tables resolve the topmost of @address_bits. */
static inline int pt_start_level(unsigned int page_shift, unsigned int address_bits)
{
	return PT_LEVEL_LAST -
	       (int)(address_bits - page_shift - 1) / (int)pt_level_bits(page_shift);
}

/* True for an entry that leads to a table of the next level. */
static inline bool pt_is_table(pteval_t entry, int level)
{
	return level < PT_LEVEL_LAST && (entry & (PT_VALID | PT_TABLE)) == (PT_VALID | PT_TABLE);
}

/* The two low bits of a leaf at @level. */
static inline pteval_t pt_leaf_type(int level)
{
	return level == PT_LEVEL_LAST ? PT_VALID | PT_TABLE : PT_VALID;
}

#endif /* !__ASSEMBLY__ */
#endif
