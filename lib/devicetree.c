/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of the machine's device tree: devices, CPUs, memory. */
#include <libcflat.h>
#include <devicetree.h>
#include <string.h>
#include <asm/page.h>

#define MAX_DEPTH 32

static const void *tree;

const void *dt_fdt(void)
{
	return tree;
}

void dt_init(const void *fdt)
{
	tree = fdt;
}

bool dt_available(void)
{
	return !fdt_check_header(tree);
}

/* The first of a property's strings, NULL when it is missing or not terminated. */
static const char *string_property(int node, const char *name)
{
	int length;
	const char *string = fdt_getprop(tree, node, name, &length);

	return string && length > 0 && memchr(string, '\0', length) ? string : NULL;
}

static bool is_string(int node, const char *name, const char *expected)
{
	const char *string = string_property(node, name);

	return string && !strcmp(string, expected);
}

bool dt_node_available(int fdt_node)
{
	return !is_string(fdt_node, "status", "disabled");
}

/*
 * Addresses
 */

/* A node and its parents; node[0] is the root. */
struct path {
	int depth;
	int node[MAX_DEPTH];
};

/* From the path of one node to that of the next; path->depth is -1 before the first. */
static int next_path(struct path *path)
{
	int node = path->depth < 0 ? -1 : path->node[path->depth];

	node = fdt_next_node(tree, node, &path->depth);
	if (node < 0)
		return node;
	if (path->depth >= MAX_DEPTH)
		return -FDT_ERR_BADSTRUCTURE;
	path->node[path->depth] = node;
	return node;
}

static int find_path(int wanted, struct path *path)
{
	int node;

	path->depth = -1;
	do
		node = next_path(path);
	while (node >= 0 && node < wanted);
	return node < 0 || node == wanted ? node : -FDT_ERR_BADOFFSET;
}

/* A number of @cells; false when it has more than 64 bits. */
static bool read_number(const fdt32_t *cell, int cells, u64 *value)
{
	for (*value = 0; cells--; cell++) {
		if (*value >> 32)
			return false;
		*value = *value << 32 | fdt32_to_cpu(*cell);
	}
	return true;
}

/* The cells of a node's children. */
static int read_cells(int node, int *address_cells, int *size_cells)
{
	*address_cells = fdt_address_cells(tree, node);
	*size_cells = fdt_size_cells(tree, node);
	return *address_cells < 0 ? *address_cells : MIN(*size_cells, 0);
}

/* Entry @index of the reg of @node, as its parent's bus addresses it. */
static int read_reg(int node, int parent, int index, struct dt_pbus_reg *reg)
{
	int address_cells, size_cells, length;
	int error = read_cells(parent, &address_cells, &size_cells);
	const fdt32_t *cell = fdt_getprop(tree, node, "reg", &length);

	if (error || !cell)
		return error ?: length;
	if (index < 0 || index >= length / 4 / (address_cells + size_cells))
		return -FDT_ERR_NOTFOUND;
	cell += index * (address_cells + size_cells);
	if (!read_number(cell, address_cells, &reg->addr) ||
	    !read_number(cell + address_cells, size_cells, &reg->size))
		return -FDT_ERR_BADVALUE;
	return 0;
}

/* An entry of ranges: the child's addresses from @child on are the parent's from @parent on. */
struct range {
	u64 child, parent, size;
};

static bool read_range(const fdt32_t *cell, int child_cells, int parent_cells, int size_cells,
		       struct range *range)
{
	return read_number(cell, child_cells, &range->child) &&
	       read_number(cell + child_cells, parent_cells, &range->parent) &&
	       read_number(cell + child_cells + parent_cells, size_cells, &range->size);
}

static bool apply_range(const struct range *range, struct dt_pbus_reg *reg)
{
	u64 offset = reg->addr - range->child;

	if (reg->addr < range->child || offset >= range->size || reg->size > range->size - offset ||
	    range->parent + offset < offset)
		return false;
	reg->addr = range->parent + offset;
	return true;
}

/*
 * From addresses on the bus @bus to those of @parent, the bus that it is on (Devicetree
 * Specification, 2.3.8): no ranges, no addresses; empty ones, the same addresses. A range whose
 * numbers have more than 64 bits, as those of PCI, is skipped.
 */
static int translate_up(int bus, int parent, struct dt_pbus_reg *reg)
{
	int child_cells, size_cells, parent_cells, other, length, entry;
	const fdt32_t *cell = fdt_getprop(tree, bus, "ranges", &length);
	int error = read_cells(bus, &child_cells, &size_cells);

	error = error ?: read_cells(parent, &parent_cells, &other);
	if (error)
		return error;
	if (!cell)
		return length == -FDT_ERR_NOTFOUND ? -FDT_ERR_BADVALUE : length;
	if (!length)
		return 0;
	entry = child_cells + parent_cells + size_cells;
	for (int left = length / 4; left >= entry; left -= entry, cell += entry) {
		struct range range;

		if (read_range(cell, child_cells, parent_cells, size_cells, &range) &&
		    apply_range(&range, reg))
			return 0;
	}
	return -FDT_ERR_BADVALUE;
}

