/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes of a device tree as the library reads them: addresses, devices, CPUs, memory, arguments. */
#include <libcflat.h>
#include <devicetree.h>
#include <string.h>
#include "tree.h"

static const void *machine;

static void begin_root(void)
{
	begin_tree(17);
	begin_node("");
}

/* The end of the root and of @more nodes: the tree is that of the machine, until restore(). */
static void use(int more)
{
	end_nodes(1 + more);
	machine = dt_fdt();
	dt_init(&tree);
}

static void restore(void)
{
	dt_init(machine);
}

static int node_at(const char *path)
{
	return fdt_path_offset(&tree, path);
}

static void check(int found, int expected, const char *what)
{
	report(found == expected, "%s: expected %d (%s), found %d (%s)", what, expected,
	       fdt_strerror(expected), found, fdt_strerror(found));
}

static void check_reg(const char *path, int index, u64 address, u64 size)
{
	struct dt_pbus_reg reg = { 0, 0 };
	int error = dt_pbus_translate_node(node_at(path), index, &reg);

	report(!error && reg.addr == address && reg.size == size,
	       "%s, entry %d: expected %#lx, size %#lx; found %#lx, size %#lx, %s", path, index,
	       address, size, reg.addr, reg.size, fdt_strerror(error));
}

static void check_no_reg(const char *path, int index, int expected)
{
	struct dt_pbus_reg reg;
	char what[48];

	snprintf(what, sizeof(what), "%s, entry %d", path, index);
	check(dt_pbus_translate_node(node_at(path), index, &reg), expected, what);
}

void test_addresses(void)
{
	struct dt_pbus_reg base;
	int error;

	begin_root();
	cells("#address-cells", 3);
	cells("#size-cells", 2);
	begin_node("none");
	put(END_NODE);
	begin_node("large");
	cells("reg", 1, 0, 0, 0, 1);
	put(END_NODE);
	begin_node("last");
	cells("reg", 0, 0xffffffff, 0xfffff000, 0, 0x1000);
	put(END_NODE);
	begin_node("wraps");
	cells("reg", 0, 0xffffffff, 0xfffff000, 0, 0x1001);
	put(END_NODE);
	begin_node("off");
	text("status", "disabled");
	text("compatible", "device");
	cells("reg", 0, 0, 0x1000, 0, 0x1000);
	put(END_NODE);
	begin_node("on");
	text("compatible", "device");
	cells("reg", 0, 1, 2, 3, 4, 0, 0, 0x4000, 0, 0x1000, 0, 0);
	use(1);
	check_reg("/on", 0, 0x100000002, 0x300000004);
	check_reg("/on", 1, 0x4000, 0x1000);
	check_reg("/last", 0, 0xfffffffffffff000, 0x1000);
	check_no_reg("/on", 2, -FDT_ERR_NOTFOUND);
	check_no_reg("/on", -1, -FDT_ERR_NOTFOUND);
	check_no_reg("/none", 0, -FDT_ERR_NOTFOUND);
	check_no_reg("/", 0, -FDT_ERR_NOTFOUND);
	check_no_reg("/off", 0, -FDT_ERR_NOTFOUND);
	check_no_reg("/large", 0, -FDT_ERR_BADVALUE);
	check_no_reg("/wraps", 0, -FDT_ERR_BADVALUE);
	check(dt_pbus_translate_node(6, 0, &base), -FDT_ERR_BADOFFSET,
	      "dt_pbus_translate_node() of no node");
	error = dt_pbus_get_base_compatible("device", &base);
	report(!error && base.addr == 0x100000002,
	       "first enabled device that is compatible: expected 0x100000002, found %#lx, %s",
	       base.addr, fdt_strerror(error));
	check(dt_pbus_get_base_compatible("none", &base), -FDT_ERR_NOTFOUND,
	      "device compatible with none");
	check(dt_node_by_register(0x4fff), node_at("/on"), "node of register 0x4fff");
	check(dt_node_by_register(0x5000), -FDT_ERR_NOTFOUND, "node of register 0x5000");
	check(dt_node_by_register(0x1000), -FDT_ERR_NOTFOUND, "node of register 0x1000, disabled");
	restore();
}

