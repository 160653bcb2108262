/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI host bridge, for lib/pci*.c only. */
#ifndef PCI_HOST_H
#define PCI_HOST_H

#include <libcflat.h>
#include <pci.h>

#define PCI_MAX_WINDOWS 8

/* Bus addresses that a CPU can access. */
struct pci_window {
	u64 pci_start; /* first one on the bus */
	phys_addr_t start; /* the same as a CPU addresses it */
	u64 size;
	bool io, prefetchable, is64;
	u64 used; /* bytes from the start that BARs have, with their padding */
};

struct pci_host {
	void *ecam; /* configuration space of the buses; NULL before pci_host_find() */
	unsigned int first_bus, last_bus; /* the first one is the root bus */
	int nr_windows;
	struct pci_window windows[PCI_MAX_WINDOWS];
};
extern struct pci_host pci_host;

/* Fill pci_host from the device tree. False, with a line that says why, when that is impossible. */
bool pci_host_find(void);

/* The BAR after @bar_num, which has one register or two. */
int pci_bar_next(struct pci_dev *dev, int bar_num);

#endif
