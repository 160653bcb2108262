/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of text, built without memory of their own and written by one call each. */
#ifndef VMM_TEXT_H
#define VMM_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* A line; text that does not fit is left out. */
struct line {
	size_t length;
	char text[1024];
};

void line_add(struct line *line, const char *text);
void line_add_decimal(struct line *line, uint64_t value);
/* In hex, with "0x". */
void line_add_hex(struct line *line, uint64_t value);
/* In hex, without it. */
void line_add_bare_hex(struct line *line, uint64_t value);
/* Write @line and a newline to descriptor @fd, and empty it. */
void line_write(struct line *line, int fd);

/* Write all of @size bytes to @fd; false on an error, for which errno has the reason. */
bool write_all(int fd, const void *data, size_t size);
/* Parse all of @text as a number, decimal or with "0x"; false if it is not one up to @most. */
bool parse_number(const char *text, uint64_t most, uint64_t *value);

#endif
