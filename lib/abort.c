/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways a test ends that went wrong. */
#include <libcflat.h>
#include <report-internal.h>
#include <asm/guest-call.h>
#include <asm/smp.h>

void abort(void)
{
	exit(ABORT_EXIT_STATUS >> 1);
}

void assert_failed(const char *place, const char *condition, const char *fmt, ...)
{
	char text[REPORT_TEXT_BYTES];
	int len = snprintf(text, sizeof(text), "%s: assert failed: %s%s", place, condition,
			   fmt ? ": " : "");

	if (fmt && len < (int)sizeof(text)) {
		va_list va;

		va_start(va, fmt);
		vsnprintf(text + len, sizeof(text) - len, fmt, va);
		va_end(va);
	}
	if (in_guest())
		guest_call(GUEST_CALL_ASSERT, (u64)text, 0, 0);
	smp_claim_end();
	report_print_assertion(text);
	dump_stack();
	abort();
}
