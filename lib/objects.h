/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the library's own objects, which share pages: malloc() would give each a page and a
 * translation. Zeroed, 16-byte aligned; NULL when memory is out.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include <alloc.h>

void *object_alloc(size_t size);
/* @object may be NULL. */
void object_free(void *object);

/* As alloc_ops, for tests of shortages and leaks; the alignment is 16. */
extern struct alloc_ops *object_ops;

#endif
