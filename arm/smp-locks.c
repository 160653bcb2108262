/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spinlocks between CPUs, whether their MMU is on or off. */
#include <libcflat.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/spinlock.h>

#define WAIT_MS 4000

static bool alone(void)
{
	if (nr_cpus == 1)
		report_skip("needs two CPUs");
	return nr_cpus == 1;
}

static cpumask_t arrived;

static void nothing(void *data)
{
}

/*
 * A counter that loses counts when two CPUs have it at a time. All begin at once, and none ends
 * before each has had its share, else one would be done before the next has come. What one CPU
 * looks at with its MMU off is cleaned to memory. Outside the lock each leaves the others some
 * time: whoever has just had it would mostly be the next to have it as well.
 */
#define ROUNDS 100
static struct spinlock counter_lock;
static struct {
	unsigned int value, expected;
	cpumask_t sated;
} counter;

static void add_to_counter(unsigned int expected)
{
	volatile unsigned int *value = &counter.value;
	unsigned int old;

	spin_lock(&counter_lock);
	old = *value;
	for (int i = 0; i < 100; i++)
		cpu_relax();
	*value = old + 1;
	counter.expected += expected;
	dcache_clean_inval_poc(&counter, sizeof(counter));
	spin_unlock(&counter_lock);
}

static void pause_for_others(void)
{
	for (int i = 0; i < 10; i++)
		cpu_relax();
}

static void count(void)
{
	u64 end = deadline_after_ms(WAIT_MS);
	unsigned int mine = 0;

	while (!cpumask_full(&counter.sated) && !deadline_passed(end)) {
		add_to_counter(0);
		pause_for_others();
		if (++mine != ROUNDS)
			continue;
		spin_lock(&counter_lock);
		counter.sated.bits[0] |= BIT(smp_processor_id());
		dcache_clean_inval_poc(&counter, sizeof(counter));
		spin_unlock(&counter_lock);
	}
	add_to_counter(mine + 1);
}

static void meet_and_count(void *data)
{
	cpumask_set_cpu(smp_processor_id(), &arrived);
	wait_for(cpumask_full(&arrived), WAIT_MS);
	count();
}

static void check_counter(const char *who)
{
	report(cpumask_full(&counter.sated) && counter.value == counter.expected,
	       "counter incremented by %d CPUs under a lock, %s: expected %u, found %u", nr_cpus,
	       who, counter.expected, counter.value);
}

static void test_locks(void)
{
	cpumask_clear(&arrived);
	on_cpus(meet_and_count, NULL);
	check_counter("all with their MMU on");
}

/* Another CPU has the lock for 20 ms; CPU 0, with its MMU off, must not get it meanwhile. */
static u32 held;

static void set_held(u32 value)
{
	smp_store_release(&held, value);
	dcache_clean_inval_poc(&held, sizeof(held));
}

static void hold_lock(void *data)
{
	spin_lock(&counter_lock);
	set_held(true);
	wait_for(false, 20);
	set_held(false);
	spin_unlock(&counter_lock);
}

static void test_locks_exclude_nommu(void)
{
	u32 seen;

	if (alone())
		return;
	on_cpu_async(nr_cpus - 1, hold_lock, NULL);
	wait_for(smp_load_acquire(&held), WAIT_MS);
	mmu_disable();
	spin_lock(&counter_lock);
	seen = smp_load_acquire(&held);
	spin_unlock(&counter_lock);
	mmu_enable(mmu_idmap);
	report(!seen, "lock of another CPU, seen by one with its MMU off: expected held, found %s",
	       seen ? "free" : "held");
}

/* CPU 0 counts with its MMU off: its stack, alone, is at the same address then. */
static void test_locks_nommu(void)
{
	cpumask_t others;

	if (alone())
		return;
	memset(&counter, 0, sizeof(counter));
	cpumask_copy(&others, &cpu_present_mask);
	cpumask_clear_cpu(0, &others);
	cpumask_clear(&arrived);
	on_cpumask_async(&others, meet_and_count, NULL);
	cpumask_set_cpu(0, &arrived);
	mmu_disable();
	count();
	mmu_enable(mmu_idmap);
	on_cpumask(&others, nothing, NULL); /* comes when they have counted */
	check_counter("one with its MMU off");
}

static const struct subtest subtests[] = {
	{ "exclude-nommu", test_locks_exclude_nommu },
	{ "all", test_locks },
	{ "nommu", test_locks_nommu },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
