/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting by the counter. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/processor.h>

#define USECS_PER_SECOND 1000000UL

u64 usecs_to_cycles(u64 usecs)
{
	return DIV_ROUND_UP(usecs * get_cntfrq(), USECS_PER_SECOND);
}

/* A difference of counts is correct when the counter wraps. */
void delay(u64 cycles)
{
	u64 start = get_cntvct();

	while (get_cntvct() - start < cycles)
		cpu_relax();
}

void udelay(unsigned long usecs)
{
	delay(usecs_to_cycles(usecs));
}

void mdelay(unsigned long msecs)
{
	while (msecs--)
		udelay(1000);
}
