/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI (Arm DEN0022F): results of the firmware's functions, and a CPU turned off and on. */
#include <libcflat.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/arm-smccc.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include <asm/smp.h>

#define WAIT_MS 4000
#define NO_SUCH_FUNCTION 0x840000f0

static bool alone(void)
{
	if (nr_cpus == 1)
		report_skip("needs two CPUs");
	return nr_cpus == 1;
}

static void test_version(void)
{
	int version = psci_invoke(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0);
	int features = psci_invoke(PSCI_1_0_FN_PSCI_FEATURES, PSCI_0_2_FN64_CPU_ON, 0, 0);

	report(version >= 0x2, "PSCI version: expected 0.2 or later, found %d.%d",
	       PSCI_VERSION_MAJOR(version), PSCI_VERSION_MINOR(version));
	if (version >= 0x10000)
		report(features >= 0, "PSCI_FEATURES of CPU_ON: expected 0 or more, found %d",
		       features);
	else
		report_skip("PSCI_FEATURES came with version 1.0");
}

static void test_unknown_function(void)
{
	int ret = psci_invoke(NO_SUCH_FUNCTION, 0, 0, 0);

	report(ret == PSCI_RET_NOT_SUPPORTED,
	       "function %#x, which does not exist: expected %d, found %d", NO_SUCH_FUNCTION,
	       PSCI_RET_NOT_SUPPORTED, ret);
}

/* All results of a call, and the version from psci_invoke(). */
static void test_smccc(void)
{
	bool smc = psci_get_conduit() == PSCI_CONDUIT_SMC;
	struct smccc_result result = { .r0 = ~0UL };
	int ret = (smc ? arm_smccc_smc : arm_smccc_hvc)(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0, 0, 0, 0,
							0, 0, 0, 0, 0, &result);
	int again;

	report((u32)ret == (u32)result.r0, "value returned by %s: expected x0, %#lx, found %#x",
	       smc ? "SMC" : "HVC", result.r0, ret);
	again = psci_invoke(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0);
	report(again == ret, "PSCI_VERSION by psci_invoke(): expected %#x, found %#x", ret, again);
}

static void test_affinity_info(void)
{
	int ret = psci_cpu_state(cpus[0]);

	report(ret == PSCI_0_2_AFFINITY_LEVEL_ON,
	       "AFFINITY_INFO of CPU 0: expected %d (on), found %d", PSCI_0_2_AFFINITY_LEVEL_ON,
	       ret);
	ret = psci_cpu_state(0xff00ffffffUL);
	report(ret == PSCI_RET_INVALID_PARAMS,
	       "AFFINITY_INFO of a CPU that does not exist: expected %d, found %d",
	       PSCI_RET_INVALID_PARAMS, ret);
	if (alone())
		return;
	ret = psci_cpu_state(cpus[nr_cpus - 1]);
	report(ret == PSCI_0_2_AFFINITY_LEVEL_OFF,
	       "AFFINITY_INFO of CPU %d: expected %d (off), found %d", nr_cpus - 1,
	       PSCI_0_2_AFFINITY_LEVEL_OFF, ret);
}

static void test_cpu_on_refused(void)
{
	int ret = psci_cpu_on(cpus[0], __pa(halt));

	report(ret == PSCI_RET_ALREADY_ON, "CPU_ON of CPU 0, which is on: expected %d, found %d",
	       PSCI_RET_ALREADY_ON, ret);
	ret = psci_cpu_on(0xff00ffffffUL, __pa(halt));
	report(ret == PSCI_RET_INVALID_PARAMS,
	       "CPU_ON of a CPU that does not exist: expected %d, found %d",
	       PSCI_RET_INVALID_PARAMS, ret);
}

/* Off, seen to be off, and on again, with the same stack. */
static u64 stack_of_run[2];

static void die(void *data)
{
	cpu_psci_cpu_die();
}

static void note_stack(void *data)
{
	*(u64 *)data = (u64)current_thread_info();
}

static void test_cpu_off(void)
{
	int cpu = nr_cpus - 1;
	bool off;

	if (alone())
		return;
	for (int run = 0; run < 2; run++) {
		on_cpu(cpu, note_stack, &stack_of_run[run]);
		on_cpu_async(cpu, die, NULL);
		off = wait_for(psci_cpu_state(cpus[cpu]) == PSCI_0_2_AFFINITY_LEVEL_OFF, WAIT_MS);
		report(off && !cpu_online(cpu),
		       "CPU %d within %d ms of CPU_OFF, run %d: expected off, not online; found off %d, "
		       "online %d",
		       cpu, WAIT_MS, run, off, cpu_online(cpu));
	}
	report(stack_of_run[0] == stack_of_run[1],
	       "stack of a CPU started again: expected %#lx, found %#lx", stack_of_run[0],
	       stack_of_run[1]);
}

/* A CPU that turns itself off while it idles, in the handler of an interrupt, is not idle. */
#define AN_SGI 4

