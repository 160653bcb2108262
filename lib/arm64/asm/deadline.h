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

/*
 * Rounds of a wait between two reads of the counter: an emulator serialises the reads of CPUs that
 * wait in parallel.
 */
#define ROUNDS_PER_LOOK 64

/* Wait until @condition holds, @ms milliseconds at most; its value at the end. */
#define wait_for(condition, ms)                                                                \
	({                                                                                     \
		u64 __deadline = deadline_after_ms(ms);                                        \
		unsigned int __round = 0;                                                      \
		bool __held;                                                                   \
		while (!(__held = (condition))) {                                              \
			if (++__round % ROUNDS_PER_LOOK == 0 && deadline_passed(__deadline)) { \
				__held = (condition);                                          \
				break;                                                         \
			}                                                                      \
			cpu_relax();                                                           \
		}                                                                              \
		__held;                                                                        \
	})

#endif
