/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI: firmware calls for power (Arm DEN0022), over the conduit that the device tree names. */
#ifndef ASMARM64_PSCI_H
#define ASMARM64_PSCI_H

#include <libcflat.h>
#include <linux/psci.h>
#include <asm/arm-smccc.h>

enum psci_conduit { PSCI_CONDUIT_NONE, PSCI_CONDUIT_SMC, PSCI_CONDUIT_HVC };

void psci_set_conduit(enum psci_conduit conduit);
enum psci_conduit psci_get_conduit(void);

/*
 * arm_smccc_hvc() or arm_smccc_smc(). On a machine without PSCI a function that returns
 * PSCI_RET_NOT_SUPPORTED.
 */
extern smccc_invoke_fn psci_invoke_fn;
/* A call with three arguments. */
int psci_invoke(unsigned int function_id, unsigned long arg0, unsigned long arg1,
		unsigned long arg2);

/*
 * Start the CPU with affinity @mpidr at physical address @entry, with the MMU off, at the caller's
 * exception level. PSCI_RET_*.
 */
int psci_cpu_on(unsigned long mpidr, unsigned long entry);
/* PSCI_0_2_AFFINITY_LEVEL_* of the CPU with affinity @mpidr, or PSCI_RET_* below 0. */
int psci_cpu_state(unsigned long mpidr);
void psci_system_off(void);
void psci_system_reset(void);

/*
 * Turn this CPU off. It leaves cpu_online_mask, and smp_boot_secondary() may start it again.
 * Returns only when the firmware refuses, which is printed.
 */
void cpu_psci_cpu_die(void);

#endif
