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
	static const char expected[] =
		"0 1aliases 1soc 2uart@1000 2uart@2000 2uart 1soc2 2uart@1000 ";
	char seen[128] = "";
	int depth = -1, node = -1;

	while ((node = fdt_next_node(&tree, node, &depth)) >= 0)
		snprintf(strchr(seen, '\0'), 32, "%d%s ", depth, fdt_get_name(&tree, node, NULL));
	report(!strcmp(seen, expected), "depths and names of all nodes: expected %s, found %s",
	       expected, seen);
	report(node == -FDT_ERR_NOTFOUND && depth == -1,
	       "fdt_next_node() of the last node: expected %s, depth -1, found %s, depth %d",
	       fdt_strerror(-FDT_ERR_NOTFOUND), fdt_strerror(node), depth);
}

static void test_below(int soc)
{
	int depth = 0, node = soc, count = 0;

	while ((node = fdt_next_node(&tree, node, &depth)) >= 0)
		count++;
	report(count == 3, "nodes below soc, from depth 0: expected 3, found %d", count);
	count = 0;
	fdt_for_each_subnode(node, &tree, soc) count++;
	report(count == 3, "subnodes of soc: expected 3, found %d", count);
	count = 0;
	fdt_for_each_subnode(node, &tree, fdt_path_offset(&tree, "/")) count++;
	report(count == 3, "subnodes of the root: expected 3, found %d", count);
	check_error(fdt_first_subnode(&tree, fdt_path_offset(&tree, "/soc/uart@1000")),
		    -FDT_ERR_NOTFOUND, "fdt_first_subnode() of a node without children");
}

void test_nodes(void)
{
	int soc, root, parent;

	make_tree();
	root = fdt_next_node(&tree, -1, NULL);
	soc = fdt_path_offset(&tree, "/soc");
	test_order();
	test_below(soc);
	check_node(fdt_parent_offset(&tree, fdt_path_offset(&tree, "/soc2/uart@1000")), "soc2",
		   "parent of /soc2/uart@1000");
	parent = fdt_parent_offset(&tree, soc);
	report(parent == root, "parent of /soc: expected %d, the root, found %d", root, parent);
	check_error(fdt_parent_offset(&tree, root), -FDT_ERR_NOTFOUND, "parent of the root");
	check_error(fdt_parent_offset(&tree, soc + 4), -FDT_ERR_BADOFFSET,
		    "parent of an offset that is no node");
	check_error(fdt_next_node(&tree, soc + 1, NULL), -FDT_ERR_BADOFFSET,
		    "fdt_next_node() between tokens");
	check_error(fdt_next_node(&tree, SZ_1M, NULL), -FDT_ERR_BADOFFSET,
		    "fdt_next_node() beyond the end");
	check_error(fdt_first_subnode(&tree, -1), -FDT_ERR_BADOFFSET,
		    "fdt_first_subnode() of offset -1");
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
	       "#address-cells of /soc: expected a property of 4 bytes, found %p, %d bytes", found,
	       size);
	value = fdt_getprop(&tree, fdt_path_offset(&tree, "/aliases"), "serial0", &size);
	report(value && size == 15 && !strcmp(value, "/soc/uart@1000"),
	       "serial0 of /aliases: expected /soc/uart@1000, 15 bytes, found %s, %d bytes", value,
	       size);
	value = fdt_getprop(&tree, soc, "compatible", &size);
	report(!value && size == -FDT_ERR_NOTFOUND,
	       "compatible of /soc, which only a child has: expected NULL, %s, found %p, %s",
	       fdt_strerror(-FDT_ERR_NOTFOUND), value, fdt_strerror(size));
	value = fdt_getprop(&tree, soc, "address-cells", NULL);
	report(!value, "property by the end of its name: expected NULL, found %p", value);
	report(fdt_address_cells(&tree, soc) == 4 && fdt_size_cells(&tree, soc) == 0,
	       "address and size cells of /soc: expected 4 and 0, found %d and %d",
	       fdt_address_cells(&tree, soc), fdt_size_cells(&tree, soc));
	soc = fdt_path_offset(&tree, "/soc/uart");
	report(fdt_address_cells(&tree, soc) == 2 && fdt_size_cells(&tree, soc) == 1,
	       "address and size cells of a node without: expected 2 and 1, found %d and %d",
	       fdt_address_cells(&tree, soc), fdt_size_cells(&tree, soc));
	check_error(fdt_address_cells(&tree, soc2), -FDT_ERR_BADNCELLS, "fdt_address_cells() of 0");
	check_error(fdt_size_cells(&tree, soc2), -FDT_ERR_BADNCELLS, "fdt_size_cells() of 5");
}

