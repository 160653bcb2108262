/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways a test ends that went wrong. */
#include <libcflat.h>
#include <asm/console.h>
#include <asm/smp.h>

void abort(void)
{
	exit(ABORT_EXIT_STATUS >> 1);
}

void assert_failed(const char *place, const char *condition, const char *fmt, ...)
{
	smp_claim_end();
	console_start_line();
	printf("%s: assert failed: %s", place, condition);
	if (fmt) {
		va_list va;

		printf(": ");
		va_start(va, fmt);
		vprintf(fmt, va);
		va_end(va);
	}
	printf("\n");
	dump_stack();
	abort();
}