/* A bus of one cell of address and one of size, with a device at 0x100. */
static void bus(const char *name, const u32 *ranges, u32 count)
{
	begin_node(name);
	cells("#address-cells", 1);
	cells("#size-cells", 1);
	if (ranges)
		numbers("ranges", ranges, count);
	begin_node("a@100");
	cells("reg", 0x100, 0x10, 0x3000, 0x10);
	put(END_NODE);
}

/* Devicetree Specification, 2.3.8 */
void test_ranges(void)
{
	static const u32 window[] = { 0x2000, 1, 0, 0x2000, 0, 5, 0x40000000, 0x1000 };
	static const u32 inner[] = { 0x100, 0x80, 0x10 };

	begin_root(); /* two cells of address, one of size */
	bus("same", window, 0);
	put(END_NODE);
	bus("closed", NULL, 0);
	put(END_NODE);
	bus("window", window, ARRAY_SIZE(window));
	bus("inner", inner, ARRAY_SIZE(inner));
	put(END_NODE);
	put(END_NODE);
	begin_node("pci");
	cells("#address-cells", 3);
	cells("#size-cells", 1);
	cells("ranges", 0x2000000, 0, 0x100, 0, 0x7000, 0x100, 0, 0, 0x100, 0, 0x8000, 0x100);
	begin_node("a@100");
	cells("reg", 0, 0, 0x110, 0x10);
	put(END_NODE);
	use(1);
	check_reg("/same/a@100", 0, 0x100, 0x10);
	check_reg("/window/a@100", 0, 0x540000100, 0x10);
	check_reg("/window/a@100", 1, 0x100001000, 0x10);
	check_reg("/window/inner/a@100", 0, 0x540000080, 0x10);
	check_reg("/pci/a@100", 0, 0x8010, 0x10);
	check_no_reg("/closed/a@100", 0, -FDT_ERR_BADVALUE);
	check_no_reg("/window/inner/a@100", 1, -FDT_ERR_BADVALUE);
	check(dt_node_by_register(0x100001000), node_at("/window/a@100"), "the node of it");
	check(dt_node_by_register(0x3000), node_at("/same/a@100"), "the node of 0x3000");
	restore();
}

static void check_range(const char *path, int index, const struct dt_range *expected)
{
	struct dt_range found = { 0, 0, 0, 0 };
	int error = dt_translate_range(node_at(path), index, &found);

	report(!error && found.flags == expected->flags && found.child == expected->child &&
		       found.addr == expected->addr && found.size == expected->size,
	       "%s, range %d: expected flags %#x, %#lx at %#lx, size %#lx; found %#x, %#lx at "
	       "%#lx, size %#lx, %s",
	       path, index, expected->flags, expected->child, expected->addr, expected->size,
	       found.flags, found.child, found.addr, found.size, fdt_strerror(error));
}

static void check_no_range(const char *path, int index, int expected)
{
	struct dt_range range;
	char what[48];

	snprintf(what, sizeof(what), "%s, range %d", path, index);
	check(dt_translate_range(node_at(path), index, &range), expected, what);
}

