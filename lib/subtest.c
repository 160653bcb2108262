/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>

static bool named(const struct subtest *subtest, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], subtest->name))
			return true;
	return argc <= 1;
}

static void check_names(const struct subtest *subtests, size_t count, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		size_t n = 0;

		while (n < count && strcmp(argv[i], subtests[n].name))
			n++;
		if (n == count)
			report_abort("no subtest %s", argv[i]);
	}
}

int run_subtests(const struct subtest *subtests, size_t count, int argc, char **argv)
{
	check_names(subtests, count, argc, argv);
	for (size_t i = 0; i < count; i++) {
		if (!named(&subtests[i], argc, argv))
			continue;
		report_prefix_push(subtests[i].name);
		subtests[i].run();
		report_prefix_pop();
	}
	return report_summary();
}

int skip_all(const char *reason)
{
	report_skip("%s", reason);
	return report_summary();
}

int run_subtests_unless(const char *reason, const struct subtest *subtests, size_t count, int argc,
			char **argv)
{
	return reason ? skip_all(reason) : run_subtests(subtests, count, argc, argv);
}
