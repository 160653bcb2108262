/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 2: from the intermediate physical addresses (IPA) of a guest to physical addresses.
 *
 * Ranges are aligned to the granule's page. A function that fails leaves the tables as they were.
 */
#ifndef ASMARM64_STAGE2_MMU_H
#define ASMARM64_STAGE2_MMU_H

#include <libcflat.h>
#include <asm/pgtable-hwdef.h>
#include <asm/spinlock.h>

enum s2_granule { S2_PAGE_4K, S2_PAGE_16K, S2_PAGE_64K };

/* Rights and type of a mapping; without S2_MAP_DEVICE it is Normal, write-back memory. */
#define S2_MAP_READ (1UL << 0)
#define S2_MAP_WRITE (1UL << 1)
#define S2_MAP_RW (S2_MAP_READ | S2_MAP_WRITE)
#define S2_MAP_RO S2_MAP_READ
#define S2_MAP_DEVICE (1UL << 2) /* Device-nGnRE */
#define S2_MAP_XN (1UL << 3) /* executed at neither EL1 nor EL0 */

/* The shape of a stage-2 tree. */
struct s2_geometry {
	unsigned int page_shift; /* 12, 14 or 16 */
	unsigned int ipa_bits;
	int start_level; /* 0..3 */
	unsigned int root_tables; /* concatenated at the start level: 1..16 */
	unsigned int t0sz, sl0; /* VTCR_EL2's fields */
};

/*
 * The tree with the fewest levels for @ipa_bits (DDI 0487, D8.2.6 to D8.2.8 and VTCR_EL2.SL0),
 * without FEAT_LPA2 and FEAT_TTST. Pure: tests hold it against an oracle of their own.
 * -EINVAL: fewer than 25 or more than 48 bits.
 */
int s2_geometry(enum s2_granule granule, unsigned int ipa_bits, struct s2_geometry *geometry);
/* Bits of a physical address for ID_AA64MMFR0_EL1.PARange, at most 48. */
unsigned int s2_parange_bits(unsigned int parange);

struct s2_mmu {
	pteval_t *root;
	u64 vtcr, vttbr; /* VTCR_EL2 and VTTBR_EL2 for this tree */
	struct s2_geometry geometry;
	bool allow_block, fwb;
	struct spinlock lock;
};

/* True when the CPU has @granule at stage 2. */
bool s2_granule_supported(enum s2_granule granule);

/*
 * A new, empty address space of MIN(PARange, 40) bits. @vmid: 0..255. @allow_block: use the largest
 * blocks that fit. NULL when memory is out, the CPU does not have @granule, or the host is not at
 * EL2.
 */
struct s2_mmu *s2mmu_init(int vmid, enum s2_granule granule, bool allow_block);
/* The same with a number of address bits of one's own: 25..PARange. */
struct s2_mmu *s2mmu_init_ipa(int vmid, enum s2_granule granule, bool allow_block,
			      unsigned int ipa_bits);
/* Free the tables. No CPU uses them any more; its VMID's translations are dropped. */
void s2mmu_destroy(struct s2_mmu *mmu);

/*
 * Map [@ipa, @ipa + @size) to @pa. -EINVAL: misaligned or empty; -ERANGE: beyond the address space;
 * -EEXIST: a part of it is mapped; -ENOMEM.
 */
int s2mmu_map(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size, unsigned long flags);
/* Unmap, splitting blocks at the ends; what is not mapped is skipped. -EINVAL, -ERANGE, -ENOMEM. */
int s2mmu_unmap(struct s2_mmu *mmu, u64 ipa, u64 size);
/* Give what is mapped in the range other rights or another type. Errors as s2mmu_unmap(). */
int s2mmu_protect(struct s2_mmu *mmu, u64 ipa, u64 size, unsigned long flags);

/* The leaf that maps @ipa and its level; NULL when none does. @level may be NULL. */
pteval_t *s2mmu_lookup(struct s2_mmu *mmu, u64 ipa, int *level);

/* Drop every translation of this tree's VMID, on all CPUs, whatever VTTBR_EL2 is live. */
void s2mmu_flush(struct s2_mmu *mmu);

/*
 * Make @mmu this CPU's stage 2 outside of guest_run(): VTCR_EL2, VTTBR_EL2 and HCR_EL2.VM, as AT
 * S12E1R needs it. s2mmu_disable() takes it away again.
 */
void s2mmu_enable(struct s2_mmu *mmu);
void s2mmu_disable(struct s2_mmu *mmu);

static inline u64 s2_page_size(const struct s2_mmu *mmu)
{
	return 1UL << mmu->geometry.page_shift;
}

#endif
