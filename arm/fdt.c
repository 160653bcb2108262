/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The readers of device trees, on small trees made here: the boot's in this file, the one by node
 * and the library's own reading of it in fdt/.
 */
#include <libcflat.h>
#include <boot-fdt.h>
#include <string.h>
#include <subtest.h>
#include "fdt/tree.h"

static void node(const char *name, u32 status_size, const char *status)
{
	begin_node(name);
	if (status)
		property("status", status, status_size);
	put(END_NODE);
}

/* Names and the last node's reg, from a visitor. */
static struct {
	char names[64];
	bool has_reg;
	u64 address, size;
} seen;

static void look(const struct fdt_node *node, void *data)
{
	strcat(seen.names, node->depth ? node->name : "/");
	seen.has_reg = fdt_reg(node, 0, &seen.address, &seen.size);
}

static bool walk(void)
{
	memset(&seen, 0, sizeof(seen));
	return fdt_valid(&tree) && fdt_for_each_node(&tree, look, NULL);
}

static void check_names(const char *expected)
{
	bool whole = walk();

	report(whole && !strcmp(seen.names, expected), "nodes: expected %s, found %s%s", expected,
	       seen.names, whole ? "" : ", and then an error");
}

static void check_reg(u64 address, u64 size)
{
	report(walk() && seen.has_reg && seen.address == address && seen.size == size,
	       "reg: expected %#lx, size %#lx; found %#lx, size %#lx", address, size, seen.address,
	       seen.size);
}

static void check_invalid(const char *what)
{
	bool valid = fdt_valid(&tree);

	report(!valid, "fdt_valid() of %s: expected 0, found %d", what, valid);
}

static void check_malformed(const char *what)
{
	bool whole = walk();

	report(!whole, "%s: expected an error, found %s", what, whole ? "none" : "one");
}

static const u32 reg[] = { 0x01000000, 0x02000000, 0x03000000, 0x04000000 };

/* A root, with a node that has a reg of @words cells. */
static void begin_root_with_reg(u32 address_cells, u32 size_cells, u32 words)
{
	begin_tree(17);
	begin_node("");
	if (address_cells)
		cells("#address-cells", address_cells);
	if (size_cells)
		cells("#size-cells", size_cells);
	begin_node("a");
	property("reg", reg, 4 * words);
}

/* Devicetree Specification, 2.3.5: two cells of address and one of size; not inherited. */
static void test_cells(void)
{
	begin_root_with_reg(0, 0, 3);
	end_nodes(2);
	check_reg(0x100000002, 3);
	begin_root_with_reg(1, 2, 3);
	end_nodes(2);
	check_reg(1, 0x200000003);
	begin_root_with_reg(1, 0, 2);
	begin_node("b");
	property("reg", reg + 1, 12);
	end_nodes(3);
	walk();
	report(!strcmp(seen.names, "/ab"),
	       "nodes, each before its children: expected /ab, found %s", seen.names);
	begin_root_with_reg(1, 2, 3);
	put(END_NODE);
	begin_node("b");
	property("reg", reg, 8);
	end_nodes(2);
	walk();
	report(!seen.has_reg, "reg that is too short: expected not to be reported, found %s",
	       seen.has_reg ? "reported" : "not reported");
}

/* The root's #address-cells and #size-cells apply to its children only. */
static void test_not_inherited(void)
{
	begin_root_with_reg(1, 2, 3);
	begin_node("b");
	property("reg", reg, 12);
	end_nodes(3);
	check_reg(0x100000002, 3);
}

static void test_disabled(void)
{
	begin_tree(17);
	begin_node("");
	node("a", 0, NULL);
	node("b", 9, "disabled");
	node("c", 5, "okay");
	end_nodes(1);
	check_names("/ac");
}

/* The header of version 16 ends with the size of the strings; other data follows it. */
static void test_version(void)
{
	begin_tree(16);
	begin_node("");
	node("a", 0, NULL);
	put(END_NODE);
	put(END);
	end_tree(16);
	check_names("/a");
	end_tree(15);
	check_invalid("version 15");
	tree.word[6] = __builtin_bswap32(17);
	tree.word[5] = __builtin_bswap32(18);
	check_invalid("last compatible version 18");
}

static void test_malformed(void)
{
	begin_tree(17);
	begin_node("");
	put(NOP);
	node("a", 0, NULL);
	end_nodes(1);
	check_names("/a");

	begin_tree(17);
	begin_node("");
	put(END_NODE);
	end_tree(17);
	check_malformed("a tree without its end");

	begin_tree(17);
	begin_node("");
	put(END);
	end_tree(17);
	check_malformed("a node without its end");

	begin_tree(17);
	begin_node("");
	put(5);
	end_nodes(1);
	check_malformed("an unknown token");

	begin_tree(17);
	begin_node("");
	node("a", 0, NULL);
	cells("#size-cells", 1);
	end_nodes(1);
	check_malformed("a property behind a child");

	begin_tree(17);
	for (int i = 0; i <= FDT_MAX_DEPTH; i++)
		begin_node("");
	end_nodes(FDT_MAX_DEPTH + 1);
	check_malformed("nodes nested deeper than FDT_MAX_DEPTH");
}

static const struct subtest subtests[] = {
	{ "cells", test_cells },	   { "not-inherited", test_not_inherited },
	{ "disabled", test_disabled },	   { "version", test_version },
	{ "malformed", test_malformed },   { "nodes", test_nodes },
	{ "properties", test_properties }, { "paths", test_paths },
	{ "search", test_search },	   { "header", test_header },
	{ "damaged", test_damaged },	   { "addresses", test_addresses },
	{ "ranges", test_ranges },	   { "bus-ranges", test_bus_ranges },
	{ "devices", test_devices },	   { "cpus-and-memory", test_cpus_and_memory },
	{ "chosen", test_chosen },	   { "gic", test_gic_node },
	{ "timer", test_timer_node },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
