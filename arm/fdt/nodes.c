/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader by node, on a tree that is sound. */
#include <libcflat.h>
#include <libfdt/libfdt.h>
#include <string.h>
#include "tree.h"

static void leaf(const char *name, const char *compatible, u32 size)
{
	begin_node(name);
	if (compatible)
		property("compatible", compatible, size);
	put(END_NODE);
}

static void make_tree(void)
{
	begin_tree(17);
	put(NOP);
	begin_node("");
	cells("#address-cells", 1);
	begin_node("aliases");
	text("serial0", "/soc/uart@1000");
	text("loop", "serial0");
	put(END_NODE);
	begin_node("soc");
	put(NOP);
	cells("#address-cells", 4);
	cells("#size-cells", 0);
	leaf("uart@1000", "new\0old", 8);
	put(NOP);
	leaf("uart@2000", "old", 4);
	leaf("uart", "older", 5); /* not terminated */
	put(END_NODE);
	begin_node("soc2");
	cells("#address-cells", 0);
	cells("#size-cells", 5);
	leaf("uart@1000", NULL, 0);
	end_nodes(2);
}

static void check_node(int found, const char *expected, const char *what)
{
	const char *name = fdt_get_name(&tree, found, NULL);

	report(name && !strcmp(name, expected), "%s: expected %s, found %s", what, expected,
	       name ?: fdt_strerror(found));
}

static void check_error(int found, int expected, const char *what)
{
	report(found == expected, "%s: expected %s, found %d (%s)", what, fdt_strerror(expected),
	       found, fdt_strerror(found));
}

/* Each node as its depth and name. */
static void test_order(void)
{
	char seen[128] = "";
	int depth = -1, node = -1;

	while ((node = fdt_next_node(&tree, node, &depth)) >= 0)
		snprintf(strchr(seen, '\0'), 32, "%d%s ", depth, fdt_get_name(&tree, node, NULL));
	report(!strcmp(seen, "0 1aliases 1soc 2uart@1000 2uart@2000 2uart 1soc2 2uart@1000 "),
	       "all nodes: %s", seen);
	report(node == -FDT_ERR_NOTFOUND && depth == -1, "then none: %s, depth %d",
	       fdt_strerror(node), depth);
}

static void test_below(int soc)
{
	int depth = 0, node = soc, count = 0;

	while ((node = fdt_next_node(&tree, node, &depth)) >= 0)
		count++;
	report(count == 3, "nodes below soc, from depth 0: expected 3, found %d", count);
	count = 0;
	fdt_for_each_subnode(node, &tree, soc) count++;
	report(count == 3, "its children: expected 3, found %d", count);
	count = 0;
	fdt_for_each_subnode(node, &tree, fdt_path_offset(&tree, "/")) count++;
	report(count == 3, "the root's: expected 3, found %d", count);
	check_error(fdt_first_subnode(&tree, fdt_path_offset(&tree, "/soc/uart@1000")),
		    -FDT_ERR_NOTFOUND, "the first child of a node without");
}

void test_nodes(void)
{
	int soc, root;

	make_tree();
	root = fdt_next_node(&tree, -1, NULL);
	soc = fdt_path_offset(&tree, "/soc");
	test_order();
	test_below(soc);
	report(fdt_parent_offset(&tree, fdt_path_offset(&tree, "/soc2/uart@1000")) ==
		       fdt_path_offset(&tree, "/soc2"),
	       "a node's parent is the one that it is in");
	report(fdt_parent_offset(&tree, soc) == root, "the root is a parent");
	check_error(fdt_parent_offset(&tree, root), -FDT_ERR_NOTFOUND, "and has none");
	check_error(fdt_parent_offset(&tree, soc + 4), -FDT_ERR_BADOFFSET, "nor has no node");
	check_error(fdt_next_node(&tree, soc + 1, NULL), -FDT_ERR_BADOFFSET, "between tokens");
	check_error(fdt_next_node(&tree, SZ_1M, NULL), -FDT_ERR_BADOFFSET, "beyond the end");
	check_error(fdt_first_subnode(&tree, -1), -FDT_ERR_BADOFFSET, "children of nothing");
}