/* Ranges themselves; addresses of three cells have flags in the first (IEEE 1275, PCI) */
void test_bus_ranges(void)
{
	static const u32 window[] = { 0x2000, 1, 0, 0x2000, 0, 5, 0x40000000, 0x1000 };

	begin_root(); /* two cells of address, one of size */
	bus("same", window, 0);
	put(END_NODE);
	bus("closed", NULL, 0);
	put(END_NODE);
	bus("window", window, ARRAY_SIZE(window));
	begin_node("pci");
	cells("#address-cells", 3);
	cells("#size-cells", 2);
	cells("ranges", 0x43000000, 8, 9, 0x100, 0, 0x200, /* in the second range above */
	      0x1000000, 0, 0, 0x1000, 0, 0x1000, /* across its end */
	      0x1000000, 0, 0, 0x2000, 1, 0x1000); /* of more than 4 GiB */
	put(END_NODE);
	put(END_NODE);
	begin_node("large");
	cells("#address-cells", 4);
	cells("ranges", 1, 2, 3, 4, 0, 0, 0x1000);
	put(END_NODE);
	begin_node("off");
	text("status", "disabled");
	cells("ranges", 1, 2, 0, 0, 0x1000);
	use(1);
	check_range("/window", 1, &(struct dt_range){ 0, 0, 0x540000000, 0x1000 });
	check_range("/window/pci", 0,
		    &(struct dt_range){ 0x43000000, 0x800000009, 0x540000100, 0x200 });
	check_no_range("/window/pci", 1, -FDT_ERR_BADVALUE);
	check_no_range("/window/pci", 2, -FDT_ERR_BADVALUE);
	check_no_range("/window/pci", 3, -FDT_ERR_NOTFOUND);
	check_no_range("/window", -1, -FDT_ERR_NOTFOUND);
	check_no_range("/same", 0, -FDT_ERR_NOTFOUND);
	check_no_range("/closed", 0, -FDT_ERR_NOTFOUND);
	check_no_range("/large", 0, -FDT_ERR_BADVALUE);
	check_no_range("/off", 0, -FDT_ERR_NOTFOUND);
	check_no_range("/", 0, -FDT_ERR_NOTFOUND);
	restore();
}

static int match_one(const struct dt_device *dev, int fdt_node)
{
	return fdt_node == *(int *)dev->info;
}

void test_devices(void)
{
	struct dt_bus defaults, one;
	struct dt_device dev, picky;
	struct dt_pbus_reg base = { 0, 0 };
	int second;

	begin_root();
	for (u32 i = 0; i < 3; i++) {
		begin_node(i == 0 ? "a" : i == 1 ? "b" : "c");
		text("compatible", "device");
		text("status", i == 0 ? "disabled" : "okay");
		cells("reg", 0, 0x1000 * i, 0x1000);
		put(END_NODE);
	}
	use(0);
	second = node_at("/c");
	dt_bus_init_defaults(&defaults);
	one = (struct dt_bus){ match_one, dt_pbus_translate };
	dt_device_init(&dev, &defaults, NULL);
	dt_device_init(&picky, &one, &second);
	check(dev.fdt_node, -1, "node of a device that is not bound");
	check(dt_device_find_compatible(&dev, "device"), node_at("/b"), "device of any bus");
	check(dt_device_find_compatible(&picky, "device"), second,
	      "device of a bus that matches one node");
	check(dt_device_find_compatible(&dev, "none"), -FDT_ERR_NOTFOUND,
	      "device of any bus, compatible with none");
	check(dt_device_bind_node(&dev, node_at("/a")), -FDT_ERR_NOTFOUND,
	      "dt_device_bind_node() of a disabled node");
	check(dt_device_bind_node(&picky, node_at("/b")), -FDT_ERR_NOTFOUND,
	      "dt_device_bind_node() of another bus's node");
	check(dt_device_bind_node(&dev, 6), -FDT_ERR_BADOFFSET, "dt_device_bind_node() of no node");
	check(dev.fdt_node, -1, "node of a device that could not be bound");
	check(dt_pbus_get_base(&dev, &base), -FDT_ERR_BADOFFSET,
	      "dt_pbus_get_base() of a device that is not bound");
	check(dt_device_bind_node(&dev, second), 0, "dt_device_bind_node()");
	check(dt_pbus_get_base(&dev, &base), 0, "dt_pbus_get_base()");
	report(base.addr == 0x2000 && base.size == 0x1000,
	       "registers of a bound device: expected 0x2000, size 0x1000, found %#lx, size %#lx",
	       base.addr, base.size);
	check(dt_pbus_translate(&dev, 1, &base), -FDT_ERR_NOTFOUND,
	      "second region of a device with one");
	restore();
}

