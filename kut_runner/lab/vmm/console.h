/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PL011, of which each exit costs more than a test: its registers are a read-only page, so that
 * no read exits, and KVM collects writes of its data register in a ring.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include "vm.h"

/* Create the UART; the vCPUs exist. Ends the process on an error. */
void console_create(struct vm *vm);
/* Handle a write that exited; false if @address is not the UART's. */
bool console_write(uint64_t address, uint64_t value);
/* Print what the ring holds. */
void console_drain(void);

#endif
