/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which code is a guest's: on other stacks, in handlers and in user mode. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/backtrace.h>
#include <asm/guest-call.h>
#include <asm/guest-internal.h>
#include <asm/user.h>
#include "print.h"

static char other_stack[SZ_16K] __aligned(16);

void test_own_stack(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_print);

	guest->sp_el1 = (u64)other_stack + sizeof(other_stack);
	run_print(guest, "on a stack of its own");
}

static enum guest_handler_result run_another(struct guest *guest)
{
	report(!in_guest(), "in_guest() in a handler: expected 0, found %d", in_guest());
	run_print(guest_create_4k(VMID + 1, guest_print), "run by a handler");
	return GUEST_ACTION_RESUME;
}

static u64 guest_hvc_and_print(u64 a)
{
	asm volatile("hvc #0" : : : "memory");
	return guest_print(a);
}

void test_nested(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_and_print);

	guest_install_handler(guest, ELx_LOW_SYNC_64, run_another);
	run_print(guest, "that was stopped while another one ran");
}

static struct guest *outer;

static enum guest_handler_result trace_outer(struct guest *guest)
{
	struct backtrace trace = {};

	guest_backtrace(outer, &trace, outer->elr_el2, outer->sp_el1 - 16);
	return GUEST_ACTION_RESUME;
}

static u64 guest_hvc_keeping_tpidr(u64 value)
{
	write_sysreg(value, tpidr_el1);
	asm volatile("hvc #0" : : : "memory");
	return read_sysreg(tpidr_el1);
}

static enum guest_handler_result run_tracing_one(struct guest *guest)
{
	struct guest *inner = guest_create_4k(VMID + 1, guest_hvc_keeping_tpidr);
	const u64 value = 0x5afe;

	outer = guest;
	inner->x[0] = value;
	guest_install_handler(inner, ELx_LOW_SYNC_64, trace_outer);
	guest_run(inner);
	report(inner->return_value == value,
	       "TPIDR_EL1 of a guest whose handler traced another one that waits: expected %#lx, "
	       "found %#lx",
	       value, inner->return_value);
	guest_destroy(inner);
	return GUEST_ACTION_EXIT;
}

void test_outer(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_keeping_tpidr);

	guest_install_handler(guest, ELx_LOW_SYNC_64, run_tracing_one);
	guest_run(guest);
	guest_destroy(guest);
}

/* Call in_guest() with the stack pointer @sp. */
static bool in_guest_on(void *sp)
{
	register u64 result asm("x0");

	asm volatile("	mov	x19, sp\n"
		     "	mov	sp, %1\n"
		     "	bl	in_guest\n"
		     "	mov	sp, x19"
		     : "=r"(result)
		     : "r"(sp)
		     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		       "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x30", "cc", "memory");
	return result & 1;
}

static bool user_result;

static void user_function(void *unused)
{
	user_result = in_guest();
}

/* Code of the host that is not on a stack of the host's: asm/thread_info.h says which it may use. */
void test_host(void)
{
	char *block = memalign_pages(2 * THREAD_SIZE, 2 * THREAD_SIZE);
	struct guest *guest = guest_create_4k(VMID, guest_print);
	bool result;

	report(!in_guest(), "in_guest() in the host: expected 0, found %d", in_guest());
	result = in_guest_on(block + 2 * THREAD_SIZE);
	report(!result, "in_guest() in the host, on another stack: expected 0, found %d", result);
	if (!user_mode_unsupported()) {
		user_result = true;
		start_usr(user_function, NULL, (u64)block + 2 * THREAD_SIZE);
		report(!user_result, "in_guest() in the host's user mode: expected 0, found %d",
		       user_result);
	}
	guest_destroy(guest);
	free_pages(block);
}
