/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random guests, for as many steps as are asked for; docs/soak.md.
 *
 *   seed=N       all that is random is a function of it; seed=random takes one of the machine's
 *   steps=N      how many
 *   from=N       print each step, from this one on
 *   lpa2-levels  draw also the start levels that only FEAT_LPA2 has
 *   break=N      spoil a word of memory in this step: to see that it is noticed
 *
 * CPU 0 draws a step, has it done, here or on other CPUs, and looks at everything. The numbers of a
 * step depend on the seed and on the step alone, and what a step leaves behind does not depend on
 * which CPU was quicker: so a seed gives the same steps again.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <boot-fdt.h>
#include <devicetree.h>
#include <stdlib.h>
#include <string.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2-vmid.h>
#include "soak/soak.h"

#define DEFAULT_SEED 1
#define DEFAULT_STEPS 1000
#define TELL_EVERY 1000
#define LOOK_AT_ALL_EVERY 16
#define WALK_ONE_IN 4 /* of the steps: to enter a stage 2 costs an emulator all of its TLB */

enum step_kind {
	STEP_CREATE,
	STEP_ADD_VCPU,
	STEP_REMOVE_VCPU,
	STEP_DESTROY,
	STEP_DESTROY_ALL,
	STEP_TREE, /* by the host, outside of a run */
	STEP_MEMORY, /* written by the host */
	STEP_RUN, /* one vCPU, on any CPU */
	STEP_RUN_MANY, /* on all CPUs at once */
	STEP_KINDS,
};

static const char *const step_names[STEP_KINDS] = {
	[STEP_CREATE] = "create",	[STEP_ADD_VCPU] = "add a vCPU",
	[STEP_REMOVE_VCPU] = "remove",	[STEP_DESTROY] = "destroy",
	[STEP_DESTROY_ALL] = "destroy", [STEP_TREE] = "page tables",
	[STEP_MEMORY] = "memory",	[STEP_RUN] = "run",
	[STEP_RUN_MANY] = "run many",
};

static u64 seed = DEFAULT_SEED, steps = DEFAULT_STEPS, tell_from = ~0UL, break_step;

static int used_cpus;
static struct random random;
static unsigned long pages_without_machines;
static u64 done[STEP_KINDS], runs, faults;
static struct vcpu *runs_on[MAX_CPUS]; /* in this step; NULL: none */

static struct spinlock failure_lock;
static const char *failure_place;
static char failure[200], doing[200];

void __soak_fail(const char *place, const char *fmt, ...)
{
	va_list va;

	spin_lock(&failure_lock);
	if (!failure[0]) {
		failure_place = place;
		va_start(va, fmt);
		vsnprintf(failure, sizeof(failure), fmt, va);
		va_end(va);
	}
	spin_unlock(&failure_lock);
}

bool soak_failed(void)
{
	return failure[0];
}

/* Append to the description of the step, printed when it fails. */
static void say(const char *fmt, ...)
{
	size_t length = strlen(doing);
	va_list va;

	va_start(va, fmt);
	vsnprintf(doing + length, sizeof(doing) - length, fmt, va);
	va_end(va);
}

/* An automatic VMID is nobody's choice: two CPUs may ask for theirs at once. */
static void say_vmid(const struct s2_mmu *mmu)
{
	if (mmu->vmid_pool)
		say("automatic VMID");
	else
		say("VMID %u", s2_vmid(mmu));
}

static void say_machine(const struct machine *machine)
{
	const struct s2_geometry *geometry = &machine->mmu->geometry;

	say("machine %d (%s, %u bits, level %d, ", (int)(machine - machines),
	    s2_granule_name(machine->granule), geometry->ipa_bits, geometry->start_level);
	say_vmid(machine->mmu);
	say(", %d vCPUs%s) ", machine_vcpus(machine), machine->el0 ? " at EL0" : "");
}

/*
 * Steps
 */

static struct machine *any_machine(bool alive)
{
	int first = random_below(&random, MAX_MACHINES);

	for (int i = 0; i < MAX_MACHINES; i++) {
		struct machine *machine = &machines[(first + i) % MAX_MACHINES];

		if (machine->alive == alive)
			return machine;
	}
	return NULL;
}

