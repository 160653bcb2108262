/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spinlocks. */
#include <libcflat.h>
#include <asm/mmu.h>
#include <asm/spinlock.h>
#include <asm/thread_info.h>

/* More than one CPU may run. Cleaned to memory, for it is read with MMU and caches off. */
static bool shared;

/* spinlock-nommu.S, for the host's exception level */
void spin_lock_nommu_el1(struct spinlock *lock);
void spin_lock_nommu_el2(struct spinlock *lock);
void spin_unlock_nommu_el1(struct spinlock *lock);
void spin_unlock_nommu_el2(struct spinlock *lock);

void spin_lock_share(void)
{
	shared = true;
	dcache_clean_inval_poc(&shared, sizeof(shared));
}

void spin_lock(struct spinlock *lock)
{
	if (mmu_enabled())
		__spin_lock(lock);
	else if (!shared)
		lock->v = 1;
	else if (host_at_el2)
		spin_lock_nommu_el2(lock);
	else
		spin_lock_nommu_el1(lock);
}

void spin_unlock(struct spinlock *lock)
{
	if (mmu_enabled() || !shared)
		__spin_unlock(lock);
	else if (host_at_el2)
		spin_unlock_nommu_el2(lock);
	else
		spin_unlock_nommu_el1(lock);
}
