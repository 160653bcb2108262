/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small device trees, made here: what no machine's own tree shows. */
#ifndef FDT_TREE_H
#define FDT_TREE_H

#include <libcflat.h>

#define TREE_WORDS 512

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

struct tree {
	u32 word[TREE_WORDS] __aligned(8);
	u32 length, structure; /* in words: all, and where the nodes begin */
};

extern struct tree tree;

/* A number, and bytes filled up with zeros to whole words */
void put(u32 value);
void put_bytes(const void *bytes, u32 size);

/* Everything else is between these two; the version is the same. */
void begin_tree(u32 version);
void end_tree(u32 version);

void begin_node(const char *name);
/* Its name is one of those that tree.c lists. */
void property(const char *name, const void *value, u32 size);
void text(const char *name, const char *value);
/* Numbers of one cell each */
void numbers(const char *name, const u32 *values, u32 count);
#define cells(name, ...) \
	numbers(name, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4)
/* End @count nodes, and the tree, of version 17. */
void end_nodes(int count);

/* Tests of the other files */
void test_nodes(void);
void test_properties(void);
void test_paths(void);
void test_search(void);
void test_header(void);
void test_damaged(void);
void test_addresses(void);
void test_ranges(void);
void test_bus_ranges(void);
void test_devices(void);
void test_cpus_and_memory(void);
void test_chosen(void);
void test_gic_node(void);
void test_timer_node(void);

#endif
