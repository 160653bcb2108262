/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of a `STACK:` line: offsets from the image's start, the innermost first. */
#ifndef ASMARM64_BACKTRACE_H
#define ASMARM64_BACKTRACE_H

#include <libcflat.h>

#define BACKTRACE_DEPTH 20 /* frame records of one stack */
#define BACKTRACE_BYTES 512

struct backtrace {
	int len;
	char text[BACKTRACE_BYTES];
};

/* A frame record (AAPCS64, 6.4.6). */
struct frame {
	const struct frame *next;
	const void *ret;
};

/* @address without the signature that a return address may have (FEAT_PAuth). */
u64 strip_signature(u64 address);
/* Add @address, if it is in the image's text, with @mark: "@" for an exact instruction, or "". */
void backtrace_add(struct backtrace *trace, const char *mark, u64 address);
/* Add the return addresses of a chain of the host's frame records. */
void backtrace_add_chain(struct backtrace *trace, const struct frame *frame);

#endif
