/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI devices of configs/tests.toml: configuration space, BARs, MSIs. Host bridges that QEMU
 * does not have are in pci/.
 */
#include <libcflat.h>
#include <pci.h>
#include <subtest.h>
#include <linux/pci_regs.h>
#include <asm/io.h>
#include <asm/pci.h>
#include "pci/pci.h"

/* Every BAR of the devices; the last one fits only in a window of 64 bits. */
static const struct expected_bar {
	u16 bdf;
	int bar;
	u64 size;
	bool memory, is64;
} expected_bars[] = {
	{ TESTDEV, 0, SZ_4K, true, false },
	{ TESTDEV, 1, SZ_256, false, false },
	{ TESTDEV, 2, SZ_1M, true, true },
	{ EDU, 0, SZ_1M, true, false },
	{ IVSHMEM, 0, SZ_256, true, false },
	{ IVSHMEM, 2, SZ_4M, true, true },
	{ XHCI, 0, SZ_16K, true, true },
	{ MULTIFUNCTION, 0, SZ_4K, true, false },
	{ MULTIFUNCTION, 1, SZ_256, false, false },
	{ MULTIFUNCTION + 1, 0, SZ_4K, true, false },
	{ MULTIFUNCTION + 1, 1, SZ_256, false, false },
	{ LARGE, 1, SZ_256, false, false },
	{ LARGE, 0, SZ_4K, true, false },
	{ LARGE, 2, 16 * SZ_1G, true, true },
};

static const struct expected_bar *find_expected(u16 bdf, int bar)
{
	for (size_t i = 0; i < ARRAY_SIZE(expected_bars); i++)
		if (expected_bars[i].bdf == bdf && expected_bars[i].bar == bar)
			return &expected_bars[i];
	return NULL;
}

static const char *kind(bool memory, bool is64)
{
	return !memory ? "I/O" : is64 ? "64-bit memory" : "32-bit memory";
}

static void check_register(const char *what, u32 found, u32 expected)
{
	report(found == expected, "%s: expected %#x, found %#x", what, expected, found);
}

/*
 * Configuration space
 */

static void test_config(void)
{
	struct pci_dev bridge;
	u32 id = pci_config_readl(TESTDEV, PCI_VENDOR_ID);

	check_register("vendor ID, 16 bits", pci_config_readw(TESTDEV, PCI_VENDOR_ID), 0x1b36);
	check_register("device ID, 16 bits", pci_config_readw(TESTDEV, PCI_DEVICE_ID), 0x0005);
	check_register("both, 32 bits", id, 0x00051b36);
	check_register("upper byte of the vendor ID", pci_config_readb(TESTDEV, 1), 0x1b);
	check_register("class of 00:00.0", pci_config_readw(0, PCI_CLASS_DEVICE), 0x0600);
	check_register("vendor ID of no device", pci_config_readw(NO_DEVICE, PCI_VENDOR_ID),
		       0xffff);
	check_register("vendor ID on the last bus", pci_config_readw(0xff00, PCI_VENDOR_ID),
		       0xffff);
	check_register("the last register, 32 bits", pci_config_readl(XHCI, 0xffc), 0);

	pci_config_writel(EDU, PCI_INTERRUPT_LINE, 0);
	pci_config_writeb(EDU, PCI_INTERRUPT_LINE, 0x5a);
	pci_dev_init(&bridge, EDU);
	check_register("interrupt line, written", pci_intx_line(&bridge), 0x5a);
	check_register("interrupt pin beside it", pci_config_readb(EDU, PCI_INTERRUPT_PIN), 1);
	check_register("interrupt line of another device",
		       pci_config_readb(XHCI, PCI_INTERRUPT_LINE), 0);
}

/*
 * BARs
 */

