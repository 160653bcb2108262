/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of CPUs.
 *
 * Those that change or test one CPU are atomic; the others read one word after the other.
 */
#ifndef CPUMASK_H
#define CPUMASK_H

#include <libcflat.h>
#include <bitops.h>
#include <asm/setup.h>

#define CPUMASK_NR_LONGS BITS_TO_LONGS(NR_CPUS)

typedef struct cpumask {
	unsigned long bits[CPUMASK_NR_LONGS];
} cpumask_t;

#define cpumask_bits(mask) ((mask)->bits)

/*
 * The CPUs of the machine, those that run, and those that wait for work in do_idle(). CPUs are
 * numbered 0..nr_cpus - 1; bits beyond are 0.
 */
extern cpumask_t cpu_present_mask, cpu_online_mask, cpu_idle_mask;

#define cpu_present(cpu) cpumask_test_cpu(cpu, &cpu_present_mask)
#define cpu_online(cpu) cpumask_test_cpu(cpu, &cpu_online_mask)
#define cpu_idle(cpu) cpumask_test_cpu(cpu, &cpu_idle_mask)

static inline void cpumask_set_cpu(int cpu, cpumask_t *mask)
{
	set_bit(cpu, mask->bits);
}

static inline void cpumask_clear_cpu(int cpu, cpumask_t *mask)
{
	clear_bit(cpu, mask->bits);
}

static inline bool cpumask_test_cpu(int cpu, const cpumask_t *mask)
{
	return test_bit(cpu, mask->bits);
}

static inline bool cpumask_test_and_set_cpu(int cpu, cpumask_t *mask)
{
	return test_and_set_bit(cpu, mask->bits);
}

static inline bool cpumask_test_and_clear_cpu(int cpu, cpumask_t *mask)
{
	return test_and_clear_bit(cpu, mask->bits);
}

static inline void set_cpu_online(int cpu, bool online)
{
	online ? cpumask_set_cpu(cpu, &cpu_online_mask) : cpumask_clear_cpu(cpu, &cpu_online_mask);
}

static inline void set_cpu_idle(int cpu, bool idle)
{
	idle ? cpumask_set_cpu(cpu, &cpu_idle_mask) : cpumask_clear_cpu(cpu, &cpu_idle_mask);
}

/* The bits of word @i that stand for CPUs of this machine. */
static inline unsigned long cpumask_valid(int i)
{
	int bits = nr_cpus - i * BITS_PER_LONG;

	return bits >= BITS_PER_LONG ? ~0UL : bits > 0 ? BIT(bits) - 1 : 0;
}

static inline void cpumask_clear(cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		mask->bits[i] = 0;
}

/* All CPUs of this machine. */
static inline void cpumask_setall(cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		mask->bits[i] = cpumask_valid(i);
}

static inline void cpumask_copy(cpumask_t *to, const cpumask_t *from)
{
	*to = *from;
}

static inline bool cpumask_empty(const cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		if (mask->bits[i])
			return false;
	return true;
}

/* True when all CPUs of this machine are in @mask. */
static inline bool cpumask_full(const cpumask_t *mask)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		if (~mask->bits[i] & cpumask_valid(i))
			return false;
	return true;
}

static inline int cpumask_weight(const cpumask_t *mask)
{
	int weight = 0;

	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		weight += hweight_long(mask->bits[i]);
	return weight;
}

static inline bool cpumask_equal(const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		if (a->bits[i] != b->bits[i])
			return false;
	return true;
}

/* True when every CPU of @a is in @b. */
static inline bool cpumask_subset(const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

/* The operations of two sets; those that may end empty return whether anything is left. */
static inline bool cpumask_and(cpumask_t *to, const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		to->bits[i] = a->bits[i] & b->bits[i];
	return !cpumask_empty(to);
}

static inline bool cpumask_andnot(cpumask_t *to, const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		to->bits[i] = a->bits[i] & ~b->bits[i];
	return !cpumask_empty(to);
}

static inline void cpumask_or(cpumask_t *to, const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		to->bits[i] = a->bits[i] | b->bits[i];
}

static inline void cpumask_xor(cpumask_t *to, const cpumask_t *a, const cpumask_t *b)
{
	for (int i = 0; i < CPUMASK_NR_LONGS; i++)
		to->bits[i] = a->bits[i] ^ b->bits[i];
}

/* The first CPU after @cpu (-1: from the start) in @mask, or nr_cpus if none follows. */
static inline int cpumask_next(int cpu, const cpumask_t *mask)
{
	while (++cpu < nr_cpus && !cpumask_test_cpu(cpu, mask))
		;
	return cpu;
}

#define for_each_cpu(cpu, mask) \
	for ((cpu) = cpumask_next(-1, mask); (cpu) < nr_cpus; (cpu) = cpumask_next(cpu, mask))
#define for_each_present_cpu(cpu) for_each_cpu(cpu, &cpu_present_mask)
#define for_each_online_cpu(cpu) for_each_cpu(cpu, &cpu_online_mask)

#endif
