/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds for waits, in time of the virtual counter. Usable in a guest. */
#ifndef ASMARM64_DEADLINE_H
#define ASMARM64_DEADLINE_H

#include <asm/processor.h>

/* The value of CNTVCT_EL0 @ms milliseconds from now. */
static inline u64 deadline_after_ms(u64 ms)
{
	return get_cntvct() + ms * get_cntfrq() / 1000;
}

static inline bool deadline_passed(u64 deadline)
{
	return get_cntvct() > deadline;
}

/* Wait until @condition holds, @ms milliseconds at most; its value at the end. */
#define wait_for(condition, ms)                            \
	({                                                 \
		u64 __deadline = deadline_after_ms(ms);    \
		bool __held;                               \
		while (!(__held = (condition))) {          \
			if (deadline_passed(__deadline)) { \
				__held = (condition);      \
				break;                     \
			}                                  \
			cpu_relax();                       \
		}                                          \
		__held;                                    \
	})

#endif
