/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry to and exit from the host's user mode. */
#include <asm/cfi.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

/*
 * void user_enter_el\el(void (*func)(void *), void *arg, unsigned long sp)
 *
 * With exceptions masked. An exception from EL0 finds SP_EL\el as it is at the eret: that of its
 * end comes back to user_returned with this frame in place.
 */
.macro user_enter el
	.global	user_enter_el\el
	.cfi_startproc
user_enter_el\el:
	frame_begin
	cfi_frame
	msr	sp_el0, x2
	msr	elr_el\el, x0
	mov	x2, #PSR_MODE_EL0t		/* nothing masked */
	msr	spsr_el\el, x2
	mov	x0, x1
	adr	x30, user_return
	mov	x29, xzr
	eret
	.cfi_endproc
.endm

	.text
	user_enter 1
	user_enter 2

	.global	user_returned
	.cfi_startproc
user_returned:
	cfi_frame
	frame_end
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc

/* At EL0: @func has returned. In a backtrace the instruction before this calls it. */
	.cfi_startproc
	cfi_outermost
user_start:
	nop
	.global	user_return
user_return:
	svc	#0
	b	user_return
	.cfi_endproc
