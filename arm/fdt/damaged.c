/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reader by node, on trees that are not sound. Each lies at the end of a page that has nothing
 * behind it, and one before it: a read outside the tree is an exception.
 */
#include <libcflat.h>
#include <devicetree.h>
#include <libfdt/libfdt.h>
#include <string.h>
#include <vmalloc.h>
#include "tree.h"

#define MAX_NODES 32 /* more than what any damage makes of the tree below */

enum { MAGIC, TOTALSIZE, OFF_STRUCT, OFF_STRINGS, VERSION = 5, LAST_COMPATIBLE, SIZE_STRINGS = 8 };
enum { SIZE_STRUCT = 9 };

static void make_tree(void)
{
	begin_tree(17);
	begin_node("");
	cells("#address-cells", 1);
	cells("#size-cells", 1);
	begin_node("chosen");
	text("stdout-path", "uart@1000");
	put(END_NODE);
	begin_node("uart@1000");
	text("compatible", "uart");
	cells("reg", 0x1000, 0x100);
	put(END_NODE);
	begin_node("soc");
	cells("ranges", 0, 0, 0x2000, 0x1000);
	begin_node("uart@2000");
	cells("reg", 0, 0, 0x100);
	end_nodes(3);
	if (tree.length % 2) {
		put(END);
		end_tree(17);
	}
}

static bool is_error(int value)
{
	return value < 0 && value >= -FDT_ERR_MAX;
}

static bool lies_in(const void *fdt, u32 size, const void *data, int length)
{
	return length >= 0 && data >= fdt && data + length <= fdt + size;
}

static bool node_is_sound(const void *fdt, u32 size, int node)
{
	static const char *const names[] = { "compatible", "reg", "stdout-path" };
	int length, parent = fdt_parent_offset(fdt, node);
	const char *name = fdt_get_name(fdt, node, &length);

	if (!lies_in(fdt, size, name, length + 1) || parent >= node)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const void *value = fdt_getprop(fdt, node, names[i], &length);

		if (value ? !lies_in(fdt, size, value, length) : !is_error(length))
			return false;
	}
	return true;
}

/* Every query of the device tree returns, and every pointer returned lies in it. */
static bool is_harmless(const void *fdt, u32 size)
{
	struct dt_pbus_reg reg;
	const char *string;
	int count = 0, node = -1;
	u32 length;

	while ((node = fdt_next_node(fdt, node, NULL)) >= 0)
		if (count++ == MAX_NODES || !node_is_sound(fdt, size, node) ||
		    dt_pbus_translate_node(node, 0, &reg) > 0)
			return false;
	dt_get_default_console_node();
	dt_get_initrd(&string, &length);
	dt_get_memory_params(&reg, 1);
	return is_error(node) && fdt_node_offset_by_compatible(fdt, -1, "uart") < (int)size &&
	       fdt_path_offset(fdt, "/soc/uart") < (int)size &&
	       dt_node_by_register(0x2080) < (int)size;
}

/* A copy of the device tree's first @size bytes that ends where its page does. */
static u32 *copy_tree(void *page, u32 size)
{
	u32 *copy = page + PAGE_SIZE - size;

	memcpy(copy, &tree, size);
	dt_init(copy);
	return copy;
}

/* Bytes @size in front of the end of a page; both its neighbours are not mapped. */
static void *lonely_page(void *slot)
{
	bool mapped = slot && vm_populate(slot + PAGE_SIZE, PAGE_SIZE);

	assert_msg(mapped, "no memory");
	return slot + PAGE_SIZE;
}

/* Each word in turn becomes each of these. */
static void damage_words(void *page)
{
	static const u32 values[] = { 0, 1,    2,	   3,	       4,	   8,
				      9, 0x40, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff };
	u32 size = 4 * tree.length, wrong = 0, count = 0;

	for (u32 word = 0; word < tree.length; word++)
		for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
			u32 *copy = copy_tree(page, size);

			/* A blob that is smaller than its header says cannot be told. */
			if (word == TOTALSIZE && values[i] > size)
				continue;
			copy[word] = cpu_to_fdt32(values[i]);
			wrong += !is_harmless(copy, size);
			count++;
		}
	report(!wrong,
	       "of %u device trees with one word changed, those read beyond their end: expected 0, "
	       "found %u",
	       count, wrong);
}