static void die_in_irq(struct pt_regs *regs)
{
	gic_write_eoir(gic_read_iar());
	cpu_psci_cpu_die();
}

static void listen(void *data)
{
	gic_enable_defaults();
	local_irq_enable();
}

static void test_cpu_off_idle(void)
{
	int cpu = nr_cpus - 1;
	bool off, idle;

	if (alone())
		return;
	if (gic_unsupported()) {
		report_skip("%s", gic_unsupported());
		return;
	}
	gic_enable_defaults();
	install_irq_handler(ELxH_IRQ, die_in_irq);
	on_cpu(cpu, listen, NULL);
	idle = wait_for(cpu_idle(cpu), WAIT_MS);
	gic_ipi_send_single(AN_SGI, cpu);
	off = wait_for(psci_cpu_state(cpus[cpu]) == PSCI_0_2_AFFINITY_LEVEL_OFF, WAIT_MS);
	report(idle && off && !cpu_idle(cpu) && !cpu_online(cpu),
	       "CPU %d, idle %d, within %d ms of an SGI that turns it off: expected off, neither idle "
	       "nor online; found off %d, idle %d, online %d",
	       cpu, idle, WAIT_MS, off, cpu_idle(cpu), cpu_online(cpu));
	install_irq_handler(ELxH_IRQ, NULL);
}

/* The calls that do not return, as an SMC of a guest: function and arguments */
static void guest_system_off(void)
{
	psci_system_off();
}

static void guest_system_reset(void)
{
	psci_system_reset();
}

static void test_function_ids(void)
{
	static const struct {
		const char *name;
		void (*call)(void);
		u32 function;
	} calls[] = {
		{ "psci_system_off()", guest_system_off, 0x84000008 },
		{ "psci_system_reset()", guest_system_reset, 0x84000009 },
	};
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (unsupported || psci_get_conduit() != PSCI_CONDUIT_SMC) {
		report_skip("%s", unsupported ?: "the conduit is no SMC");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct guest *guest = guest_create_4k(1, calls[i].call);

		guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
		guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_SMC64), "%s in a guest",
				calls[i].name);
		report(guest->x[0] == calls[i].function, "function of %s: expected %#x, found %#lx",
		       calls[i].name, calls[i].function, guest->x[0]);
		guest_destroy(guest);
	}
}

/* Last, as its target ends in halt(): all other CPUs start one at once, and one succeeds. */
static cpumask_t ready;
static int successes, refusals;

static void race(void *data)
{
	int ret;

	cpumask_set_cpu(smp_processor_id(), &ready);
	wait_for(cpumask_weight(&ready) == nr_cpus - 1, WAIT_MS);
	ret = psci_cpu_on(*(u64 *)data, __pa(halt));
	if (ret == PSCI_RET_SUCCESS)
		__atomic_fetch_add(&successes, 1, __ATOMIC_ACQ_REL);
	else if (ret == PSCI_RET_ALREADY_ON || ret == PSCI_RET_ON_PENDING)
		__atomic_fetch_add(&refusals, 1, __ATOMIC_ACQ_REL);
}

static void test_cpu_on_race(void)
{
	int target = nr_cpus - 1;
	cpumask_t others;

	if (alone())
		return;
	cpumask_copy(&others, &cpu_present_mask);
	cpumask_clear_cpu(target, &others);
	on_cpumask(&others, race, &cpus[target]);
	report(successes && successes + refusals == nr_cpus - 1,
	       "CPU_ON of CPU %d by %d CPUs: expected a success, and ALREADY_ON or ON_PENDING else; "
	       "found %d successes, %d refusals",
	       target, nr_cpus - 1, successes, refusals);
	/*
	 * DEN0022F, 6.6. QEMU (7.2 to 11) never returns ON_PENDING: until the target runs, every
	 * caller gets SUCCESS (arm_set_cpu_on() does not set PSCI_ON_PENDING).
	 */
	report_kfail(true, successes == 1,
		     "CPU_ON by %d CPUs at once: expected 1 success, found %d", nr_cpus - 1,
		     successes);
	report(wait_for(psci_cpu_state(cpus[target]) == PSCI_0_2_AFFINITY_LEVEL_ON, WAIT_MS),
	       "CPU %d within %d ms of CPU_ON: expected %d (on), found %d", target, WAIT_MS,
	       PSCI_0_2_AFFINITY_LEVEL_ON, psci_cpu_state(cpus[target]));
}

static const struct subtest subtests[] = {
	{ "version", test_version },
	{ "unknown", test_unknown_function },
	{ "smccc", test_smccc },
	{ "affinity-info", test_affinity_info },
	{ "cpu-on-refused", test_cpu_on_refused },
	{ "cpu-off", test_cpu_off },
	{ "cpu-off-idle", test_cpu_off_idle },
	{ "function-ids", test_function_ids },
	{ "cpu-on-race", test_cpu_on_race },
};

int main(int argc, char **argv)
{
	if (psci_get_conduit() == PSCI_CONDUIT_NONE)
		return skip_all("the device tree has no PSCI");
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
