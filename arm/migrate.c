/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests for a migration (migrate.h), in order and out of order. */
#include <libcflat.h>
#include <migrate.h>
#include <subtest.h>
#include <asm/deadline.h>
#include <asm/processor.h>

#define TIMES 3
#define CONTINUOUS_MS 200

/* Memory and the stack are those of the source, and time goes on. */
static void test_many(void)
{
	static volatile unsigned int in_memory;
	volatile unsigned int on_stack = 0;
	u64 before = get_cntvct();

	for (unsigned int i = 0; i < TIMES; i++) {
		in_memory++;
		on_stack++;
		migrate_quiet();
	}
	report(in_memory == TIMES && on_stack == TIMES,
	       "counts in memory and on the stack: expected %u, %u, found %u, %u", TIMES, TIMES,
	       in_memory, on_stack);
	report(get_cntvct() > before, "CNTVCT_EL0 after migrations: expected more than %#lx",
	       before);
}

static void test_once(void)
{
	migrate_once();
	migrate_once();
	report_pass("migrated once");
}

static void test_skip(void)
{
	migrate_skip();
	migrate_skip();
	report_pass("no migration needed");
}

static void test_continuous(void)
{
	u64 end;

	migrate_begin_continuous();
	end = deadline_after_ms(CONTINUOUS_MS);
	while (!deadline_passed(end))
		;
	migrate_end_continuous();
	migrate();
	report_pass("migrated continuously, and once");
}

/* The others are for tests of the runner, which says what is wrong. */
static void test_none(void)
{
	report_pass("ended without a migration");
}

static void test_begin_twice(void)
{
	migrate_begin_continuous();
	migrate_begin_continuous();
}

static void test_end_alone(void)
{
	migrate_end_continuous();
}

static void test_no_end(void)
{
	migrate_begin_continuous();
	report_pass("ended in continuous migration");
}

static void test_hang(void)
{
	migrate();
	for (;;)
		;
}

static void test_crash(void)
{
	migrate();
	assert_msg(false, "after the migration");
}

static const struct subtest subtests[] = {
	{ "many", test_many },		 { "once", test_once },
	{ "skip", test_skip },		 { "continuous", test_continuous },
	{ "none", test_none },		 { "begin-twice", test_begin_twice },
	{ "end-alone", test_end_alone }, { "no-end", test_no_end },
	{ "hang", test_hang },		 { "crash", test_crash },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
