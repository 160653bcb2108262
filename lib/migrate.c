/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests for a migration: lines that the runner looks for, those of kvm-unit-tests. */
#include <libcflat.h>
#include <migrate.h>

/* Without a limit: the timeout of the test is the runner's. */
static void wait_for_key(void)
{
	while (getchar() < 0)
		;
}

static void request(const char *lines)
{
	puts(lines);
	wait_for_key();
}

void migrate(void)
{
	request("Now migrate the VM, then press a key to continue...\n");
	report_info("Migration complete");
}

void migrate_quiet(void)
{
	request("Now migrate the VM (quiet)\n");
}

void migrate_once(void)
{
	static bool migrated;

	if (migrated)
		return;
	migrated = true;
	migrate();
}

void migrate_skip(void)
{
	static bool skipped;

	if (skipped)
		return;
	skipped = true;
	request("Skipped VM migration (quiet)\n");
}

void migrate_begin_continuous(void)
{
	request("Begin continuous migration\n");
}

/* The second line is for runners that read the two serial lines apart: a migration may split one. */
void migrate_end_continuous(void)
{
	request("End continuous migration\nEnd continuous migration (quiet)\n");
}
