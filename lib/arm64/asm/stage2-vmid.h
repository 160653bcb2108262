/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs for more stage 2s than VMIDs.
 *
 * A stage 2 of S2_VMID_AUTO is certain to have a VMID only while it is in use, between
 * s2_vmid_get() and s2_vmid_put(), as guest_run() calls them. It keeps it afterwards for as long as
 * the generation lasts. When all were handed out a new one begins: every translation is dropped,
 * those in use keep theirs, and the others are given a new one when they are used again.
 */
#ifndef ASMARM64_STAGE2_VMID_H
#define ASMARM64_STAGE2_VMID_H

#include <libcflat.h>
#include <asm/stage2_mmu.h>

struct s2_vmid_pool {
	struct spinlock lock;
	unsigned int first, count; /* the VMIDs it hands out */
	unsigned int next; /* where the search for a free one starts, from 0 */
	u64 generation;
	u64 *used; /* bitmap: handed out in this generation */
	struct s2_mmu *mmus; /* all that take their VMIDs from it, through next_auto */
};

/* A pool of the VMIDs from @first on, 1..65536 of them. False when memory is out. */
bool s2_vmid_pool_init(struct s2_vmid_pool *pool, unsigned int first, unsigned int count);
/* When all of its stage 2s are destroyed. */
void s2_vmid_pool_destroy(struct s2_vmid_pool *pool);

/* For stage2_mmu.c: @mmu, which has no VMID yet, takes its VMIDs from @pool; and no longer does. */
void s2_vmid_join(struct s2_vmid_pool *pool, struct s2_mmu *mmu);
void s2_vmid_leave(struct s2_mmu *mmu);

/*
 * Give @mmu a VMID (in vttbr) for as long as it is used, by one CPU or more. False when every VMID
 * of the pool is in use. A stage 2 that was created with a VMID always has it.
 *
 * Without a new VMID this takes no lock.
 */
bool s2_vmid_get(struct s2_mmu *mmu);
void s2_vmid_put(struct s2_mmu *mmu);
/*
 * As s2_vmid_get(), but false when @mmu has no VMID now, and so no translations in any TLB. The
 * changes of its tables come before, with a barrier.
 */
bool s2_vmid_hold(struct s2_mmu *mmu);

/* The pool of S2_VMID_AUTO: the upper half of the CPU's VMIDs. NULL when memory is out. */
struct s2_vmid_pool *s2_vmid_default_pool(void);

static inline unsigned int s2_vmid(const struct s2_mmu *mmu)
{
	return mmu->vttbr >> 48;
}

#endif