static struct vcpu *any_vcpu(struct machine *machine)
{
	struct vcpu *vcpu;

	do
		vcpu = &machine->vcpus[random_below(&random, MAX_VCPUS)];
	while (!vcpu->guest);
	return vcpu;
}

static void step_create(void)
{
	struct machine *machine = any_machine(false);

	if (!machine)
		return;
	machine_create(machine, &random);
	say_machine(machine);
}

static void step_add_vcpu(struct machine *machine)
{
	machine_add_vcpu(machine, &random);
	say_machine(machine);
}

static void step_remove_vcpu(struct machine *machine)
{
	say_machine(machine);
	machine_remove_vcpu(machine, any_vcpu(machine));
}

static void step_destroy(struct machine *machine)
{
	say_machine(machine);
	while (machine->alive)
		machine_remove_vcpu(machine, any_vcpu(machine));
}

static void step_destroy_all(void)
{
	unsigned long pages;

	for (int i = 0; i < MAX_MACHINES; i++)
		machine_destroy(&machines[i]);
	pages = alloc_pages_in_use();
	if (pages != pages_without_machines)
		soak_fail("pages in use without a guest: expected %lu, found %lu",
			  pages_without_machines, pages);
}

static void step_tree(struct machine *machine)
{
	struct change change = draw_change(machine, &random, draw_page(machine, &random));
	int expected, found;
	char text[80];

	say_machine(machine);
	say("%s", describe_change(&change, text, sizeof(text)));
	expected = model_change(&machine->model, &change);
	found = change_tree(machine, &change);
	if (expected != found)
		soak_fail("error of a change of the page tables: expected %d, found %d", expected,
			  found);
}

static void step_memory(struct machine *machine)
{
	for (u64 i = random_below(&random, 8); i <= 8; i++) {
		unsigned int word = random_below(&random, WORDS);

		machine->words[word] = random_next(&random);
		*word_of(machine, word) = machine->words[word];
	}
	say_machine(machine);
}

/* Runs */

static void draw_run(struct vcpu *vcpu, bool plain)
{
	u64 kinds = random_next(&random);

	if (vcpu->over)
		draw_script(vcpu, &random, plain);
	vcpu->host_seed = random_next(&random);
	vcpu->timer_us = kinds & 7 ? 0 : 1 + kinds / 64 % 50;
	vcpu->sgi_at_entry = !(kinds & 0x38);
	vcpu->irqs_open = kinds & 0x40;
	vcpu->irqs_in_handler = kinds & 0x80;
}

static int vcpus_that_run(const struct machine *machine)
{
	int count = 0;

	for (int cpu = 0; cpu < used_cpus; cpu++)
		count += runs_on[cpu] && runs_on[cpu]->machine == machine;
	return count;
}

static void say_runs(void)
{
	for (int cpu = 0; cpu < used_cpus; cpu++) {
		struct vcpu *vcpu = runs_on[cpu];

		if (!vcpu)
			continue;
		say_machine(vcpu->machine);
		say("vCPU %d ops %lu..%lu on CPU %d; ", vcpu->index, vcpu->next, vcpu->until, cpu);
	}
}

/* The model of each machine after its run, to compare with the one its handlers leave. */
static struct model predicted[MAX_MACHINES];

static void predict(void)
{
	for (int i = 0; i < MAX_MACHINES; i++) {
		machines[i].shared = vcpus_that_run(&machines[i]) > 1;
		if (machines[i].alive)
			model_copy(&predicted[i], &machines[i].model);
	}
	for (int cpu = 0; cpu < used_cpus; cpu++)
		if (runs_on[cpu])
			simulate(runs_on[cpu], &predicted[runs_on[cpu]->machine - machines]);
}

static void check_runs(void)
{
	for (int cpu = 0; cpu < used_cpus; cpu++) {
		struct vcpu *vcpu = runs_on[cpu];

		if (!vcpu)
			continue;
		check_script(vcpu);
		runs++;
		faults += vcpu->faults_seen;
	}
	for (int i = 0; i < MAX_MACHINES; i++)
		if (machines[i].alive && !model_equal(&predicted[i], &machines[i].model))
			soak_fail(
				"machine %d: expected the pages mapped that its accesses need, found "
				"others",
				i);
}

