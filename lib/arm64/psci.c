/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI calls. */
#include <libcflat.h>
#include <asm/psci.h>

static enum psci_conduit psci_conduit;

void psci_set_conduit(enum psci_conduit conduit)
{
	psci_conduit = conduit;
}

enum psci_conduit psci_get_conduit(void)
{
	return psci_conduit;
}

/* SMCCC: x0..x3 are arguments and results, x4..x17 may be clobbered (DEN0028, 2.4). */
#define smccc_call(insn, r0, r1, r2, r3)                                                      \
	asm volatile(insn " #0"                                                               \
		     : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3)                                 \
		     :                                                                        \
		     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
		       "x15", "x16", "x17", "memory")

int psci_invoke(unsigned int function_id, unsigned long arg0, unsigned long arg1,
		unsigned long arg2)
{
	register unsigned long r0 asm("x0") = function_id;
	register unsigned long r1 asm("x1") = arg0;
	register unsigned long r2 asm("x2") = arg1;
	register unsigned long r3 asm("x3") = arg2;

	switch (psci_conduit) {
	case PSCI_CONDUIT_SMC:
		smccc_call("smc", r0, r1, r2, r3);
		return r0;
	case PSCI_CONDUIT_HVC:
		smccc_call("hvc", r0, r1, r2, r3);
		return r0;
	case PSCI_CONDUIT_NONE:
		break;
	}
	return PSCI_RET_NOT_SUPPORTED;
}

void psci_system_off(void)
{
	psci_invoke(PSCI_0_2_FN_SYSTEM_OFF, 0, 0, 0);
}

void psci_system_reset(void)
{
	psci_invoke(PSCI_0_2_FN_SYSTEM_RESET, 0, 0, 0);
}
