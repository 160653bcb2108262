/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of report.c that the host runs for a guest. */
#ifndef REPORT_INTERNAL_H
#define REPORT_INTERNAL_H

#include <libcflat.h>

enum report_kind {
	REPORT_PASS,
	REPORT_FAIL,
	REPORT_XPASS,
	REPORT_XFAIL,
	REPORT_KFAIL,
	REPORT_SKIP,
	REPORT_PASSED, /* counted, not printed */
	REPORT_SKIPPED, /* likewise */
	REPORT_INFO, /* printed, not counted */
	REPORT_KINDS
};

/* The longest text of a result; a longer one is cut. */
#define REPORT_TEXT_BYTES 1024
#define REPORT_PREFIX_BYTES 256

/* @place: of the caller when the result is unexpected, else NULL. */
void report_result(enum report_kind kind, const char *place, const char *text);
/* False when it does not fit. */
bool report_prefix_add(const char *text);
/* False when there are not so many. */
bool report_prefix_remove(int n);
/*
 * The lines of report_abort() and of an assertion, for the CPU that ends the run. They take no
 * lock.
 */
void report_print_abort(const char *text);
void report_print_assertion(const char *text);

#endif
