/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that print, check and fail through the host. */
#include <libcflat.h>
#include <asm/guest.h>
#include "misbehave.h"

static __attribute__((__noinline__)) void check_answer(int answer)
{
	assert_msg(answer == 42, "in a guest, answer is %d", answer);
	if (answer == 42)
		report_abort("cannot go on in a guest");
}

static void guest_assert_main(void)
{
	report_pass("a check in the guest");
	check_answer(41);
	asm volatile("");
}

void guest_assertion(void)
{
	guest_run(guest_create(1, guest_assert_main, S2_PAGE_4K));
}

static void guest_abort_main(void)
{
	check_answer(42);
	asm volatile("");
}

void guest_abort(void)
{
	guest_run(guest_create_el0(1, guest_abort_main, S2_PAGE_4K));
}

static void guest_handler(struct guest_el1_regs *regs, unsigned int esr)
{
	assert_msg(!esr, "in a guest's own handler");
}

static void guest_undefined(void)
{
	asm volatile("udf #0");
}

void guest_own_handler(void)
{
	struct guest *guest = guest_create(1, guest_undefined, S2_PAGE_4K);

	guest_install_el1_handler(guest, ELxH_SYNC, guest_handler);
	guest_run(guest);
}

static void guest_string_main(void)
{
	puts((const char *)ADDRESS);
	asm volatile("");
}

void guest_bad_string(void)
{
	guest_run(guest_create(1, guest_string_main, S2_PAGE_4K));
}

static void guest_printf_main(void)
{
	printf("printed in a guest that is opaque\n");
	asm volatile("");
}

void guest_opaque(void)
{
	struct guest *guest = guest_create(1, guest_printf_main, S2_PAGE_4K);

	guest_set_opaque(guest, true);
	report_fail("the guest ran to its end: %d", guest_run(guest));
}