static void do_runs(void)
{
	predict();
	say_runs();
	work_on(runs_on, used_cpus);
	check_runs();
}

static void step_run(struct machine *machine)
{
	int cpu = random_below(&random, used_cpus);

	memset(runs_on, 0, sizeof(runs_on));
	runs_on[cpu] = any_vcpu(machine);
	draw_run(runs_on[cpu], random_one_in(&random, 2));
	do_runs();
}

/* Of one machine only one, or those whose scripts go well together. */
static bool may_join(const struct vcpu *vcpu)
{
	for (int cpu = 0; cpu < used_cpus; cpu++) {
		const struct vcpu *other = runs_on[cpu];

		if (other == vcpu)
			return false;
		if (other && other->machine == vcpu->machine &&
		    !(other->plain && (vcpu->plain || vcpu->over)))
			return false;
	}
	return true;
}

static void step_run_many(struct machine *machine)
{
	memset(runs_on, 0, sizeof(runs_on));
	for (int cpu = 0; cpu < used_cpus; cpu++) {
		struct vcpu *vcpu = any_vcpu(machine);

		if (may_join(vcpu)) {
			runs_on[cpu] = vcpu;
			draw_run(vcpu, true);
		}
		if (random_one_in(&random, 2))
			machine = any_machine(true);
	}
	do_runs();
}

static enum step_kind draw_step(void)
{
	static const unsigned char weights[STEP_KINDS] = {
		[STEP_CREATE] = 5,  [STEP_ADD_VCPU] = 6,  [STEP_REMOVE_VCPU] = 3,
		[STEP_DESTROY] = 1, [STEP_TREE] = 15,	  [STEP_MEMORY] = 5,
		[STEP_RUN] = 50,    [STEP_RUN_MANY] = 15,
	};
	enum step_kind kind = 0;
	int at = random_below(&random, 100);

	if (random_one_in(&random, 100))
		return STEP_DESTROY_ALL;
	while (at >= weights[kind])
		at -= weights[kind++];
	return kind;
}

static void do_step(enum step_kind kind)
{
	struct machine *machine = any_machine(true);

	if (!machine && kind != STEP_DESTROY_ALL)
		kind = STEP_CREATE;
	done[kind]++;
	say("%s: ", step_names[kind]);
	switch (kind) {
	case STEP_CREATE:
		return step_create();
	case STEP_ADD_VCPU:
		return step_add_vcpu(machine);
	case STEP_REMOVE_VCPU:
		return step_remove_vcpu(machine);
	case STEP_DESTROY:
		return step_destroy(machine);
	case STEP_DESTROY_ALL:
		return step_destroy_all();
	case STEP_TREE:
		return step_tree(machine);
	case STEP_MEMORY:
		return step_memory(machine);
	case STEP_RUN:
		return step_run(machine);
	default:
		return step_run_many(machine);
	}
}

/*
 * After each step
 */

static void check_memory(const struct machine *machine)
{
	for (unsigned int word = 0; word < WORDS; word++) {
		u64 found = *word_of(machine, word);

		if (found != machine->words[word])
			soak_fail("machine %d, word %u: expected %#lx, found %#lx",
				  (int)(machine - machines), word, machine->words[word], found);
	}
}

static void check_everything(u64 step)
{
	struct machine *machine = any_machine(true);

	for (int i = 0; i < MAX_MACHINES; i++) {
		check_memory(&machines[i]);
		if (machines[i].alive && (machines[i].changed || step % LOOK_AT_ALL_EVERY == 0))
			check_tables(&machines[i]);
		machines[i].changed = false;
	}
	if (machine && random_one_in(&random, WALK_ONE_IN))
		check_walk(machine, random_below(&random, 2), random_below(&random, WORDS));
}

static void spoil(void)
{
	*word_of(&machines[0], random_below(&random, WORDS)) ^= 1;
}

static void report_failure(u64 step)
{
	const char *levels = lpa2_levels ? " lpa2-levels" : "";
	char spoilt[32] = "";

	if (break_step)
		snprintf(spoilt, sizeof(spoilt), " break=%lu", break_step);
	__report_fail(failure_place, "seed=%lu, step %lu: %s", seed, step, failure);
	report_info("the step: %s", doing);
	report_info("to repeat: seed=%lu steps=%lu%s%s; from=%lu prints the steps", seed, step,
		    levels, spoilt, step > 10 ? step - 10 : 1);
}

