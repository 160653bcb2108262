/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libcflat.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>

int parse_keyval(char *s, long *val)
{
	char *p = strchr(s, '=');

	if (!p)
		return -1;
	*val = strtol(p + 1, NULL, 0);
	return p - s;
}

bool simple_glob(const char *text, const char *pattern)
{
	/*
	 * Backtracking point: when the text after the last `*` does not match, one character later.
	 */
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

void binstr(unsigned long x, char out[BINSTR_SZ])
{
	for (int bit = 63; bit >= 0; bit--) {
		*out++ = '0' + (x >> bit & 1);
		if (bit % 4 == 0)
			*out++ = bit ? '\'' : '\0';
	}
}

void print_binstr(unsigned long x)
{
	char text[BINSTR_SZ];

	binstr(x, text);
	printf("%s", text);
}
