/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work for other CPUs, which sleep in WFI when they have none: one that waits in WFE, as do_idle()
 * does, may be a busy loop to an emulator, and takes time from those that work.
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include "soak.h"

#define WAIT_MS 8000 /* more than a run may take */

static struct vcpu *jobs[MAX_CPUS]; /* NULL: none, or done */

static bool is_done(int cpu)
{
	return !smp_load_acquire(&jobs[cpu]);
}

static void finish(int cpu)
{
	smp_store_release(&jobs[cpu], NULL);
	gic_ipi_send_single(WAKE_SGI, 0);
}

/* An interrupt that is pending ends WFI, masked or not; the timer's is at some time (run.c). */
static void sleep_until_interrupt(void)
{
	wfi();
	take_pending();
}

static void work(void *data)
{
	int cpu = smp_processor_id();

	run_init();
	finish(cpu);
	for (;;) {
		while (is_done(cpu))
			sleep_until_interrupt();
		run_vcpu(jobs[cpu]);
		finish(cpu);
	}
}

static void wait_for_cpu(int cpu)
{
	u64 end = deadline_after_ms(WAIT_MS);

	while (!is_done(cpu)) {
		if (deadline_passed(end))
			report_abort("CPU %d has not done its work after %d ms", cpu, WAIT_MS);
		sleep_until_interrupt();
	}
}

void work_init(int count)
{
	static struct vcpu none;

	run_init();
	for (int cpu = 1; cpu < count; cpu++) {
		jobs[cpu] = &none;
		on_cpu_async(cpu, work, NULL);
		wait_for_cpu(cpu);
	}
}

void work_on(struct vcpu *const *vcpus, int count)
{
	for (int cpu = 1; cpu < count; cpu++) {
		if (!vcpus[cpu])
			continue;
		smp_store_release(&jobs[cpu], vcpus[cpu]);
		gic_ipi_send_single(WAKE_SGI, cpu);
	}
	if (vcpus[0])
		run_vcpu(vcpus[0]);
	for (int cpu = 1; cpu < count; cpu++)
		wait_for_cpu(cpu);
}