static void check_address(struct pci_dev *dev, int bar, u64 size, bool memory)
{
	phys_addr_t address = pci_bar_get_addr(dev, bar), bus = read_bar(dev->bdf, bar);

	report(bus && IS_ALIGNED(bus, size), "bus address: expected a multiple of %#lx, found %#lx",
	       size, bus);
	report(address == window_address(bus, size, memory),
	       "CPU address of %#lx in the host bridge's windows: expected %#lx, found %#lx", bus,
	       window_address(bus, size, memory), address);
}

static void check_bar(struct pci_dev *dev, int bar)
{
	const struct expected_bar *expected = find_expected(dev->bdf, bar);
	u64 size = expected ? expected->size : 0, found = pci_bar_size(dev, bar);

	report_prefix_pushf("%02x.%x BAR %d", dev->bdf >> 3, dev->bdf & 7, bar);
	report(found == size, "size: expected %#lx, found %#lx", size, found);
	if (expected) {
		bool memory = pci_bar_is_memory(dev, bar), is64 = pci_bar_is64(dev, bar);

		report(memory == expected->memory && is64 == expected->is64,
		       "kind: expected %s, found %s", kind(expected->memory, expected->is64),
		       kind(memory, is64));
	}
	report(pci_bar_is_valid(dev, bar) == has_address(dev->bdf, size),
	       "pci_bar_is_valid(): expected %d, found %d", has_address(dev->bdf, size),
	       pci_bar_is_valid(dev, bar));
	if (pci_bar_is_valid(dev, bar))
		check_address(dev, bar, size, expected && expected->memory);
	report_prefix_pop();
}

/* pci_bar_size() must leave BAR and command register as they are. */
static void check_sizing(struct pci_dev *dev)
{
	u32 command = pci_config_readl(dev->bdf, PCI_COMMAND);
	u64 bar = read_bar(dev->bdf, 0);

	pci_bar_size(dev, 0);
	report(read_bar(dev->bdf, 0) == bar && pci_config_readl(dev->bdf, PCI_COMMAND) == command,
	       "BAR 0, command and status of %02x.%x after pci_bar_size(): expected %#lx, %#x; "
	       "found %#lx, %#x",
	       dev->bdf >> 3, dev->bdf & 7, bar, command, read_bar(dev->bdf, 0),
	       pci_config_readl(dev->bdf, PCI_COMMAND));
}

static void test_bars(void)
{
	static const u16 devices[] = { TESTDEV,		  EDU,	IVSHMEM, XHCI, MULTIFUNCTION,
				       MULTIFUNCTION + 1, LARGE };

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		struct pci_dev dev;

		pci_dev_init(&dev, devices[i]);
		for (int bar = 0; bar < PCI_BAR_NUM; bar += pci_bar_is64(&dev, bar) ? 2 : 1)
			check_bar(&dev, bar);
		check_sizing(&dev);
	}
}

static void test_overlaps(void)
{
	phys_addr_t start[ARRAY_SIZE(expected_bars)], end[ARRAY_SIZE(expected_bars)];
	int overlaps = 0, count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected_bars); i++) {
		struct pci_dev dev;

		pci_dev_init(&dev, expected_bars[i].bdf);
		if (!pci_bar_is_valid(&dev, expected_bars[i].bar))
			continue;
		start[count] = pci_bar_get_addr(&dev, expected_bars[i].bar);
		end[count] = start[count] + expected_bars[i].size;
		for (int j = 0; j < count; j++)
			overlaps += start[count] < end[j] && start[j] < end[count];
		count++;
	}
	report(!overlaps, "pairs of %d BARs that overlap: expected 0, found %d", count, overlaps);
}

/* The function of @bdf is enabled in the spaces in which all its BARs have addresses. */
static void check_enabled(u16 bdf, u16 expected)
{
	u16 found = pci_config_readw(bdf, PCI_COMMAND) &
		    (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);

	report(found == expected, "command register of %02x.%x: expected %#x, found %#x", bdf >> 3,
	       bdf & 7, expected, found);
}

