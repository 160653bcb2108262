/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backtraces of guests, along frame records that may be none. */
#include <libcflat.h>
#include <asm/backtrace.h>
#include <asm/guest-internal.h>
#include "print.h"

static unsigned int count_words(const char *text)
{
	unsigned int count = 0;

	for (; *text; text++)
		count += *text == ' ';
	return count;
}

static u64 records[4]; /* two */

struct traced {
	u64 x29;
	struct backtrace whole, around; /* around: what is not of the guest's records */
};

static enum guest_handler_result trace_in_handler(struct guest *guest)
{
	struct traced *traced = guest->data;

	guest_backtrace(guest, &traced->whole, guest->elr_el2, traced->x29);
	backtrace_add(&traced->around, "@", guest->elr_el2);
	backtrace_add_chain(&traced->around, (const struct frame *)guest->host_frame);
	return GUEST_ACTION_EXIT;
}

static void check_traced(const struct traced *traced, unsigned int expected, const char *when,
			 const char *what)
{
	unsigned int found = count_words(traced->whole.text) - count_words(traced->around.text);

	report(found == expected, "%s, %s: expected %u return addresses, found %u (%s)", what, when,
	       expected, found, traced->whole.text);
}

/* While the guest runs, its addresses are translated by the CPU, and after it by the host. */
static void check_frame(u64 x29, unsigned int expected, const char *what)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc);
	struct traced traced = { .x29 = x29 }, after = {};

	guest->data = &traced;
	guest_install_handler(guest, ELx_LOW_SYNC_64, trace_in_handler);
	guest_run(guest);
	check_traced(&traced, expected, "in a handler", what);
	guest_backtrace(guest, &after.whole, guest->elr_el2, x29);
	backtrace_add(&after.around, "@", guest->elr_el2);
	check_traced(&after, expected, "after the run", what);
	guest_destroy(guest);
}

static void set_records(u64 first_next, u64 second_next)
{
	records[0] = first_next;
	records[2] = second_next;
	records[1] = records[3] = (u64)guest_print + 4;
}

void test_frames(void)
{
	u64 first = (u64)&records[0], second = (u64)&records[2];
	u64 on_host_stack[2] = { 0, (u64)guest_print + 4 };

	set_records(second, 0);
	check_frame(first, 2, "two records");
	check_frame(0, 0, "no record");
	check_frame(first + 4, 0, "misaligned");
	check_frame(0xdead0000, 0, "not mapped at stage 2");
	check_frame((u64)on_host_stack, 0, "memory of the host");
	check_frame(0xdead000000000000, 0, "no address at all");
	set_records(first, 0);
	check_frame(first, 1, "a record that is its own caller's");
	set_records(second, first);
	check_frame(first, 2, "a circle of two records");
	set_records(second + 4, 0);
	check_frame(first, 1, "a caller's record that is misaligned");
	report(strip_signature(0x2b00000012345678) == 0x12345678 &&
		       strip_signature(0x002b800012345678) == 0x800012345678 &&
		       strip_signature(0xff80800012345678) == 0xffff800012345678 &&
		       strip_signature(0xffd5000012345678) == 0xffff000012345678,
	       "signed addresses of both halves: expected stripped, found %#lx, %#lx, %#lx, %#lx",
	       strip_signature(0x2b00000012345678), strip_signature(0x002b800012345678),
	       strip_signature(0xff80800012345678), strip_signature(0xffd5000012345678));
	records[1] |= 0x2bUL << 48;
	check_frame(first, 1, "a signed return address");
}
