/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI calls. */
#include <libcflat.h>
#include <asm/arm-smccc.h>
#include <asm/psci.h>

static enum psci_conduit psci_conduit;

static int no_psci(unsigned long function_id, unsigned long arg0, unsigned long arg1,
		   unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5,
		   unsigned long arg6, unsigned long arg7, unsigned long arg8, unsigned long arg9,
		   unsigned long arg10, struct smccc_result *result)
{
	return PSCI_RET_NOT_SUPPORTED;
}

smccc_invoke_fn psci_invoke_fn = no_psci;

int psci_invoke(unsigned int function_id, unsigned long arg0, unsigned long arg1,
		unsigned long arg2)
{
	return psci_invoke_fn(function_id, arg0, arg1, arg2, 0, 0, 0, 0, 0, 0, 0, 0, NULL);
}

void psci_set_conduit(enum psci_conduit conduit)
{
	static const smccc_invoke_fn invoke[] = {
		[PSCI_CONDUIT_NONE] = no_psci,
		[PSCI_CONDUIT_SMC] = arm_smccc_smc,
		[PSCI_CONDUIT_HVC] = arm_smccc_hvc,
	};

	psci_conduit = conduit;
	psci_invoke_fn = invoke[conduit];
}

enum psci_conduit psci_get_conduit(void)
{
	return psci_conduit;
}

int psci_cpu_on(unsigned long mpidr, unsigned long entry)
{
	return psci_invoke(PSCI_0_2_FN64_CPU_ON, mpidr, entry, 0);
}

int psci_cpu_state(unsigned long mpidr)
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
