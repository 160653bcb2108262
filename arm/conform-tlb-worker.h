/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU 1, which works for CPU 0. A CPU that has to wait sleeps in WFI: one that spins, as in
 * on_cpu(), takes time from the other where an emulator's CPUs are more than the host's.
 */
#ifndef CONFORM_TLB_WORKER_H
#define CONFORM_TLB_WORKER_H

#include <libcflat.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/gic.h>

#define WORKER_CPU 1
#define WORKER_SGI 1

static struct {
	void (*func)(void *data);
	void *data;
} worker_job;

/* Sleep until the SGI of the other CPU, which is sent once for each job, and once at its end. */
static void worker_sleep(void)
{
	for (;;) {
		u32 iar = gic_read_iar();

		if (gic_iar_irqnr(iar) == WORKER_SGI) {
			gic_write_eoir(iar);
			break;
		}
		wfi();
	}
	smp_rmb();
}

static void worker_wake(int cpu)
{
	dsb(ish); /* what was written before, seen by the CPU that wakes */
	gic_ipi_send_single(WORKER_SGI, cpu);
}

static void worker_loop(void *data)
{
	gic_enable_defaults();
	for (;;) {
		worker_wake(0);
		worker_sleep();
		worker_job.func(worker_job.data);
	}
}

/* Wait until the job has ended. */
static void worker_wait(void)
{
	worker_sleep();
}

/* Hand CPU 1 a job; worker_wait() must follow. */
static void worker_begin(void (*func)(void *data), void *data)
{
	worker_job.func = func;
	worker_job.data = data;
	worker_wake(WORKER_CPU);
}

static void worker_call(void (*func)(void *data), void *data)
{
	worker_begin(func, data);
	worker_wait();
}

static void worker_start(void)
{
	gic_enable_defaults();
	on_cpu_async(WORKER_CPU, worker_loop, NULL);
	worker_wait();
}

#endif
