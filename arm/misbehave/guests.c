/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests and their handlers that go wrong. */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/guest-fp.h>
#include "misbehave.h"

void guest_hvc(void)
{
	asm volatile("hvc #0");
}

void guest_load(void)
{
	load_from((u64 *)ADDRESS);
}

static enum guest_handler_result recurse_in_handler(struct guest *guest)
{
	guest->x[0] = recurse(0);
	return GUEST_ACTION_EXIT;
}

/* A guest's handlers have a stack of their own, with a guard of its own. */
void handler_stack_overflow(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, recurse_in_handler);
	guest_run(guest);
}

static __attribute__((__noinline__)) void guest_spin(void)
{
	for (;;)
		cpu_relax();
}

static void guest_hang_main(void)
{
	guest_spin();
}

void guest_hang(void)
{
	report_info("about to run a guest that spins");
	guest_run(guest_create(1, guest_hang_main, S2_PAGE_4K));
}

static enum guest_handler_result spin_in_exit(struct guest *guest)
{
	hang();
	return GUEST_ACTION_RESUME;
}

void hang_handler(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, spin_in_exit);
	guest_run(guest);
}

static enum guest_handler_result load_in_handler(struct guest *guest)
{
	load_from((u64 *)0xdead0000000UL);
	return GUEST_ACTION_EXIT;
}

void handler_exception(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, load_in_handler);
	guest_run(guest);
}

static enum guest_handler_result use_sve(struct guest *guest)
{
	guest->x[0] = sve_vector_length();
	return GUEST_ACTION_EXIT;
}

/* The registers are the guest's while its handler runs, and the host's SVE state stays away. */
void handler_sve(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, use_sve);
	guest_run(guest);
}

void unhandled_exit(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}

/* As in a test that leaves all checks to its guest, and does not check how that ended. */
void unchecked_exit(void)
{
	guest_run(guest_create(1, guest_load, S2_PAGE_4K));
}

/* The image's code is read-only in a guest. */
static void guest_write_code(void)
{
	*(volatile u32 *)guest_load = 0;
}

void guest_code(void)
{
	struct guest *guest = guest_create(1, guest_write_code, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}

static __attribute__((__noinline__)) void guest_level(unsigned int depth)
{
	if (depth)
		guest_level(depth - 1);
	else
		load_from((u64 *)ADDRESS);
	asm volatile(""); /* no tail call */
}

static void guest_deep_main(void)
{
	guest_level(4);
	asm volatile("");
}

void guest_deep(void)
{
	report_fail("the guest ran to its end: %d",
		    guest_run(guest_create(1, guest_deep_main, S2_PAGE_4K)));
}

static void guest_stack_main(void)
{
	recurse(0);
}

void guest_stack_overflow(void)
{
	report_fail("the guest ran to its end: %d",
		    guest_run(guest_create(1, guest_stack_main, S2_PAGE_4K)));
}

static enum guest_handler_result skip_call(struct guest *guest)
{
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

void guest_skip(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, skip_call);
	guest_run(guest);
}

/* As after the HVC, whose syndrome ESR_EL2 has */
void guest_skip_interrupt(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_run(guest);
	guest_install_handler(guest, ELx_LOW_IRQ_64, skip_call);
	gic_enable_defaults();
	gic_ipi_send_single(1, 0);
	guest_run(guest);
}

static __attribute__((__noinline__)) void guest_hvc_7(void)
{
	asm volatile("hvc #7");
	cpu_relax();
}

static void guest_call_7(void)
{
	guest_hvc_7();
}

void unhandled_hvc(void)
{
	struct guest *guest = guest_create(1, guest_call_7, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}
