/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation tables of a guest's own: from its virtual addresses to IPAs, with any granule.
 *
 * They are built by the host in memory that the guest sees at IPA == PA, and enabled by the guest
 * (guest_stage1_turn_on()) or by the host (guest_stage1_enable()).
 */
#ifndef ASMARM64_GUEST_STAGE1_H
#define ASMARM64_GUEST_STAGE1_H

#include <libcflat.h>
#include <asm/guest.h>
#include <asm/pgtable-hwdef.h>

/* EL1 can read whatever is mapped. */
#define S1_MAP_RO 0UL
#define S1_MAP_RW (1UL << 0)
#define S1_MAP_USER (1UL << 1) /* EL0 too; what EL0 may write EL1 cannot execute (DDI 0487, D8.4) */
#define S1_MAP_XN (1UL << 2) /* executed at neither EL1 nor EL0 */
#define S1_MAP_DEVICE_nGnRE (1UL << 3) /* never executed */
#define S1_MAP_NC (1UL << 4) /* Normal, not cacheable */
#define S1_MAP_NG (1UL << 5) /* of the ASID in TTBR0_EL1, not global */
#define S1_MAP_DEVICE (S1_MAP_RW | S1_MAP_DEVICE_nGnRE)

#define GUEST_STAGE1_MAX_CHUNKS 16

/* In memory that the guest sees, so that it can be its argument. */
struct guest_stage1 {
	u64 ttbr0, ttbr1, tcr, mair; /* values for the guest's registers; may be changed */
	struct s2_mmu *s2mmu;
	struct guest *guest; /* NULL: of none yet, or of several */
	pteval_t *root, *high_root;
	unsigned int va_bits, high_va_bits;
	unsigned int page_shift;
	unsigned int free_pages; /* in the last chunk */
	unsigned int nr_chunks;
	char *chunks[GUEST_STAGE1_MAX_CHUNKS];
};

struct guest_stage1_config {
	enum s2_granule granule; /* the guest's, independent of its stage 2's */
	unsigned int va_bits; /* 25..48: addresses from 0, of TTBR0_EL1 */
	/* 25..48: the same number of addresses up to the last one, of TTBR1_EL1. 0: none. */
	unsigned int high_va_bits;
};

/*
 * Empty tables for @guest. NULL when memory is out, when the addresses of that memory are already
 * mapped at stage 2, or when the CPU does not have the granule at stage 1.
 */
struct guest_stage1 *guest_stage1_create_config(struct guest *guest,
						const struct guest_stage1_config *config);
/*
 * The same for guests on @mmu. guest_stage1_map_image() and guest_stage1_enable() need one: set
 * its member guest before.
 */
struct guest_stage1 *guest_stage1_create_on(struct s2_mmu *mmu,
					    const struct guest_stage1_config *config);
bool guest_stage1_granule_supported(enum s2_granule granule);
/* TCR_EL1 for such tables; also in a guest. */
u64 guest_stage1_tcr(const struct guest_stage1_config *config);
/* With pages of 4 KiB, for TTBR0_EL1 alone. */
struct guest_stage1 *guest_stage1_create(struct guest *guest, unsigned int va_bits);
/* After the guest's last run; before guest_destroy(). */
void guest_stage1_destroy(struct guest_stage1 *stage1);

/*
 * Map [@va, @va + @size) to @ipa with the largest leaves that fit. -EINVAL: misaligned or empty;
 * -ERANGE: not in one half or the other, or more of @ipa than descriptors hold; -EEXIST: a part is
 * mapped; -ENOMEM. With the last two, the part before it stays mapped.
 */
int guest_stage1_map(struct guest_stage1 *stage1, u64 va, u64 ipa, u64 size, unsigned long flags);
/*
 * Map what guest_create() gives a guest, one to one: code and constants read-only, data and stack
 * writable and not executable, and its vectors, if handlers of its own are installed before this.
 * @flags: 0 or S1_MAP_USER.
 */
int guest_stage1_map_image(struct guest_stage1 *stage1, unsigned long flags);

/*
 * The leaf that maps @va and its level, NULL when none does: to change it, also to wrong values.
 * @level may be NULL.
 * Nothing is invalidated: s2mmu_flush(), or the guest's own TLBI.
 */
pteval_t *guest_stage1_lookup(struct guest_stage1 *stage1, u64 va, int *level);

/* Host: registers and MMU, from the next entry on. Also in a handler. */
void guest_stage1_enable(struct guest_stage1 *stage1);
/* Guest, at EL1: the same from the inside. */
void guest_stage1_turn_on(const struct guest_stage1 *stage1);

#endif
