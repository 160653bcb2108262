/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More than one CPU in the host: starting them, functions on them, shared data. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include <asm/smp.h>

#define WAIT_MS 4000

static bool alone(void)
{
	if (nr_cpus == 1)
		report_skip("needs two CPUs");
	return nr_cpus == 1;
}

/* A CPU started by smp_boot_secondary(), until it idles. */
static bool entered;

static void enter(void)
{
	smp_store_release(&entered, true);
}

/* Before all that start CPUs: it needs one that is off. */
static void test_boot(void)
{
	int last = nr_cpus - 1, ret;

	report(cpumask_weight(&cpu_present_mask) == nr_cpus && cpumask_full(&cpu_present_mask),
	       "CPUs present: expected %d, found %d", nr_cpus, cpumask_weight(&cpu_present_mask));
	report(cpumask_weight(&cpu_online_mask) == 1 && cpu_online(0),
	       "CPUs online at first: expected 1, found %d", cpumask_weight(&cpu_online_mask));
	if (alone())
		return;
	smp_boot_secondary(last, enter);
	report(cpu_online(last), "CPU %d after smp_boot_secondary(): expected online 1, found %d",
	       last, cpu_online(last));
	wait_for(smp_load_acquire(&entered), WAIT_MS);
	report(smp_load_acquire(&entered),
	       "function of CPU %d within %d ms of smp_boot_secondary(): expected entered 1, found %d",
	       last, WAIT_MS, smp_load_acquire(&entered));
	wait_for(cpu_idle(last), WAIT_MS);
	report(cpu_idle(last),
	       "CPU %d within %d ms of its function's return: expected idle 1, found %d", last,
	       WAIT_MS, cpu_idle(last));
	ret = smp_boot_secondary_nofail(last, enter);
	report(ret == PSCI_RET_ALREADY_ON,
	       "smp_boot_secondary_nofail() of a CPU that is on: expected %d, found %d",
	       PSCI_RET_ALREADY_ON, ret);
	smp_boot_idle(last); /* as when another CPU has been faster */
}

/* State of a CPU, read on it. */
struct facts {
	int cpu, cpu_of_mpidr;
	unsigned long level, daif;
	bool mmu, guarded;
	u64 sp, vbar, hcr;
};

static void read_facts(void *data)
{
	struct facts *facts = data;
	u64 sp = (u64)__builtin_frame_address(0);
	u64 guard = ALIGN_DOWN(sp, THREAD_SIZE) - PAGE_SIZE;

	facts += smp_processor_id();
	*facts = (struct facts){
		.cpu = smp_processor_id(),
		.cpu_of_mpidr = mpidr_to_cpu(get_mpidr()),
		.level = current_level(),
		.daif = read_sysreg(daif),
		.mmu = mmu_enabled(),
		.guarded = follow_pte(mmu_idmap, sp) && !follow_pte(mmu_idmap, guard),
		.sp = ALIGN_DOWN(sp, THREAD_SIZE),
		.vbar = host_at_el2 ? read_sysreg(vbar_el2) : read_sysreg(vbar_el1),
		.hcr = host_at_el2 ? read_sysreg(hcr_el2) : 0,
	};
}

/* @facts: CPU 0's. */
static void check_facts(int cpu, const struct facts *f, const struct facts *facts)
{
	report(f->cpu == cpu && f->cpu_of_mpidr == cpu,
	       "smp_processor_id() and MPIDR_EL1 of CPU %d: expected %d and %d, found %d and %d",
	       cpu, cpu, cpu, f->cpu, f->cpu_of_mpidr);
	report(f->level == facts->level && f->mmu && f->daif == facts->daif,
	       "CurrentEL, MMU and DAIF of CPU %d: expected %#lx, 1, %#lx, found %#lx, %d, %#lx",
	       cpu, facts->level, facts->daif, f->level, f->mmu, f->daif);
	report(f->vbar == facts->vbar && f->hcr == facts->hcr,
	       "VBAR and HCR_EL2 of CPU %d: expected %#lx, %#lx, found %#lx, %#lx", cpu,
	       facts->vbar, facts->hcr, f->vbar, f->hcr);
	report(f->guarded && (!cpu || f->sp != facts->sp),
	       "stack of CPU %d: expected a guard and another than CPU 0's at %#lx, found guard "
	       "%d, %#lx",
	       cpu, facts->sp, f->guarded, f->sp);
}

