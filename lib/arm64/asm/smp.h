/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Secondary CPUs. They are off until they are asked for, here or by on_cpu() (on-cpus.h).
 *
 * A secondary runs at the exception level and with the MMU of the CPU that started it, on a stack
 * with a guard of its own, with exceptions masked and nothing trapped, as main() does.
 */
#ifndef ASMARM64_SMP_H
#define ASMARM64_SMP_H

#include <libcflat.h>
#include <cpumask.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/thread_info.h>

typedef void (*secondary_entry_fn)(void);

/* Arguments of secondary_entry(), which reads them with the MMU off. */
struct secondary_data {
	void *stack; /* from thread_stack_alloc() */
	secondary_entry_fn entry;
	u64 tcr, mair, ttbr0, sctlr; /* of the CPU that starts it */
};
extern struct secondary_data secondary_data;

/* Entry point that PSCI starts a secondary CPU of the host at, by its physical address. */
void secondary_entry(void);

/*
 * Start @cpu, which is off, in @entry; when that returns the CPU goes to do_idle(). Returns when
 * the CPU is in cpu_online_mask; one that does not come within 5 s aborts the run.
 */
void smp_boot_secondary(int cpu, secondary_entry_fn entry);
/* The same, but a refusal is returned: PSCI_RET_*, as when the CPU is on already. */
int smp_boot_secondary_nofail(int cpu, secondary_entry_fn entry);
/* Start @cpu in do_idle(), unless it is online. */
void smp_boot_idle(int cpu);

/* Stop this CPU for ever. Needs neither stack nor MMU: PSCI may start a CPU here. */
void halt(void) __noreturn;

/*
 * To be called before the end of the run and before the first line about it: the first CPU returns,
 * every other one stops here, or in its next puts(), so that one CPU alone prints it.
 */
void smp_claim_end(void);

/* Wake the CPUs that wait in WFE; what was written before is visible to them. */
#define smp_send_event()    \
	do {                \
		dsb(ishst); \
		sev();      \
	} while (0)
#define smp_wait_for_event() wfe()

#endif
