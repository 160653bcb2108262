/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host bridges that QEMU does not have: copies of the machine's device tree with other windows. The
 * machine stays the same, so a window is part of one that it has, where devices are accessed.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <bitops.h>
#include <devicetree.h>
#include <pci.h>
#include <string.h>
#include <linux/pci_regs.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/pci.h>
#include "pci.h"

#define COMPATIBLE "pci-host-ecam-generic"

/* One entry of ranges: three cells of the bus, two of the CPU, two of the size */
#define ENTRY_CELLS 7
#define SPACE(flags) ((flags) >> 24 & 3)
#define SPACE_MASK (3U << 24)
#define IO 1
#define MEMORY32 2
#define MEMORY64 3
#define PREFETCHABLE 0x40000000

u64 read_bar(u16 bdf, int bar)
{
	unsigned int offset = PCI_BASE_ADDRESS_0 + 4 * bar;
	u32 low = pci_config_readl(bdf, offset);
	u64 high = (low & 7) == PCI_BASE_ADDRESS_MEM_TYPE_64 ? pci_config_readl(bdf, offset + 4)
							     : 0;

	return high << 32 | (low & (low & 1 ? ~3U : ~0xfU));
}

static u64 get64(const fdt32_t *cell)
{
	return (u64)fdt32_to_cpu(cell[0]) << 32 | fdt32_to_cpu(cell[1]);
}

static void put64(fdt32_t *cell, u64 value)
{
	cell[0] = cpu_to_fdt32(value >> 32);
	cell[1] = cpu_to_fdt32(value);
}

static int find_node(void)
{
	return fdt_node_offset_by_compatible(dt_fdt(), -1, COMPATIBLE);
}

/* Property @name of the host bridge in the device tree that is in use, to be changed in place. */
static fdt32_t *host_property(const char *name, int *nr_cells)
{
	int length = 0;
	const fdt32_t *cells = fdt_getprop(dt_fdt(), find_node(), name, &length);

	*nr_cells = cells ? length / 4 : 0;
	return (fdt32_t *)cells;
}

/* The entry of ranges for a space, NULL when there is none. */
static fdt32_t *find_window(u32 space)
{
	int left;
	fdt32_t *cell = host_property("ranges", &left);

	for (; left >= ENTRY_CELLS; left -= ENTRY_CELLS, cell += ENTRY_CELLS)
		if (SPACE(fdt32_to_cpu(*cell)) == space)
			return cell;
	return NULL;
}

phys_addr_t window_address(u64 bus, u64 size, bool memory)
{
	int left;
	const fdt32_t *cell = host_property("ranges", &left);

	for (; left >= ENTRY_CELLS; left -= ENTRY_CELLS, cell += ENTRY_CELLS) {
		u64 first = get64(cell + 1), last = first + get64(cell + 5) - 1;

		if ((SPACE(fdt32_to_cpu(*cell)) != IO) == memory && bus >= first &&
		    bus + size - 1 <= last)
			return get64(cell + 3) + (bus - first);
	}
	return INVALID_PHYS_ADDR;
}

bool has_address(u16 bdf, u64 size)
{
	/* The large BAR has an address when there is a window for it, and its function's others. */
	if (bdf == LARGE && size > SZ_256)
		return find_window(MEMORY64);
	return size;
}

/* Have the library read a copy of the machine's tree; returns what it read before. */
static const void *use_copy(void)
{
	const void *machine = dt_fdt();
	u32 size = fdt_totalsize(machine);
	void *copy = alloc_pages(get_order(DIV_ROUND_UP(size, PAGE_SIZE)));

	assert(copy);
	memcpy(copy, machine, size);
	dt_init(copy);
	return machine;
}

static void restore(const void *machine)
{
	free_pages((void *)dt_fdt());
	dt_init(machine);
	pci_probe();
}

/* Let a window begin @offset later, at bus and CPU, and be @size bytes long. */
static void shrink_window(u32 space, u64 offset, u64 size)
{
	fdt32_t *cell = find_window(space);

	put64(cell + 1, get64(cell + 1) + offset);
	put64(cell + 3, get64(cell + 3) + offset);
	put64(cell + 5, size);
}

static void probe(bool expected, const char *what)
{
	bool found = pci_probe();

	report(found == expected, "pci_probe() with %s: expected %d, found %d", what, expected,
	       found);
}

static void check_bar(u16 bdf, int bar, u64 expected, const char *what)
{
	u64 found = read_bar(bdf, bar);

	report(found == expected, "bus address of BAR %d of %02x.%x, %s: expected %#lx, found %#lx",
	       bar, bdf >> 3, bdf & 7, what, expected, found);
}

static void check_command(u16 bdf, u16 expected, const char *what)
{
	u16 found = pci_config_readw(bdf, PCI_COMMAND) & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY);

	report(found == expected, "command register of %02x.%x, %s: expected %#x, found %#x",
	       bdf >> 3, bdf & 7, what, expected, found);
}

