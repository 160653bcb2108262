/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stacks of the host, and the data of one CPU.
 *
 * struct percpu is found through TPIDR_EL2 (TPIDR_EL1 where the host runs at EL1), never through SP:
 * a guest's handler runs on a stack of its own.
 *
 * Every host stack is the upper half of a block of 2 * THREAD_SIZE, aligned to its size; the lower
 * half is not mapped. So for a stack pointer in range, bit THREAD_SHIFT of sp - 1 is set, which the
 * exception entry tests before it touches the stack. At the top of a secondary CPU's is its struct
 * percpu, where the stack pointer starts, at the lowest address its struct thread_info. A block
 * behind it, of the same kind, is for the dump after an overflow, which overwrites the latter.
 */
#ifndef ASMARM64_THREAD_INFO_H
#define ASMARM64_THREAD_INFO_H

#include <asm/page.h>

/* At least 16 KiB, and whole pages */
#if PAGE_SHIFT > 14
#define THREAD_SHIFT PAGE_SHIFT
#else
#define THREAD_SHIFT 14
#endif
#define THREAD_SIZE (UL(1) << THREAD_SHIFT)
#define THREAD_MASK (~(THREAD_SIZE - 1))
#define THREAD_ALIGNMENT THREAD_SIZE

#ifndef __ASSEMBLY__

#include <libcflat.h>

struct guest;

/* What a test may read and extend: `ext` is the first byte of the rest, to the stack's end. */
struct thread_info {
	int cpu;
	unsigned int flags;
	void *pgtable; /* stage 1 of this CPU, from mmu_enable() on */
	char ext[];
};

struct percpu {
	int cpu;
	struct guest *guest; /* the guest this CPU runs, NULL outside of guest_run() */
	struct thread_info *thread;
	bool sve_parked; /* asm/guest-fp.h */
	u64 parked_zen; /* CPTR_EL2.ZEN of a host with VHE whose SVE is parked */
	void *emergency_stack; /* initial stack pointer for the dump of an overflow */
};

/* SP, to be read */
register unsigned long current_stack_pointer asm("sp");

/* The host's own exception level, and whether it has HCR_EL2.E2H set; fixed at boot. */
extern bool host_at_el2, host_vhe;
/* False, unless the image defines it: the host then runs without VHE on any CPU that permits it. */
extern const bool host_without_vhe;

static inline struct percpu *this_percpu(void)
{
	struct percpu *cpu;

	if (host_at_el2)
		asm volatile("mrs %0, tpidr_el2" : "=r"(cpu));
	else
		asm volatile("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

/* That of the stack which the pointer @sp is in. */
static inline struct thread_info *thread_info_sp(unsigned long sp)
{
	return (struct thread_info *)(sp & THREAD_MASK);
}

/* That of this CPU, on any stack */
static inline struct thread_info *current_thread_info(void)
{
	return this_percpu()->thread;
}

static inline int smp_processor_id(void)
{
	return this_percpu()->cpu;
}

/*
 * The stack pointer for a new host stack, which points at a struct percpu that has this stack
 * and an emergency stack; NULL when memory is out. Before the MMU is on it has no guard.
 */
void *thread_stack_alloc(void);
/* @stack is what thread_stack_alloc() returned, and no CPU runs on it. */
void thread_stack_free(void *stack);

/* Sources of kvm-unit-tests expect these here. */
#include <alloc.h>
#include <asm/processor.h>

#endif
#endif
