/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flattened device trees (Devicetree Specification v0.4, chapter 5), read once from front to back:
 * the boot's reader. <libfdt/libfdt.h> looks at any node at any time, and trusts no input.
 */
#ifndef BOOT_FDT_H
#define BOOT_FDT_H

#include <libcflat.h>

#define FDT_MAX_DEPTH 16

/*
 * A property's value, as it is in the device tree: big-endian cells, or strings. Missing: NULL
 * data.
 */
struct fdt_value {
	const char *data;
	u32 len;
};

/* The properties that a visitor may ask for; those that begin with the same letter are adjacent. */
enum fdt_known_property {
	FDT_ADDRESS_CELLS,
	FDT_SIZE_CELLS,
	FDT_BOOTARGS,
	FDT_COMPATIBLE,
	FDT_DEVICE_TYPE,
	FDT_INITRD_START,
	FDT_INITRD_END,
	FDT_METHOD,
	FDT_REG,
	FDT_STATUS,
	FDT_STDOUT_PATH,
	FDT_NR_PROPERTIES,
};

struct fdt_node {
	const char *name; /* with its unit address: "memory@40000000"; "" for the root */
	const char *strings; /* the strings block, for fdt_find_property() */
	int depth; /* 0: the root */
	u32 address_cells, size_cells; /* the parent's: how to read this node's reg */
	struct fdt_value value[FDT_NR_PROPERTIES];
};

typedef void (*fdt_visitor)(const struct fdt_node *node, void *data);

/* True when @fdt points at a device tree of a version this reader knows. */
bool fdt_valid(const void *fdt);
/* Size of the blob in bytes. */
u32 fdt_size(const void *fdt);
/*
 * Call @visit for each node, in the order of the device tree, but for those with status =
 * "disabled". False if it is malformed.
 */
bool fdt_for_each_node(const void *fdt, fdt_visitor visit, void *data);
/* Call @reserve for each entry of the memory reservation block. */
void fdt_for_each_reservation(const void *fdt, void (*reserve)(u64 start, u64 size, void *data),
			      void *data);

/* A big-endian number of @cells (1 or 2) cells at byte @offset of @value; 0 beyond its end. */
u64 fdt_number(struct fdt_value value, u32 offset, u32 cells);
/* Entry @index of a node's reg property; false when it is missing. */
bool fdt_reg(const struct fdt_node *node, u32 index, u64 *address, u64 *size);
/*
 * A property that is not of enum fdt_known_property: looked for in the node, so that the others
 * cost nothing for it.
 */
struct fdt_value fdt_find_property(const struct fdt_node *node, const char *name);
/* True when @string is one of the strings in @value. */
bool fdt_has_string(struct fdt_value value, const char *string);

#endif
