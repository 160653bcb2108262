/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several CPUs that go wrong. */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include "misbehave.h"

/* Before the end, another CPU has printed what a CPU prints that dies. */
static volatile bool said;

static void say_that_it_died(void)
{
	puts("Unhandled exception: ec=0x25 (data abort)\n\nEXIT: STATUS=127\n");
	said = true;
}

void two_ends(void)
{
	on_cpu_async(1, on_other_cpu, say_that_it_died);
	while (!said)
		cpu_relax();
	report_pass("the other CPU was quicker");
}

void stack_overflow_of_cpu1(void)
{
	on_cpu(1, on_other_cpu, stack_overflow);
}

void lost_cpu(void)
{
	on_cpus_timeout_ms = 200;
	on_cpu(1, on_other_cpu, hang);
}

/* All CPUs fail at once; the last words are one CPU's. */
static void fail_on_all(void *data)
{
	assert_msg(false, "at once");
}

void assertion_on_all(void)
{
	on_cpus(fail_on_all, NULL);
}

static volatile bool other_began;

static void print_for_ever(void *data)
{
	for (unsigned long i = 0;; i++) {
		printf("line %lu of a CPU that prints until the end\n", i);
		other_began = true;
	}
}

/* What another CPU prints is not among the last lines. */
void assertion_while_other_prints(void)
{
	on_cpu_async(1, print_for_ever, NULL);
	while (!other_began)
		cpu_relax();
	assert_msg(false, "at the end");
}

static void spin_in_handler(struct pt_regs *regs, unsigned int esr)
{
	other_began = true;
	for (;;)
		cpu_relax();
}

static void print_bad_string(void *data)
{
	puts((const char *)0xdead0000000UL);
}

/* The other CPU has the console's lock, and never releases it. */
void assertion_while_other_has_console(void)
{
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, spin_in_handler);
	on_cpu_async(1, print_bad_string, NULL);
	while (!other_began)
		cpu_relax();
	assert_msg(false, "without the lock");
}

static void turn_off(void)
{
	cpu_psci_cpu_die();
}

/* CPU 1 spins, CPU 2 sleeps, CPU 3 turned itself off, CPU 4 was never started. */
void hang_in_many_ways(void)
{
	on_cpu_async(1, on_other_cpu, hang);
	on_cpu_async(2, on_other_cpu, sleep_for_ever);
	on_cpu_async(3, on_other_cpu, turn_off);
	sleep_for_ever();
}