static void add_number(int fdtnode, u64 regval, void *info)
{
	*(u64 *)info = *(u64 *)info << 8 | regval;
}

static void cpu(const char *name, const char *type, const char *status, u32 number)
{
	begin_node(name);
	text("device_type", type);
	text("status", status);
	cells("reg", number);
	put(END_NODE);
}

static void memory(const char *status, u32 address)
{
	begin_node("memory");
	text("device_type", "memory");
	text("status", status);
	cells("reg", 0, address, 0x1000, 1, address, 0x2000);
	put(END_NODE);
}

void test_cpus_and_memory(void)
{
	struct dt_pbus_reg regs[8];
	u64 seen = 0;
	int count;

	begin_root();
	begin_node("cpus");
	cells("#address-cells", 1);
	cells("#size-cells", 0);
	cpu("cpu@1", "cpu", "okay", 1);
	cpu("cpu@2", "cpu", "disabled", 2);
	cpu("cache", "cache", "okay", 3);
	cpu("cpu@4", "cpu", "okay", 4);
	put(END_NODE);
	memory("okay", 0x4000);
	memory("disabled", 0x6000);
	memory("okay", 0x8000);
	use(0);
	check(dt_for_each_cpu_node(add_number, &seen), 0, "dt_for_each_cpu_node()");
	report(seen == 0x104, "reg of the enabled CPUs, 8 bits each: expected 0x104, found %#lx",
	       seen);
	count = dt_get_memory_params(regs, ARRAY_SIZE(regs));
	report(count == 4 && regs[1].addr == 0x100004000 && regs[1].size == 0x2000 &&
		       regs[2].addr == 0x8000,
	       "regions of memory: expected 4, 0x100004000 of size 0x2000 and 0x8000 among them; "
	       "found %d, %#lx of size %#lx and %#lx",
	       count, regs[1].addr, regs[1].size, regs[2].addr);
	check(dt_get_memory_params(regs, 3), 3, "regions of memory, at most 3");
	check(dt_node_by_register(0x4000), -FDT_ERR_NOTFOUND,
	      "node of register 0x4000, which is memory");
	restore();
}

void test_chosen(void)
{
	const char *string = "";
	u32 size = 1;

	begin_root();
	use(0);
	check(dt_get_bootargs(&string), -FDT_ERR_NOTFOUND, "dt_get_bootargs() without /chosen");
	check(dt_get_initrd(&string, &size), -FDT_ERR_NOTFOUND, "dt_get_initrd() without /chosen");
	report(!string && !size,
	       "initrd without /chosen: expected NULL, 0 bytes, found %p, %u bytes", string, size);
	check(dt_get_default_console_node(), -FDT_ERR_NOTFOUND, "console without /chosen");
	check(dt_get_memory_params(NULL, 0), -FDT_ERR_NOTFOUND, "memory without a node");
	restore();

	begin_root();
	begin_node("aliases");
	text("serial0", "/uart@1");
	put(END_NODE);
	begin_node("uart@1");
	put(END_NODE);
	begin_node("chosen");
	text("bootargs", "a b");
	text("stdout-path", "serial0:115200n8");
	cells("linux,initrd-start", 1, 0x1000);
	cells("linux,initrd-end", 1, 0x1800);
	use(1);
	check(dt_get_bootargs(&string), 0, "dt_get_bootargs()");
	report(string && !strcmp(string, "a b"), "bootargs: expected a b, found %s", string);
	check(dt_get_initrd(&string, &size), 0, "dt_get_initrd()");
	report((u64)string == 0x100001000 && size == 0x800,
	       "initrd: expected 0x100001000, 0x800 bytes, found %#lx, %#x bytes", (u64)string,
	       size);
	check(dt_get_default_console_node(), node_at("/uart@1"), "console by alias and options");
	restore();
	report(dt_available() && dt_fdt() == machine,
	       "dt_fdt() after the tests: expected %p, the machine's, found %p", machine, dt_fdt());
}
