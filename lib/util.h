/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_H
#define UTIL_H

/* Parse "key=number": @val is set and the key's length returned, or -1 when @s has no '='. */
int parse_keyval(char *s, long *val);

#endif
