/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI devices on the root bus of the machine's host bridge. Names are those of kvm-unit-tests.
 *
 * pci_probe() comes first. A BAR is named by its 32-bit register, 0 to 5: one of 64 bits is two of
 * them, and is named by the first. Nothing is configured behind a bridge.
 */
#ifndef PCI_H
#define PCI_H

#include <libcflat.h>

/* Bus and function: bus << 8 | device << 3 | function */
typedef u16 pcidevaddr_t;
typedef phys_addr_t iova_t;
enum { PCIDEVADDR_INVALID = 0xffff };

#define PCI_BAR_NUM 6
#define PCI_DEVFN_MAX 256
#define PCI_BDF_GET_DEVFN(bdf) ((bdf) & 0xff)
#define PCI_BDF_GET_BUS(bdf) (((bdf) >> 8) & 0xff)
#define PCI_HEADER_TYPE_MASK 0x7f

#define ASSERT_BAR_NUM(bar_num) assert((bar_num) >= 0 && (bar_num) < PCI_BAR_NUM)

struct pci_dev {
	u16 bdf;
	u16 msi_offset; /* of the MSI capability, from pci_enable_defaults(); 0: none */
	/*
	 * By BAR: where a CPU finds it; INVALID_PHYS_ADDR when the BAR does not exist or has no
	 * address. Both registers of a 64-bit BAR have the same.
	 */
	phys_addr_t resource[PCI_BAR_NUM];
};

/*
 * Find the first enabled pci-host-ecam-generic of the device tree, and assign addresses to the BARs
 * of all functions on its root bus but bridges, which are left alone. Earlier addresses are void.
 *
 * False, with a line that says why, when there is no host bridge or its node cannot be used. A BAR
 * that fits in none of the bridge's windows is named on a line; its function is then not enabled in
 * that space, memory or I/O, and has no address there.
 */
bool pci_probe(void);
/* Print all functions on the root bus with their capabilities and BARs. */
void pci_print(void);

bool pci_dev_exists(pcidevaddr_t dev);
/* The first function on the root bus with these IDs, or PCIDEVADDR_INVALID. */
pcidevaddr_t pci_find_dev(u16 vendor_id, u16 device_id);
/* The function after @dev on the root bus, the first for PCIDEVADDR_INVALID; it after the last. */
pcidevaddr_t pci_next_dev(pcidevaddr_t dev);

/* Fill @dev from the configuration space of the function, which must exist. */
void pci_dev_init(struct pci_dev *dev, pcidevaddr_t bdf);
/* Set and clear bits of the command register; none may be in both. */
void pci_cmd_set_clr(struct pci_dev *dev, u16 set, u16 clr);
/* Let the device send requests, and find its MSI capability. */
void pci_enable_defaults(struct pci_dev *dev);
/* The interrupt line register, which has no effect on the device. */
u8 pci_intx_line(struct pci_dev *dev);

/* Call @handler with each capability, in the order of the list. */
typedef void (*pci_cap_handler_t)(struct pci_dev *dev, int cap_offset, int cap_id);
void pci_cap_walk(struct pci_dev *dev, pci_cap_handler_t handler);

/*
 * Have the device signal its interrupt by writing the 16 bits @msi_data to the bus address
 * @msi_addr. After pci_enable_defaults(); false, with a line that says why, when the device cannot.
 */
bool pci_setup_msi(struct pci_dev *dev, u64 msi_addr, u32 msi_data);
void pci_msi_set_enable(struct pci_dev *dev, bool enabled);

/* How many registers are BARs: 6, 2 of a bridge. */
int pci_nr_bars(struct pci_dev *dev);
u32 pci_bar_get(struct pci_dev *dev, int bar_num);
/* The address bits of a BAR whose value is @bar. */
u32 pci_bar_mask(u32 bar);
/* Bytes, 0 when the BAR does not exist. The function does not answer meanwhile. */
phys_addr_t pci_bar_size(struct pci_dev *dev, int bar_num);
bool pci_bar_is64(struct pci_dev *dev, int bar_num);
bool pci_bar_is_memory(struct pci_dev *dev, int bar_num);
/* True when a CPU reaches it: dev->resource[] has its address. */
bool pci_bar_is_valid(struct pci_dev *dev, int bar_num);
phys_addr_t pci_bar_get_addr(struct pci_dev *dev, int bar_num);
/* Move a BAR to @addr, an address on the bus, which is aligned to the BAR's size. */
void pci_bar_set_addr(struct pci_dev *dev, int bar_num, phys_addr_t addr);

void pci_bar_print(struct pci_dev *dev, int bar_num);
void pci_dev_print_id(struct pci_dev *dev);
void pci_dev_print(struct pci_dev *dev);

/*
 * QEMU's pci-testdev (docs/specs/pci-testdev): writes to one address of a BAR, which it counts or
 * passes to an eventfd.
 */
#define PCI_VENDOR_ID_REDHAT 0x1b36
#define PCI_DEVICE_ID_REDHAT_TEST 0x0005
#define PCI_TESTDEV_BAR_MEM 0
#define PCI_TESTDEV_BAR_IO 1
#define PCI_TESTDEV_NUM_BARS 2
#define PCI_TESTDEV_NUM_TESTS 3

/* Start of both BARs; numbers are little-endian */
struct pci_test_dev_hdr {
	u8 test; /* written: start this test */
	u8 width; /* of the test's writes: 1, 2 or 4 bytes; anything else: no such test */
	u8 pad0[2];
	u32 offset; /* in the BAR, where to write @data to */
	u32 data;
	u32 count; /* writes that the device has seen */
	u8 name[]; /* of the test, terminated */
};

/*
 * Run the tests of both BARs of the first pci-testdev. Returns the number that passed, -1 without
 * the device.
 */
int pci_testdev(void);

#endif
