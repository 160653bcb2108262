/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A panic that QEMU sees: the guest writes to a pvpanic-pci (QEMU's docs/specs/pvpanic.rst). */
#include <libcflat.h>
#include <devicetree.h>
#include <libfdt/libfdt.h>
#include <asm/delay.h>
#include <asm/io.h>
#include <asm/page.h>

#define BUS_SIZE SZ_1M
#define DEVICES 32
#define DEVICE_SHIFT 15
#define PVPANIC_ID 0x00111b36
#define CFG_COMMAND 0x04
#define COMMAND_MEMORY (1 << 1)
#define CFG_BAR0 0x10
#define PANICKED (1 << 0)
#define QEMU_MS 5000

/* "ranges" of a host bridge: three cells of a PCI address, two of the CPU's, two of the size. */
#define RANGE_CELLS 7
#define SPACE(cell) ((cell) >> 24 & 3)
#define SPACE_MEMORY32 2

static char *find_pvpanic(char *bus)
{
	for (int i = 0; i < DEVICES; i++)
		if (readl(bus + (i << DEVICE_SHIFT)) == PVPANIC_ID)
			return bus + (i << DEVICE_SHIFT);
	return NULL;
}

/* The CPU's address of the window for 32-bit addresses; the PCI address is the same. */
static phys_addr_t memory_window(void)
{
	const void *fdt = dt_fdt();
	int node = fdt_node_offset_by_compatible(fdt, -1, "pci-host-ecam-generic"), size = 0;
	const fdt32_t *cell = fdt_getprop(fdt, node, "ranges", &size);

	for (; cell && size >= RANGE_CELLS * 4; cell += RANGE_CELLS, size -= RANGE_CELLS * 4)
		if (SPACE(fdt32_to_cpu(cell[0])) == SPACE_MEMORY32)
			return (u64)fdt32_to_cpu(cell[3]) << 32 | fdt32_to_cpu(cell[4]);
	return INVALID_PHYS_ADDR;
}

int main(void)
{
	struct dt_pbus_reg ecam;
	phys_addr_t window = memory_window();
	char *config;

	assert(!dt_pbus_get_base_compatible("pci-host-ecam-generic", &ecam));
	assert(window != INVALID_PHYS_ADDR);
	config = find_pvpanic(ioremap(ecam.addr, BUS_SIZE));
	if (!config) {
		report_skip("no pvpanic-pci on the first bus");
		return report_summary();
	}
	writel(window, config + CFG_BAR0);
	writew(readw(config + CFG_COMMAND) | COMMAND_MEMORY, config + CFG_COMMAND);
	writeb(PANICKED, ioremap(window, PAGE_SIZE));
	mdelay(QEMU_MS); /* QEMU stops the machine a moment later */
	report_fail("the machine runs %d ms after a panic", QEMU_MS);
	return report_summary();
}
