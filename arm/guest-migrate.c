/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration to another QEMU in the middle of a run: what host and guest have in registers, memory,
 * page tables, timers and interrupt controllers is the same on the destination (guest-migrate/), and
 * guests run meanwhile.
 *
 * A guest's hypercall migrates the machine in the host's handler, while the guest's registers are
 * in the CPU.
 */
#include <libcflat.h>
#include <migrate.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include "guest-migrate/migrated.h"

enum guest_handler_result migrate_and_resume(struct guest *guest)
{
	migrate_quiet();
	return GUEST_ACTION_RESUME;
}

struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, migrate_and_resume);
	return guest;
}

/*
 * Guests that run meanwhile
 */

#define WORDS (SZ_64K / sizeof(u64))
#define CONTINUOUS_MS 100

static u64 words[WORDS];
static volatile bool stop;

/* Writes and reads all the time. Returns the number of wrong words. */
static u64 guest_work(u64 until_stop)
{
	u64 wrong = 0, round = 0;

	do {
		round++;
		for (u64 i = 0; i < WORDS; i++)
			words[i] = round * i;
		for (u64 i = 0; i < WORDS; i++)
			wrong += ((volatile u64 *)words)[i] != round * i;
	} while (until_stop && !stop);
	return wrong;
}

static void test_continuous(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_work);
	u64 entry = guest->elr_el2, link = guest->x[30], end, wrong = 0, runs = 0;

	migrate_begin_continuous();
	end = deadline_after_ms(CONTINUOUS_MS);
	do {
		guest->elr_el2 = entry;
		guest->x[30] = link;
		guest->x[0] = 0;
		if (guest_run(guest) != GUEST_EXIT_RETURNED)
			break;
		wrong += guest->return_value;
		runs++;
	} while (!deadline_passed(end));
	migrate_end_continuous();
	report(guest->exit_reason == GUEST_EXIT_RETURNED && !wrong,
	       "last of %lu runs of a guest in continuous migration: expected %s, 0 wrong words in "
	       "all, found %s, %lu",
	       runs, guest_exit_reason_name(GUEST_EXIT_RETURNED),
	       guest_exit_reason_name(guest->exit_reason), wrong);
	guest_destroy(guest);
}

static void run_guest(void *guest)
{
	guest_run(guest);
}

static void nothing(void *data)
{
}

/* A guest runs on the second CPU; the first one asks for a migration. */
static void test_other_cpu(void)
{
	struct guest *guest;

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guest = guest_create_4k(VMID, guest_work);
	guest->x[0] = true;
	stop = false;
	on_cpu_async(1, run_guest, guest);
	migrate_quiet();
	stop = true;
	on_cpu(1, nothing, NULL); /* after the guest's end */
	guest_check_exit(guest, EXPECT_RETURN(0),
			 "wrong words of a guest that runs on another CPU during a migration");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "host", test_host },
	{ "el1", test_el1 },
	{ "keys", test_keys },
	{ "debug", test_debug },
	{ "fp", test_fp },
	{ "sve", test_sve },
	{ "memory", test_memory },
	{ "dirty", test_dirty },
	{ "timer", test_timer },
	{ "timer-pending", test_timer_pending },
	{ "vgic", test_vgic },
	{ "continuous", test_continuous },
	{ "other-cpu", test_other_cpu },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: gic_unsupported();

	if (unsupported) {
		migrate_skip();
		return skip_all(unsupported);
	}
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
