/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration of the machine to another QEMU while the test runs, for tests with `migration = true`.
 *
 * A test asks with a line on the console and waits for a key; the runner migrates the machine, then
 * presses the key on the destination. At EL2 or EL1, and in handlers of guests.
 */
#ifndef MIGRATE_H
#define MIGRATE_H

/* Migrate, and print an INFO line after it. */
void migrate(void);
/* The same without the INFO line, for many migrations. */
void migrate_quiet(void);
/* migrate() at the first call, nothing at further ones. */
void migrate_once(void);
/* Let the test end without a migration, as when it is skipped. Further calls do nothing. */
void migrate_skip(void);
/*
 * In between the machine is migrated again and again, at least once. No other function of this file
 * may be called there.
 */
void migrate_begin_continuous(void);
void migrate_end_continuous(void);

#endif
