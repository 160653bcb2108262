/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting by the counter; in a guest too. */
#ifndef ASMARM64_DELAY_H
#define ASMARM64_DELAY_H

#include <libcflat.h>

/* At least @cycles of the counter. */
void delay(u64 cycles);
/* At least this time. */
void udelay(unsigned long usecs);
void mdelay(unsigned long msecs);
/* Ticks of the counter, rounded up; up to 2^63 / CNTFRQ_EL0 microseconds. */
u64 usecs_to_cycles(u64 usecs);

#endif
