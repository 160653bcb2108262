/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits and powers of two. */
#ifndef BITOPS_H
#define BITOPS_H

#include <libcflat.h>

#define BITS_PER_LONG 64
#define BIT(n) (1UL << (n))
#define BITS_TO_LONGS(bits) DIV_ROUND_UP(bits, BITS_PER_LONG)
#define GENMASK(hi, lo) ((~0UL >> (63 - (hi))) & (~0UL << (lo)))

/*
 * Bit @nr, counted from bit 0 of @words[0]. The test_and_ forms and the changes are atomic, and
 * ordered like a lock: a CPU that sees the change sees what came before it.
 */
static inline bool test_bit(int nr, const unsigned long *words)
{
	return __atomic_load_n(&words[nr / BITS_PER_LONG], __ATOMIC_ACQUIRE) &
	       BIT(nr % BITS_PER_LONG);
}

static inline bool test_and_set_bit(int nr, unsigned long *words)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_or(&words[nr / BITS_PER_LONG], bit, __ATOMIC_ACQ_REL) & bit;
}

static inline bool test_and_clear_bit(int nr, unsigned long *words)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_and(&words[nr / BITS_PER_LONG], ~bit, __ATOMIC_ACQ_REL) & bit;
}

static inline void set_bit(int nr, unsigned long *words)
{
	test_and_set_bit(nr, words);
}

static inline void clear_bit(int nr, unsigned long *words)
{
	test_and_clear_bit(nr, words);
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* Position of the highest bit set, counted from 1; 0 for 0. */
static inline int fls(unsigned int n)
{
	return n ? 32 - __builtin_clz(n) : 0;
}

/* The number of bits set. */
static inline int hweight_long(unsigned long n)
{
	int weight = 0;

	for (; n; n &= n - 1)
		weight++;
	return weight;
}

/* The smallest order with 2^order >= @n; @n > 0. */
static inline unsigned int get_order(unsigned long n)
{
	return n > 1 ? 64 - __builtin_clzl(n - 1) : 0;
}

#endif
