/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spinlocks. */
#include <libcflat.h>
#include <asm/mmu.h>
#include <asm/spinlock.h>

void spin_lock(struct spinlock *lock)
{
	unsigned int value, fail;

	if (!mmu_enabled()) {
		lock->v = 1;
		return;
	}
	/*
	 * Waits in WFE: the store of spin_unlock() clears the exclusive monitor, which is an event.
	 */
	asm volatile("	sevl\n"
		     "1:	wfe\n"
		     "2:	ldaxr	%w0, [%2]\n"
		     "	cbnz	%w0, 1b\n"
		     "	stxr	%w1, %w3, [%2]\n"
		     "	cbnz	%w1, 2b\n"
		     : "=&r"(value), "=&r"(fail)
		     : "r"(&lock->v), "r"(1)
		     : "memory");
}

void spin_unlock(struct spinlock *lock)
{
	asm volatile("stlr wzr, [%0]" : : "r"(&lock->v) : "memory");
}
