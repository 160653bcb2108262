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