static void test_secondaries(void)
{
	struct facts *facts = calloc(nr_cpus, sizeof(*facts));
	int cpu;

	on_cpus(read_facts, facts);
	report(cpumask_full(&cpu_online_mask), "CPUs online after on_cpus(): expected %d, found %d",
	       nr_cpus, cpumask_weight(&cpu_online_mask));
	for_each_present_cpu(cpu)
	{
		check_facts(cpu, &facts[cpu], facts);
	}
	free(facts);
}

/* Functions on other CPUs. */
static cpumask_t arrived;

static void meet(void *data)
{
	cpumask_set_cpu(smp_processor_id(), &arrived);
	if (wait_for(cpumask_full(&arrived), WAIT_MS))
		__atomic_fetch_add((int *)data, 1, __ATOMIC_ACQ_REL);
}

static void add_id(void *data)
{
	__atomic_fetch_add((int *)data, smp_processor_id() + 1, __ATOMIC_ACQ_REL);
}

/* Length of a call that watches for a caller that does not wait. */
#define LONG_CALL_MS 50

struct long_call {
	bool caller_went_on, seen, over;
};

static void watch_caller(void *data)
{
	struct long_call *call = data;

	call->seen = wait_for(smp_load_acquire(&call->caller_went_on), LONG_CALL_MS);
	smp_store_release(&call->over, true);
}

static void test_long_call(int cpu)
{
	struct long_call call = {};

	on_cpu(cpu, watch_caller, &call);
	smp_store_release(&call.caller_went_on, true);
	wait_for(smp_load_acquire(&call.over), WAIT_MS);
	report(call.over && !call.seen,
	       "on_cpu() of %d ms: expected over 1, return seen meanwhile 0, found %d, %d",
	       LONG_CALL_MS, call.over, call.seen);
}

/* Calls that differ in their data alone. */
#define DATA_CALLS 100

struct noted {
	bool right;
};

static struct noted *expected_note;

static void note(void *data)
{
	((struct noted *)data)->right = data == expected_note;
}

static void test_data(int cpu)
{
	struct noted notes[2];
	int right = 0;

	for (int i = 0; i < DATA_CALLS; i++) {
		notes[i % 2].right = false;
		expected_note = &notes[i % 2];
		on_cpu(cpu, note, expected_note);
		right += notes[i % 2].right;
	}
	report(right == DATA_CALLS,
	       "calls by on_cpu_async() that get their own data: expected %d, found %d", DATA_CALLS,
	       right);
}

static bool release;

static void wait_for_release(void *data)
{
	*(bool *)data = wait_for(smp_load_acquire(&release), WAIT_MS);
}

/* @sum: of CPU numbers + 1 so far. */
static void test_async(int last, int sum)
{
	int expected = sum + nr_cpus;
	bool released = false, idle;

	on_cpu_async(last, wait_for_release, &released);
	idle = cpu_idle(last);
	report(!idle,
	       "CPU %d after on_cpu_async() of a function that waits: expected idle 0, found %d",
	       last, idle);
	release = true;
	on_cpu(last, add_id, &sum);
	report(released && sum == expected,
	       "on_cpu() after on_cpu_async(): expected the first over, sum %d, found over %d, sum %d",
	       expected, released, sum);
}

static void test_on_cpus(void)
{
	int sum = 0, met = 0, last = nr_cpus - 1;

	on_cpus(meet, &met);
	report(met == nr_cpus, "CPUs that met all others in on_cpus(): expected %d, found %d",
	       nr_cpus, met);
	on_cpu(0, add_id, &sum);
	report(sum == 1,
	       "sum of CPU numbers + 1 after on_cpu() of the CPU itself: expected 1, found %d",
	       sum);
	if (alone())
		return;
	test_long_call(last);
	test_data(last);
	on_cpu(last, add_id, &sum);
	report(sum == 1 + nr_cpus,
	       "sum of CPU numbers + 1 after on_cpu() of another CPU: expected %d, found %d",
	       1 + nr_cpus, sum);
	test_async(last, sum);
}

