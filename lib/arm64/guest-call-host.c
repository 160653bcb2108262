/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the library's code in guests, answered by the host (asm/guest-call.h). */
#include <libcflat.h>
#include <report-internal.h>
#include <asm/backtrace.h>
#include <asm/console.h>
#include <asm/guest-call.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/smp.h>

#define PLACE_BYTES 256

static void print_stack(struct guest *guest)
{
	struct backtrace trace = {};

	guest_backtrace(guest, &trace, 0, guest->x[29]);
	printf("\tSTACK:%s\n", trace.text);
}

static void __noreturn abort_guest(struct guest *guest, const char *text)
{
	smp_claim_end();
	report_print_abort(text);
	print_stack(guest);
	abort();
}

static void __noreturn fail_assertion(struct guest *guest, const char *text)
{
	smp_claim_end();
	report_print_assertion(text);
	print_stack(guest);
	abort();
}

/* An argument that is a string. The host would have taken a fault. */
static int read_text(struct guest *guest, unsigned int argument, char *text, int size)
{
	int len = guest_read_string(guest, guest->x[argument], text, size);
	char message[128];

	if (len >= 0)
		return len;
	snprintf(message, sizeof(message),
		 "a guest prints the string at %#lx, where it cannot read memory",
		 guest->x[argument]);
	abort_guest(guest, message);
}

static void answer_puts(struct guest *guest)
{
	bool begins_line = guest->x[2];
	char text[REPORT_TEXT_BYTES];
	int len;

	do {
		len = read_text(guest, 1, text, sizeof(text));
		if (begins_line)
			puts_line(text);
		else
			puts(text);
		begins_line = false;
		guest->x[1] += len;
	} while (len == sizeof(text) - 1);
}

static void answer_report(struct guest *guest)
{
	char text[REPORT_TEXT_BYTES] = "", place[PLACE_BYTES];
	u64 kind = guest->x[1];
	bool has_place = guest->x[2];

	if (kind >= REPORT_KINDS)
		abort_guest(guest, "a guest calls the host with a wrong kind of result");
	if (has_place)
		read_text(guest, 2, place, sizeof(place));
	if (guest->x[3])
		read_text(guest, 3, text, sizeof(text));
	report_result(kind, has_place ? place : NULL, text);
}

static bool answer_prefix_push(struct guest *guest)
{
	char text[REPORT_PREFIX_BYTES];

	read_text(guest, 1, text, sizeof(text));
	return report_prefix_add(text);
}

static void __noreturn answer_end(struct guest *guest, enum guest_call call)
{
	char text[REPORT_TEXT_BYTES];

	if (call == GUEST_CALL_EXIT)
		exit(guest->x[1]);
	read_text(guest, 1, text, sizeof(text));
	if (call == GUEST_CALL_ASSERT)
		fail_assertion(guest, text);
	abort_guest(guest, text);
}

static u64 answer(struct guest *guest, enum guest_call call)
{
	switch (call) {
	case GUEST_CALL_PROBE:
		return 1;
	case GUEST_CALL_PUTS:
		answer_puts(guest);
		return 0;
	case GUEST_CALL_REPORT:
		answer_report(guest);
		return 0;
	case GUEST_CALL_PREFIX_PUSH:
		return answer_prefix_push(guest);
	case GUEST_CALL_PREFIX_POP:
		return report_prefix_remove(guest->x[1]);
	case GUEST_CALL_SUMMARY:
		return report_summary();
	case GUEST_CALL_STACK:
		print_stack(guest);
		return 0;
	case GUEST_CALL_ABORT:
	case GUEST_CALL_ASSERT:
	case GUEST_CALL_EXIT:
		answer_end(guest, call);
	}
	abort_guest(guest, "a guest calls the host with a wrong number");
}

void guest_answer_call(struct guest *guest)
{
	guest->x[0] = answer(guest, guest->x[0]);
}
