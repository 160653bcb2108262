/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spinlocks.
 *
 * With the MMU off memory is Device and exclusives are not guaranteed to work (DDI 0487, B2.12):
 * until then only one CPU runs, and the lock is a plain store.
 */
#ifndef ASMARM64_SPINLOCK_H
#define ASMARM64_SPINLOCK_H

struct spinlock {
	unsigned int v;
};

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

#endif
