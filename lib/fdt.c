/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reader of flattened device trees. */
#include <libcflat.h>
#include <fdt.h>
#include <string.h>

#define FDT_MAGIC 0xd00dfeed
#define FDT_LAST_COMPATIBLE_VERSION 16
#define FDT_VERSION_WITH_STRUCT_SIZE 17

enum { FDT_BEGIN_NODE = 1, FDT_END_NODE = 2, FDT_PROP = 3, FDT_NOP = 4, FDT_END = 9 };

/* All fields are big-endian. */
struct fdt_header {
	u32 magic, totalsize, off_dt_struct, off_dt_strings, off_mem_rsvmap;
	u32 version, last_comp_version, boot_cpuid_phys, size_dt_strings, size_dt_struct;
};

static const char *const property_names[FDT_NR_PROPERTIES] = {
	[FDT_REG] = "reg",
	[FDT_COMPATIBLE] = "compatible",
	[FDT_DEVICE_TYPE] = "device_type",
	[FDT_METHOD] = "method",
	[FDT_BOOTARGS] = "bootargs",
	[FDT_STDOUT_PATH] = "stdout-path",
	[FDT_INITRD_START] = "linux,initrd-start",
	[FDT_INITRD_END] = "linux,initrd-end",
	[FDT_STATUS] = "status",
	[FDT_ADDRESS_CELLS] = "#address-cells",
	[FDT_SIZE_CELLS] = "#size-cells",
};

/*
 * By first letter: the first property that has it, plus 1. Most names in a tree are not looked for.
 */
static const u8 first_property[128] = {
	['#'] = FDT_ADDRESS_CELLS + 1, ['b'] = FDT_BOOTARGS + 1,     ['c'] = FDT_COMPATIBLE + 1,
	['d'] = FDT_DEVICE_TYPE + 1,   ['l'] = FDT_INITRD_START + 1, ['m'] = FDT_METHOD + 1,
	['r'] = FDT_REG + 1,	       ['s'] = FDT_STATUS + 1,
};

static u32 be32(u32 v)
{
	return __builtin_bswap32(v);
}

static u64 be64(u64 v)
{
	return __builtin_bswap64(v);
}

bool fdt_valid(const void *fdt)
{
	const struct fdt_header *h = fdt;

	return h && IS_ALIGNED((uintptr_t)fdt, 8) && be32(h->magic) == FDT_MAGIC &&
	       be32(h->version) >= FDT_LAST_COMPATIBLE_VERSION &&
	       be32(h->last_comp_version) <= FDT_LAST_COMPATIBLE_VERSION;
}

u32 fdt_size(const void *fdt)
{
	return be32(((const struct fdt_header *)fdt)->totalsize);
}

void fdt_for_each_reservation(const void *fdt, void (*reserve)(u64 start, u64 size, void *data),
			      void *data)
{
	const u64 *entry = fdt + be32(((const struct fdt_header *)fdt)->off_mem_rsvmap);

	for (; entry[0] || entry[1]; entry += 2)
		reserve(be64(entry[0]), be64(entry[1]), data);
}

/* FDT_NR_PROPERTIES for a name that nobody asks for. */
static enum fdt_property property_of(const char *name)
{
	int i = first_property[name[0] & 0x7f] - 1;

	for (; i >= 0 && i < FDT_NR_PROPERTIES && property_names[i][0] == name[0]; i++)
		if (!strcmp(name, property_names[i]))
			return i;
	return FDT_NR_PROPERTIES;
}

static void begin_node(struct fdt_node *node, const struct fdt_node *parent, const char *name,
		       const char *strings)
{
	/* Defaults: Devicetree Specification, 2.3.5 */
	u32 address_cells = 2, size_cells = 1;

	if (parent && parent->value[FDT_ADDRESS_CELLS].data)
		address_cells = fdt_number(parent->value[FDT_ADDRESS_CELLS], 0, 1);
	if (parent && parent->value[FDT_SIZE_CELLS].data)
		size_cells = fdt_number(parent->value[FDT_SIZE_CELLS], 0, 1);
	memset(node->value, 0, sizeof(node->value));
	node->name = name;
	node->strings = strings;
	node->depth = parent ? parent->depth + 1 : 0;
	node->address_cells = address_cells;
	node->size_cells = size_cells;
}

