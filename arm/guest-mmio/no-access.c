/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Aborts at a device's address that are no loads or stores of the guest. */
#include <libcflat.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include "mmio.h"

#define VA 0x2000000000UL
#define VA_BITS_39 39
#define ROOT_SHIFT 30 /* of an address to the entry of the root, level 1 */

/* The syndrome of a load, and what makes it that of another exception */
static const struct {
	const char *what;
	u64 set, clear;
	enum mmio_decoded expected;
} syndromes[] = {
	{ "a load", 0, 0, MMIO_DECODED },
	{ "a load without ISV", 0, ESR_ELx_ISV, MMIO_NO_SYNDROME },
	{ "cache maintenance", ESR_ELx_CM, ESR_ELx_ISV, MMIO_NO_ACCESS },
	{ "a walk of stage 1", ESR_ELx_S1PTW, ESR_ELx_ISV, MMIO_NO_ACCESS },
	{ "an instruction fetch", (u64)ESR_ELx_EC_IABT_LOW << ESR_ELx_EC_SHIFT,
	  (u64)ESR_ELx_EC_MASK << ESR_ELx_EC_SHIFT, MMIO_NO_ACCESS },
};

static u64 guest_load(void)
{
	return *(volatile u32 *)DEVICE_IPA;
}

static enum guest_handler_result check_syndromes(struct guest *guest)
{
	u64 esr = guest->esr_el2;

	for (size_t i = 0; i < ARRAY_SIZE(syndromes); i++) {
		struct mmio_access access;
		enum mmio_decoded found;

		guest->esr_el2 = (esr & ~syndromes[i].clear) | syndromes[i].set;
		found = mmio_decode(guest, &access);
		report(found == syndromes[i].expected,
		       "mmio_decode() of %s (ESR_EL2 %#lx): expected %d, found %d",
		       syndromes[i].what, guest->esr_el2, syndromes[i].expected, found);
	}
	guest->esr_el2 = esr;
	return GUEST_ACTION_EXIT;
}

void test_no_access(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_load);

	guest_install_handler(guest, ELx_LOW_SYNC_64, check_syndromes);
	guest_check_run(guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, DEVICE_IPA),
			"load from where no device is");
	guest_destroy(guest);
}

/* A table of the guest's stage 1 that is in the device: the walk goes to the handler. */
static u64 guest_load_through_device(const struct guest_stage1 *stage1)
{
	guest_stage1_turn_on(stage1);
	return *(volatile u64 *)VA;
}

void test_table_walk(void)
{
	struct guest *guest = create(guest_load_through_device);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, VA_BITS_39);

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	stage1->root[VA >> ROOT_SHIFT] = DEVICE_IPA | PT_VALID | PT_TABLE;
	guest->x[0] = (u64)stage1;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"walk of stage 1 to a table in a device");
	report((guest->esr_el2 & ESR_ELx_S1PTW) && !testdev.reads,
	       "walk of stage 1 to a table in a device: expected ESR_EL2.S1PTW, 0 reads of it; found "
	       "ESR_EL2 %#lx, %u",
	       guest->esr_el2, testdev.reads);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}
