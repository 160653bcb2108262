/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions on other CPUs.
 *
 * A CPU that is offline is started on first use. It runs one function after the other, in
 * do_idle(). On the calling CPU the function is simply called.
 */
#ifndef ON_CPUS_H
#define ON_CPUS_H

#include <libcflat.h>
#include <cpumask.h>

/*
 * Limit of each wait in milliseconds of the counter, after which the run is aborted with the CPU and
 * the function's offset. 0, the default, is no limit: a function may take as long as it likes.
 */
extern unsigned int on_cpus_timeout_ms;

/* CPU 0 runs main(). Set when it will call do_idle(), so that others may use on_cpu(0, ...). */
extern bool cpu0_calls_idle;

/* Run the functions that on_cpu() and the others hand over; does not return. */
void do_idle(void) __noreturn;
/* @cpu starts again: the call that turned it off is over. */
void on_cpus_reset(int cpu);

/* Run @func(@data) on @cpu. Returns when it has begun to (async), or when it has returned. */
void on_cpu_async(int cpu, void (*func)(void *data), void *data);
void on_cpu(int cpu, void (*func)(void *data), void *data);

/*
 * The same on all CPUs of @mask at once. When the calling CPU is one of them it comes last, and is
 * waited for in either case.
 */
void on_cpumask_async(const cpumask_t *mask, void (*func)(void *data), void *data);
void on_cpumask(const cpumask_t *mask, void (*func)(void *data), void *data);

/* on_cpumask() on all CPUs of the machine. */
void on_cpus(void (*func)(void *data), void *data);

#endif
