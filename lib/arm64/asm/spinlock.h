/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spinlocks, for the host. Guests have __spin_lock() and __spin_unlock().
 *
 * With the MMU off memory is Device, and exclusives are not guaranteed to work (DDI 0487, B2.12).
 * While only one CPU runs the lock is then a plain store. With more than one, a CPU whose MMU is
 * off turns it on for the instructions that take or release the lock, which so is always accessed
 * as cacheable memory. The caller keeps what the lock protects coherent.
 */
#ifndef ASMARM64_SPINLOCK_H
#define ASMARM64_SPINLOCK_H

#define SPINLOCK_TAKEN 1 /* 0 when it is free */

#ifndef __ASSEMBLY__

struct spinlock {
	unsigned int v;
};

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

/* To be called before a second CPU runs. */
void spin_lock_share(void);

/*
 * Waits in WFE: the store that releases the lock clears the exclusive monitor, which is an event
 * (DDI 0487, D1.6.1).
 */
static inline void __spin_lock(struct spinlock *lock)
{
	unsigned int value, fail;

	asm volatile("	sevl\n"
		     "1:	wfe\n"
		     "2:	ldaxr	%w0, [%2]\n"
		     "	cbnz	%w0, 1b\n"
		     "	stxr	%w1, %w3, [%2]\n"
		     "	cbnz	%w1, 2b\n"
		     : "=&r"(value), "=&r"(fail)
		     : "r"(&lock->v), "r"(SPINLOCK_TAKEN)
		     : "memory");
}

static inline void __spin_unlock(struct spinlock *lock)
{
	asm volatile("stlr wzr, [%0]" : : "r"(&lock->v) : "memory");
}

#endif /* !__ASSEMBLY__ */
#endif
