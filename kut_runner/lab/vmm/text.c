/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "text.h"

void line_add(struct line *line, const char *text)
{
	/* One byte is kept for the newline. */
	while (*text && line->length < sizeof(line->text) - 1)
		line->text[line->length++] = *text++;
}

static void add_digits(struct line *line, uint64_t value, unsigned int base)
{
	char digits[24], *p = &digits[sizeof(digits) - 1];

	*p = 0;
	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	line_add(line, p);
}

void line_add_decimal(struct line *line, uint64_t value)
{
	add_digits(line, value, 10);
}

void line_add_hex(struct line *line, uint64_t value)
{
	line_add(line, "0x");
	line_add_bare_hex(line, value);
}

void line_add_bare_hex(struct line *line, uint64_t value)
{
	add_digits(line, value, 16);
}

bool write_all(int fd, const void *data, size_t size)
{
	while (size) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			data = (const char *)data + done;
			size -= done;
		}
	}
	return true;
}

void line_write(struct line *line, int fd)
{
	line->text[line->length++] = '\n';
	write_all(fd, line->text, line->length);
	line->length = 0;
}

bool parse_number(const char *text, uint64_t most, uint64_t *value)
{
	char *end;

	/* strtoull() takes signs and spaces too. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, text[0] == '0' && text[1] == 'x' ? 16 : 10);
	return !errno && !*end && *value <= most;
}
