/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers from text. */
#include <libcflat.h>
#include <stdlib.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 36;
}

static bool hex_prefix(const char *s)
{
	return s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit(s[2]) < 16;
}

unsigned long long strtoull(const char *s, char **end, int base)
{
	const char *start = s;
	unsigned long long value = 0;
	bool minus;

	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	minus = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if ((base == 0 || base == 16) && hex_prefix(s)) {
		base = 16;
		s += 2;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	if (digit(*s) < base)
		start = NULL;
	for (; digit(*s) < base; s++)
		value = value * base + digit(*s);
	if (end)
		*end = (char *)(start ?: s);
	return minus ? -value : value;
}

long long strtoll(const char *s, char **end, int base)
{
	return strtoull(s, end, base);
}

unsigned long strtoul(const char *s, char **end, int base)
{
	return strtoull(s, end, base);
}

long strtol(const char *s, char **end, int base)
{
	return strtoull(s, end, base);
}

long atol(const char *s)
{
	return strtol(s, NULL, 10);
}
