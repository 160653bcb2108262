/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI functions by their configuration space (PCI Local Bus Specification 3.0, chapter 6). */
#include <libcflat.h>
#include <pci.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <asm/pci.h>
#include "pci-host.h"

/* Those that fit into 256 bytes behind the header: a longer list has a loop. */
#define MAX_CAPABILITIES ((0x100 - 0x40) / 4)

/*
 * Functions
 */

bool pci_dev_exists(pcidevaddr_t dev)
{
	return pci_config_readw(dev, PCI_VENDOR_ID) != 0xffff;
}

/* A device may answer for function 0 at all eight when it has only that (3.2.2.3.4). */
static bool may_exist(pcidevaddr_t dev)
{
	pcidevaddr_t first = dev & ~7;

	if (dev == first)
		return true;
	return pci_dev_exists(first) &&
	       pci_config_readb(first, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MULTIFUNCTION;
}

pcidevaddr_t pci_next_dev(pcidevaddr_t dev)
{
	unsigned int root = pci_host.first_bus << 8;
	unsigned int next = dev == PCIDEVADDR_INVALID ? root : dev + 1U;

	for (; next < root + PCI_DEVFN_MAX; next++)
		if (may_exist(next) && pci_dev_exists(next))
			return next;
	return PCIDEVADDR_INVALID;
}

pcidevaddr_t pci_find_dev(u16 vendor_id, u16 device_id)
{
	pcidevaddr_t dev = PCIDEVADDR_INVALID;

	while ((dev = pci_next_dev(dev)) != PCIDEVADDR_INVALID)
		if (pci_config_readw(dev, PCI_VENDOR_ID) == vendor_id &&
		    pci_config_readw(dev, PCI_DEVICE_ID) == device_id)
			break;
	return dev;
}

void pci_cmd_set_clr(struct pci_dev *dev, u16 set, u16 clr)
{
	u16 command = pci_config_readw(dev->bdf, PCI_COMMAND);

	assert_msg(!(set & clr), "bits to set and to clear: %#x, %#x", set, clr);
	pci_config_writew(dev->bdf, PCI_COMMAND, (command | set) & ~clr);
}

u8 pci_intx_line(struct pci_dev *dev)
{
	return pci_config_readb(dev->bdf, PCI_INTERRUPT_LINE);
}

/*
 * Base address registers
 */

static unsigned int bar_register(int bar_num)
{
	ASSERT_BAR_NUM(bar_num);
	return PCI_BASE_ADDRESS_0 + 4 * bar_num;
}

int pci_nr_bars(struct pci_dev *dev)
{
	switch (pci_config_readb(dev->bdf, PCI_HEADER_TYPE) & PCI_HEADER_TYPE_MASK) {
	case PCI_HEADER_TYPE_NORMAL:
		return 6;
	case PCI_HEADER_TYPE_BRIDGE:
		return 2;
	default:
		return 0;
	}
}

u32 pci_bar_get(struct pci_dev *dev, int bar_num)
{
	return pci_config_readl(dev->bdf, bar_register(bar_num));
}

u32 pci_bar_mask(u32 bar)
{
	return bar & PCI_BASE_ADDRESS_SPACE_IO ? PCI_BASE_ADDRESS_IO_MASK
					       : PCI_BASE_ADDRESS_MEM_MASK;
}

bool pci_bar_is_memory(struct pci_dev *dev, int bar_num)
{
	return !(pci_bar_get(dev, bar_num) & PCI_BASE_ADDRESS_SPACE_IO);
}

bool pci_bar_is64(struct pci_dev *dev, int bar_num)
{
	u32 bar = pci_bar_get(dev, bar_num);

	return !(bar & PCI_BASE_ADDRESS_SPACE_IO) &&
	       (bar & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
}

int pci_bar_next(struct pci_dev *dev, int bar_num)
{
	return bar_num + (pci_bar_is64(dev, bar_num) ? 2 : 1);
}

/* The address bits of a BAR, which has one register or two. */
static u64 read_bar(struct pci_dev *dev, int bar_num)
{
	u32 bar = pci_bar_get(dev, bar_num);
	u64 high = pci_bar_is64(dev, bar_num) ? pci_bar_get(dev, bar_num + 1) : 0;

	return high << 32 | (bar & pci_bar_mask(bar));
}

static void write_bar(struct pci_dev *dev, int bar_num, u64 value)
{
	bool is64 = pci_bar_is64(dev, bar_num);

	pci_config_writel(dev->bdf, bar_register(bar_num), value);
	if (is64)
		pci_config_writel(dev->bdf, bar_register(bar_num + 1), value >> 32);
}

/*
 * All ones are written, and the bits that stay 0 are below the size. The lowest one that is set is
 * the size, also of an I/O BAR whose upper half is wired to 0.
 */
phys_addr_t pci_bar_size(struct pci_dev *dev, int bar_num)
{
	u16 command = pci_config_readw(dev->bdf, PCI_COMMAND);
	u64 address = read_bar(dev, bar_num), writable;

	pci_config_writew(dev->bdf, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	write_bar(dev, bar_num, UINT64_MAX);
	writable = read_bar(dev, bar_num);
	write_bar(dev, bar_num, address);
	pci_config_writew(dev->bdf, PCI_COMMAND, command);
	return writable & -writable;
}

/* Read dev->resource[] of one BAR again. */
static void update_resource(struct pci_dev *dev, int bar_num)
{
	u64 address = read_bar(dev, bar_num);
	phys_addr_t resource = INVALID_PHYS_ADDR;

	if (address)
		resource = pci_bar_is_memory(dev, bar_num) ? pci_translate_mem(address)
							   : pci_translate_io(address);
	for (int i = bar_num; i < pci_bar_next(dev, bar_num); i++)
		dev->resource[i] = resource;
}

void pci_bar_set_addr(struct pci_dev *dev, int bar_num, phys_addr_t addr)
{
	assert_msg(pci_bar_is64(dev, bar_num) || addr <= UINT32_MAX,
		   "%#lx is no address for BAR %d, which has 32 bits", addr, bar_num);
	write_bar(dev, bar_num, addr);
	update_resource(dev, bar_num);
}

phys_addr_t pci_bar_get_addr(struct pci_dev *dev, int bar_num)
{
	ASSERT_BAR_NUM(bar_num);
	return dev->resource[bar_num];
}

bool pci_bar_is_valid(struct pci_dev *dev, int bar_num)
{
	return pci_bar_get_addr(dev, bar_num) != INVALID_PHYS_ADDR;
}

void pci_dev_init(struct pci_dev *dev, pcidevaddr_t bdf)
{
	*dev = (struct pci_dev){ .bdf = bdf };
	for (int bar = 0; bar < PCI_BAR_NUM; bar++)
		dev->resource[bar] = INVALID_PHYS_ADDR;
	for (int bar = 0; bar < pci_nr_bars(dev); bar = pci_bar_next(dev, bar))
		update_resource(dev, bar);
}

/*
 * Capabilities
 */

void pci_cap_walk(struct pci_dev *dev, pci_cap_handler_t handler)
{
	u8 offset = 0;
	int count = 0;

	if (pci_config_readw(dev->bdf, PCI_STATUS) & PCI_STATUS_CAP_LIST)
		offset = pci_config_readb(dev->bdf, PCI_CAPABILITY_LIST) & ~3;
	while (offset) {
		assert_msg(count++ < MAX_CAPABILITIES, "the list of capabilities has a loop");
		handler(dev, offset, pci_config_readb(dev->bdf, offset + PCI_CAP_LIST_ID));
		offset = pci_config_readb(dev->bdf, offset + PCI_CAP_LIST_NEXT) & ~3;
	}
}

static void note_capability(struct pci_dev *dev, int offset, int id)
{
	if (id == PCI_CAP_ID_MSI)
		dev->msi_offset = offset;
}

void pci_enable_defaults(struct pci_dev *dev)
{
	pci_cmd_set_clr(dev, PCI_COMMAND_MASTER, 0);
	pci_cap_walk(dev, note_capability);
}

void pci_msi_set_enable(struct pci_dev *dev, bool enabled)
{
	unsigned int flags = dev->msi_offset + PCI_MSI_FLAGS;
	u16 control = pci_config_readw(dev->bdf, flags) & ~PCI_MSI_FLAGS_ENABLE;

	assert_msg(dev->msi_offset, "no MSI capability, or before pci_enable_defaults()");
	pci_config_writew(dev->bdf, flags, control | (enabled ? PCI_MSI_FLAGS_ENABLE : 0));
}

static bool refuse_msi(struct pci_dev *dev, const char *reason)
{
	printf("PCI: ");
	pci_dev_print_id(dev);
	printf(" %s\n", reason);
	return false;
}

bool pci_setup_msi(struct pci_dev *dev, u64 msi_addr, u32 msi_data)
{
	unsigned int msi = dev->msi_offset;
	bool is64;

	if (!msi)
		return refuse_msi(dev, "has no MSI");
	is64 = pci_config_readw(dev->bdf, msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_64BIT;
	if (!is64 && msi_addr > UINT32_MAX)
		return refuse_msi(dev, "cannot send MSIs to addresses of more than 32 bits");
	pci_config_writel(dev->bdf, msi + PCI_MSI_ADDRESS_LO, msi_addr);
	if (is64)
		pci_config_writel(dev->bdf, msi + PCI_MSI_ADDRESS_HI, msi_addr >> 32);
	pci_config_writew(dev->bdf, msi + (is64 ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), msi_data);
	pci_msi_set_enable(dev, true);
	return true;
}

/*
 * Output
 */

void pci_dev_print_id(struct pci_dev *dev)
{
	printf("%02x:%02x.%x %04x:%04x", PCI_BDF_GET_BUS(dev->bdf),
	       PCI_BDF_GET_DEVFN(dev->bdf) >> 3, dev->bdf & 7,
	       pci_config_readw(dev->bdf, PCI_VENDOR_ID),
	       pci_config_readw(dev->bdf, PCI_DEVICE_ID));
}

void pci_bar_print(struct pci_dev *dev, int bar_num)
{
	u32 bar = pci_bar_get(dev, bar_num);
	u64 size = pci_bar_size(dev, bar_num);
	const char *prefetchable = "";

	if (!size)
		return;
	if (bar & PCI_BASE_ADDRESS_SPACE_IO) {
		printf("BAR %d: I/O", bar_num);
	} else {
		if (bar & PCI_BASE_ADDRESS_MEM_PREFETCH)
			prefetchable = ", prefetchable";
		printf("BAR %d: %s-bit memory%s", bar_num, pci_bar_is64(dev, bar_num) ? "64" : "32",
		       prefetchable);
	}
	if (pci_bar_is_valid(dev, bar_num))
		printf(" at %#lx, %#lx bytes", pci_bar_get_addr(dev, bar_num), size);
	else
		printf(", no address, %#lx bytes", size);
}

static void print_capability(struct pci_dev *dev, int offset, int id)
{
	if (id == PCI_CAP_ID_MSI)
		printf("\tMSI at %#x\n", offset);
	else
		printf("\tcapability %#x at %#x\n", id, offset);
}

void pci_dev_print(struct pci_dev *dev)
{
	pci_dev_print_id(dev);
	printf(" class %06x header %02x\n", pci_config_readl(dev->bdf, PCI_CLASS_REVISION) >> 8,
	       pci_config_readb(dev->bdf, PCI_HEADER_TYPE));
	pci_cap_walk(dev, print_capability);
	for (int bar = 0; bar < pci_nr_bars(dev); bar = pci_bar_next(dev, bar)) {
		if (!pci_bar_size(dev, bar))
			continue;
		printf("\t");
		pci_bar_print(dev, bar);
		printf("\n");
	}
}

void pci_print(void)
{
	pcidevaddr_t bdf = PCIDEVADDR_INVALID;

	while ((bdf = pci_next_dev(bdf)) != PCIDEVADDR_INVALID) {
		struct pci_dev dev;

		pci_dev_init(&dev, bdf);
		pci_dev_print(&dev);
	}
}
