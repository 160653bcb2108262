/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions on other CPUs. */
#include <libcflat.h>
#include <objects.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/smp.h>
#include <asm/setup.h>
#include <asm/spinlock.h>

/* The call that a CPU is asked to make: one at a time. */
struct mailbox {
	struct spinlock lock;
	void (*func)(void *data); /* NULL: no call waits */
	void *data;
	unsigned long posted, done; /* calls, since the start */
};

unsigned int on_cpus_timeout_ms;
bool cpu0_calls_idle;

/* For each CPU; made when a first CPU asks another, so that a machine with one has none. */
static struct mailbox *mailboxes;
static struct spinlock mailboxes_lock;

static struct mailbox *mailbox_of(int cpu)
{
	spin_lock(&mailboxes_lock);
	if (!mailboxes)
		mailboxes = object_alloc(nr_cpus * sizeof(*mailboxes));
	spin_unlock(&mailboxes_lock);
	assert_msg(mailboxes, "no memory for %d mailboxes", nr_cpus);
	return &mailboxes[cpu];
}

void on_cpus_reset(int cpu)
{
	struct mailbox *box = mailbox_of(cpu);

	spin_lock(&box->lock);
	box->func = NULL;
	box->done = box->posted;
	spin_unlock(&box->lock);
}

void do_idle(void)
{
	int cpu = smp_processor_id();
	struct mailbox *box = mailbox_of(cpu);

	if (cpu == 0)
		cpu0_calls_idle = true;
	for (;;) {
		set_cpu_idle(cpu, true);
		smp_send_event();
		while (!smp_load_acquire(&box->func))
			wfe();
		isb(); /* the caller's writes to page tables, before the first access */
		box->func(box->data);
		spin_lock(&box->lock);
		box->func = NULL;
		box->done++;
		spin_unlock(&box->lock);
	}
}

/* Leave a call for the owner of @box; its number, or 0 when another call waits. */
static unsigned long post(struct mailbox *box, int cpu, void (*func)(void *data), void *data)
{
	unsigned long number = 0;

	if (__atomic_load_n(&box->func, __ATOMIC_RELAXED))
		return 0;
	spin_lock(&box->lock);
	if (!box->func) {
		set_cpu_idle(cpu, false);
		box->data = data;
		smp_store_release(&box->func, func);
		number = ++box->posted;
	}
	spin_unlock(&box->lock);
	smp_send_event();
	return number;
}

struct wait {
	u64 end;
	unsigned int rounds;
};

static struct wait begin_wait(void)
{
	return (struct wait){
		.end = on_cpus_timeout_ms ? deadline_after_ms(on_cpus_timeout_ms) : ~0UL,
	};
}

static void check_deadline(struct wait *wait, int cpu, void *func, const char *what)
{
	if (++wait->rounds % ROUNDS_PER_LOOK || !deadline_passed(wait->end)) {
		cpu_relax();
		return;
	}
	report_abort("CPU %d waited %u ms for CPU %d to %s the function at image offset %#lx",
		     smp_processor_id(), on_cpus_timeout_ms, cpu, what,
		     (unsigned long)func - (unsigned long)_start);
}

static unsigned long post_call(int cpu, void (*func)(void *data), void *data)
{
	struct mailbox *box = mailbox_of(cpu);
	unsigned long number;
	struct wait wait;

	assert_msg(cpu >= 0 && cpu < nr_cpus, "CPU %d of %d", cpu, nr_cpus);
	assert_msg(cpu || cpu0_calls_idle,
		   "CPU 0 runs main(): set cpu0_calls_idle if it will idle");
	if (!cpu_online(cpu))
		smp_boot_idle(cpu);
	wait = begin_wait();
	while (!(number = post(box, cpu, func, data)))
		check_deadline(&wait, cpu, func, "begin");
	return number;
}

static void wait_for_call(int cpu, unsigned long number, void (*func)(void *data))
{
	struct mailbox *box = mailbox_of(cpu);
	struct wait wait = begin_wait();

	while (smp_load_acquire(&box->done) < number)
		check_deadline(&wait, cpu, func, "finish");
	isb(); /* as in do_idle(), for what @func wrote */
}

void on_cpu_async(int cpu, void (*func)(void *data), void *data)
{
	if (cpu == smp_processor_id())
		func(data);
	else
		post_call(cpu, func, data);
}

void on_cpu(int cpu, void (*func)(void *data), void *data)
{
	if (cpu == smp_processor_id())
		func(data);
	else
		wait_for_call(cpu, post_call(cpu, func, data), func);
}

/* @numbers, if not NULL, gets the number of each call. */
static void post_calls(const cpumask_t *mask, void (*func)(void *data), void *data,
		       unsigned long *numbers)
{
	int me = smp_processor_id(), cpu;

	for_each_cpu(cpu, mask)
	{
		unsigned long number = cpu == me ? 0 : post_call(cpu, func, data);

		if (numbers)
			numbers[cpu] = number;
	}
	if (cpumask_test_cpu(me, mask))
		func(data);
}

void on_cpumask_async(const cpumask_t *mask, void (*func)(void *data), void *data)
{
	post_calls(mask, func, data, NULL);
}

void on_cpumask(const cpumask_t *mask, void (*func)(void *data), void *data)
{
	unsigned long *numbers = object_alloc(nr_cpus * sizeof(*numbers));
	int me = smp_processor_id(), cpu;

	assert_msg(numbers, "no memory for the calls of %d CPUs", nr_cpus);
	post_calls(mask, func, data, numbers);
	for_each_cpu(cpu, mask) if (cpu != me) wait_for_call(cpu, numbers[cpu], func);
	object_free(numbers);
}

void on_cpus(void (*func)(void *data), void *data)
{
	on_cpumask(&cpu_present_mask, func, data);
}
