/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose exits repeat, and guests that only look so. */
#include <libcflat.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <asm/guest.h>
#include <asm/io.h>
#include "misbehave.h"

#define WRONG_ADDRESS (ADDRESS + PAGE_SIZE)

/* Maps a page other than the one that faulted, once, and hopes. */
static enum guest_handler_result map_wrong_page(struct guest *guest)
{
	static void *page;

	if (!page) {
		page = alloc_page();
		s2mmu_map(guest->s2mmu, WRONG_ADDRESS, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW);
	}
	return GUEST_ACTION_RESUME;
}

void livelock(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, map_wrong_page);
	report_info("about to run a guest whose fault is not resolved");
	guest_run(guest);
}

void livelock_of_cpu1(void)
{
	on_cpu_async(1, on_other_cpu, livelock);
	sleep_for_ever();
}

/* A handler that forgets to step over the instruction that it has emulated */
static enum guest_handler_result emulate_without_skip(struct guest *guest)
{
	guest->x[0]++;
	return GUEST_ACTION_RESUME;
}

static void guest_smc(void)
{
	asm volatile("mov x0, #1\n	smc #0" : : : "x0");
}

void livelock_smc(void)
{
	struct guest *guest = guest_create(1, guest_smc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, emulate_without_skip);
	report_info("about to run a guest whose SMC is not stepped over");
	guest_run(guest);
}

/* Not livelocks: the guest waits for a device, whose register never changes. */
static enum guest_handler_result read_as_zero(struct guest *guest)
{
	guest->x[0] = 0;
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void guest_poll(void)
{
	asm volatile("1: ldr	w0, [%0]\n	cbz	w0, 1b" : : "r"(ADDRESS) : "x0");
}

void poll(void)
{
	struct guest *guest = guest_create(1, guest_poll, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, read_as_zero);
	report_info("about to run a guest that polls a device");
	guest_run(guest);
}

/* Calls the host for ever, which answers */
static void guest_call_for_ever(void)
{
	for (;;)
		guest_hvc();
}

static enum guest_handler_result answer(struct guest *guest)
{
	return GUEST_ACTION_RESUME;
}

void calls(void)
{
	struct guest *guest = guest_create(1, guest_call_for_ever, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, answer);
	report_info("about to run a guest that calls the host for ever");
	guest_run(guest);
}
