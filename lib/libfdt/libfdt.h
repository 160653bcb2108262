/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device trees read by node: any node, any property, at any time. Names and meanings are those of
 * libfdt; the code is not. (<boot-fdt.h> is the boot's reader, which goes through a tree once.)
 *
 * A node is the offset of its FDT_BEGIN_NODE in the structure block; -1 stands for "before the
 * first". What returns an int returns a negative FDT_ERR_* when it fails; what returns a pointer
 * returns NULL and puts that number in *@lenp, where @lenp is not NULL.
 *
 * Nothing is read beyond what the header calls the size of the blob, whatever the blob holds, and
 * every search ends. A node's offset is tried: one that is none is -FDT_ERR_BADOFFSET.
 */
#ifndef LIBFDT_H
#define LIBFDT_H

#include <libcflat.h>
#include <libfdt/fdt.h>

#define FDT_ERR_NOTFOUND 1 /* no such node or property, or no more of them */
#define FDT_ERR_EXISTS 2
#define FDT_ERR_NOSPACE 3
#define FDT_ERR_BADOFFSET 4 /* not the offset of a node */
#define FDT_ERR_BADPATH 5 /* neither a path nor an alias */
#define FDT_ERR_BADPHANDLE 6
#define FDT_ERR_BADSTATE 7
#define FDT_ERR_TRUNCATED 8 /* something reaches beyond the end of the block or blob it is in */
#define FDT_ERR_BADMAGIC 9 /* no device tree */
#define FDT_ERR_BADVERSION 10 /* too old, or too new to be read */
#define FDT_ERR_BADSTRUCTURE 11 /* tokens that are none, or where they may not be */
#define FDT_ERR_BADLAYOUT 12
#define FDT_ERR_INTERNAL 13
#define FDT_ERR_BADNCELLS 14 /* #address-cells or #size-cells is not a number in its range */
#define FDT_ERR_BADVALUE 15 /* a property's value is not of its form */
#define FDT_ERR_BADOVERLAY 16
#define FDT_ERR_NOPHANDLES 17
#define FDT_ERR_BADFLAGS 18
#define FDT_ERR_ALIGNMENT 19 /* the blob is not aligned to 8 bytes, or its structure not to 4 */
#define FDT_ERR_MAX 19

#define FDT_MAX_NCELLS 4

/* The message for an error; @error is negative, as functions return it. */
const char *fdt_strerror(int error);

/* The whole blob: 0 when its header is sound and its blocks lie in it. */
int fdt_check_header(const void *fdt);
/* Size of the blob in bytes; the header is not checked. */
static inline u32 fdt_totalsize(const void *fdt)
{
	return fdt32_to_cpu(((const struct fdt_header *)fdt)->totalsize);
}

/*
 * The node after @offset in the order of the tree. *@depth, where not NULL, is kept as the depth of
 * the node; when it would be below 0 there is no more: that is how to see the nodes below one only,
 * from depth 0.
 */
int fdt_next_node(const void *fdt, int offset, int *depth);
int fdt_first_subnode(const void *fdt, int offset);
/* The next child of the same parent. */
int fdt_next_subnode(const void *fdt, int offset);
#define fdt_for_each_subnode(node, fdt, parent) \
	for (node = fdt_first_subnode(fdt, parent); (node) >= 0; node = fdt_next_subnode(fdt, node))
int fdt_parent_offset(const void *fdt, int offset);

/* The child called @name. Without a unit address it matches a node with any: "cpu" is "cpu@0". */
int fdt_subnode_offset(const void *fdt, int parent, const char *name);
int fdt_subnode_offset_namelen(const void *fdt, int parent, const char *name, int length);
/* "/soc/uart@1000"; or "serial0/child" when /aliases has a serial0. */
int fdt_path_offset(const void *fdt, const char *path);
int fdt_path_offset_namelen(const void *fdt, const char *path, int length);
/* The path that /aliases has for @name; NULL when none. */
const char *fdt_get_alias(const void *fdt, const char *name);

/* With its unit address; "" for the root. *@lenp: strlen() of it */
const char *fdt_get_name(const void *fdt, int offset, int *lenp);
/* *@lenp: size of the value in bytes, which are all in the blob */
const struct fdt_property *fdt_get_property(const void *fdt, int offset, const char *name,
					    int *lenp);
const void *fdt_getprop(const void *fdt, int offset, const char *name, int *lenp);

/* 1 when @string is one of those in @list, which are @length bytes; an unfinished one is none. */
int fdt_stringlist_contains(const char *list, int length, const char *string);
/* 0: it is; 1: it is not; -FDT_ERR_NOTFOUND: the node has no compatible. */
int fdt_node_check_compatible(const void *fdt, int offset, const char *compatible);
/* The first such node after @start; -1: of all. */
int fdt_node_offset_by_compatible(const void *fdt, int start, const char *compatible);
int fdt_node_offset_by_prop_value(const void *fdt, int start, const char *name, const void *value,
				  int length);

/* Cells of the children's addresses and sizes; 2 and 1 without a property of the node. */
int fdt_address_cells(const void *fdt, int offset); /* 1..FDT_MAX_NCELLS */
int fdt_size_cells(const void *fdt, int offset); /* 0..FDT_MAX_NCELLS */

#endif
