/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_H
#define UTIL_H

#include <libcflat.h>
#include <errno.h>

/* Parse "key=number": @val is set and the key's length returned, or -1 when @s has no '='. */
int parse_keyval(char *s, long *val);

/*
 * A check that says nothing when @a equals @b, and both when it fails, behind the message @fmt, a
 * literal. Numbers only; they are compared as C compares them, so that -1 equals 0xffffffff.
 */
#define TEST_EXPECT_EQ(a, b) TEST_EXPECT_EQ_MSG(a, b, "%s == %s", #a, #b)
#define TEST_EXPECT_EQ_MSG(a, b, fmt, ...)                                              \
	do {                                                                            \
		__typeof__((a) + (b)) __found = (a), __expected = (b);                  \
		if (__found == __expected)                                              \
			report_passed();                                                \
		else                                                                    \
			report_fail(fmt ": expected %#lx, found %#lx", ##__VA_ARGS__,   \
				    (unsigned long)__expected, (unsigned long)__found); \
	} while (0)

/*
 * Checks that @found equals @expected, which the message has behind @fmt, a literal: in hex, as
 * signed decimals for results that may be negative, and as error numbers of <errno.h>.
 */
#define report_equal(found, expected, fmt, ...)                                                 \
	({                                                                                      \
		u64 __found = (u64)(found), __expected = (u64)(expected);                       \
		report(__found == __expected, fmt ": expected %#lx, found %#lx", ##__VA_ARGS__, \
		       __expected, __found);                                                    \
	})
#define report_equal_int(found, expected, fmt, ...)                                         \
	({                                                                                  \
		int __found = (found), __expected = (expected);                             \
		report(__found == __expected, fmt ": expected %d, found %d", ##__VA_ARGS__, \
		       __expected, __found);                                                \
	})
#define report_equal_error(found, expected, fmt, ...)                                  \
	({                                                                             \
		int __found = (found), __expected = (expected);                        \
		report(__found == __expected, fmt ": expected %d (%s), found %d (%s)", \
		       ##__VA_ARGS__, __expected, errno_name(__expected), __found,     \
		       errno_name(__found));                                           \
	})

#endif
