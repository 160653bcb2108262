/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Support for the compiler's stack protector, in builds with -fstack-protector-strong. */
#include <libcflat.h>

/* A NUL in it stops strings that run over. Fixed, so that a failure repeats. */
unsigned long __stack_chk_guard = 0x6b75740a00c0ffeeUL;

void __stack_chk_fail(void) __noreturn;
void __stack_chk_fail(void)
{
	assert_msg(false, "a function has written beyond its stack frame");
	abort();
}
