/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits and powers of two. */
#ifndef BITOPS_H
#define BITOPS_H

#include <libcflat.h>

#define BITS_PER_LONG 64
#define BIT(n) (1UL << (n))
#define GENMASK(hi, lo) ((~0UL >> (63 - (hi))) & (~0UL << (lo)))

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* Position of the highest bit set, counted from 1; 0 for 0. */
static inline int fls(unsigned int n)
{
	return n ? 32 - __builtin_clz(n) : 0;
}

/* The smallest order with 2^order >= @n; @n > 0. */
static inline unsigned int get_order(unsigned long n)
{
	return n > 1 ? 64 - __builtin_clzl(n - 1) : 0;
}

#endif
