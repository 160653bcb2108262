/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of guests' exits, passed and failed. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/stage2-check.h>
#include "misbehave.h"

static u64 guest_add(u64 a, u64 b)
{
	return a + b;
}

/* Runs @func up to its first exit, with no handler that lets it go on. */
static struct guest *create_stopping(void *func)
{
	struct guest *guest = guest_create_4k(1, func);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	return guest;
}

static struct guest *no_guest(void)
{
	return NULL;
}

/* Checks of guests' exits: passed, and failed for each thing that they compare. */
void guest_checks(void)
{
	struct guest *adds = create_stopping(guest_add), *calls = create_stopping(guest_hvc);
	struct guest *loads = create_stopping(guest_load);

	adds->x[0] = 40;
	adds->x[1] = 2;
	guest_check_run(adds, EXPECT_RETURN(42), "right value");
	guest_check_exit(adds, EXPECT_RETURN(41), "wrong value, not %d", 42);
	guest_check_exit(adds, EXPECT_CLASS(ESR_ELx_EC_HVC64), "returned too early");
	guest_check_run(calls, EXPECT_CLASS(ESR_ELx_EC_HVC64), "right class");
	guest_check_exit(calls, EXPECT_CLASS(ESR_ELx_EC_SMC64), "wrong class");
	guest_check_exit(calls, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, 1, 0xffff), "wrong immediate");
	guest_check_exit(calls, EXPECT_REASON(GUEST_EXIT_INTERRUPT), "wrong reason");
	guest_check_run(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, ADDRESS),
			"right abort");
	guest_check_exit(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, ADDRESS),
			 "wrong fault");
	guest_check_exit(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, ADDRESS + 8),
			 "wrong address");
	guest_check_exit(loads, EXPECT_MRS(3, 0, 13, 0, 4), "an abort in place of a trap");
	guest_require(no_guest());
}

/* Checks of accesses through a stage 2: passed, and failed for each thing that they compare. */
void stage2_checks(void)
{
	struct guest *guest = s2_probe_create(s2mmu_init(1, S2_PAGE_4K, false));
	u64 ipa = ADDRESS;

	assert(!s2mmu_map(guest->s2mmu, ipa, virt_to_phys(alloc_page()), PAGE_SIZE, S2_MAP_RO));
	s2_check_access(guest, 1, S2_WRITE, ipa, NULL, ESR_ELx_FSC_PERM | 3, "right fault");
	s2_check_access(guest, 1, S2_WRITE, ipa, NULL, ESR_ELx_FSC_FAULT | 3, "wrong fault");
	s2_check_access(guest, 1, S2_WRITE, ipa, NULL, S2_NO_FAULT, "a fault");
	s2_check_access(guest, 1, S2_READ, ipa, NULL, ESR_ELx_FSC_PERM | 3, "no fault");
	s2_check_reads(guest, ipa, 0, "right value");
	s2_check_reads(guest, ipa, 1, "wrong value");
	report(!s2_probe_reads(guest, ipa, 1), "s2_probe_reads() of another value: expected 0");
}