/* Before version 17 the header does not tell, and ends earlier: then the blob's end bounds it. */
static const u32 *struct_end(const void *fdt)
{
	const struct fdt_header *h = fdt;

	if (be32(h->version) < FDT_VERSION_WITH_STRUCT_SIZE)
		return fdt + be32(h->totalsize);
	return fdt + be32(h->off_dt_struct) + be32(h->size_dt_struct);
}

/* Devicetree Specification, 2.3.4: a disabled device is not there. */
static void visit_enabled(const struct fdt_node *node, fdt_visitor visit, void *data)
{
	if (!fdt_has_string(node->value[FDT_STATUS], "disabled"))
		visit(node, data);
}

bool fdt_for_each_node(const void *fdt, fdt_visitor visit, void *data)
{
	const struct fdt_header *h = fdt;
	const u32 *p = fdt + be32(h->off_dt_struct);
	const u32 *end = struct_end(fdt);
	const char *strings = fdt + be32(h->off_dt_strings);
	struct fdt_node nodes[FDT_MAX_DEPTH];
	int depth = -1;
	/*
	 * A node's properties come before its children: it is complete at the first child, or at
	 * its end.
	 */
	bool complete = true;

	while (p < end) {
		enum fdt_property property;
		u32 token = be32(*p++);

		if ((token == FDT_BEGIN_NODE || token == FDT_END_NODE) && !complete) {
			visit_enabled(&nodes[depth], visit, data);
			complete = true;
		}
		switch (token) {
		case FDT_BEGIN_NODE:
			if (++depth == FDT_MAX_DEPTH)
				return false;
			begin_node(&nodes[depth], depth ? &nodes[depth - 1] : NULL, (const char *)p,
				   strings);
			p += strlen((const char *)p) / 4 + 1;
			complete = false;
			break;
		case FDT_END_NODE:
			if (depth-- < 0)
				return false;
			break;
		case FDT_PROP:
			if (complete)
				return false;
			property = property_of(strings + be32(p[1]));
			if (property != FDT_NR_PROPERTIES)
				nodes[depth].value[property] =
					(struct fdt_value){ (const char *)(p + 2), be32(p[0]) };
			p += 2 + DIV_ROUND_UP((u64)be32(p[0]), 4);
			break;
		case FDT_NOP:
			break;
		case FDT_END:
			return depth == -1;
		default:
			return false;
		}
	}
	return false;
}

u64 fdt_number(struct fdt_value value, u32 offset, u32 cells)
{
	const u32 *cell;

	if (!value.data || offset + 4 * cells > value.len || !cells)
		return 0;
	cell = (const u32 *)(value.data + offset);
	return cells == 1 ? be32(cell[0]) : (u64)be32(cell[0]) << 32 | be32(cell[1]);
}

bool fdt_reg(const struct fdt_node *node, u32 index, u64 *address, u64 *size)
{
	struct fdt_value reg = node->value[FDT_REG];
	u32 cells = node->address_cells + node->size_cells, offset = index * cells * 4;

	if (offset + cells * 4 > reg.len || node->address_cells > 2 || node->size_cells > 2)
		return false;
	*address = fdt_number(reg, offset, node->address_cells);
	*size = fdt_number(reg, offset + 4 * node->address_cells, node->size_cells);
	return true;
}

/* The walk has seen this node to be well-formed before it calls a visitor. */
struct fdt_value fdt_property(const struct fdt_node *node, const char *name)
{
	const u32 *p = (const u32 *)node->name + strlen(node->name) / 4 + 1;

	for (;; p++) {
		if (be32(*p) == FDT_NOP)
			continue;
		if (be32(*p) != FDT_PROP)
			return (struct fdt_value){ NULL, 0 };
		if (!strcmp(node->strings + be32(p[2]), name))
			return (struct fdt_value){ (const char *)(p + 3), be32(p[1]) };
		p += 2 + DIV_ROUND_UP(be32(p[1]), 4);
	}
}

bool fdt_has_string(struct fdt_value value, const char *string)
{
	for (u32 i = 0; i < value.len; i += strlen(value.data + i) + 1)
		if (!strcmp(value.data + i, string))
			return true;
	return false;
}
