/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that hold several tests, each with a prefix of its own. */
#ifndef SUBTEST_H
#define SUBTEST_H

#include <libcflat.h>

struct subtest {
	const char *name;
	void (*run)(void);
};

/*
 * Run those that @argv[1..] names, or all without arguments, in the order of the table. An unknown
 * name aborts. Returns report_summary().
 */
int run_subtests(const struct subtest *subtests, size_t count, int argc, char **argv);
/* The same unless @reason, such as guest_unsupported()'s, is not NULL: then skip_all() with it. */
int run_subtests_unless(const char *reason, const struct subtest *subtests, size_t count, int argc,
			char **argv);
/*
 * Report one skip with @reason, for an image that this machine cannot run. Returns
 * report_summary().
 */
int skip_all(const char *reason);

#endif