/* From addresses on the bus that the path's node is on, to those of the root. */
static int translate_to_root(const struct path *path, struct dt_pbus_reg *reg)
{
	int depth = path->depth, error = 0;

	while (!error && --depth)
		error = translate_up(path->node[depth], path->node[depth - 1], reg);
	if (!error && reg->size && reg->addr + (reg->size - 1) < reg->addr)
		return -FDT_ERR_BADVALUE;
	return error;
}

/* Entry @index of the reg of the path's node. */
static int translate_path(const struct path *path, int index, struct dt_pbus_reg *reg)
{
	int depth = path->depth, error;

	if (!depth) /* the root is on no bus */
		return -FDT_ERR_NOTFOUND;
	error = read_reg(path->node[depth], path->node[depth - 1], index, reg);
	return error ?: translate_to_root(path, reg);
}

int dt_pbus_translate_node(int fdt_node, int regidx, struct dt_pbus_reg *reg)
{
	struct path path;
	int node = find_path(fdt_node, &path);

	if (node < 0)
		return node;
	return dt_node_available(node) ? translate_path(&path, regidx, reg) : -FDT_ERR_NOTFOUND;
}

/* Entry @index of the ranges of @bus, which is on @parent; range->addr is the parent's. */
static int read_range_entry(int bus, int parent, int index, struct dt_range *range)
{
	int child_cells, size_cells, parent_cells, other, length, entry;
	const fdt32_t *cell = fdt_getprop(tree, bus, "ranges", &length);
	int error = read_cells(bus, &child_cells, &size_cells);
	struct range numbers;
	bool has_flags;

	error = error ?: read_cells(parent, &parent_cells, &other);
	if (error || !cell)
		return error ?: length;
	entry = child_cells + parent_cells + size_cells;
	if (index < 0 || index >= length / 4 / entry)
		return -FDT_ERR_NOTFOUND;
	cell += index * entry;
	has_flags = child_cells == 3;
	range->flags = has_flags ? fdt32_to_cpu(*cell) : 0;
	if (!read_range(cell + has_flags, child_cells - has_flags, parent_cells, size_cells,
			&numbers))
		return -FDT_ERR_BADVALUE;
	range->child = numbers.child;
	range->addr = numbers.parent;
	range->size = numbers.size;
	return 0;
}

int dt_translate_range(int fdt_node, int index, struct dt_range *range)
{
	struct dt_pbus_reg reg;
	struct path path;
	int node = find_path(fdt_node, &path), error;

	if (node < 0)
		return node;
	if (!path.depth || !dt_node_available(node)) /* the root is on no bus */
		return -FDT_ERR_NOTFOUND;
	error = read_range_entry(node, path.node[path.depth - 1], index, range);
	if (error)
		return error;
	reg = (struct dt_pbus_reg){ range->addr, range->size };
	error = translate_to_root(&path, &reg);
	range->addr = reg.addr;
	return error;
}

static bool is_memory(int node)
{
	return is_string(node, "device_type", "memory");
}

static bool has_register(const struct path *path, phys_addr_t paddr)
{
	struct dt_pbus_reg reg;
	int error;

	for (int i = 0; (error = translate_path(path, i, &reg)) != -FDT_ERR_NOTFOUND; i++) {
		if (error && error != -FDT_ERR_BADVALUE)
			return false;
		if (!error && paddr >= reg.addr && paddr - reg.addr < reg.size)
			return true;
	}
	return false;
}

int dt_node_by_register(phys_addr_t paddr)
{
	struct path path = { .depth = -1 };
	int node;

	while ((node = next_path(&path)) >= 0)
		if (has_register(&path, paddr) && dt_node_available(node) && !is_memory(node))
			break;
	return node;
}

/*
 * Devices
 */

static int find_compatible(int node, const char *compatible)
{
	do
		node = fdt_node_offset_by_compatible(tree, node, compatible);
	while (node >= 0 && !dt_node_available(node));
	return node;
}

int dt_pbus_get_base_compatible(const char *compatible, struct dt_pbus_reg *base)
{
	int node = find_compatible(-1, compatible);

	return node < 0 ? node : dt_pbus_translate_node(node, 0, base);
}

int dt_bus_match_any(const struct dt_device *dev, int fdt_node)
{
	return 1;
}

