/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writer of flattened device trees (Devicetree Specification v0.4, 5). */
#ifndef VMM_FDT_H
#define VMM_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device tree in progress. After an overflow the calls do nothing, and fdt_end() returns 0. */
struct fdt {
	uint8_t *buffer;
	size_t size; /* of the buffer */
	size_t length; /* of the header and of the structure block so far */
	size_t strings_length;
	char strings[1024]; /* names of properties, each once */
	bool overflow;
};

/* Begin a tree in @buffer, which is aligned to 8. */
void fdt_begin(struct fdt *fdt, void *buffer, size_t size);
/* End it; returns its size in bytes, 0 if it does not fit. */
size_t fdt_end(struct fdt *fdt);

void fdt_begin_node(struct fdt *fdt, const char *name);
/* Begin a node "@name@@address". */
void fdt_begin_node_at(struct fdt *fdt, const char *name, uint64_t address);
void fdt_end_node(struct fdt *fdt);

/* Properties; those of a node come before its children. */
void fdt_empty(struct fdt *fdt, const char *name);
void fdt_string(struct fdt *fdt, const char *name, const char *value);
/* Several strings, each with its NUL: @size is sizeof of the literal. */
void fdt_strings(struct fdt *fdt, const char *name, const char *values, size_t size);
void fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, size_t count);
void fdt_cell(struct fdt *fdt, const char *name, uint32_t cell);
/* Numbers of 2 cells each. */
void fdt_numbers(struct fdt *fdt, const char *name, const uint64_t *numbers, size_t count);

#endif
