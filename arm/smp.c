/* SPDX-License-Identifier: GPL-2.0-or-later */
/* More than one CPU in the host: starting them, functions on them, and what they share. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <subtest.h>
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

/* A CPU that smp_boot_secondary() starts, and what becomes of it. */
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
	report(cpu_online(last), "CPU %d is online after smp_boot_secondary()", last);
	report(wait_for(smp_load_acquire(&entered), WAIT_MS), "its function runs within %d ms",
	       WAIT_MS);
	report(wait_for(cpu_idle(last), WAIT_MS), "it idles when that has returned, within %d ms",
	       WAIT_MS);
	ret = smp_boot_secondary_nofail(last, enter);
	report(ret == PSCI_RET_ALREADY_ON, "starting it again: expected %d, found %d",
	       PSCI_RET_ALREADY_ON, ret);
}

/* What a CPU finds out about itself. */
struct facts {
	int cpu, cpu_of_mpidr;
	unsigned long level, daif;
	bool mmu, guarded;
	u64 sp, vbar, hcr;
};

static void look(void *data)
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

static void test_secondaries(void)
{
	struct facts *facts = calloc(nr_cpus, sizeof(*facts));
	int cpu;

	on_cpus(look, facts);
	report(cpumask_full(&cpu_online_mask), "all %d CPUs are online", nr_cpus);
	for_each_present_cpu(cpu)
	{
		struct facts *f = &facts[cpu];

		report(f->cpu == cpu && f->cpu_of_mpidr == cpu,
		       "CPU %d: smp_processor_id() %d, MPIDR_EL1 is that of CPU %d", cpu, f->cpu,
		       f->cpu_of_mpidr);
		report(f->level == facts->level && f->mmu && f->daif == facts->daif,
		       "CPU %d: CurrentEL %#lx, MMU %s, DAIF %#lx: as on CPU 0", cpu, f->level,
		       f->mmu ? "on" : "off", f->daif);
		report(f->vbar == facts->vbar && f->hcr == facts->hcr,
		       "CPU %d: VBAR and HCR_EL2 %#lx as on CPU 0", cpu, f->hcr);
		report(f->guarded && (!cpu || f->sp != facts->sp),
		       "CPU %d: a stack of its own, with a guard", cpu);
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

/* How long a call lasts that watches for a caller that goes on without it. */
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
	report(wait_for(smp_load_acquire(&call.over), WAIT_MS) && !call.seen,
	       "on_cpu() returns when a call of %d ms is over", LONG_CALL_MS);
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
	report(right == DATA_CALLS, "%d calls: each has its own data: found %d", DATA_CALLS, right);
}

static bool release;

static void wait_for_release(void *data)
{
	*(bool *)data = wait_for(smp_load_acquire(&release), WAIT_MS);
}

static void test_on_cpus(void)
{
	int sum = 0, met = 0, last = nr_cpus - 1;
	bool released = false;

	on_cpus(meet, &met);
	report(met == nr_cpus, "on_cpus(): the CPUs that met all others: expected %d, found %d",
	       nr_cpus, met);
	on_cpu(0, add_id, &sum);
	report(sum == 1, "on_cpu() on the CPU itself: expected 1, found %d", sum);
	if (alone())
		return;
	test_long_call(last);
	test_data(last);
	on_cpu(last, add_id, &sum);
	report(sum == 1 + nr_cpus, "on_cpu() returns when the function has: expected %d, found %d",
	       1 + nr_cpus, sum);
	on_cpu_async(last, wait_for_release, &released);
	report(!cpu_idle(last), "on_cpu_async() returns before; the CPU is not idle");
	release = true;
	on_cpu(last, add_id, &sum);
	report(released && sum == 1 + 2 * nr_cpus,
	       "and the next call waits for it: expected %d, found %d", 1 + 2 * nr_cpus, sum);
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
	report(calls_made == expected, "%d calls to %d CPUs: expected %d, found %d",
	       QUEUED_CALLS + 1, nr_cpus - 1, expected, calls_made);
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
	report(cpumask_weight(&a) == 2 && cpumask_test_cpu(NR_CPUS - 1, &a) &&
		       !cpumask_test_cpu(64, &a) && !cpumask_empty(&a),
	       "set and test, up to CPU %d", NR_CPUS - 1);
	report(cpumask_and(&c, &a, &b) && cpumask_weight(&c) == 1 && cpumask_subset(&c, &a) &&
		       !cpumask_subset(&a, &b),
	       "and, subset");
	cpumask_or(&c, &a, &b);
	report(cpumask_weight(&c) == 3, "or: expected 3, found %d", cpumask_weight(&c));
	cpumask_xor(&c, &a, &b);
	report(cpumask_weight(&c) == 2 && !cpumask_test_cpu(NR_CPUS - 1, &c), "xor");
	report(!cpumask_andnot(&c, &a, &a) && cpumask_empty(&c), "andnot");
	cpumask_copy(&c, &a);
	report(cpumask_equal(&a, &c) && !cpumask_equal(&a, &b), "copy, equal");
	report(cpumask_test_and_clear_cpu(0, &c) && !cpumask_test_and_set_cpu(0, &c) &&
		       cpumask_test_and_set_cpu(0, &c),
	       "test_and_clear, test_and_set");
	cpumask_setall(&c);
	report(cpumask_full(&c) && cpumask_weight(&c) == nr_cpus && cpumask_next(-1, &c) == 0 &&
		       cpumask_next(nr_cpus - 1, &c) >= nr_cpus,
	       "setall, full, next: %d CPUs", nr_cpus);
}

/* Memory that two CPUs were given would be found to hold the other's number. */
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
	report(!wrong, "chunks, pages and addresses are one CPU's at a time");
	report(alloc_pages_in_use() <= before + 2, "pages in use: %lu before, %lu after", before,
	       alloc_pages_in_use());
}

/* Each CPU's exceptions are its own. */
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
	report(!wrong, "100 exceptions on each of %d CPUs at once, seen there: wrong on %d",
	       nr_cpus, wrong);
}

/* Lines from all CPUs; tests/test_smp.py looks whether each is whole. */
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
	emergency_stacks[smp_processor_id()] = current_thread_info()->emergency_stack;
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
	       "an emergency stack for each of %d CPUs, with a guard: %d shared, %d without",
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
