/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entry to and exit from a guest.
 *
 * While a guest runs, SP_EL2 points at its struct guest: a vector stores the guest's registers
 * there without needing a scratch register, and the handler's C stack grows down from there. From
 * the guest's hvc to its next instruction, with a C handler of three instructions, this is 52
 * instructions.
 */
#include <asm/cfi.h>
#include <asm/guest-entry.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

/*
 * Call the handler of @vector. sp = struct guest, complete. The handler's frame chain starts at
 * guest_run()'s record. It may have unmasked exceptions: mask them before ELR_EL2 and SPSR_EL2 are
 * written.
 *
 * While the guest runs, exit_code is ELx_LOW_SYNC_64, the vector of most exits, which so has
 * nothing to store. @resume is guest_resume there, and guest_resume_other for the other vectors.
 */
.macro call_handler name, vector, resume
	ldp	x1, x29, [sp, #GUEST_DISPATCH + (\vector - ELx_LOW_SYNC_64) * GUEST_DISPATCH_SIZE]
	mov	x0, sp
	cfi_call_begin handler_\name, cfi_called_by_guest_run
	blr	x1
	msr	daifset, #DAIF_IMM(PSR_DAIF)
	cfi_call_end handler_\name, cfi_called_by_guest_run
	cbz	w0, \resume	/* GUEST_ACTION_RESUME */
	b	guest_leave
.endm

/*
 * A slot for an exit. Every register but SP_EL2 is the guest's. @name, @dc: of its symbols. @slow,
 * for the synchronous vectors: taken when ESR_EL2 has a bit of GUEST_ESR_SLOW. @set, z or nz, and
 * @bit: also taken when this bit of the class is that.
 */
.macro guest_vector dc, name, vector, resume, slow, set, bit
	.balign	VECTOR_SLOT_SIZE
guest_vector_\name\dc:
	for_x0_to_x29 stp, GUEST_X0
	mrs	x1, elr_el2
	mrs	x2, spsr_el2
	stp	x30, x1, [sp, #GUEST_X30]
	.if	\vector % VECTORS_PER_GROUP == ELxT_IRQ || \vector % VECTORS_PER_GROUP == ELxT_FIQ
	stp	x2, xzr, [sp, #GUEST_SPSR]	/* ESR_EL2 is that of an exit before */
	.else
	mrs	x3, esr_el2
	stp	x2, x3, [sp, #GUEST_SPSR]
	.endif
	.if \vector != ELx_LOW_SYNC_64
	mov	x1, #\vector
	str	x1, [sp, #GUEST_EXIT_CODE]
	.endif
	.ifnb \slow
	tst	w3, #GUEST_ESR_SLOW
	b.ne	\slow
	.ifnb \set
	tb\set	w3, #ESR_ELx_EC_SHIFT + \bit, \slow
	.endif
	.endif
	call_handler \name\dc, \vector, \resume
.endm

/*
 * @dc: the suffix of the slow paths' names. Bits of the class that lead there as well, for AArch64
 * and AArch32
 */
.macro vector_table dc, set_64, bit_64, set_32, bit_32
	.balign	VECTOR_TABLE_SIZE
	/* The host's own exceptions, in a handler. */
	.irp	vector, VECTORS_CURRENT_EL
	.balign	VECTOR_SLOT_SIZE
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
	.endr
	.cfi_startproc
	cfi_called_by_guest_run
	guest_vector \dc, sync_64, ELx_LOW_SYNC_64, guest_resume, guest_sync_64\dc, \set_64, \bit_64
	guest_vector \dc, irq_64, ELx_LOW_IRQ_64, guest_resume_other
	guest_vector \dc, fiq_64, ELx_LOW_FIQ_64, guest_resume_other
	guest_vector \dc, error_64, ELx_LOW_ERROR_64, guest_resume_other
	guest_vector \dc, sync_32, ELx_LOW_SYNC_32, guest_resume_other, \
			guest_sync_32\dc, \set_32, \bit_32
	guest_vector \dc, irq_32, ELx_LOW_IRQ_32, guest_resume_other
	guest_vector \dc, fiq_32, ELx_LOW_FIQ_32, guest_resume_other
	guest_vector \dc, error_32, ELx_LOW_ERROR_32, guest_resume_other
	.cfi_endproc
.endm

	.text
	.balign	VECTOR_TABLE_SIZE
	.global	guest_vectors
guest_vectors:
	vector_table
	.org	guest_vectors + VECTOR_TABLE_SIZE	/* an error if a slot is too long */

/*
 * For guests with HCR_EL2.TVM (guest-dc.c): what it traps takes the slow path too. Other exits take
 * one instruction more.
 */
	.global	guest_vectors_dc
guest_vectors_dc:
	vector_table _dc, nz, GUEST_EC_BIT_SYS64, z, GUEST_EC_BIT_NOT_CP15
	.org	guest_vectors_dc + VECTOR_TABLE_SIZE

/*
 * sp = struct guest with registers, ELR, SPSR and ESR; x3 = ESR_EL2. Adds FAR and HPFAR, and lets
 * the framework answer its own hypercalls before the handler sees them.
 */
.macro slow_sync name, vector, resume, dc
	mrs	x1, far_el2
	mrs	x2, hpfar_el2
	stp	x1, x2, [sp, #GUEST_FAR]
	ubfx	x3, x3, #ESR_ELx_EC_SHIFT, #ESR_ELx_EC_WIDTH
	cmp	x3, #ESR_ELx_EC_HVC64
	b.ne	1f
	ldr	x29, [sp, #GUEST_DISPATCH_FRAME]
	mov	x0, sp
	cfi_call_begin guest_own_hypercall_\name, cfi_called_by_guest_run
	bl	guest_own_hypercall
	tbnz	w0, #GUEST_HYPERCALL_RESUME_BIT, \resume
	cbnz	w0, guest_leave
	cfi_call_end guest_own_hypercall_\name, cfi_called_by_guest_run
1:
	.ifnb \dc
	ldr	x29, [sp, #GUEST_DISPATCH_FRAME]
	mov	x0, sp
	mov	w1, #\vector
	cfi_call_begin guest_answer_dc_\name, cfi_called_by_guest_run
	bl	guest_answer_dc
	cbnz	w0, \resume
	cfi_call_end guest_answer_dc_\name, cfi_called_by_guest_run
	.endif
	call_handler \name\()_slow, \vector, \resume
.endm

	.cfi_startproc
	cfi_called_by_guest_run
guest_sync_64:
	slow_sync sync_64, ELx_LOW_SYNC_64, guest_resume
guest_sync_32:
	slow_sync sync_32, ELx_LOW_SYNC_32, guest_resume_other
guest_sync_64_dc:
	slow_sync sync_64_dc, ELx_LOW_SYNC_64, guest_resume, _dc
guest_sync_32_dc:
	slow_sync sync_32_dc, ELx_LOW_SYNC_32, guest_resume_other, _dc
	.cfi_endproc

/*
 * x0 = struct guest whose system registers are in the CPU. Returns, through guest_leave, the
 * handler's enum guest_handler_result. Exceptions are masked.
 */
	.global	guest_enter
	.cfi_startproc
guest_enter:
	stp	x29, x30, [x0, #GUEST_HOST_FRAME]
	sub	sp, sp, #CALLEE_SAVED_SIZE
	.cfi_adjust_cfa_offset CALLEE_SAVED_SIZE
	for_x19_to_x28 stp, 0
	cfi_x19_to_x28 CALLEE_SAVED_SIZE
	mov	x1, sp
	str	x1, [x0, #GUEST_HOST_SP]
	mov	sp, x0
	cfi_called_by_guest_run

/* From an exit by another vector than ELx_LOW_SYNC_64, and from guest_enter(); see call_handler. */
guest_resume_other:
	mov	x1, #ELx_LOW_SYNC_64
	str	x1, [sp, #GUEST_EXIT_CODE]
/*
 * sp = struct guest. Exceptions are masked, so that none can fall between the writes of ELR and
 * SPSR, which come last, and the eret.
 */
guest_resume:
	ldp	x30, x1, [sp, #GUEST_X30]
	ldp	x2, x3, [sp, #GUEST_REGS_IN_MEMORY]
	cbnz	x2, 1f
	msr	elr_el2, x1
	msr	spsr_el2, x3
	for_x0_to_x29 ldp, GUEST_X0
	eret				/* also orders every system register written before it */
1:	/* A handler looked at the system registers: back into the CPU. x29 is the host's. */
	mov	x0, sp
	cfi_call_begin guest_registers_to_cpu, cfi_called_by_guest_run
	bl	guest_registers_to_cpu
	b	guest_resume
	cfi_call_end , cfi_called_by_guest_run

/* sp = struct guest, w0 = what guest_enter() returns. Exceptions are masked. */
	.global	guest_leave
guest_leave:
	ldp	x29, x30, [sp, #GUEST_HOST_FRAME]
	ldr	x1, [sp, #GUEST_HOST_SP]
	mov	sp, x1
	.cfi_def_cfa sp, CALLEE_SAVED_SIZE
	.cfi_same_value 29
	.cfi_same_value 30
	for_x19_to_x28 ldp, 0
	add	sp, sp, #CALLEE_SAVED_SIZE
	.cfi_def_cfa_offset 0
	.irp	number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
	.cfi_same_value \number
	.endr
	ret
	.cfi_endproc

/* Return address of guest_fixup_exception() after an illegal eret: sp = struct guest. */
	.global	guest_leave_illegal
	.cfi_startproc
	cfi_called_by_guest_run
guest_leave_illegal:
	mov	w0, #GUEST_ACTION_EXIT
	b	guest_leave
	.cfi_endproc