static void check_no_paths(void)
{
	check_error(fdt_path_offset(&tree, "/so"), -FDT_ERR_NOTFOUND,
		    "path /so, the start of a name");
	check_error(fdt_path_offset(&tree, "/soc/uart@"), -FDT_ERR_NOTFOUND,
		    "path /soc/uart@, half an address");
	check_error(fdt_path_offset(&tree, "/soc/uart@1000/x"), -FDT_ERR_NOTFOUND,
		    "path to a child that does not exist");
	check_error(fdt_path_offset(&tree, "serial1"), -FDT_ERR_BADPATH,
		    "alias that does not exist");
	check_error(fdt_path_offset(&tree, "loop"), -FDT_ERR_BADPATH, "alias of itself");
	check_error(fdt_path_offset(&tree, ""), -FDT_ERR_BADPATH, "empty path");
}

void test_paths(void)
{
	const char *name;
	int length = 0;

	make_tree();
	check_node(fdt_path_offset(&tree, "/"), "", "path /");
	check_node(fdt_path_offset(&tree, "/soc/uart@2000"), "uart@2000", "path /soc/uart@2000");
	check_node(fdt_path_offset(&tree, "//soc//uart@2000/"), "uart@2000",
		   "path //soc//uart@2000/");
	check_node(fdt_path_offset(&tree, "/soc/uart"), "uart@1000",
		   "path /soc/uart, without unit address");
	check_node(fdt_path_offset(&tree, "serial0"), "uart@1000", "alias serial0");
	check_node(fdt_path_offset_namelen(&tree, "serial0:115200", 7), "uart@1000",
		   "alias in the first 7 bytes of serial0:115200");
	check_node(fdt_subnode_offset(&tree, fdt_path_offset(&tree, "/soc"), "uart@2000"),
		   "uart@2000", "subnode uart@2000 of /soc");
	check_no_paths();
	name = fdt_get_name(&tree, 2, &length);
	report(!name && length == -FDT_ERR_BADOFFSET,
	       "name of an offset that is no node: expected NULL, %s, found %p, %s",
	       fdt_strerror(-FDT_ERR_BADOFFSET), name, fdt_strerror(length));
	fdt_get_name(&tree, fdt_path_offset(&tree, "/soc2"), &length);
	report(length == 4, "length of the name soc2: expected 4, found %d", length);
}

static void check_compatible(int node, const char *with, int expected)
{
	int found = fdt_node_check_compatible(&tree, node, with);

	report(found == expected, "node of new and old, compatible with %s: expected %d, found %d",
	       with, expected, found);
}

static void check_contains(int length, const char *string, int expected)
{
	int found = fdt_stringlist_contains("a\0b", length, string);

	report(found == expected, "\"%s\" in %d bytes of a\\0b: expected %d, found %d", string,
	       length, expected, found);
}

void test_search(void)
{
	static const u8 four[] = { 0, 0, 0, 4 };
	int node;

	make_tree();
	node = fdt_node_offset_by_compatible(&tree, -1, "old");
	check_node(node, "uart@1000", "first node compatible with old, its second string");
	check_compatible(node, "new", 0);
	check_compatible(node, "ol", 1);
	node = fdt_node_offset_by_compatible(&tree, node, "old");
	check_node(node, "uart@2000", "second node compatible with old");
	node = fdt_node_offset_by_compatible(&tree, node, "old");
	check_error(node, -FDT_ERR_NOTFOUND, "third node compatible with old");
	check_error(fdt_node_offset_by_compatible(&tree, -1, "older"), -FDT_ERR_NOTFOUND,
		    "node compatible with older, a string without its end");
	check_error(fdt_node_check_compatible(&tree, fdt_path_offset(&tree, "/soc"), "old"),
		    -FDT_ERR_NOTFOUND, "fdt_node_check_compatible() of a node without");
	check_node(fdt_node_offset_by_prop_value(&tree, -1, "#address-cells", four, 4), "soc",
		   "node with 4 address cells");
	check_error(fdt_node_offset_by_prop_value(&tree, -1, "#address-cells", four, 3),
		    -FDT_ERR_NOTFOUND, "node by the beginning of a value");
	check_contains(4, "", 0);
	check_contains(4, "b", 1);
	check_contains(3, "b", 0);
}
