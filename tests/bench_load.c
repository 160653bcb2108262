/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bench_run.py has kut run: "flood LINES" and "sleep MILLISECONDS". */
#include <libcflat.h>
#include <string.h>
#include <stdlib.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/timer.h>

static void flood(long lines)
{
	for (long i = 0; i < lines; i++)
		printf("line %ld of a flood that has an end\n", i);
	report_pass("the end of the flood");
}

/* The interrupt is not taken: it is enough that it wakes the CPU. */
static void sleep_for(long ms)
{
	const struct timer *timer = timer_host();

	gic_enable_defaults();
	gic_enable_irq(PPI(timer->irq->irq));
	timer_start(timer, ms * 1000);
	while (!(timer->read_ctl() & ARCH_TIMER_CTL_ISTATUS))
		wfi();
	timer_stop(timer);
	report_pass("slept well");
}

int main(int argc, char **argv)
{
	long number;

	if (argc != 3)
		report_abort("two arguments");
	number = atol(argv[2]);
	if (!strcmp(argv[1], "flood"))
		flood(number);
	else
		sleep_for(number);
	return report_summary();
}
