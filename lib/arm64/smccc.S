/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to firmware or a hypervisor. */
#include <asm/asm-offsets.h>
#include <asm/barrier.h>

#define FRAME_SIZE 32		/* x29, x30, x19 */
#define FRAME_X19 16
#define STACK_ARGUMENTS FRAME_SIZE

/*
 * x0..x7 = function and the first seven arguments, as the callee takes them. On the stack
 * (AAPCS64): four more arguments and a pointer to struct smccc_result. x19 is kept by the callee
 * (DEN0028, 2.6).
 */
.macro smccc conduit
	.global	arm_smccc_\conduit
	.cfi_startproc
arm_smccc_\conduit:
	hint	#HINT_BTI_C		/* called through a pointer */
	stp	x29, x30, [sp, #-FRAME_SIZE]!
	.cfi_def_cfa_offset FRAME_SIZE
	.cfi_offset 29, -FRAME_SIZE
	.cfi_offset 30, 8 - FRAME_SIZE
	mov	x29, sp
	str	x19, [sp, #FRAME_X19]
	.cfi_offset 19, FRAME_X19 - FRAME_SIZE
	ldp	x8, x9, [sp, #STACK_ARGUMENTS]
	ldp	x10, x11, [sp, #STACK_ARGUMENTS + 2 * 8]
	ldr	x19, [sp, #STACK_ARGUMENTS + 4 * 8]
	\conduit #0
	cbz	x19, 1f
	stp	x0, x1, [x19, #SMCCC_RESULT + 0 * 8]
	stp	x2, x3, [x19, #SMCCC_RESULT + 2 * 8]
	stp	x4, x5, [x19, #SMCCC_RESULT + 4 * 8]
	stp	x6, x7, [x19, #SMCCC_RESULT + 6 * 8]
	stp	x8, x9, [x19, #SMCCC_RESULT + 8 * 8]
1:	ldr	x19, [sp, #FRAME_X19]
	ldp	x29, x30, [sp], #FRAME_SIZE
	.cfi_def_cfa_offset 0
	.cfi_restore 29
	.cfi_restore 30
	ret
	.cfi_endproc
.endm

	.text
	smccc hvc
	smccc smc