/*
 * Calls that come faster than they are made. Few: on a host with fewer CPUs each waits until the
 * one that is called has a turn.
 */
#define QUEUED_CALLS 3

static int calls_made;

static void count_call(void *data)
{
	__atomic_fetch_add(&calls_made, 1, __ATOMIC_ACQ_REL);
}

static void test_queue(void)
{
	cpumask_t others;
	int expected;

	if (alone())
		return;
	cpumask_copy(&others, &cpu_present_mask);
	cpumask_clear_cpu(0, &others);
	for (int i = 0; i < QUEUED_CALLS; i++)
		on_cpumask_async(&others, count_call, NULL);
	on_cpumask(&others, count_call, NULL);
	expected = (QUEUED_CALLS + 1) * (nr_cpus - 1);
	report(calls_made == expected,
	       "calls made, of %d queued for each of %d CPUs: expected %d, found %d",
	       QUEUED_CALLS + 1, nr_cpus - 1, expected, calls_made);
}

static void check_mask(const char *what, const cpumask_t *mask, int weight, int cpu, bool set)
{
	report(cpumask_weight(mask) == weight && cpumask_test_cpu(cpu, mask) == set,
	       "%s: expected %d CPUs, CPU %d %d, found %d, %d", what, weight, cpu, set,
	       cpumask_weight(mask), cpumask_test_cpu(cpu, mask));
}

static void test_cpumask(void)
{
	cpumask_t a, b, c;

	cpumask_clear(&a);
	cpumask_clear(&b);
	cpumask_set_cpu(0, &a);
	cpumask_set_cpu(NR_CPUS - 1, &a);
	cpumask_set_cpu(NR_CPUS - 1, &b);
	cpumask_set_cpu(64, &b);
	check_mask("cpumask_set_cpu()", &a, 2, NR_CPUS - 1, true);
	check_mask("a CPU that was not set", &a, 2, 64, false);
	report_equal(cpumask_empty(&a), false, "cpumask_empty() of two CPUs");
	report_equal(cpumask_and(&c, &a, &b), true, "cpumask_and() with a CPU in common");
	check_mask("cpumask_and()", &c, 1, NR_CPUS - 1, true);
	report_equal(cpumask_subset(&c, &a), true, "cpumask_subset() of a subset");
	report_equal(cpumask_subset(&a, &b), false, "cpumask_subset() of no subset");
	cpumask_or(&c, &a, &b);
	check_mask("cpumask_or()", &c, 3, NR_CPUS - 1, true);
	cpumask_xor(&c, &a, &b);
	check_mask("cpumask_xor()", &c, 2, NR_CPUS - 1, false);
	report_equal(cpumask_andnot(&c, &a, &a), false, "cpumask_andnot() of a mask and itself");
	check_mask("cpumask_andnot()", &c, 0, NR_CPUS - 1, false);
	cpumask_copy(&c, &a);
	report_equal(cpumask_equal(&a, &c), true, "cpumask_equal() of a copy");
	report_equal(cpumask_equal(&a, &b), false, "cpumask_equal() of different masks");
	report_equal(cpumask_test_and_clear_cpu(0, &c), true, "cpumask_test_and_clear_cpu()");
	report_equal(cpumask_test_and_set_cpu(0, &c), false, "cpumask_test_and_set_cpu() of 0");
	report_equal(cpumask_test_and_set_cpu(0, &c), true, "cpumask_test_and_set_cpu() of 1");
	cpumask_setall(&c);
	report_equal(cpumask_full(&c), true, "cpumask_full() after cpumask_setall()");
	check_mask("cpumask_setall()", &c, nr_cpus, 0, true);
	report_equal(cpumask_next(-1, &c), 0, "cpumask_next(-1) of all CPUs");
	report(cpumask_next(nr_cpus - 1, &c) >= nr_cpus,
	       "cpumask_next() of the last CPU: expected %d or more, found %d", nr_cpus,
	       cpumask_next(nr_cpus - 1, &c));
}