static bool do_checked_step(u64 step)
{
	random.state = random_mix(seed) ^ step << 32;
	doing[0] = '\0';
	do_step(draw_step());
	if (step == break_step)
		spoil();
	check_everything(step);
	if (step >= tell_from)
		report_info("step %lu: %s", step, doing);
	if (soak_failed())
		report_failure(step);
	else
		report_passed();
	return !soak_failed();
}

/*
 * The whole
 */

/* The first guests leave tables of the host and malloc's chunks behind, which stay. */
static void warm_up(void)
{
	for (int i = 0; i < MAX_MACHINES; i++) {
		random.state = i;
		do {
			machine_destroy(&machines[i]);
			machine_create(&machines[i], &random);
		} while (machines[i].el0);
		while (machine_add_vcpu(&machines[i], &random))
			;
	}
	for (int i = 0; i < MAX_MACHINES; i++)
		machine_destroy(&machines[i]);
	pages_without_machines = alloc_pages_in_use();
}

static void init(void)
{
	char *arenas = memalign_pages(MAX_MACHINES * ARENA_SIZE, MAX_MACHINES * ARENA_SIZE);

	assert(arenas);
	assert_msg(phys_end <= 2 * SZ_1G, "memory ends at %#lx, above the windows", phys_end);
	for (int i = 0; i < MAX_MACHINES; i++)
		machines[i].arena = (u64 *)(arenas + i * ARENA_SIZE);
	used_cpus = MIN(nr_cpus, MAX_CPUS);
	work_init(used_cpus);
	warm_up();
}

static void report_all(void)
{
	report(true, "seed=%lu: %lu steps on %d CPUs", seed, steps, used_cpus);
	for (int i = 0; i < STEP_KINDS; i++)
		report_info("%lu of: %s", done[i], step_names[i]);
	report_info("%lu runs of a vCPU, %lu faults at stage 2", runs, faults);
}

/* Randomness of the device tree (/chosen/rng-seed), if any, and the time. */
static void take_seed(const struct fdt_node *node, void *data)
{
	struct fdt_value value;

	if (node->depth != 1 || strcmp(node->name, "chosen"))
		return;
	value = fdt_find_property(node, "rng-seed");
	if (value.len >= 8)
		seed ^= fdt_number(value, 0, 2);
}

static void random_seed(void)
{
	seed = read_sysreg(cntpct_el0);
	fdt_for_each_node(dt_fdt(), take_seed, NULL);
	seed = random_mix(seed) >> 32;
}

static void parse_argument(const char *argument)
{
	static const struct {
		const char *name;
		u64 *value;
	} numbers[] = {
		{ "seed=", &seed },
		{ "steps=", &steps },
		{ "from=", &tell_from },
		{ "break=", &break_step },
	};

	if (!strcmp(argument, "seed=random"))
		return random_seed();
	if (!strcmp(argument, "lpa2-levels")) {
		lpa2_levels = true;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		size_t length = strlen(numbers[i].name);
		char *end;

		if (strncmp(argument, numbers[i].name, length))
			continue;
		*numbers[i].value = strtoul(argument + length, &end, 0);
		if (end != argument + length && !*end)
			return;
	}
	report_abort("%s: give seed=N or seed=random, steps=N, from=N, break=N, lpa2-levels",
		     argument);
}

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (!unsupported && !gic_init())
		unsupported = "no GIC in the device tree";
	if (unsupported) {
		report_skip("%s", unsupported);
		return report_summary();
	}
	for (int i = 1; i < argc; i++)
		parse_argument(argv[i]);
	report_info("seed=%lu steps=%lu", seed, steps);
	init();
	for (u64 step = 1; step <= steps; step++) {
		if (!do_checked_step(step))
			return report_summary();
		if (step % TELL_EVERY == 0)
			report_info("step %lu", step);
	}
	step_destroy_all();
	if (soak_failed())
		report_failure(steps);
	else
		report_all();
	return report_summary();
}
