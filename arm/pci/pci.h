/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of the tests for PCI, and the host bridge's windows as the device tree has them. */
#ifndef PCI_PCI_H
#define PCI_PCI_H

#include <libcflat.h>

/* Functions on the root bus, by configs/tests.toml */
#define FUNCTION(device, function) ((device) << 3 | (function))
#define TESTDEV FUNCTION(1, 0) /* membar=1M */
#define EDU FUNCTION(2, 0)
#define IVSHMEM FUNCTION(3, 0) /* 4 MiB */
#define XHCI FUNCTION(4, 0)
#define MULTIFUNCTION FUNCTION(5, 0) /* and 5.1: pci-testdev */
#define ROOT_PORT FUNCTION(6, 0) /* virtio-rng-pci behind it */
#define LONE_FUNCTION_1 FUNCTION(7, 1) /* edu, without a function 0 */
#define LARGE FUNCTION(8, 0) /* pci-testdev, membar=16G */
#define NO_DEVICE FUNCTION(9, 0)

#define EDU_ID 0x010000ed /* its first register: version 1.0 */

/* The address in a BAR, as it is in configuration space */
u64 read_bar(u16 bdf, int bar);

/* Where ranges puts [@bus, @bus + @size); INVALID_PHYS_ADDR when it is in none. */
phys_addr_t window_address(u64 bus, u64 size, bool memory);
/* True when a BAR of @size (0: no BAR) of the function @bdf must have an address. */
bool has_address(u16 bdf, u64 size);

/* pci/windows.c */
void test_windows(void);
void test_host_bridge(void);
/* pci/msi.c */
void test_msi(void);

#endif
