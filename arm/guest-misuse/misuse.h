/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUEST_MISUSE_H
#define GUEST_MISUSE_H

#include <libcflat.h>

/* A call that ends in an assertion */
struct misuse {
	const char *what;
	void (*call)(void);
	const char *text; /* in the assertion's */
};

/* Make each call in a guest, and check its assertion. */
void check_misuses(const struct misuse *misuses, size_t count);

/* Misuse of the library around the framework */
void test_library_misuse(void);
/* Misuse of virtual interrupts */
void test_misuse_of_interrupts(void);

#endif
