/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of device trees, on small trees made here: what no machine's own tree shows. */
#include <libcflat.h>
#include <fdt.h>
#include <string.h>
#include <subtest.h>

#define MAGIC 0xd00dfeed
#define TREE_WORDS 256
#define HEADER_WORDS_17 10
#define HEADER_WORDS_16 9 /* without size_dt_struct */

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

/*
 * The names of properties, and where they stand in the block of strings. That begins with what
 * would be a size of nothing for who takes it for the end of version 16's header.
 */
#define STRINGS "\0\0\0\0reg\0#address-cells\0#size-cells\0status"
enum { REG = 4, ADDRESS_CELLS = 8, SIZE_CELLS = 23, STATUS = 35 };

static struct {
	u32 word[TREE_WORDS] __aligned(8);
	u32 length, structure; /* in words: all, and where the nodes begin */
} tree;

static void put(u32 value)
{
	assert(tree.length < TREE_WORDS);
	tree.word[tree.length++] = __builtin_bswap32(value);
}

static void put_bytes(const void *bytes, u32 size)
{
	u32 words = DIV_ROUND_UP(size, 4);

	assert(tree.length + words <= TREE_WORDS);
	memset(&tree.word[tree.length], 0, 4 * words);
	memcpy(&tree.word[tree.length], bytes, size);
	tree.length += words;
}

static void begin_tree(u32 version)
{
	memset(&tree, 0, sizeof(tree));
	tree.length = version >= 17 ? HEADER_WORDS_17 : HEADER_WORDS_16;
	put_bytes(STRINGS, sizeof(STRINGS));
	tree.structure = tree.length;
}

static void end_tree(u32 version)
{
	u32 size = 4 * (tree.length - tree.structure);
	u32 strings = 4 * (version >= 17 ? HEADER_WORDS_17 : HEADER_WORDS_16);
	u32 header[] = { MAGIC,
			 4 * tree.length,
			 4 * tree.structure,
			 strings,
			 0,
			 version,
			 16,
			 0,
			 sizeof(STRINGS),
			 size };

	for (u32 i = 0; i < strings / 4; i++)
		tree.word[i] = __builtin_bswap32(header[i]);
}

static void begin_node(const char *name)
{
	put(BEGIN_NODE);
	put_bytes(name, strlen(name) + 1);
}

static void property(u32 name, const void *value, u32 size)
{
	put(PROP);
	put(size);
	put(name);
	put_bytes(value, size);
}

static void cells(u32 name, u32 value)
{
	u32 big_endian = __builtin_bswap32(value);

	property(name, &big_endian, sizeof(big_endian));
}

static void node(const char *name, u32 status_size, const char *status)
{
	begin_node(name);
	if (status)
		property(STATUS, status, status_size);
	put(END_NODE);
}

/* What a visitor has seen: the names, and the last node's reg. */
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

static const u32 reg[] = { 0x01000000, 0x02000000, 0x03000000, 0x04000000 };

/* A root, with a node that has a reg of @words cells. */
static void begin_root_with_reg(u32 address_cells, u32 size_cells, u32 words)
{
	begin_tree(17);
	begin_node("");
	if (address_cells)
		cells(ADDRESS_CELLS, address_cells);
	if (size_cells)
		cells(SIZE_CELLS, size_cells);
	begin_node("a");
	property(REG, reg, 4 * words);
}

static void end_nodes(int count)
{
	while (count--)
		put(END_NODE);
	put(END);
	end_tree(17);
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
	property(REG, reg + 1, 12);
	end_nodes(3);
	walk();
	report(!strcmp(seen.names, "/ab"), "a node comes before its children: %s", seen.names);
	begin_root_with_reg(1, 2, 3);
	put(END_NODE);
	begin_node("b");
	property(REG, reg, 8);
	end_nodes(2);
	walk();
	report(!seen.has_reg, "a reg that is too short is none");
}

/* The root's cells are for its children, not for theirs. */
static void test_not_inherited(void)
{
	begin_root_with_reg(1, 2, 3);
	begin_node("b");
	property(REG, reg, 12);
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

/* Version 16 ends its header with the strings' size; what stands there then is something else. */
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
	report(!fdt_valid(&tree), "version 15 is not read");
	tree.word[6] = __builtin_bswap32(17);
	tree.word[5] = __builtin_bswap32(18);
	report(!fdt_valid(&tree), "nor one that readers of version 16 must not read");
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
	report(!walk(), "a tree without its end is an error");

	begin_tree(17);
	begin_node("");
	put(END);
	end_tree(17);
	report(!walk(), "so is a node without its end");

	begin_tree(17);
	begin_node("");
	put(5);
	end_nodes(1);
	report(!walk(), "an unknown token");

	begin_tree(17);
	begin_node("");
	node("a", 0, NULL);
	cells(SIZE_CELLS, 1);
	end_nodes(1);
	report(!walk(), "a property behind a child");

	begin_tree(17);
	for (int i = 0; i <= FDT_MAX_DEPTH; i++)
		begin_node("");
	end_nodes(FDT_MAX_DEPTH + 1);
	report(!walk(), "nodes that nest deeper than %d", FDT_MAX_DEPTH);
}

static const struct subtest subtests[] = {
	{ "cells", test_cells },	 { "not-inherited", test_not_inherited },
	{ "disabled", test_disabled },	 { "version", test_version },
	{ "malformed", test_malformed },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
