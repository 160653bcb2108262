/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assignment of bus addresses to the BARs of the devices on the root bus. */
#include <libcflat.h>
#include <pci.h>
#include <linux/pci_regs.h>
#include <asm/pci.h>
#include "pci-host.h"

/* A BAR: what it needs, and what it can hold */
struct request {
	u64 size;
	u64 limit; /* last bus address of its range at most */
	bool io, prefetchable, is64;
};

/* The last address that a BAR's type allows; 0 for a reserved type. */
static u64 bar_limit(u32 bar)
{
	if (bar & PCI_BASE_ADDRESS_SPACE_IO)
		return UINT32_MAX;
	switch (bar & PCI_BASE_ADDRESS_MEM_TYPE_MASK) {
	case PCI_BASE_ADDRESS_MEM_TYPE_32:
		return UINT32_MAX;
	case PCI_BASE_ADDRESS_MEM_TYPE_1M:
		return SZ_1M - 1;
	case PCI_BASE_ADDRESS_MEM_TYPE_64:
		return UINT64_MAX;
	default:
		return 0;
	}
}

static struct request read_request(struct pci_dev *dev, int bar_num)
{
	u32 bar = pci_bar_get(dev, bar_num);
	bool io = bar & PCI_BASE_ADDRESS_SPACE_IO;

	return (struct request){
		.size = pci_bar_size(dev, bar_num),
		.limit = bar_limit(bar),
		.io = io,
		.prefetchable = !io && bar & PCI_BASE_ADDRESS_MEM_PREFETCH,
		.is64 = pci_bar_is64(dev, bar_num),
	};
}

/*
 * The first aligned address of @window that is free. An address of 0 would be a BAR without one,
 * and so stands for a failure.
 */
static u64 place(const struct pci_window *window, const struct request *request)
{
	u64 free = window->pci_start + window->used;
	u64 address = ALIGN(MAX(free, 1UL), request->size);
	u64 offset = address - window->pci_start;

	if (address < free || offset >= window->size || request->size > window->size - offset ||
	    address + (request->size - 1) > request->limit)
		return 0;
	return address;
}

/* Memory with side effects of reads must not be prefetched; the converse is only slow. */
static bool suits(const struct pci_window *window, const struct request *request)
{
	return window->io == request->io && (!window->prefetchable || request->prefetchable);
}

static u64 allocate_from(struct pci_window *window, const struct request *request)
{
	u64 address = suits(window, request) ? place(window, request) : 0;

	if (address)
		window->used = address + request->size - window->pci_start;
	return address;
}

/*
 * A bus address, 0 when none is left: from the windows of the BAR's own width, which leaves the low
 * addresses to BARs of 32 bits, then from the others.
 */
static u64 allocate(const struct request *request)
{
	for (int own = 1; own >= 0; own--) {
		for (int i = 0; i < pci_host.nr_windows; i++) {
			struct pci_window *window = &pci_host.windows[i];
			u64 address = 0;

			if ((window->is64 == request->is64) == own)
				address = allocate_from(window, request);
			if (address)
				return address;
		}
	}
	return 0;
}

static void say_unplaced(struct pci_dev *dev, int bar_num, const struct request *request)
{
	printf("PCI: no address for ");
	pci_dev_print_id(dev);
	printf(" BAR %d: %#lx bytes of %s-bit %s%s\n", bar_num, request->size,
	       request->is64 ? "64" : "32", request->prefetchable ? "prefetchable " : "",
	       request->io ? "I/O" : "memory");
}

/*
 * Assign an address. Returns the bit of the command register that enables the BAR's space, and
 * adds it to @failed when there is no address.
 */
static u16 assign_bar(struct pci_dev *dev, int bar_num, u16 *failed)
{
	struct request request = read_request(dev, bar_num);
	u16 space = request.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	u64 address;

	if (!request.size)
		return 0;
	address = allocate(&request);
	pci_bar_set_addr(dev, bar_num, address);
	if (!address) {
		say_unplaced(dev, bar_num, &request);
		*failed |= space;
	}
	return space;
}

/* Take the addresses from the BARs in @spaces, bits of the command register. */
static void release(struct pci_dev *dev, u16 spaces)
{
	for (int bar = 0; bar < pci_nr_bars(dev); bar = pci_bar_next(dev, bar)) {
		bool memory = pci_bar_is_memory(dev, bar);

		if (spaces & (memory ? PCI_COMMAND_MEMORY : PCI_COMMAND_IO))
			pci_bar_set_addr(dev, bar, 0);
	}
}

/*
 * A function answers at all its BARs of a space or at none, and would at 0 where a BAR has no
 * address: then it is not enabled in that space.
 */
static void assign_function(pcidevaddr_t bdf)
{
	u16 spaces = 0, failed = 0;
	struct pci_dev dev;

	pci_dev_init(&dev, bdf);
	pci_cmd_set_clr(&dev, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	for (int bar = 0; bar < pci_nr_bars(&dev); bar = pci_bar_next(&dev, bar))
		spaces |= assign_bar(&dev, bar, &failed);
	release(&dev, failed);
	pci_cmd_set_clr(&dev, spaces & ~failed, 0);
}

/* What a bridge forwards is not configured, so nothing of it is enabled. */
static bool is_endpoint(pcidevaddr_t bdf)
{
	u8 header = pci_config_readb(bdf, PCI_HEADER_TYPE);

	return (header & PCI_HEADER_TYPE_MASK) == PCI_HEADER_TYPE_NORMAL;
}

bool pci_probe(void)
{
	pcidevaddr_t bdf = PCIDEVADDR_INVALID;

	if (!pci_host_find())
		return false;
	while ((bdf = pci_next_dev(bdf)) != PCIDEVADDR_INVALID)
		if (is_endpoint(bdf))
			assign_function(bdf);
	return true;
}
