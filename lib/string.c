/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String and memory functions.
 *
 * Before the MMU is on every access is Device memory, where an unaligned access faults: words are
 * moved only between addresses that are both aligned to them.
 */
#include <libcflat.h>
#include <string.h>

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return p - s;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

char *strcpy(char *dest, const char *src)
{
	char *d = dest;

	while ((*d++ = *src++))
		;
	return dest;
}

char *strcat(char *dest, const char *src)
{
	strcpy(dest + strlen(dest), src);
	return dest;
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n--; a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	for (; *a == *b && *a; a++, b++)
		;
	return (u8)*a - (u8)*b;
}

int strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n--; a++, b++)
		if (lower(*a) != lower(*b) || !*a)
			return lower((u8)*a) - lower((u8)*b);
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, SIZE_MAX);
}

char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

char *strchr(const char *s, int c)
{
	s = strchrnul(s, c);
	return *s == (char)c ? (char *)s : NULL;
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)last;
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; strncmp(s, needle, n); s++)
		if (!*s)
			return NULL;
	return (char *)s;
}

static bool both_aligned(const void *a, const void *b)
{
	return IS_ALIGNED((uintptr_t)a | (uintptr_t)b, sizeof(u64));
}

void *memset(void *s, int c, size_t n)
{
	u8 *d = s;
	u64 word = 0x0101010101010101UL * (u8)c;

	for (; n && !both_aligned(d, d); n--)
		*d++ = c;
	for (; n >= 2 * sizeof(word); n -= 2 * sizeof(word), d += 2 * sizeof(word)) {
		((u64 *)d)[0] = word;
		((u64 *)d)[1] = word;
	}
	while (n--)
		*d++ = c;
	return s;
}

void *memcpy(void *dest, const void *src, size_t n)
{
	u8 *d = dest;
	const u8 *s = src;

	if (both_aligned(d, s))
		for (; n >= sizeof(u64); n -= sizeof(u64), d += sizeof(u64), s += sizeof(u64))
			*(u64 *)d = *(const u64 *)s;
	while (n--)
		*d++ = *s++;
	return dest;
}

void *memmove(void *dest, const void *src, size_t n)
{
	u8 *d = dest;
	const u8 *s = src;

	if (d <= s || d >= s + n)
		return memcpy(dest, src, n);
	while (n--)
		d[n] = s[n];
	return dest;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n--; x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const u8 *p = s; n--; p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}
