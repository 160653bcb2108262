/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation tables of a guest's own, by the names of the series for kvm-unit-tests. They are
 * those of guest-stage1.h, with 48 bits of virtual addresses, for TTBR0_EL1.
 *
 * In a file that includes this header, guest_create() makes such tables too, with pages of 4 KiB:
 * guest->s1mmu. They map the image, the guest's stack and its vectors one to one. x[0] is the
 * physical address of their root and x[1] their granule, the arguments of s1mmu_enable().
 */
#ifndef ASMARM64_STAGE1_MMU_H
#define ASMARM64_STAGE1_MMU_H

#include <libcflat.h>
#include <asm/guest-stage1.h>
#include <asm/stage2_mmu.h>

enum s1_granule { S1_GRANULE_4K, S1_GRANULE_16K, S1_GRANULE_64K };

struct s1_mmu {
	struct s2_mmu *s2mmu;
	unsigned long *pgd;
	enum s1_granule granule;
	unsigned int page_shift, level_shift; /* address bits of a page, and of a level */
	int root_level;
	unsigned long page_size, block_size; /* leaves of levels 3 and 2 */
	struct guest_stage1 *stage1;
};

/* Empty tables for guests on @s2mmu. NULL as guest_stage1_create_on(). */
struct s1_mmu *s1mmu_init(struct s2_mmu *s2mmu, enum s1_granule granule);
/* After the last run of a guest with them. guest_destroy() destroys guest->s1mmu. */
void s1mmu_destroy(struct s1_mmu *mmu);
/*
 * Map [@va, @va + @size) to @ipa with the largest leaves that fit; @flags: S1_MAP_*. What is mapped
 * there is replaced, except a part of a block: -EEXIST. Other errors as guest_stage1_map(), also
 * in that the part before stays mapped.
 */
int s1mmu_map(struct s1_mmu *mmu, unsigned long va, unsigned long ipa, unsigned long size,
	      unsigned long flags);
/* 0: leaves of @leaf_size map all of the range; -1: a part is not mapped; -2: by other leaves. */
int s1mmu_verify_mapping(struct s1_mmu *mmu, unsigned long va, unsigned long size,
			 unsigned long leaf_size);
/* Guest, at EL1: its registers and MMU. @pgd_pa: of the root. */
void s1mmu_enable(unsigned long pgd_pa, enum s1_granule granule);

/* guest_create(), and guest->s1mmu. */
struct guest *guest_create_s1mmu(int vmid, void (*guest_func)(void), enum s2_granule granule);
#define guest_create(vmid, guest_func, granule) guest_create_s1mmu(vmid, guest_func, granule)

#endif
