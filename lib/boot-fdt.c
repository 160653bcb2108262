/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reader of flattened device trees. */
#include <libcflat.h>
#include <boot-fdt.h>
#include <libfdt/fdt.h>
#include <string.h>

#define FDT_LAST_COMPATIBLE_VERSION 16

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
 * By first letter: the first property that has it, plus 1. Most names in a device tree are not
 * looked for.
 */
static const u8 first_property[128] = {
	['#'] = FDT_ADDRESS_CELLS + 1, ['b'] = FDT_BOOTARGS + 1,     ['c'] = FDT_COMPATIBLE + 1,
	['d'] = FDT_DEVICE_TYPE + 1,   ['l'] = FDT_INITRD_START + 1, ['m'] = FDT_METHOD + 1,
	['r'] = FDT_REG + 1,	       ['s'] = FDT_STATUS + 1,
};

bool fdt_valid(const void *fdt)
{
	const struct fdt_header *h = fdt;

	return h && IS_ALIGNED((uintptr_t)fdt, 8) && fdt32_to_cpu(h->magic) == FDT_MAGIC &&
	       fdt32_to_cpu(h->version) >= FDT_LAST_COMPATIBLE_VERSION &&
	       fdt32_to_cpu(h->last_comp_version) <= FDT_LAST_COMPATIBLE_VERSION;
}

u32 fdt_size(const void *fdt)
{
	return fdt32_to_cpu(((const struct fdt_header *)fdt)->totalsize);
}

void fdt_for_each_reservation(const void *fdt, void (*reserve)(u64 start, u64 size, void *data),
			      void *data)
{
	const u64 *entry = fdt + fdt32_to_cpu(((const struct fdt_header *)fdt)->off_mem_rsvmap);

	for (; entry[0] || entry[1]; entry += 2)
		reserve(fdt64_to_cpu(entry[0]), fdt64_to_cpu(entry[1]), data);
}

/* FDT_NR_PROPERTIES for a name that nobody asks for. */
static enum fdt_known_property property_of(const char *name)
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

/* Before version 17 the header ends earlier, without it: then the blob's end is the bound. */
static const u32 *struct_end(const void *fdt)
{
	const struct fdt_header *h = fdt;

	if (fdt32_to_cpu(h->version) < FDT_VERSION_WITH_STRUCT_SIZE)
		return fdt + fdt32_to_cpu(h->totalsize);
	return fdt + fdt32_to_cpu(h->off_dt_struct) + fdt32_to_cpu(h->size_dt_struct);
}

/* Devicetree Specification, 2.3.4: a disabled device is not operational. */
static void visit_enabled(const struct fdt_node *node, fdt_visitor visit, void *data)
{
	if (!fdt_has_string(node->value[FDT_STATUS], "disabled"))
		visit(node, data);
}

bool fdt_for_each_node(const void *fdt, fdt_visitor visit, void *data)
{
	const struct fdt_header *h = fdt;
	const u32 *p = fdt + fdt32_to_cpu(h->off_dt_struct);
	const u32 *end = struct_end(fdt);
	const char *strings = fdt + fdt32_to_cpu(h->off_dt_strings);
	struct fdt_node nodes[FDT_MAX_DEPTH];
	int depth = -1;
	/*
	 * A node's properties come before its children: it is complete at the first child, or at
	 * its end.
	 */
	bool complete = true;

	while (p < end) {
		enum fdt_known_property property;
		u32 token = fdt32_to_cpu(*p++);

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
			property = property_of(strings + fdt32_to_cpu(p[1]));
			if (property != FDT_NR_PROPERTIES)
				nodes[depth].value[property] =
					(struct fdt_value){ (const char *)(p + 2),
							    fdt32_to_cpu(p[0]) };
			p += 2 + DIV_ROUND_UP((u64)fdt32_to_cpu(p[0]), 4);
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
	return cells == 1 ? fdt32_to_cpu(cell[0])
			  : (u64)fdt32_to_cpu(cell[0]) << 32 | fdt32_to_cpu(cell[1]);
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
struct fdt_value fdt_find_property(const struct fdt_node *node, const char *name)
{
	const u32 *p = (const u32 *)node->name + strlen(node->name) / 4 + 1;

	for (;; p++) {
		if (fdt32_to_cpu(*p) == FDT_NOP)
			continue;
		if (fdt32_to_cpu(*p) != FDT_PROP)
			return (struct fdt_value){ NULL, 0 };
		if (!strcmp(node->strings + fdt32_to_cpu(p[2]), name))
			return (struct fdt_value){ (const char *)(p + 3), fdt32_to_cpu(p[1]) };
		p += 2 + DIV_ROUND_UP(fdt32_to_cpu(p[1]), 4);
	}
}

bool fdt_has_string(struct fdt_value value, const char *string)
{
	for (u32 i = 0; i < value.len; i += strlen(value.data + i) + 1)
		if (!strcmp(value.data + i, string))
			return true;
	return false;
}