void test_properties(void)
{
	const struct fdt_property *found;
	const char *value;
	int soc, soc2, size;

	make_tree();
	soc = fdt_path_offset(&tree, "/soc");
	soc2 = fdt_path_offset(&tree, "/soc2");
	found = fdt_get_property(&tree, soc, "#address-cells", &size);
	report(found && fdt32_to_cpu(found->tag) == FDT_PROP && size == 4 &&
		       fdt32_to_cpu(found->len) == 4 && found->data[3] == 4,
	       "a property with its token, length and value");
	value = fdt_getprop(&tree, fdt_path_offset(&tree, "/aliases"), "serial0", &size);
	report(value && size == 15 && !strcmp(value, "/soc/uart@1000"), "a value: %s", value);
	report(!fdt_getprop(&tree, soc, "compatible", &size) && size == -FDT_ERR_NOTFOUND,
	       "a child's property is not the node's");
	report(!fdt_getprop(&tree, soc, "address-cells", NULL), "the end of a name is none");
	report(fdt_address_cells(&tree, soc) == 4 && fdt_size_cells(&tree, soc) == 0,
	       "cells: expected 4 and 0, found %d and %d", fdt_address_cells(&tree, soc),
	       fdt_size_cells(&tree, soc));
	soc = fdt_path_offset(&tree, "/soc/uart");
	report(fdt_address_cells(&tree, soc) == 2 && fdt_size_cells(&tree, soc) == 1,
	       "of who does not say: expected 2 and 1, found %d and %d",
	       fdt_address_cells(&tree, soc), fdt_size_cells(&tree, soc));
	check_error(fdt_address_cells(&tree, soc2), -FDT_ERR_BADNCELLS, "addresses of no cell");
	check_error(fdt_size_cells(&tree, soc2), -FDT_ERR_BADNCELLS, "sizes of 5 cells");
}

void test_paths(void)
{
	int length = 0;

	make_tree();
	check_node(fdt_path_offset(&tree, "/"), "", "/");
	check_node(fdt_path_offset(&tree, "/soc/uart@2000"), "uart@2000", "a path");
	check_node(fdt_path_offset(&tree, "//soc//uart@2000/"), "uart@2000", "more slashes");
	check_node(fdt_path_offset(&tree, "/soc/uart"), "uart@1000", "no unit address");
	check_node(fdt_path_offset(&tree, "serial0"), "uart@1000", "an alias");
	check_node(fdt_path_offset_namelen(&tree, "serial0:115200", 7), "uart@1000",
		   "the first 7 letters of serial0:115200");
	check_node(fdt_subnode_offset(&tree, fdt_path_offset(&tree, "/soc"), "uart@2000"),
		   "uart@2000", "a child by name");
	check_error(fdt_path_offset(&tree, "/so"), -FDT_ERR_NOTFOUND, "the start of a name");
	check_error(fdt_path_offset(&tree, "/soc/uart@"), -FDT_ERR_NOTFOUND, "half an address");
	check_error(fdt_path_offset(&tree, "/soc/uart@1000/x"), -FDT_ERR_NOTFOUND, "no child");
	check_error(fdt_path_offset(&tree, "serial1"), -FDT_ERR_BADPATH, "no such alias");
	check_error(fdt_path_offset(&tree, "loop"), -FDT_ERR_BADPATH, "an alias of an alias");
	check_error(fdt_path_offset(&tree, ""), -FDT_ERR_BADPATH, "an empty path");
	report(!fdt_get_name(&tree, 2, &length) && length == -FDT_ERR_BADOFFSET,
	       "the name of no node: %s", fdt_strerror(length));
	fdt_get_name(&tree, fdt_path_offset(&tree, "/soc2"), &length);
	report(length == 4, "length of soc2: expected 4, found %d", length);
}

void test_search(void)
{
	static const u8 four[] = { 0, 0, 0, 4 };
	int node;

	make_tree();
	node = fdt_node_offset_by_compatible(&tree, -1, "old");
	check_node(node, "uart@1000", "the first that is compatible, as second string");
	report(!fdt_node_check_compatible(&tree, node, "new"), "it is new as well");
	report(fdt_node_check_compatible(&tree, node, "ol") == 1, "but not what old begins with");
	node = fdt_node_offset_by_compatible(&tree, node, "old");
	check_node(node, "uart@2000", "the second");
	node = fdt_node_offset_by_compatible(&tree, node, "old");
	check_error(node, -FDT_ERR_NOTFOUND, "the third");
	check_error(fdt_node_offset_by_compatible(&tree, -1, "older"), -FDT_ERR_NOTFOUND,
		    "a string without its end");
	check_error(fdt_node_check_compatible(&tree, fdt_path_offset(&tree, "/soc"), "old"),
		    -FDT_ERR_NOTFOUND, "a node without compatible");
	check_node(fdt_node_offset_by_prop_value(&tree, -1, "#address-cells", four, 4), "soc",
		   "the node with 4 cells of address");
	check_error(fdt_node_offset_by_prop_value(&tree, -1, "#address-cells", four, 3),
		    -FDT_ERR_NOTFOUND, "a value's beginning");
	report(!fdt_stringlist_contains("a\0b", 4, "") && fdt_stringlist_contains("a\0b", 4, "b") &&
		       !fdt_stringlist_contains("a\0b", 3, "b"),
	       "a list of strings holds whole strings");
}