void dt_bus_init_defaults(struct dt_bus *bus)
{
	*bus = (struct dt_bus){ .match = dt_bus_match_any, .translate = dt_pbus_translate };
}

void dt_device_init(struct dt_device *dev, const struct dt_bus *bus, void *info)
{
	*dev = (struct dt_device){ .fdt_node = -1, .bus = bus, .info = info };
}

/* 0 when the bus knows the node. */
static int match(const struct dt_device *dev, int fdt_node)
{
	int matched = dt_node_available(fdt_node) ? dev->bus->match(dev, fdt_node) : 0;

	return matched > 0 ? 0 : matched ?: -FDT_ERR_NOTFOUND;
}

int dt_device_bind_node(struct dt_device *dev, int fdt_node)
{
	int error = fdt_get_name(tree, fdt_node, NULL) ? match(dev, fdt_node) : -FDT_ERR_BADOFFSET;

	if (!error)
		dev->fdt_node = fdt_node;
	return error;
}

int dt_device_find_compatible(const struct dt_device *dev, const char *compatible)
{
	int node = -1, error;

	do {
		node = find_compatible(node, compatible);
		error = node < 0 ? 0 : match(dev, node);
	} while (error == -FDT_ERR_NOTFOUND);
	return error ?: node;
}

int dt_pbus_translate(const struct dt_device *dev, int regidx, void *reg)
{
	return dt_pbus_translate_node(dev->fdt_node, regidx, reg);
}

int dt_pbus_get_base(const struct dt_device *dev, struct dt_pbus_reg *base)
{
	return dev->bus->translate(dev, 0, base);
}

/*
 * CPUs and memory
 */

int dt_for_each_cpu_node(void (*func)(int fdtnode, u64 regval, void *info), void *info)
{
	int parent = fdt_path_offset(tree, "/cpus"), node;

	if (parent < 0)
		return parent;
	fdt_for_each_subnode(node, tree, parent)
	{
		struct dt_pbus_reg reg;
		int error;

		if (!is_string(node, "device_type", "cpu") || !dt_node_available(node))
			continue;
		error = read_reg(node, parent, 0, &reg);
		if (error)
			return error;
		func(node, reg.addr, info);
	}
	return node == -FDT_ERR_NOTFOUND ? 0 : node;
}

/* The first unused entry of @regs after those of @node, whose first is @count. */
static int add_memory(const struct path *path, struct dt_pbus_reg *regs, int count, int nr_regs)
{
	for (int i = 0, error; count < nr_regs; i++, count++) {
		error = translate_path(path, i, &regs[count]);
		if (error)
			return error == -FDT_ERR_NOTFOUND ? count : error;
	}
	return count;
}

int dt_get_memory_params(struct dt_pbus_reg *regs, int nr_regs)
{
	struct path path = { .depth = -1 };
	int count = 0, node;

	while ((node = next_path(&path)) >= 0 && count >= 0)
		if (is_memory(node) && dt_node_available(node))
			count = add_memory(&path, regs, count, nr_regs);
	if (node < 0 && node != -FDT_ERR_NOTFOUND)
		return node;
	return count ?: -FDT_ERR_NOTFOUND;
}

/*
 * /chosen
 */

static int chosen(void)
{
	return fdt_path_offset(tree, "/chosen");
}

int dt_get_bootargs(const char **bootargs)
{
	int node = chosen();

	*bootargs = node < 0 ? NULL : string_property(node, "bootargs");
	return node < 0 ? node : *bootargs ? 0 : -FDT_ERR_NOTFOUND;
}

/* A property of one number, which may have one cell or two. */
static int number_property(int node, const char *name, u64 *value)
{
	int length;
	const fdt32_t *cell = fdt_getprop(tree, node, name, &length);

	if (!cell)
		return length;
	if (length != 4 && length != 8)
		return -FDT_ERR_BADVALUE;
	read_number(cell, length / 4, value);
	return 0;
}

int dt_get_initrd(const char **initrd, u32 *size)
{
	int node = chosen(), error;
	u64 start = 0, end = 0;

	*initrd = NULL;
	*size = 0;
	if (node < 0)
		return node;
	error = number_property(node, "linux,initrd-start", &start)
			?: number_property(node, "linux,initrd-end", &end);
	if (error)
		return error;
	if (start > end || end - start > UINT32_MAX)
		return -FDT_ERR_BADVALUE;
	*initrd = __va(start);
	*size = end - start;
	return 0;
}

int dt_get_default_console_node(void)
{
	int node = chosen();
	const char *path = node < 0 ? NULL : string_property(node, "stdout-path");

	if (!path)
		return node < 0 ? node : -FDT_ERR_NOTFOUND;
	return fdt_path_offset_namelen(tree, path, strchrnul(path, ':') - path);
}
