/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secondary CPUs: starting them, and turning them off. */
#include <libcflat.h>
#include <objects.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/spinlock.h>

#define BOOT_TIMEOUT_MS 5000

/* Of the CPU that is being started; held until it is online. */
static struct spinlock lock;
struct secondary_data secondary_data;

/* The last CPU that came online; it may be off again. */
static int came = -1;

/* The stack of each CPU that was started once. */
static void **stacks;

void secondary_start(struct percpu *percpu) __noreturn;

int mpidr_to_cpu(u64 mpidr)
{
	for (int cpu = 0; cpu < nr_cpus; cpu++)
		if (cpus[cpu] == (mpidr & MPIDR_HWID_BITMASK))
			return cpu;
	return -1;
}

/* A CPU that turned itself off, and is started again, has its old stack. */
static void *stack_of(int cpu)
{
	if (!stacks)
		stacks = object_alloc(nr_cpus * sizeof(*stacks));
	assert_msg(stacks, "no memory for %d CPUs", nr_cpus);
	if (!stacks[cpu])
		stacks[cpu] = thread_stack_alloc();
	assert_msg(stacks[cpu], "no memory for the stack of CPU %d", cpu);
	return stacks[cpu];
}

static void read_mmu_registers(struct secondary_data *data)
{
	if (host_at_el2) {
		data->tcr = read_sysreg(tcr_el2);
		data->mair = read_sysreg(mair_el2);
		data->ttbr0 = read_sysreg(ttbr0_el2);
		data->sctlr = read_sysreg(sctlr_el2);
	} else {
		data->tcr = read_sysreg(tcr_el1);
		data->mair = read_sysreg(mair_el1);
		data->ttbr0 = read_sysreg(ttbr0_el1);
		data->sctlr = read_sysreg(sctlr_el1);
	}
}

static int boot(int cpu, secondary_entry_fn entry)
{
	int ret;

	secondary_data.stack = stack_of(cpu);
	secondary_data.entry = entry;
	read_mmu_registers(&secondary_data);
	__atomic_store_n(&came, -1, __ATOMIC_RELAXED);
	dcache_clean_inval_poc(&secondary_data,
			       sizeof(secondary_data)); /* its MMU is off at first */
	spin_lock_share();
	ret = psci_cpu_on(cpus[cpu], __pa(secondary_entry));
	if (ret == PSCI_RET_SUCCESS && !wait_for(smp_load_acquire(&came) == cpu, BOOT_TIMEOUT_MS))
		report_abort("CPU %d (MPIDR %#lx) was started and did not come within %d ms", cpu,
			     cpus[cpu], BOOT_TIMEOUT_MS);
	return ret;
}

int smp_boot_secondary_nofail(int cpu, secondary_entry_fn entry)
{
	int ret;

	assert_msg(cpu >= 0 && cpu < nr_cpus, "CPU %d of %d", cpu, nr_cpus);
	spin_lock(&lock);
	ret = cpu_online(cpu) ? PSCI_RET_ALREADY_ON : boot(cpu, entry);
	spin_unlock(&lock);
	return ret;
}

void smp_boot_secondary(int cpu, secondary_entry_fn entry)
{
	int ret = smp_boot_secondary_nofail(cpu, entry);

	assert_msg(ret == PSCI_RET_SUCCESS, "CPU %d does not start: PSCI error %d", cpu, ret);
}

void smp_boot_idle(int cpu)
{
	int ret = smp_boot_secondary_nofail(cpu, do_idle);

	assert_msg(ret == PSCI_RET_SUCCESS || (ret == PSCI_RET_ALREADY_ON && cpu_online(cpu)),
		   "CPU %d does not start: PSCI error %d", cpu, ret);
}

/* From secondary_entry(), on the stack whose top is @percpu, with the MMU of the starter. */
void secondary_start(struct percpu *percpu)
{
	secondary_entry_fn entry = secondary_data.entry;
	int cpu = mpidr_to_cpu(get_mpidr());

	percpu->cpu = cpu;
	percpu->guest = NULL;
	setup_cpu(percpu);
	current_thread_info()->pgtable = __va(secondary_data.ttbr0);
	assert_msg(cpu >= 0, "MPIDR %#lx is not in the device tree", get_mpidr());
	on_cpus_reset(cpu);
	set_cpu_online(cpu, true);
	smp_store_release(&came, cpu);
	entry();
	do_idle();
}

void cpu_psci_cpu_die(void)
{
	int cpu = smp_processor_id(), err;

	set_cpu_idle(cpu, false);
	set_cpu_online(cpu, false);
	err = psci_invoke(PSCI_0_2_FN_CPU_OFF, 0, 0, 0);
	set_cpu_online(cpu, true);
	printf("CPU%d unable to power off (error = %d)\n", cpu, err);
}
