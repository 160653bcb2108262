/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with a device, and the tests of each subject. */
#ifndef GUEST_MMIO_MMIO_H
#define GUEST_MMIO_MMIO_H

#include <libcflat.h>
#include <asm/guest-check.h>
#include <asm/mmio.h>

#define VMID 13
#define DEVICE_IPA 0x90000000UL

extern struct mmio_testdev testdev; /* at DEVICE_IPA */

/* A guest that runs @func, with testdev as after reset. */
struct guest *create(void *func);

/* Aborts that are no access to the device: no-access.c */
void test_no_access(void);
void test_table_walk(void);
/* A device that two CPUs access: cpus.c */
void test_two_cpus(void);
/* uart.c */
void test_uart(void);
void test_uart_line(void);
void test_uart_registers(void);

#endif
