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

/* At least 16-byte aligned, not zeroed. */
void *malloc(size_t size);
/* Zeroed. */
void *calloc(size_t count, size_t size);
/* @alignment is a power of two. */
void *memalign(size_t alignment, size_t size);
void free(void *mem);

#endif
