/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access to PCI's configuration space (ECAM), and from its addresses to those of a CPU. */
#ifndef ASMARM64_PCI_H
#define ASMARM64_PCI_H

#include <libcflat.h>
#include <pci.h>

/*
 * Register @reg, 0..0xfff, naturally aligned, of the function @dev. All ones are read, and writes
 * ignored, where no function is. A write has reached the function when these return.
 */
u8 pci_config_readb(pcidevaddr_t dev, unsigned int reg);
u16 pci_config_readw(pcidevaddr_t dev, unsigned int reg);
u32 pci_config_readl(pcidevaddr_t dev, unsigned int reg);
void pci_config_writeb(pcidevaddr_t dev, unsigned int reg, u8 val);
void pci_config_writew(pcidevaddr_t dev, unsigned int reg, u16 val);
void pci_config_writel(pcidevaddr_t dev, unsigned int reg, u32 val);

/* Where a CPU finds the bus address @addr in memory or I/O space, else INVALID_PHYS_ADDR. */
phys_addr_t pci_translate_mem(u64 addr);
phys_addr_t pci_translate_io(u64 addr);

#endif
