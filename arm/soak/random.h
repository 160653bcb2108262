/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers that are a function of a seed: splitmix64 (Steele, Lea and Flood, 2014). */
#ifndef SOAK_RANDOM_H
#define SOAK_RANDOM_H

#include <libcflat.h>

struct random {
	u64 state;
};

static inline u64 random_mix(u64 value)
{
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9UL;
	value = (value ^ value >> 27) * 0x94d049bb133111ebUL;
	return value ^ value >> 31;
}

static inline u64 random_next(struct random *random)
{
	return random_mix(random->state += 0x9e3779b97f4a7c15UL);
}

/* 0..@limit - 1 */
static inline u64 random_below(struct random *random, u64 limit)
{
	return random_next(random) % limit;
}

/* True once in @n times. */
static inline bool random_one_in(struct random *random, u64 n)
{
	return !random_below(random, n);
}

#endif
