/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest polls on one CPU while its translations change on another. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/deadline.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include "smp.h"

#define GOOD 0x600dUL
#define POISON 0xbadUL

/* Unmap while another CPU runs the guest. */
static int polls, stop, faulted;

static u64 guest_poll(const volatile u64 *word)
{
	while (!load(&stop)) {
		u64 value = *word;

		add(&polls, 1);
		if (value != GOOD)
			return value;
	}
	return GOOD;
}

static enum guest_handler_result note_fault(struct guest *guest)
{
	u64 ipa;

	if (guest_fault_ipa(guest, &ipa) && ipa == TEST_IPA)
		add(&faulted, 1);
	return GUEST_ACTION_EXIT;
}

/* The guest runs on CPU 1 and reads the word. */
static bool start_polling(void)
{
	int before = load(&polls);

	stop = faulted = 0;
	start(1);
	return wait_for(load(&polls) > before + 100, WAIT_MS);
}

static void stop_polling(void)
{
	smp_store_release(&stop, 1);
	finish(1);
}

void test_unmap(void)
{
	struct guest *guest;
	u64 *page;
	int rounds = 10, ran = 0, faults = 0, poisoned = 0;

	if (alone())
		return;
	guest = guests[1] = guest_create_4k(60, guest_poll);
	page = alloc_page();
	assert(page);
	guest_install_handler(guest, ELx_LOW_SYNC_64, note_fault);
	for (int i = 0; i < rounds && faults == i; i++) {
		*page = GOOD;
		assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE,
				  S2_MAP_RW));
		guest->elr_el2 = (u64)guest_poll;
		guest->x[0] = TEST_IPA;
		guest->return_value = 0;
		ran += start_polling();
		assert(!s2mmu_unmap(guest->s2mmu, TEST_IPA, PAGE_SIZE));
		/* The page is the host's again: the guest must not see it change. */
		*(volatile u64 *)page = POISON;
		faults += wait_for(load(&faulted), WAIT_MS / 10);
		stop_polling();
		poisoned += guest->return_value == POISON;
	}
	report(ran == rounds,
	       "rounds in which the guest ran when its page was unmapped: expected %d, found %d",
	       rounds, ran);
	report(faults == rounds,
	       "rounds in which the guest faults within %d ms of s2mmu_unmap(): expected %d, found %d",
	       WAIT_MS / 10, rounds, faults);
	report(!poisoned,
	       "rounds in which the guest read the page after s2mmu_unmap(): expected 0, found %d",
	       poisoned);
	guest_destroy(guest);
	free_page(page);
}

/* A guest's own TLBI, even a local one, reaches all CPUs that its vCPUs run on (HCR_EL2.FB). */
static int stage1_faults;

static u64 guest_poll_stage1(const struct guest_stage1 *stage1)
{
	guest_stage1_turn_on(stage1);
	return guest_poll((const volatile u64 *)TEST_VA);
}

static void note_stage1_fault(struct guest_el1_regs *regs, unsigned int esr)
{
	add(&stage1_faults, 1);
	add(&stop, 1);
	regs->elr += 4;
}

static void guest_flush_local(void)
{
	asm volatile("	dsb	ishst\n"
		     "	tlbi	vmalle1\n"
		     "	dsb	nsh\n"
		     "	isb"
		     :
		     :
		     : "memory");
}

void test_guest_tlbi(void)
{
	struct guest_stage1 *stage1;
	u64 *page;
	bool ran;
	int level;

	if (alone())
		return;
	page = alloc_page();
	create_vcpus(guest_flush_local);
	guests[1]->elr_el2 = (u64)guest_poll_stage1;
	assert(guest_install_el1_handler(guests[1], ELxH_SYNC, note_stage1_fault));
	stage1 = guest_stage1_create(guests[1], 39);
	assert(page && stage1);
	*page = GOOD;
	assert(!s2mmu_map(guests[0]->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
	assert(!guest_stage1_map_image(stage1, 0));
	assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, PAGE_SIZE, S1_MAP_RW));
	guests[1]->x[0] = (u64)stage1;
	ran = start_polling();
	*guest_stage1_lookup(stage1, TEST_VA, &level) = 0;
	reasons[0] = guest_run(guests[0]);
	report(ran && reasons[0] == GUEST_EXIT_RETURNED,
	       "TLBI VMALLE1 in a vCPU while another polls: expected polling 1, \"%s\", found %d, "
	       "\"%s\"",
	       guest_exit_reason_name(GUEST_EXIT_RETURNED), ran,
	       guest_exit_reason_name(reasons[0]));
	wait_for(load(&stage1_faults) == 1, WAIT_MS / 10);
	report(load(&stage1_faults) == 1,
	       "stage-1 faults of a polling vCPU within %d ms of another's TLBI: expected 1, found %d",
	       WAIT_MS / 10, load(&stage1_faults));
	stop_polling();
	guest_check_exit(guests[1], EXPECT_REASON(GUEST_EXIT_RETURNED),
			 "polling vCPU after its stage-1 fault");
	guest_stage1_destroy(stage1);
	destroy_all();
	free_page(page);
}
