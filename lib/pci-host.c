/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI host bridge whose configuration space is memory: the Enhanced Configuration Access
 * Mechanism (PCI Express Base Specification, 7.2.2), as the device tree binding
 * pci-host-ecam-generic and the PCI Bus Binding to Open Firmware describe it.
 */
#include <libcflat.h>
#include <devicetree.h>
#include <asm/io.h>
#include <asm/pci.h>
#include "pci-host.h"

#define ECAM_BUS_SHIFT 20
#define ECAM_DEVFN_SHIFT 12
#define ECAM_REGISTERS 0x1000

/* First cell of an address */
#define FLAGS_PREFETCHABLE 0x40000000
#define FLAGS_SPACE(flags) ((flags) >> 24 & 3)
#define SPACE_IO 1
#define SPACE_MEMORY64 3
#define SPACE_IS_CONFIG(flags) (!FLAGS_SPACE(flags))

struct pci_host pci_host;

static bool refuse(const char *reason)
{
	printf("PCI: %s\n", reason);
	return false;
}

/*
 * Configuration space
 */

/* NULL for a function that is on none of the bridge's buses. */
static void *config_address(pcidevaddr_t dev, unsigned int reg, unsigned int width)
{
	unsigned int bus = PCI_BDF_GET_BUS(dev);

	assert_msg(pci_host.ecam, "no PCI host bridge: pci_probe() comes first");
	assert_msg(reg < ECAM_REGISTERS && IS_ALIGNED(reg, width),
		   "a PCI register of %u bytes at %#x", width, reg);
	if (bus < pci_host.first_bus || bus > pci_host.last_bus)
		return NULL;
	return pci_host.ecam + ((u64)(bus - pci_host.first_bus) << ECAM_BUS_SHIFT) +
	       (PCI_BDF_GET_DEVFN(dev) << ECAM_DEVFN_SHIFT) + reg;
}

/*
 * Writes to configuration space are not posted, but an acknowledgement may come early from what is
 * before the bridge (Device-nGnRE). A read of the same function returns after the write.
 */
#define DEFINE_CONFIG_ACCESS(bits, suffix)                                             \
	u##bits pci_config_read##suffix(pcidevaddr_t dev, unsigned int reg)            \
	{                                                                              \
		void *address = config_address(dev, reg, sizeof(u##bits));             \
		return address ? read##suffix(address) : (u##bits) - 1;                \
	}                                                                              \
	void pci_config_write##suffix(pcidevaddr_t dev, unsigned int reg, u##bits val) \
	{                                                                              \
		void *address = config_address(dev, reg, sizeof(u##bits));             \
		if (!address)                                                          \
			return;                                                        \
		write##suffix(val, address);                                           \
		read##suffix(address);                                                 \
	}

DEFINE_CONFIG_ACCESS(8, b)
DEFINE_CONFIG_ACCESS(16, w)
DEFINE_CONFIG_ACCESS(32, l)

/*
 * The device tree
 */

static int find_node(void)
{
	struct dt_bus bus;
	struct dt_device device;

	dt_bus_init_defaults(&bus);
	dt_device_init(&device, &bus, NULL);
	return dt_device_find_compatible(&device, "pci-host-ecam-generic");
}

/* The buses of @node whose configuration space is in @ecam. */
static bool read_buses(int node, const struct dt_pbus_reg *ecam)
{
	int length;
	const fdt32_t *range = fdt_getprop(dt_fdt(), node, "bus-range", &length);
	u64 nr_buses = ecam->size >> ECAM_BUS_SHIFT;

	pci_host.first_bus = 0;
	pci_host.last_bus = 0xff;
	if (range && length == 8) {
		pci_host.first_bus = fdt32_to_cpu(range[0]);
		pci_host.last_bus = fdt32_to_cpu(range[1]);
	}
	if (!nr_buses || pci_host.first_bus > pci_host.last_bus || pci_host.last_bus > 0xff)
		return refuse("the host bridge has no bus: see its reg and bus-range");
	pci_host.last_bus = MIN((u64)pci_host.last_bus, pci_host.first_bus + nr_buses - 1);
	return true;
}

static bool add_window(const struct dt_range *range)
{
	if (SPACE_IS_CONFIG(range->flags) || !range->size)
		return true;
	if (pci_host.nr_windows == PCI_MAX_WINDOWS)
		return refuse("the host bridge has too many windows (ranges)");
	pci_host.windows[pci_host.nr_windows++] = (struct pci_window){
		.pci_start = range->child,
		.start = range->addr,
		.size = range->size,
		.io = FLAGS_SPACE(range->flags) == SPACE_IO,
		.prefetchable = range->flags & FLAGS_PREFETCHABLE,
		.is64 = FLAGS_SPACE(range->flags) == SPACE_MEMORY64,
	};
	return true;
}

static bool read_windows(int node)
{
	struct dt_range range;
	int error = 0;

	pci_host.nr_windows = 0;
	for (int i = 0; !(error = dt_translate_range(node, i, &range)); i++)
		if (!add_window(&range))
			return false;
	return error == -FDT_ERR_NOTFOUND || refuse("the host bridge's ranges cannot be read");
}

bool pci_host_find(void)
{
	int node = find_node();
	struct dt_pbus_reg ecam;

	pci_host.ecam = NULL;
	if (node < 0)
		return refuse("no pci-host-ecam-generic in the device tree");
	if (fdt_address_cells(dt_fdt(), node) != 3 || fdt_size_cells(dt_fdt(), node) != 2)
		return refuse("#address-cells and #size-cells of the host bridge are not 3 and 2");
	if (dt_pbus_translate_node(node, 0, &ecam))
		return refuse("the host bridge's reg cannot be read");
	if (!read_buses(node, &ecam) || !read_windows(node))
		return false;
	pci_host.ecam = ioremap(ecam.addr, ecam.size);
	return true;
}

/*
 * Bus addresses
 */

static phys_addr_t translate(u64 addr, bool io)
{
	for (int i = 0; i < pci_host.nr_windows; i++) {
		const struct pci_window *window = &pci_host.windows[i];

		if (window->io == io && addr - window->pci_start < window->size)
			return window->start + (addr - window->pci_start);
	}
	return INVALID_PHYS_ADDR;
}

phys_addr_t pci_translate_mem(u64 addr)
{
	return translate(addr, false);
}

phys_addr_t pci_translate_io(u64 addr)
{
	return translate(addr, true);
}