static void test_enabled(void)
{
	bool large = has_address(LARGE, 16 * SZ_1G);

	check_enabled(TESTDEV, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
	check_enabled(EDU, PCI_COMMAND_MEMORY);
	check_enabled(XHCI, PCI_COMMAND_MEMORY);
	check_enabled(LARGE, PCI_COMMAND_IO | (large ? PCI_COMMAND_MEMORY : 0));
}

static void test_testdev(void)
{
	int passed = pci_testdev();

	report(passed == PCI_TESTDEV_NUM_BARS * PCI_TESTDEV_NUM_TESTS,
	       "pci_testdev(): expected 6, found %d", passed);
}

/* ivshmem's BAR 2 is memory: a word at the start and one at the end. */
static void test_memory(void)
{
	struct pci_dev dev;
	u64 *memory, size;

	pci_dev_init(&dev, IVSHMEM);
	size = pci_bar_size(&dev, 2);
	memory = ioremap(pci_bar_get_addr(&dev, 2), size);
	writeq(0x0123456789abcdef, memory);
	writeq(0xfedcba9876543210, &memory[size / 8 - 1]);
	report(readq(memory) == 0x0123456789abcdef && readq(&memory[1]) == 0 &&
		       readq(&memory[size / 8 - 1]) == 0xfedcba9876543210,
	       "first, second and last word at %p: expected 123456789abcdef, 0, fedcba9876543210; "
	       "found %lx, %lx, %lx",
	       memory, readq(memory), readq(&memory[1]), readq(&memory[size / 8 - 1]));
}

/* A BAR that is moved, of 32 and of 64 bits: the device is found there, and no longer here. */
static void check_move(u16 bdf, int bar, u32 id)
{
	struct pci_dev dev;
	u64 size, address;
	u32 *old, *new;

	pci_dev_init(&dev, bdf);
	size = pci_bar_size(&dev, bar);
	old = ioremap(pci_bar_get_addr(&dev, bar), size);
	address = read_bar(bdf, bar) + 64 * size;
	check_register("its first register", readl(old), id);
	pci_bar_set_addr(&dev, bar, address);
	report(read_bar(bdf, bar) == address &&
		       pci_bar_get_addr(&dev, bar) == window_address(address, size, true),
	       "BAR %d and its CPU address, moved: expected %#lx, %#lx; found %#lx, %#lx", bar,
	       address, window_address(address, size, true), read_bar(bdf, bar),
	       pci_bar_get_addr(&dev, bar));
	new = ioremap(pci_bar_get_addr(&dev, bar), size);
	check_register("its first register, moved", readl(new), id);
	check_register("where it was", readl(old), 0xffffffff);
	pci_bar_set_addr(&dev, bar, address - 64 * size);
	check_register("its first register, moved back", readl(old), id);
}

static void test_move(void)
{
	check_move(EDU, 0, EDU_ID);
	/* CAPLENGTH 0x40, HCIVERSION 1.00 */
	check_move(XHCI, 0, 0x01000040);
}

/*
 * The bus
 */

static void test_functions(void)
{
	static const u16 expected[] = {
		0, TESTDEV, EDU, IVSHMEM, XHCI, MULTIFUNCTION, MULTIFUNCTION + 1, ROOT_PORT, LARGE
	};
	pcidevaddr_t bdf = PCIDEVADDR_INVALID;
	size_t count = 0;

	while ((bdf = pci_next_dev(bdf)) != PCIDEVADDR_INVALID) {
		u16 here = count < ARRAY_SIZE(expected) ? expected[count] : PCIDEVADDR_INVALID;

		report(bdf == here, "function %lu of the bus: expected %#x, found %#x", count, here,
		       bdf);
		count++;
	}
	report(count == ARRAY_SIZE(expected), "functions of the bus: expected %lu, found %lu",
	       ARRAY_SIZE(expected), count);
	report(pci_dev_exists(LONE_FUNCTION_1), "pci_dev_exists(%#x): expected 1, found 0",
	       LONE_FUNCTION_1);
	check_register("pci_find_dev() of edu", pci_find_dev(0x1234, 0x11e8), EDU);
	check_register("pci_find_dev() of the third pci-testdev's vendor, another device",
		       pci_find_dev(0x1b36, 0x11e8), PCIDEVADDR_INVALID);
}

/* A root port, and a device behind it that nobody can reach. */
static void test_bridge(void)
{
	struct pci_dev bridge;

	pci_dev_init(&bridge, ROOT_PORT);
	report(pci_nr_bars(&bridge) == 2, "BARs of a bridge: expected 2, found %d",
	       pci_nr_bars(&bridge));
	check_enabled(ROOT_PORT, 0);
	report(!pci_bar_is_valid(&bridge, 0), "BAR 0 of a bridge: expected no address, found %#lx",
	       pci_bar_get_addr(&bridge, 0));
	check_register("bus numbers of a bridge", pci_config_readl(ROOT_PORT, 0x18), 0);
	check_register("pci_find_dev() of a device behind it", pci_find_dev(0x1af4, 0x1044),
		       PCIDEVADDR_INVALID);
}

/*
 * Capabilities
 */

static int capabilities[8], nr_capabilities;

static void note_capability(struct pci_dev *dev, int offset, int id)
{
	u8 read = pci_config_readb(dev->bdf, offset);

	report(read == id, "ID of the capability at %#x: expected %#x, found %#x", offset, read,
	       id);
	if (nr_capabilities < (int)ARRAY_SIZE(capabilities))
		capabilities[nr_capabilities] = id;
	nr_capabilities++;
}

static bool walk_finds(u16 bdf, int id)
{
	struct pci_dev dev;

	nr_capabilities = 0;
	pci_dev_init(&dev, bdf);
	pci_cap_walk(&dev, note_capability);
	for (int i = 0; i < nr_capabilities; i++)
		if (capabilities[i] == id)
			return true;
	return false;
}

static void check_capability(u16 bdf, int id, bool expected)
{
	bool found = walk_finds(bdf, id);

	report(found == expected, "capability %#x of %02x.%x, of %d: expected %d, found %d", id,
	       bdf >> 3, bdf & 7, nr_capabilities, expected, found);
}

static void test_capabilities(void)
{
	struct pci_dev dev;

	check_capability(EDU, PCI_CAP_ID_MSI, true);
	check_capability(EDU, PCI_CAP_ID_MSIX, false);
	check_capability(ROOT_PORT, PCI_CAP_ID_EXP, true);
	check_capability(ROOT_PORT, PCI_CAP_ID_MSIX, true);
	check_capability(TESTDEV, PCI_CAP_ID_MSI, false);
	report(!nr_capabilities, "capabilities of pci-testdev: expected 0, found %d",
	       nr_capabilities);

	pci_dev_init(&dev, TESTDEV);
	pci_enable_defaults(&dev);
	report(!pci_setup_msi(&dev, SZ_1M, 0), "pci_setup_msi() of pci-testdev: expected 0");
	check_enabled(TESTDEV, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_cmd_set_clr(&dev, 0, PCI_COMMAND_MASTER);
	check_enabled(TESTDEV, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
}

static void test_print(void)
{
	pci_print();
	report_pass("pci_print()");
}

static const struct subtest subtests[] = {
	{ "config", test_config },     { "bars", test_bars },
	{ "overlaps", test_overlaps }, { "enabled", test_enabled },
	{ "testdev", test_testdev },   { "memory", test_memory },
	{ "move", test_move },	       { "functions", test_functions },
	{ "bridge", test_bridge },     { "capabilities", test_capabilities },
	{ "print", test_print },       { "msi", test_msi },
	{ "windows", test_windows },   { "host-bridge", test_host_bridge },
};

int main(int argc, char **argv)
{
	if (!report(pci_probe(), "pci_probe(): expected 1"))
		return report_summary();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
