/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest on CPU 1 that accesses a word over and over, while the host on CPU 0 changes what the
 * word's address is translated to.
 */
#ifndef NESTED_WATCH_H
#define NESTED_WATCH_H

#include <libcflat.h>
#include <on-cpus.h>
#include <asm/deadline.h>
#include <asm/guest.h>
#include <asm/smp.h>

#define WAIT_MS 20000
#define CHANGES 12
/* Value of the word in a page that the guest must not read any more */
#define POISON 0xbadUL

/* Published by the guest, whose image maps this */
static struct {
	u64 rounds, last, poisoned;
	int stop;
} watch;

/* In the guest */
static bool is_over(void)
{
	return smp_load_acquire(&watch.stop);
}

static void end_round(void)
{
	smp_store_release(&watch.rounds, watch.rounds + 1);
}

static void note_word(u64 word)
{
	watch.poisoned += word == POISON;
	watch.last = word;
	end_round();
}

/* On the host */
static void run_watcher(void *guest)
{
	guest_run(guest);
}

static void start_watcher(struct guest *guest)
{
	watch = (typeof(watch)){};
	on_cpu_async(1, run_watcher, guest);
}

static void nothing(void *data)
{
}

/* The guest's exit is known after this. */
static void stop_watcher(void)
{
	smp_store_release(&watch.stop, 1);
	on_cpu(1, nothing, NULL);
}

/* True when the guest has begun two rounds more: one of them began after this call. */
static bool goes_on(void)
{
	u64 rounds = smp_load_acquire(&watch.rounds);

	return wait_for(smp_load_acquire(&watch.rounds) >= rounds + 2, WAIT_MS);
}

#endif
