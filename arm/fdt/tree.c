/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small device trees. */
#include <libcflat.h>
#include <string.h>
#include "tree.h"

#define MAGIC 0xd00dfeed
#define HEADER_WORDS_17 10
#define HEADER_WORDS_16 9 /* without size_dt_struct */

struct tree tree;

/*
 * The names of properties. They begin with what would be a size of nothing for who takes it for the
 * end of version 16's header.
 */
static const char strings[] =
	"\0\0\0\0reg\0#address-cells\0#size-cells\0status\0compatible\0ranges\0"
	"device_type\0stdout-path\0linux,initrd-start\0linux,initrd-end\0"
	"bootargs\0serial0\0loop\0interrupts\0#redistributor-regions";

static u32 string_offset(const char *name)
{
	u32 size = strlen(name) + 1;

	for (u32 i = 4; i + size <= sizeof(strings); i++)
		if (!strings[i - 1] && !memcmp(strings + i, name, size))
			return i;
	report_abort("%s is not among the names of tree.c", name);
}

void put(u32 value)
{
	assert(tree.length < TREE_WORDS);
	tree.word[tree.length++] = __builtin_bswap32(value);
}

void put_bytes(const void *bytes, u32 size)
{
	u32 words = DIV_ROUND_UP(size, 4);

	assert(tree.length + words <= TREE_WORDS);
	memset(&tree.word[tree.length], 0, 4 * words);
	memcpy(&tree.word[tree.length], bytes, size);
	tree.length += words;
}

void begin_tree(u32 version)
{
	memset(&tree, 0, sizeof(tree));
	tree.length = version >= 17 ? HEADER_WORDS_17 : HEADER_WORDS_16;
	put_bytes(strings, sizeof(strings));
	if (tree.length % 2)
		put(NOP); /* between the blocks: the structure begins at a multiple of 8 bytes */
	tree.structure = tree.length;
}

void end_tree(u32 version)
{
	u32 size = 4 * (tree.length - tree.structure);
	u32 strings_offset = 4 * (version >= 17 ? HEADER_WORDS_17 : HEADER_WORDS_16);
	u32 header[] = { MAGIC,
			 4 * tree.length,
			 4 * tree.structure,
			 strings_offset,
			 0,
			 version,
			 16,
			 0,
			 sizeof(strings),
			 size };

	for (u32 i = 0; i < strings_offset / 4; i++)
		tree.word[i] = __builtin_bswap32(header[i]);
}

void begin_node(const char *name)
{
	put(BEGIN_NODE);
	put_bytes(name, strlen(name) + 1);
}

void property(const char *name, const void *value, u32 size)
{
	put(PROP);
	put(size);
	put(string_offset(name));
	put_bytes(value, size);
}

void text(const char *name, const char *value)
{
	property(name, value, strlen(value) + 1);
}

void numbers(const char *name, const u32 *values, u32 count)
{
	put(PROP);
	put(4 * count);
	put(string_offset(name));
	for (u32 i = 0; i < count; i++)
		put(values[i]);
}

void end_nodes(int count)
{
	while (count--)
		put(END_NODE);
	put(END);
	end_tree(17);
}
