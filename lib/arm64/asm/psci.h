/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSCI: firmware calls for power (Arm DEN0022), over the conduit that the device tree names. */
#ifndef ASMARM64_PSCI_H
#define ASMARM64_PSCI_H

#include <libcflat.h>

#define PSCI_0_2_FN_PSCI_VERSION 0x84000000
#define PSCI_0_2_FN_CPU_OFF 0x84000002
#define PSCI_0_2_FN64_CPU_ON 0xc4000003
#define PSCI_0_2_FN_SYSTEM_OFF 0x84000008
#define PSCI_0_2_FN_SYSTEM_RESET 0x84000009

#define PSCI_RET_NOT_SUPPORTED (-1)

enum psci_conduit { PSCI_CONDUIT_NONE, PSCI_CONDUIT_SMC, PSCI_CONDUIT_HVC };

void psci_set_conduit(enum psci_conduit conduit);
enum psci_conduit psci_get_conduit(void);

/* PSCI_RET_NOT_SUPPORTED when the machine has no PSCI. */
int psci_invoke(unsigned int function_id, unsigned long arg0, unsigned long arg1,
		unsigned long arg2);
void psci_system_off(void);
void psci_system_reset(void);

#endif
