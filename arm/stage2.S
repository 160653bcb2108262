/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code of guests whose registers matter. */
#include "stage2.h"

	.text
/*
 * u64 guest_all_registers(void): in each of HVC_ROUNDS rounds, put round * 256 + n into x0..x30,
 * call the host, and expect the complement in each. Returns how many were wrong. Only SP is kept
 * across the hvc.
 */
	.global	guest_all_registers
guest_all_registers:
	stp	x29, x30, [sp, #-16]!
	mov	x1, #0				/* wrong so far */
	mov	x0, #1				/* round */
1:	stp	x0, x1, [sp, #-16]!
	lsl	x0, x0, #8
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	add	x\n, x0, #\n
	.endr
	hvc	#7
	stp	x0, x1, [sp, #-16]!		/* x0 and x1 are checked last */
	ldp	x0, x1, [sp, #16]		/* round, wrong */
	lsl	x0, x0, #8
	.irp	n, 2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	mvn	x\n, x\n
	sub	x\n, x\n, x0
	cmp	x\n, #\n
	cinc	x1, x1, ne
	.endr
	ldp	x2, x3, [sp], #16		/* x0 and x1 as the host left them */
	mvn	x2, x2
	cmp	x2, x0
	cinc	x1, x1, ne
	mvn	x3, x3
	sub	x3, x3, x0
	cmp	x3, #1
	cinc	x1, x1, ne
	ldp	x0, x4, [sp], #16
	add	x0, x0, #1
	cmp	x0, #HVC_ROUNDS
	b.ls	1b
	mov	x0, x1
	ldp	x29, x30, [sp], #16
	ret
