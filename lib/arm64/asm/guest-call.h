/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of the host by the library's own code in a guest: printf(), report() and the like, assert()
 * and exit() have neither the console nor the host's locks there.
 *
 * The call is an HVC at the address of guest_call(), which alone makes it one: the immediate stays
 * the guest's everywhere else. At EL0 HVC is undefined, and the exception to EL1 is recognised by
 * the same address, unless the guest has vectors that are not the framework's.
 */
#ifndef ASMARM64_GUEST_CALL_H
#define ASMARM64_GUEST_CALL_H

#include <libcflat.h>

enum guest_call {
	GUEST_CALL_PROBE, /* 1 in a guest, 0 in the host */
	GUEST_CALL_PUTS, /* string, whether it begins a line */
	GUEST_CALL_REPORT, /* enum report_kind, place or NULL, text or NULL */
	GUEST_CALL_PREFIX_PUSH, /* text; whether it fits */
	GUEST_CALL_PREFIX_POP, /* number of prefixes; whether there are so many */
	GUEST_CALL_SUMMARY, /* the exit code */
	GUEST_CALL_STACK,
	/* These do not return. */
	GUEST_CALL_ABORT, /* text */
	GUEST_CALL_ASSERT, /* text */
	GUEST_CALL_EXIT, /* code */
};

/* guest-el1-code.S */
u64 guest_call(enum guest_call call, u64 a, u64 b, u64 c);

/* Guests may exist from here on. */
void guest_call_enable(void);

/*
 * True in code of a guest that may call the host. Costs the host a few loads, and nothing but one
 * in an image without guests.
 */
bool in_guest(void);

#endif