static void check_testdev(const char *what)
{
	int passed = pci_testdev();

	report(passed == 6, "pci_testdev(), %s: expected 6, found %d", what, passed);
}

/* The windows begin in the middle of what BARs are aligned to, and end where the last one does. */
static void test_unaligned(void)
{
	const void *machine = use_copy();
	u64 start = get64(find_window(MEMORY32) + 1);

	shrink_window(MEMORY32, 0x1800, SZ_16M);
	shrink_window(IO, 0x1080, SZ_4K);
	probe(true, "windows that are not aligned");
	check_bar(TESTDEV, 0, start + 0x2000, "window at 0x1800");
	check_bar(TESTDEV, 1, 0x1100, "window at 0x1080");
	check_bar(EDU, 0, start + SZ_1M, "after BARs of 4 KiB");
	check_testdev("windows that are not aligned");
	restore(machine);
}

/* The first BAR that fits to the last byte, and one that does not by a byte. */
static void test_small(void)
{
	const void *machine = use_copy();
	u64 start = get64(find_window(IO) + 1);

	shrink_window(IO, 0x1000, 0x1ff);
	probe(true, "an I/O window of 511 bytes");
	check_bar(TESTDEV, 1, start + 0x1000, "the first in a window of 511 bytes");
	check_bar(MULTIFUNCTION, 1, 0, "the second in a window of 511 bytes");
	check_command(TESTDEV, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, "window of 511 bytes");
	check_command(MULTIFUNCTION, PCI_COMMAND_MEMORY, "window of 511 bytes");
	put64(find_window(IO) + 5, 0x200);
	probe(true, "an I/O window of 512 bytes");
	check_bar(MULTIFUNCTION, 1, start + 0x1100, "the second in a window of 512 bytes");
	check_command(MULTIFUNCTION, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, "window of 512 bytes");
	put64(find_window(IO) + 5, 0xff);
	probe(true, "an I/O window of 255 bytes");
	check_bar(TESTDEV, 1, 0, "window of 255 bytes");
	restore(machine);
}

/* Bus and CPU addresses that differ; only the numbers are compared. */
static void test_offset(void)
{
	const void *machine = use_copy();
	fdt32_t *cell = find_window(MEMORY32);
	u64 cpu = get64(cell + 3);
	struct pci_dev dev;

	put64(cell + 1, 0x80000000);
	probe(true, "a window whose bus addresses differ");
	pci_dev_init(&dev, TESTDEV);
	check_bar(TESTDEV, 0, 0x80000000, "window at 0x80000000");
	report(pci_bar_get_addr(&dev, 0) == cpu,
	       "CPU address of bus address 0x80000000: expected %#lx, found %#lx", cpu,
	       pci_bar_get_addr(&dev, 0));
	report(pci_translate_mem(0x7fffffff) == INVALID_PHYS_ADDR &&
		       pci_translate_io(0x80000000) == INVALID_PHYS_ADDR,
	       "CPU address below the window, and in I/O space: expected none, found %#lx, %#lx",
	       pci_translate_mem(0x7fffffff), pci_translate_io(0x80000000));
	put64(cell + 1, 0x100000000);
	probe(true, "a window of 32-bit memory above 4 GiB");
	check_bar(TESTDEV, 0, 0, "window above 4 GiB");
	restore(machine);
}

/* The 32-bit window starts at bus address 0, which no BAR gets. */
static void test_zero(void)
{
	const void *machine = use_copy();

	put64(find_window(MEMORY32) + 1, 0);
	probe(true, "a window at 0");
	check_bar(TESTDEV, 0, SZ_4K, "window at 0");
	restore(machine);
}

static void set_flags(u32 space, u32 clear, u32 set)
{
	fdt32_t *cell = find_window(space);

	*cell = cpu_to_fdt32((fdt32_to_cpu(*cell) & ~clear) | set);
}

/* BARs of 64 bits where there is no window of 64 bits, and none at all */
static void test_64bit(void)
{
	const void *machine = use_copy();
	fdt32_t *low = find_window(MEMORY32), *high = find_window(MEMORY64);
	u64 low_start = get64(low + 1), high_start = get64(high + 1);

	probe(true, "the machine's windows");
	report(read_bar(XHCI, 0) >= high_start && read_bar(XHCI, 0) >> 32,
	       "bus address of a 64-bit BAR: expected %#lx or more, found %#lx", high_start,
	       read_bar(XHCI, 0));

	set_flags(MEMORY64, 0, PREFETCHABLE);
	probe(true, "a prefetchable window of 64 bits");
	report(read_bar(XHCI, 0) >= low_start && !(read_bar(XHCI, 0) >> 32),
	       "bus address of a 64-bit BAR that is not prefetchable: expected %#lx or more, below "
	       "4 GiB, found %#lx",
	       low_start, read_bar(XHCI, 0));
	report(read_bar(IVSHMEM, 2) >= high_start,
	       "bus address of a prefetchable 64-bit BAR: expected %#lx or more, found %#lx",
	       high_start, read_bar(IVSHMEM, 2));

	set_flags(MEMORY64, SPACE_MASK, 0);
	probe(true, "no window of 64 bits");
	report(read_bar(IVSHMEM, 2) >= low_start && !(read_bar(IVSHMEM, 2) >> 32),
	       "bus address of a 64-bit BAR without such a window: expected %#lx or more, below "
	       "4 GiB, found %#lx",
	       low_start, read_bar(IVSHMEM, 2));
	check_bar(LARGE, 2, 0, "16 GiB without a window of 64 bits");
	check_bar(LARGE, 0, 0, "in memory space beside it");
	check_command(LARGE, PCI_COMMAND_IO, "without a window of 64 bits");
	restore(machine);
}

