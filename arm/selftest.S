/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register values around an exception. */
#include <asm/registers.h>
#include "selftest.h"

	.text
/* u64 registers_around_brk(void) */
	.global	registers_around_brk
registers_around_brk:
	frame_begin
	.irp	n, NUMBERS_0_TO_30
	mov	x\n, #BRK_REGISTER + \n
	.endr
	brk	#BRK_NUMBER
	sub	x0, x0, #BRK_REGISTER			/* counts from here: 0 if x0 was right */
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	cmp	x\n, #BRK_REGISTER + \n
	cinc	x0, x0, ne
	.endr
	frame_end
	ret
