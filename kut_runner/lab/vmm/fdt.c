/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include "fdt.h"
#include "text.h"

#define MAGIC 0xd00dfeed
#define VERSION 17
#define LAST_COMPATIBLE_VERSION 16
#define BEGIN_NODE 1
#define END_NODE 2
#define PROP 3
#define END 9
#define HEADER_SIZE 40
#define RESERVATIONS_SIZE 16 /* only the entry of zeros at their end */
#define STRUCTURE (HEADER_SIZE + RESERVATIONS_SIZE)

static void store(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = value >> (24 - 8 * i);
}

/* @size bytes at the end, padded with zeros to a multiple of 4; NULL if they do not fit. */
static uint8_t *append(struct fdt *fdt, size_t size)
{
	size_t padded = (size + 3) & ~(size_t)3;
	uint8_t *at = fdt->buffer + fdt->length;

	if (fdt->overflow || padded > fdt->size - fdt->length) {
		fdt->overflow = true;
		return NULL;
	}
	memset(at, 0, padded);
	fdt->length += padded;
	return at;
}

static void append_cell(struct fdt *fdt, uint32_t value)
{
	uint8_t *at = append(fdt, 4);

	if (at)
		store(at, value);
}

static void append_bytes(struct fdt *fdt, const void *data, size_t size)
{
	uint8_t *at = append(fdt, size);

	if (at)
		memcpy(at, data, size);
}

/* Offset of @name in the strings, where it is added if it is new. */
static uint32_t string_offset(struct fdt *fdt, const char *name)
{
	size_t size = strlen(name) + 1, at;

	for (at = 0; at < fdt->strings_length; at += strlen(fdt->strings + at) + 1)
		if (!strcmp(fdt->strings + at, name))
			return at;
	if (size > sizeof(fdt->strings) - at) {
		fdt->overflow = true;
		return 0;
	}
	memcpy(fdt->strings + at, name, size);
	fdt->strings_length += size;
	return at;
}

static void begin_property(struct fdt *fdt, const char *name, size_t size)
{
	append_cell(fdt, PROP);
	append_cell(fdt, size);
	append_cell(fdt, string_offset(fdt, name));
}

void fdt_begin(struct fdt *fdt, void *buffer, size_t size)
{
	fdt->buffer = buffer;
	fdt->size = size;
	fdt->length = fdt->strings_length = 0;
	fdt->overflow = false;
	append(fdt, STRUCTURE);
}

size_t fdt_end(struct fdt *fdt)
{
	uint32_t strings, total;

	append_cell(fdt, END);
	strings = fdt->length;
	append_bytes(fdt, fdt->strings, fdt->strings_length);
	total = fdt->length;
	if (fdt->overflow)
		return 0;
	store(fdt->buffer, MAGIC);
	store(fdt->buffer + 4, total);
	store(fdt->buffer + 8, STRUCTURE);
	store(fdt->buffer + 12, strings);
	store(fdt->buffer + 16, HEADER_SIZE);
	store(fdt->buffer + 20, VERSION);
	store(fdt->buffer + 24, LAST_COMPATIBLE_VERSION);
	store(fdt->buffer + 28, 0); /* physical id of the boot CPU */
	store(fdt->buffer + 32, fdt->strings_length);
	store(fdt->buffer + 36, strings - STRUCTURE);
	return total;
}

void fdt_begin_node(struct fdt *fdt, const char *name)
{
	append_cell(fdt, BEGIN_NODE);
	append_bytes(fdt, name, strlen(name) + 1);
}

void fdt_begin_node_at(struct fdt *fdt, const char *name, uint64_t address)
{
	struct line full = { 0 };

	line_add(&full, name);
	line_add(&full, "@");
	line_add_bare_hex(&full, address);
	full.text[full.length] = 0;
	fdt_begin_node(fdt, full.text);
}

void fdt_end_node(struct fdt *fdt)
{
	append_cell(fdt, END_NODE);
}

void fdt_empty(struct fdt *fdt, const char *name)
{
	begin_property(fdt, name, 0);
}

void fdt_string(struct fdt *fdt, const char *name, const char *value)
{
	fdt_strings(fdt, name, value, strlen(value) + 1);
}

void fdt_strings(struct fdt *fdt, const char *name, const char *values, size_t size)
{
	begin_property(fdt, name, size);
	append_bytes(fdt, values, size);
}

void fdt_cells(struct fdt *fdt, const char *name, const uint32_t *cells, size_t count)
{
	begin_property(fdt, name, count * 4);
	for (size_t i = 0; i < count; i++)
		append_cell(fdt, cells[i]);
}

void fdt_cell(struct fdt *fdt, const char *name, uint32_t cell)
{
	fdt_cells(fdt, name, &cell, 1);
}

void fdt_numbers(struct fdt *fdt, const char *name, const uint64_t *numbers, size_t count)
{
	begin_property(fdt, name, count * 8);
	for (size_t i = 0; i < count; i++) {
		append_cell(fdt, numbers[i] >> 32);
		append_cell(fdt, numbers[i]);
	}
}
