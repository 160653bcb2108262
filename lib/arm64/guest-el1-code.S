/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that runs inside guests, at EL1, and the ends of their functions.
 *
 * Two vector tables. In the bare one every slot is a hypercall that reports the exception: every
 * guest starts with it, and it touches neither stack nor registers. The full one calls C handlers.
 * A guest that installs a handler gets a page of its own with the bare table, and slots of the full
 * one copied over it; both are position independent.
 */
#include <asm/a32.h>
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/esr.h>
#include <asm/guest-hypercall.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

/* A section without the alignment of the vector tables */
	.section .text.guest, "ax"
/*
 * Return address of a guest's function: x0 = its value. In a backtrace the instruction before it
 * calls the function, hence the NOP.
 */
	.cfi_startproc
	cfi_outermost
guest_start:
	nop
	.global	guest_return
guest_return:
	hvc	#GUEST_HVC_RETURNED
	b	guest_return
	.cfi_endproc

/* The same at EL0, where HVC is undefined: the SVC is recognised by its address. */
	.cfi_startproc
	cfi_outermost
guest_start_el0:
	nop
	.global	guest_return_el0
guest_return_el0:
	svc	#GUEST_HVC_RETURNED
	b	guest_return_el0
	.cfi_endproc
	.global	guest_return_a32
guest_return_a32:
	.inst	A32_SVC(GUEST_HVC_RETURNED)
	.inst	A32_B(-4)

/* u64 guest_call(enum guest_call call, u64 a, u64 b, u64 c) */
	.global	guest_call
	.cfi_startproc
guest_call:
	hvc	#GUEST_HVC_CALL
	ret
	.cfi_endproc

	.text
	.balign	VECTOR_TABLE_SIZE
	.global	guest_el1_bare_vectors
guest_el1_bare_vectors:
	.irp	vector, VECTORS
	.balign	VECTOR_SLOT_SIZE
	hvc	#GUEST_HVC_EL1_EXCEPTION + \vector
	.endr

	.balign	VECTOR_TABLE_SIZE
	.global	guest_el1_full_vectors, guest_el1_full_end, guest_el1_handlers
guest_el1_full_vectors:
	.irp	vector, VECTORS
	.balign	VECTOR_SLOT_SIZE
	sub	sp, sp, #EL1_FRAME_SIZE
	stp	x0, x1, [sp, #EL1_X0]
	mov	x0, #\vector
	b	guest_el1_exception
	.endr
	.balign	VECTOR_SLOT_SIZE

/* x0 = vector; sp = struct guest_el1_regs with x0 and x1 saved. */
guest_el1_exception:
	for_x2_to_x29 stp, EL1_X0
	mov	x20, x0
	add	x2, sp, #EL1_FRAME_SIZE
	and	x3, x0, #~(VECTORS_PER_GROUP - 1)
	cmp	x3, #ELxH_SYNC
	b.eq	1f
	mrs	x2, sp_el0
1:	mrs	x3, elr_el1
	mrs	x4, spsr_el1
	stp	x30, x2, [sp, #EL1_LR]
	stp	x3, x4, [sp, #EL1_ELR]
	add	x5, x3, #4		/* as if the instruction were a call */
	stp	x29, x5, [sp, #EL1_FRAME_RECORD]
	adr	x5, guest_el1_known
	ldp	x6, x7, [x5]
	ldr	x8, [x5, #16]
	mrs	x9, esr_el1
	ubfx	x9, x9, #ESR_ELx_EC_SHIFT, #ESR_ELx_EC_WIDTH
	/* SVC at a known address; other exceptions, and those of EL1, may have the same one */
	and	x10, x9, #~(ESR_ELx_EC_SVC64 ^ ESR_ELx_EC_SVC32)
	and	x11, x0, #~(ELx_LOW_SYNC_64 ^ ELx_LOW_SYNC_32)
	cmp	x3, x6
	ccmp	x3, x7, #NZCV_IMM(PSR_Z_BIT), ne
	ccmp	x10, #ESR_ELx_EC_SVC32, #0, eq
	ccmp	x11, #ELx_LOW_SYNC_64, #0, eq
	b.eq	guest_el1_user_returned
	cmp	x3, x8
	ccmp	x0, #ELx_LOW_SYNC_64, #0, eq
	ccmp	x9, #ESR_ELx_EC_UNKNOWN, #0, eq
	b.eq	guest_el1_user_called
	adr	x5, guest_el1_handlers
	ldr	x5, [x5, x0, lsl #3]
	mrs	x1, esr_el1
	mov	x0, sp
	add	x29, sp, #EL1_FRAME_RECORD
	blr	x5

	msr	daifset, #DAIF_IMM(PSR_DAIF)	/* a handler may unmask; ELR and SPSR are next */
	ldp	x30, x2, [sp, #EL1_LR]
	ldp	x3, x4, [sp, #EL1_ELR]
	and	x20, x20, #~(VECTORS_PER_GROUP - 1)
	cmp	x20, #ELxH_SYNC
	b.eq	2f
	msr	sp_el0, x2
2:	msr	elr_el1, x3
	msr	spsr_el1, x4
	for_x2_to_x29 ldp, EL1_X0
	ldp	x0, x1, [sp, #EL1_X0]
	add	sp, sp, #EL1_FRAME_SIZE
	eret

/*
 * The EL0 guest's function has returned: its SVC is not for the guest's handlers. Restores x0, its
 * value; the other registers are dead.
 */
guest_el1_user_returned:
	ldp	x0, x1, [sp, #EL1_X0]
	add	sp, sp, #EL1_FRAME_SIZE
	.global	guest_el1_returned
guest_el1_returned:
	hvc	#GUEST_HVC_RETURNED
	b	guest_el1_returned

/* guest_call() at EL0: the host returns there. All registers are as they were, x30 still. */
guest_el1_user_called:
	for_x2_to_x29 ldp, EL1_X0
	ldp	x0, x1, [sp, #EL1_X0]
	add	sp, sp, #EL1_FRAME_SIZE
	.global	guest_el1_called
guest_el1_called:
	hvc	#GUEST_HVC_CALL_EL0
	b	guest_el1_called

	.balign	8
	.global	guest_el1_known
guest_el1_known:			/* values of ELR_EL1, in the copy: */
	.space	2 * 8			/* behind the SVCs of guest_return_el0 and _a32 */
	.space	8			/* guest_call() */
guest_el1_handlers:			/* by vector; written in the copy */
	.space	VECTOR_MAX * 8
guest_el1_full_end:
	nop				/* so that no function has the address of this symbol */
