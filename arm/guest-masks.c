/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is masked, and in what order, where the framework has a handler between two steps of its
 * own: a handler may unmask what it likes, and the framework masks it again before it goes on.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/processor.h>

#define VMID 4

/* guest_run() asks this one in place of its own: no QEMU makes an SError. */
static bool host_serror;

bool guest_host_serror_pending(void)
{
	return host_serror;
}

/* What a state that moves with the guest's registers has seen. */
static struct {
	u64 daif;
	int frames, moves;
} loaded, saved;

/* Steps to the end of the frame records, 0 if there is none in sight. */
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
	asm volatile("	mov	x29, #0x1234\n" /* no frame pointer of the host's */
		     "	hvc	#0\n"
		     "	hvc	#1"
		     :
		     :
		     : "x29", "memory");
	return 0;
}

static void unmask(void)
{
	daif_clear(PSR_DAIF);
	isb();
}

/* First with a look at the registers, which RESUME then moves back; at last without. */
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
	struct guest *guest = guest_create(VMID, (void (*)(void))guest_call_twice, S2_PAGE_4K);

	assert(guest);
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
	       "registers moved: in twice, out twice; found %d, %d", loaded.moves, saved.moves);
	report(loaded.daif == PSR_DAIF, "after RESUME of a handler that unmasked: DAIF %#lx",
	       loaded.daif);
	report(saved.daif == PSR_DAIF, "after its EXIT: DAIF %#lx", saved.daif);
	report(loaded.frames > 2, "RESUME moves them with frame records that end: %d",
	       loaded.frames);
	guest_destroy(guest);
}

static void test_host_serror(void)
{
	struct guest *guest = create();
	u64 daif = read_sysreg(daif), hcr = read_sysreg(hcr_el2);
	enum guest_exit_reason reason;

	guest_set_optional_state(guest, &watched);
	host_serror = true;
	reason = guest_run(guest);
	host_serror = false;
	report(reason == GUEST_EXIT_HOST_SERROR && guest->exit_reason == reason,
	       "an SError of the host's is pending: %s", guest_exit_reason_name(reason));
	report(!loaded.moves && guest->elr_el2 == (u64)guest_call_twice,
	       "the guest was not entered: PC %#lx", guest->elr_el2);
	report(read_sysreg(daif) == daif && read_sysreg(hcr_el2) == hcr,
	       "DAIF and HCR_EL2 are the host's");
	report(guest_run(guest) == GUEST_EXIT_HANDLER, "without one it is");
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
