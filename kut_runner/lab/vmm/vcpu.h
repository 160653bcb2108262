/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs that run: a thread each. */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "vm.h"

/* Start all vCPUs. Their threads end the process at a power-off, a reset or an error. */
void vcpus_start(struct vm *vm);
/* Make all vCPUs leave the guest, and report each; one that does not is reported as stuck. */
void vcpus_stop(struct vm *vm);

#endif
