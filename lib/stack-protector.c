/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the compiler's stack protector calls, in builds that have it (-fstack-protector-strong). */
#include <libcflat.h>

/* A NUL in it stops strings that run over. Fixed: a test is to fail the same way each time. */
unsigned long __stack_chk_guard = 0x6b75740a00c0ffeeUL;

void __stack_chk_fail(void) __noreturn;
void __stack_chk_fail(void)
{
	assert_msg(false, "a function has written beyond its stack frame");
	abort();
}
