/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSTATE.DAIF around handlers: they may unmask, and the framework masks again before it goes on. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-internal.h>
#include <asm/processor.h>

#define VMID 4

/* Replaces the library's: no QEMU makes an SError. */
static bool host_serror;

bool guest_host_serror_pending(void)
{
	return host_serror;
}

/* DAIF, frame records and calls seen when optional state moves. */
static struct {
	u64 daif;
	int frames, moves;
} loaded, saved;

/* Number of frame records, 0 if they do not end. */
static int frames_from(const u64 *frame)
{
	int steps = 0;

	while (frame && steps < 32) {
		frame = (const u64 *)frame[0];
		steps++;
	}
	return frame ? 0 : steps;
}

static void load(struct guest *guest)
{
	loaded.daif = read_sysreg(daif);
	loaded.frames = frames_from(__builtin_frame_address(0));
	loaded.moves++;
}

static void save(struct guest *guest)
{
	saved.daif = read_sysreg(daif);
	saved.moves++;
}

static const struct guest_optional_state watched = { load, save };

static u64 guest_call_twice(void)
{
	asm volatile("	mov	x9, x29\n"
		     "	mov	x29, #0x1234\n" /* not a frame pointer of the host's */
		     "	hvc	#0\n"
		     "	hvc	#1\n"
		     "	mov	x29, x9"
		     :
		     :
		     : "x9", "memory");
	return 0;
}

static void unmask(void)
{
	daif_clear(PSR_DAIF);
	isb();
}

/* The first call accesses the registers, which RESUME then moves back; the last does not. */
static enum guest_handler_result unmask_and_go(struct guest *guest)
{
	bool last = guest->esr_el2 & 0xffff;

	if (!last)
		guest->data = (void *)guest->tpidr_el1;
	unmask();
	return last ? GUEST_ACTION_EXIT : GUEST_ACTION_RESUME;
}

static struct guest *create(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_call_twice);

	guest_install_handler(guest, ELx_LOW_SYNC_64, unmask_and_go);
	loaded.moves = saved.moves = 0;
	return guest;
}

static void test_unmasked(void)
{
	struct guest *guest = create();

	guest_set_optional_state(guest, &watched);
	guest_run(guest);
	report(loaded.moves == 2 && saved.moves == 2,
	       "calls of optional state's load and save: expected 2 and 2, found %d and %d",
	       loaded.moves, saved.moves);
	report(loaded.daif == PSR_DAIF,
	       "DAIF in load, after RESUME of a handler that unmasked: expected %#lx, found %#lx",
	       (u64)PSR_DAIF, loaded.daif);
	report(saved.daif == PSR_DAIF,
	       "DAIF in save, after EXIT of a handler that unmasked: expected %#lx, found %#lx",
	       (u64)PSR_DAIF, saved.daif);
	report(loaded.frames > 2,
	       "frame records in load, after RESUME: expected more than 2 and an end, found %d",
	       loaded.frames);
	guest_destroy(guest);
}

static void test_host_serror(void)
{
	struct guest *guest = create();
	u64 daif = read_sysreg(daif), hcr = read_sysreg(hcr_el2), daif_after, hcr_after;

	guest_set_optional_state(guest, &watched);
	host_serror = true;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HOST_SERROR),
			"guest_run() with an SError of the host pending");
	host_serror = false;
	report(!loaded.moves && guest->elr_el2 == (u64)guest_call_twice,
	       "a guest not entered for an SError: expected 0 calls of load, PC %#lx, found %d, %#lx",
	       (u64)guest_call_twice, loaded.moves, guest->elr_el2);
	daif_after = read_sysreg(daif);
	hcr_after = read_sysreg(hcr_el2);
	report(daif_after == daif && hcr_after == hcr,
	       "DAIF and HCR_EL2 after a guest was not entered: expected %#lx and %#lx, found %#lx "
	       "and %#lx",
	       daif, hcr, daif_after, hcr_after);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"guest_run() with no SError pending any more");
	guest_destroy(guest);
}

/* TLB maintenance changes EL2's registers for a moment, and masks while it does. */
static void test_tlbi(void)
{
	struct guest *guest = create();
	u64 before = read_sysreg(daif);

	for (u64 bit = PSR_F_BIT; bit <= PSR_D_BIT; bit <<= 1) {
		u64 after;

		write_sysreg(bit, daif);
		s2mmu_flush(guest->s2mmu);
		after = read_sysreg(daif);
		write_sysreg(before, daif);
		report(after == bit, "DAIF after s2mmu_flush(): expected %#lx, found %#lx", bit,
		       after);
	}
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "unmasked", test_unmasked },
	{ "host-serror", test_host_serror },
	{ "tlbi", test_tlbi },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
