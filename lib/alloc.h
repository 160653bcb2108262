/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory in bytes. NULL when memory is out. */
#ifndef ALLOC_H
#define ALLOC_H

#include <libcflat.h>

/*
 * The allocator of malloc(), calloc(), memalign() and free(). A test may put its own in place, as
 * long as what one allocated is freed by the same.
 */
struct alloc_ops {
	void *(*memalign)(size_t alignment, size_t size);
	void (*free)(void *mem);
};
extern struct alloc_ops *alloc_ops;

/*
 * 16-byte aligned, zeroed; NULL for a size of 0. Each block has pages of its own, which are neither
 * contiguous in physical memory nor mapped one to one while the MMU is on. A block of more than a
 * page begins with one.
 */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
/* The same; @alignment is a power of two. */
void *memalign(size_t alignment, size_t size);
void free(void *mem);

#endif
