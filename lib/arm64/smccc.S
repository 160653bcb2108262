/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to firmware or a hypervisor. */

/*
 * x0..x7 = function and the first seven arguments, as the callee takes them. On the stack
 * (AAPCS64): four more arguments and a pointer to struct smccc_result. x19 is kept by the callee
 * (DEN0028, 2.6).
 */
.macro smccc conduit
	.global	arm_smccc_\conduit
arm_smccc_\conduit:
	hint	#34			/* bti c: called through a pointer */
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #16]
	ldp	x8, x9, [sp, #32]
	ldp	x10, x11, [sp, #48]
	ldr	x19, [sp, #64]
	\conduit #0
	cbz	x19, 1f
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	stp	x4, x5, [x19, #32]
	stp	x6, x7, [x19, #48]
	stp	x8, x9, [x19, #64]
1:	ldr	x19, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
.endm

	.text
	smccc hvc
	smccc smc