/* The structure ends early: in its block, or with the blob. */
static void cut_short(void *page)
{
	u32 sound = 0, count = 0, whole = 4 * tree.length;

	for (u32 size = 4 * tree.structure; size < whole; size += 8) {
		u32 *copy = copy_tree(page, size);

		copy[SIZE_STRUCT] = cpu_to_fdt32(size - 4 * tree.structure);
		copy[TOTALSIZE] = cpu_to_fdt32(size);
		sound += !is_harmless(copy, size);
		/* The search sees to the end that is not there; 8 bytes from it, one END is left. */
		sound += size + 8 < whole &&
			 fdt_node_offset_by_compatible(copy, -1, "none") != -FDT_ERR_TRUNCATED;
		copy[TOTALSIZE] = cpu_to_fdt32(size - 8);
		sound += fdt_check_header(copy) != -FDT_ERR_TRUNCATED;
		count++;
	}
	report(count && !sound,
	       "of %u device trees cut short, those not detected: expected 0, found %u", count,
	       sound);
}

void test_damaged(void)
{
	const void *machine = dt_fdt();
	void *slot = vm_slot_alloc(), *page = lonely_page(slot);
	int console, node;
	bool harmless;

	make_tree();
	harmless = is_harmless(copy_tree(page, 4 * tree.length), 4 * tree.length);
	console = dt_get_default_console_node();
	node = dt_node_by_register(0x2080);
	report(harmless && console == -FDT_ERR_BADPATH && node >= 0,
	       "the device tree undamaged: expected harmless 1, console %s, a node at 0x2080; found "
	       "%d, %s, %d",
	       fdt_strerror(-FDT_ERR_BADPATH), harmless, fdt_strerror(console), node);
	damage_words(page);
	cut_short(page);
	dt_init(machine);
	vm_slot_free(slot);
}

static void check_header(u32 word, u32 value, int expected)
{
	u32 before = tree.word[word];
	int found;

	tree.word[word] = cpu_to_fdt32(value);
	found = fdt_check_header(&tree);
	report(found == expected, "word %u of the header is %#x: expected %s, found %s", word,
	       value, fdt_strerror(expected), fdt_strerror(found));
	tree.word[word] = before;
}

static void check_error(int found, int expected, const char *what)
{
	report(found == expected, "fdt_check_header(), %s: expected %s, found %s", what,
	       fdt_strerror(expected), fdt_strerror(found));
}

static void check_version_16(void)
{
	int node;

	begin_tree(16);
	begin_node("");
	begin_node("a");
	put(END_NODE);
	put(END_NODE);
	put(END);
	end_tree(16);
	node = fdt_path_offset(&tree, "/a");
	report(node > 0, "node of a device tree of version 16: expected an offset, found %s",
	       fdt_strerror(node));
}

void test_header(void)
{
	u32 size;

	check_version_16();
	make_tree();
	size = 4 * tree.length;
	report(fdt_totalsize(&tree) == size, "fdt_totalsize(): expected %u, found %u", size,
	       fdt_totalsize(&tree));
	check_header(MAGIC, 0xd00dfeed, 0);
	check_header(MAGIC, 0xedfe0dd0, -FDT_ERR_BADMAGIC);
	check_header(TOTALSIZE, 39, -FDT_ERR_TRUNCATED);
	check_header(TOTALSIZE, size - 1, -FDT_ERR_TRUNCATED);
	check_header(TOTALSIZE, 0x80000000, -FDT_ERR_TRUNCATED);
	check_header(OFF_STRUCT, size + 4, -FDT_ERR_TRUNCATED);
	check_header(OFF_STRUCT, 36, -FDT_ERR_TRUNCATED);
	check_header(OFF_STRUCT, 4 * tree.structure - 2, -FDT_ERR_ALIGNMENT);
	check_header(OFF_STRINGS, size - 8, -FDT_ERR_TRUNCATED);
	check_header(VERSION, 15, -FDT_ERR_BADVERSION);
	check_header(LAST_COMPATIBLE, 18, -FDT_ERR_BADVERSION);
	check_header(SIZE_STRINGS, 0xffffffff, -FDT_ERR_TRUNCATED);
	check_header(SIZE_STRUCT, 0xfffffff0, -FDT_ERR_TRUNCATED);
	check_error(fdt_check_header((char *)&tree + 4), -FDT_ERR_ALIGNMENT, "misaligned");
	check_error(fdt_check_header(NULL), -FDT_ERR_BADMAGIC, "NULL");
}
