/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: guests that must exist, and checks of their exits. */
#include <libcflat.h>
#include <asm/guest-check.h>

/* A string that grows, cut at the size of its buffer. */
struct text {
	int len;
	char buf[320];
};

static __printf(2, 3) void append(struct text *text, const char *fmt, ...)
{
	int room = (int)sizeof(text->buf) - text->len;
	va_list va;

	va_start(va, fmt);
	text->len += MIN(vsnprintf(text->buf + text->len, room, fmt, va), room - 1);
	va_end(va);
}

enum guest_handler_result guest_exit_always(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

struct guest *__guest_require(const char *place, struct guest *guest, const char *expression)
{
	if (!guest)
		assert_failed(place, expression, NULL);
	return guest;
}

static void describe_expected(struct text *text, const struct guest_exit *expected)
{
	char syndrome[128];

	append(text, "%s", guest_exit_reason_name(expected->reason));
	if (expected->has_value)
		append(text, " %#lx", expected->value);
	if (expected->esr_mask)
		append(text, ", %s",
		       esr_decode_masked(expected->esr, expected->esr_mask, syndrome,
					 sizeof(syndrome)));
	if (expected->has_ipa)
		append(text, ", IPA %#lx", expected->ipa);
}

static void describe_syndrome(struct text *text, const struct guest *guest)
{
	char syndrome[128];

	append(text, ", %s (ESR_EL2 %#lx)", esr_decode(guest->esr_el2, syndrome, sizeof(syndrome)),
	       guest->esr_el2);
	if (!esr_is_abort(guest->esr_el2))
		return;
	if (guest->fault_ipa == INVALID_PHYS_ADDR)
		append(text, ", no IPA, FAR_EL2 %#lx", guest->far_el2);
	else
		append(text, ", IPA %#lx", guest->fault_ipa);
}

/* Interrupts have no syndrome. What ended in a handler is one when the check expects a syndrome. */
static bool shows_syndrome(const struct guest *guest, const struct guest_exit *expected)
{
	switch (guest->exit_reason) {
	case GUEST_EXIT_HANDLER:
	case GUEST_EXIT_UNHANDLED:
	case GUEST_EXIT_EL1_UNHANDLED:
	case GUEST_EXIT_NO_SYNDROME:
		return expected->esr_mask || guest->exit_reason != expected->reason;
	default:
		return false;
	}
}

static void describe_found(struct text *text, const struct guest *guest,
			   const struct guest_exit *expected)
{
	append(text, "%s", guest_exit_reason_name(guest->exit_reason));
	if (guest->exit_reason == GUEST_EXIT_RETURNED)
		append(text, " %#lx", guest->return_value);
	if (shows_syndrome(guest, expected))
		describe_syndrome(text, guest);
}

static bool is_as_expected(const struct guest *guest, const struct guest_exit *expected)
{
	return guest->exit_reason == expected->reason &&
	       !((guest->esr_el2 ^ expected->esr) & expected->esr_mask) &&
	       (!expected->has_value || guest->return_value == expected->value) &&
	       (!expected->has_ipa || guest->fault_ipa == expected->ipa);
}

static bool check(const char *place, const struct guest *guest, const struct guest_exit *expected,
		  const char *fmt, va_list va)
{
	struct text what = {}, wanted = {}, found = {};

	vsnprintf(what.buf, sizeof(what.buf), fmt, va);
	describe_expected(&wanted, expected);
	describe_found(&found, guest, expected);
	return __report(place, is_as_expected(guest, expected), "%s: expected %s; found %s",
			what.buf, wanted.buf, found.buf);
}

bool __guest_check_exit(const char *place, const struct guest *guest,
			const struct guest_exit *expected, const char *fmt, ...)
{
	va_list va;
	bool pass;

	va_start(va, fmt);
	pass = check(place, guest, expected, fmt, va);
	va_end(va);
	return pass;
}

bool __guest_check_run(const char *place, struct guest *guest, const struct guest_exit *expected,
		       const char *fmt, ...)
{
	va_list va;
	bool pass;

	assert(guest_run(guest) == guest->exit_reason);
	va_start(va, fmt);
	pass = check(place, guest, expected, fmt, va);
	va_end(va);
	return pass;
}
