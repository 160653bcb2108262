/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers from text; @base 0 takes the usual 0x and 0 prefixes. No overflow check. */
#ifndef STDLIB_H
#define STDLIB_H

long strtol(const char *s, char **end, int base);
unsigned long strtoul(const char *s, char **end, int base);
long long strtoll(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base);

#endif