/* BARs of 32 bits go where 64-bit memory is below 4 GiB. */
static void test_32bit(void)
{
	const void *machine = use_copy();
	u64 start = get64(find_window(MEMORY32) + 1);

	set_flags(MEMORY64, SPACE_MASK, 0);
	set_flags(MEMORY32, 0, SPACE_MASK);
	probe(true, "one window of 64-bit memory, below 4 GiB");
	check_bar(TESTDEV, 0, start, "a 32-bit BAR in a window of 64-bit memory");
	check_testdev("one window of 64-bit memory, below 4 GiB");
	restore(machine);
}

void test_windows(void)
{
	if (!find_window(MEMORY64)) {
		report_skip("the machine's host bridge has no window of 64-bit memory");
		return;
	}
	test_unaligned();
	test_small();
	test_offset();
	test_zero();
	test_64bit();
	test_32bit();
}

/*
 * The host bridge's node
 */

#define BUS_NUMBERS 0x18 /* of a bridge: primary, secondary, subordinate */
#define BEHIND 0x200 /* the device behind the root port, once its bus is 2 */
#define BEHIND_ID 0x10441af4

/* Number the bus behind the root port @bus; 0: none. */
static void number_bus_behind(u32 bus)
{
	pci_config_writel(ROOT_PORT, BUS_NUMBERS, bus << 16 | bus << 8);
}

static void check_id(u16 bdf, u32 expected, const char *when)
{
	u32 found = pci_config_readl(bdf, PCI_VENDOR_ID);

	report(found == expected, "IDs of %02x:%02x.0, %s: expected %#x, found %#x", bdf >> 8,
	       bdf >> 3 & 0x1f, when, expected, found);
}

static void set_bus_range(u32 first, u32 last)
{
	int nr_cells;
	fdt32_t *cell = host_property("bus-range", &nr_cells);

	assert(nr_cells == 2);
	cell[0] = cpu_to_fdt32(first);
	cell[1] = cpu_to_fdt32(last);
}

/* Its configuration space begins with that of the first bus, whatever its number. */
static void test_bus_range(void)
{
	const void *machine = use_copy();
	u16 edu;

	number_bus_behind(2);
	check_id(BEHIND, BEHIND_ID, "behind a bridge");
	set_bus_range(3, 4);
	probe(true, "buses 3 and 4");
	check_id(0x300 | EDU, 0x11e81234, "with buses 3 and 4");
	check_id(EDU, 0xffffffff, "with buses 3 and 4");
	check_id(0x300 + BEHIND, 0xffffffff, "with buses 3 and 4");
	edu = pci_find_dev(0x1234, 0x11e8);
	report(edu == (0x300 | EDU), "edu with buses 3 and 4: expected %#x, found %#x", 0x300 | EDU,
	       edu);
	check_testdev("buses 3 and 4");
	set_bus_range(4, 3);
	probe(false, "buses from 4 to 3");
	set_bus_range(0, 0x100);
	probe(false, "bus 256");
	restore(machine);
	number_bus_behind(0);
}

static void test_ecam(void)
{
	const void *machine = use_copy();
	int nr_cells;
	fdt32_t *cell = host_property("reg", &nr_cells);

	assert(nr_cells == 4);
	put64(cell + 2, 2 * SZ_1M);
	probe(true, "configuration space of two buses");
	number_bus_behind(2);
	check_id(BEHIND, 0xffffffff, "beyond configuration space");
	number_bus_behind(0);
	check_testdev("configuration space of two buses");
	put64(cell + 2, SZ_1M - 1);
	probe(false, "configuration space of less than a bus");
	restore(machine);
}

static void test_no_node(void)
{
	const void *machine = use_copy();
	int nr_cells;
	char *compatible = (char *)host_property("compatible", &nr_cells);

	*compatible = 'x';
	probe(false, "no host bridge");
	restore(machine);
}

static void test_cells(void)
{
	const void *machine = use_copy();
	int nr_cells;
	fdt32_t *cells = host_property("#address-cells", &nr_cells);

	*cells = cpu_to_fdt32(2);
	probe(false, "#address-cells of 2");
	restore(machine);
}

void test_host_bridge(void)
{
	test_bus_range();
	test_ecam();
	test_no_node();
	test_cells();
}
