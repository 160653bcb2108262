/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI calls. */
#include <libcflat.h>
#include <asm/arm-smccc.h>
#include <asm/psci.h>

static enum psci_conduit psci_conduit;

static int psci_invoke_none(unsigned int function_id, unsigned long arg0, unsigned long arg1,
			    unsigned long arg2)
{
	return PSCI_RET_NOT_SUPPORTED;
}

static int psci_invoke_smc(unsigned int function_id, unsigned long arg0, unsigned long arg1,
			   unsigned long arg2)
{
	return arm_smccc_smc(function_id, arg0, arg1, arg2, 0, 0, 0, 0, 0, 0, 0, 0, NULL);
}

static int psci_invoke_hvc(unsigned int function_id, unsigned long arg0, unsigned long arg1,
			   unsigned long arg2)
{
	return arm_smccc_hvc(function_id, arg0, arg1, arg2, 0, 0, 0, 0, 0, 0, 0, 0, NULL);
}

psci_invoke_fn psci_invoke = psci_invoke_none;

void psci_set_conduit(enum psci_conduit conduit)
{
	static const psci_invoke_fn invoke[] = {
		[PSCI_CONDUIT_NONE] = psci_invoke_none,
		[PSCI_CONDUIT_SMC] = psci_invoke_smc,
		[PSCI_CONDUIT_HVC] = psci_invoke_hvc,
	};

	psci_conduit = conduit;
	psci_invoke = invoke[conduit];
}

enum psci_conduit psci_get_conduit(void)
{
	return psci_conduit;
}

int psci_cpu_on(unsigned long mpidr, unsigned long entry)
{
	return psci_invoke(PSCI_0_2_FN64_CPU_ON, mpidr, entry, 0);
}

int psci_affinity_info(unsigned long mpidr)
{
	return psci_invoke(PSCI_0_2_FN64_AFFINITY_INFO, mpidr, 0, 0);
}

void psci_system_off(void)
{
	psci_invoke(PSCI_0_2_FN_SYSTEM_OFF, 0, 0, 0);
}

void psci_system_reset(void)
{
	psci_invoke(PSCI_0_2_FN_SYSTEM_RESET, 0, 0, 0);
}
