/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits and powers of two. */
#ifndef BITOPS_H
#define BITOPS_H

#include <libcflat.h>

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))
/* Bit @n of an array: which word of it, and the bit there. */
#define BIT_WORD(n) ((n) / BITS_PER_LONG)
#define BIT_MASK(n) (1UL << ((n) % BITS_PER_LONG))
#define BIT_ULL_WORD(n) ((n) / BITS_PER_LONG_LONG)
#define BIT_ULL_MASK(n) (1ULL << ((n) % BITS_PER_LONG_LONG))
#define BITS_TO_LONGS(bits) DIV_ROUND_UP(bits, BITS_PER_LONG)
#define GENMASK(hi, lo) ((~0UL >> (63 - (hi))) & (~0UL << (lo)))
#define GENMASK_ULL(hi, lo) ((~0ULL >> (63 - (hi))) & (~0ULL << (lo)))
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define lower_32_bits(n) ((u32)(n))

/*
 * Bit @nr, counted from bit 0 of @words[0]. The test_and_ forms and the changes are atomic, and
 * ordered like a lock: a CPU that sees the change sees what came before it.
 */
static inline bool test_bit(int nr, const volatile unsigned long *words)
{
	return __atomic_load_n(&words[nr / BITS_PER_LONG], __ATOMIC_ACQUIRE) &
	       BIT(nr % BITS_PER_LONG);
}

static inline bool test_and_set_bit(int nr, volatile unsigned long *words)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_or(&words[nr / BITS_PER_LONG], bit, __ATOMIC_ACQ_REL) & bit;
}

static inline bool test_and_clear_bit(int nr, volatile unsigned long *words)
{
	unsigned long bit = BIT(nr % BITS_PER_LONG);

	return __atomic_fetch_and(&words[nr / BITS_PER_LONG], ~bit, __ATOMIC_ACQ_REL) & bit;
}

static inline void set_bit(int nr, volatile unsigned long *words)
{
	test_and_set_bit(nr, words);
}

static inline void clear_bit(int nr, volatile unsigned long *words)
{
	test_and_clear_bit(nr, words);
}

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* Position of the highest bit set, counted from 0; @n > 0. */
static inline unsigned long fls(unsigned long n)
{
	return BITS_PER_LONG - 1 - __builtin_clzl(n);
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
