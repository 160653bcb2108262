/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's exception vectors: save struct pt_regs, call C, restore it. */
#include <asm/cfi.h>
#include <asm/host-vector.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

.macro host_vectors el
	.balign	VECTOR_TABLE_SIZE
	.global	host_vectors_el\el
host_vectors_el\el:
	.irp	vector, VECTORS
	host_vector \el, \vector
	.endr
	.org	host_vectors_el\el + VECTOR_TABLE_SIZE	/* an error if a slot is too long */

/*
 * x0 = vector; sp = struct exception_frame with x0 and x1 saved; every other register is the interrupted
 * code's. The other stack pointer, SP_EL0, is saved as sp when that is what the interrupted code
 * used.
 */
	.global	host_exception_el\el
host_exception_el\el:
	for_x2_to_x29 stp, S_X0
	mrs	x21, elr_el\el
	mrs	x22, spsr_el\el
	mrs	x2, esr_el\el
	add	x19, sp, #S_FRAME_SIZE
	mov	x20, x29
	and	x3, x0, #~(VECTORS_PER_GROUP - 1)
	cmp	x3, #ELxH_SYNC
	b.eq	1f
	mrs	x19, sp_el0
1:	cmp	x0, #ELx_LOW_SYNC_64
	csel	x20, x20, xzr, lo		/* a lower EL's x29 is not the host's */
	stp	x30, x19, [sp, #S_LR]
	stp	x21, x22, [sp, #S_PC]
	stp	x20, x21, [sp, #S_FP]
	.cfi_startproc
	cfi_called_by_interrupted
host_exception_saved_el\el:		/* before it, debuggers need ELR_EL\el */
	add	x29, sp, #S_FP
	mov	x1, sp
	mov	x23, x0
	cfi_call_begin do_handle_exception_el\el, cfi_called_by_interrupted
	bl	do_handle_exception

	msr	daifset, #DAIF_IMM(PSR_DAIF)	/* a handler may unmask; ELR and SPSR are next */
	cfi_call_end do_handle_exception_el\el, cfi_called_by_interrupted
	ldp	x30, x19, [sp, #S_LR]
	ldp	x21, x22, [sp, #S_PC]
	and	x23, x23, #~(VECTORS_PER_GROUP - 1)
	cmp	x23, #ELxH_SYNC
	b.eq	2f
	msr	sp_el0, x19
2:	msr	elr_el\el, x21
	msr	spsr_el\el, x22
	for_x2_to_x29 ldp, S_X0
	ldp	x0, x1, [sp, #S_X0]
	.cfi_endproc
	add	sp, sp, #S_FRAME_SIZE
	eret

/*
 * The stack has run out. x0 = X0, tpidrro_el0 = SP - S_FRAME_SIZE. Continue on the CPU's emergency
 * stack, with the interrupted code's registers, as a vector of its own number.
 */
	.global	host_stack_overflow_el\el
host_stack_overflow_el\el:
	msr	tpidr_el0, x0
	mrs	x0, tpidr_el\el
	ldr	x0, [x0, #CPU_EMERGENCY_STACK]
	mov	sp, x0
	sub	sp, sp, #S_FRAME_SIZE
	mrs	x0, tpidr_el0
	stp	x0, x1, [sp, #S_X0]
	for_x2_to_x29 stp, S_X0
	mrs	x21, elr_el\el
	mrs	x22, spsr_el\el
	mrs	x1, esr_el\el
	mrs	x19, tpidrro_el0
	add	x19, x19, #S_FRAME_SIZE
	stp	x30, x19, [sp, #S_LR]
	stp	x21, x22, [sp, #S_PC]
	stp	x29, x21, [sp, #S_FP]
	.cfi_startproc
	cfi_called_by_interrupted
host_stack_overflow_saved_el\el:
	add	x29, sp, #S_FP
	mov	x0, sp
	cfi_call_begin do_stack_overflow_el\el, cfi_called_by_interrupted
	bl	do_stack_overflow
	b	.				/* do_stack_overflow() does not return */
	.cfi_endproc
.endm

	.arch	armv8.2-a
	.text
	host_vectors 1
	host_vectors 2