/* Memory given to two CPUs at once would hold the other's number. */
static void allocate(void *data)
{
	u64 me = smp_processor_id() + 1;

	for (int i = 0; i < 10; i++) {
		u64 *chunk = malloc(sizeof(u64)), *page = alloc_page(), *stack = vm_slot_alloc();

		if (!chunk || !page || !vm_populate(stack, PAGE_SIZE)) {
			*(bool *)data = true;
			return;
		}
		*chunk = *page = *stack = me;
		for (int j = 0; j < 20; j++)
			cpu_relax();
		if (*chunk != me || *page != me || *stack != me)
			*(bool *)data = true;
		free(chunk);
		free_page(page);
		vm_slot_free(stack);
	}
}

static void test_allocators(void)
{
	bool wrong = false;
	unsigned long before;

	on_cpus(allocate, &wrong); /* leaves tables and chunks behind */
	before = alloc_pages_in_use();
	on_cpus(allocate, &wrong);
	report(!wrong, "allocations of all CPUs at once: expected 0 wrong, found %d", wrong);
	report(alloc_pages_in_use() <= before + 2,
	       "pages in use after allocations of all CPUs: expected up to %lu, found %lu",
	       before + 2, alloc_pages_in_use());
}

/* Exceptions of all CPUs at once. */
static int exceptions_of[NR_CPUS];

static void skip_brk(struct pt_regs *regs, unsigned int esr)
{
	exceptions_of[smp_processor_id()]++;
	regs->pc += 4;
}

static void take_exceptions(void *data)
{
	for (int i = 0; i < 100; i++)
		asm volatile("brk #0" : : : "memory");
}

static void test_exceptions(void)
{
	int cpu, wrong = 0;

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, skip_brk);
	on_cpus(take_exceptions, NULL);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
	for_each_present_cpu(cpu) wrong += exceptions_of[cpu] != 100;
	report(!wrong, "CPUs of %d that did not handle their 100 exceptions: expected 0, found %d",
	       nr_cpus, wrong);
}

/* Lines from all CPUs; tests/test_smp.py checks that none is split. */
#define LINE "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz"

static void print_lines(void *data)
{
	for (int i = 0; i < 10; i++)
		report(true, "CPU %d line %d " LINE, smp_processor_id(), i);
}

static void test_lines(void)
{
	on_cpus(print_lines, NULL);
}

/* For a dump of its own, whatever others dump. */
static void *emergency_stacks[NR_CPUS];

static void note_emergency_stack(void *data)
{
	emergency_stacks[smp_processor_id()] = this_percpu()->emergency_stack;
}

/* @top is that of a stack: bytes below it, a guard below these. */
static bool is_guarded_stack(const char *top)
{
	return follow_pte(mmu_idmap, (uintptr_t)top - 1) &&
	       follow_pte(mmu_idmap, (uintptr_t)top - THREAD_SIZE) &&
	       !follow_pte(mmu_idmap, (uintptr_t)top - THREAD_SIZE - 1);
}

static void test_emergency_stacks(void)
{
	int shared = 0, unguarded = 0;

	on_cpus(note_emergency_stack, NULL);
	for (int i = 0; i < nr_cpus; i++) {
		unguarded += !is_guarded_stack(emergency_stacks[i]);
		for (int j = 0; j < i; j++)
			shared += emergency_stacks[i] == emergency_stacks[j];
	}
	report(!shared && !unguarded,
	       "emergency stacks of %d CPUs: expected 0 shared, 0 without guard, found %d, %d",
	       nr_cpus, shared, unguarded);
}

/*
 * CPUs come on when they are first asked for anything, and then cost the others time while they
 * wait: what needs few CPUs comes first.
 */
static const struct subtest subtests[] = {
	{ "cpumask", test_cpumask },
	{ "boot", test_boot },
	{ "secondaries", test_secondaries },
	{ "on-cpus", test_on_cpus },
	{ "queue", test_queue },
	{ "allocators", test_allocators },
	{ "exceptions", test_exceptions },
	{ "lines", test_lines },
	{ "emergency-stacks", test_emergency_stacks },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
