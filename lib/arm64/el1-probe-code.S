/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses at EL1 and EL0, and the way there and back. */
#include <asm/asm-offsets.h>
#include <asm/el1-probe.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

#define PSR_PAN_BIT_NUMBER 22

	.arch	armv8.1-a+lse

/*
 * The page of accesses: x0 = the value, 0, x1 = the address, x2 = 0. An access ends in BRK, which
 * MDCR_EL2.TDE takes to EL2, at either exception level. Position independent.
 */
.macro op insn:vararg
	.balign	PROBE_OP_SIZE
	\insn
	brk	#0
.endm

	.section .text.el1_probe, "ax"
	.balign	PROBE_CODE_ALIGN
	.global	el1_probe_code
el1_probe_code:
	op	ldr x0, [x1]
	op	str x0, [x1]
	op	ldadd x0, x0, [x1]
	op	br x1
	op	dc zva, x1
	op	dc ivac, x1
	op	dc civac, x1
	op	dc cvac, x1
	op	ic ivau, x1
	op	at s1e1r, x1
	op	at s1e1w, x1
	op	nop

/* EL1's vectors: to EL2, which reads the syndrome from EL1's registers. */
	.org	el1_probe_code + PROBE_VECTORS
	.rept	VECTOR_MAX
	.balign	VECTOR_SLOT_SIZE
	hvc	#0
	.endr
	.org	el1_probe_code + PROBE_CODE_ALIGN

/* EL2's vectors while EL1 runs: exceptions of EL2 itself are the host's. */
	.text
	.balign	VECTOR_TABLE_SIZE
el1_probe_vectors:
	.irp	vector, VECTORS_CURRENT_EL
	.balign	VECTOR_SLOT_SIZE
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
	.endr
	.rept	VECTOR_MAX - ELx_LOW_SYNC_64
	.balign	VECTOR_SLOT_SIZE
	b	el1_probe_leave
	.endr
	.org	el1_probe_vectors + VECTOR_TABLE_SIZE

/*
 * void el1_probe_enter(struct probe_exit *exit, u64 hcr, u64 pc, u64 pstate, u64 address)
 *
 * Exceptions are masked. The stack keeps x0, and HCR_EL2 and VBAR_EL2 of the host.
 */
#define SAVED_SIZE 32
	.global	el1_probe_enter
el1_probe_enter:
	frame_begin
	mrs	x5, hcr_el2
	mrs	x6, vbar_el2
	stp	x5, x6, [sp, #-SAVED_SIZE]!
	str	x0, [sp, #16]
	adr	x5, el1_probe_vectors
	msr	vbar_el2, x5
	msr	elr_el2, x2
	msr	spsr_el2, x3
	msr	hcr_el2, x1
	mov	x1, x4
	mov	x0, xzr
	mov	x2, xzr
	eret				/* orders the writes before it */

/* PSTATE.PAN is still the access's: it would deny the host's memory where that is EL0's too. */
el1_probe_leave:
	mrs	x1, spsr_el2
	tbz	x1, #PSR_PAN_BIT_NUMBER, 1f
	msr	pan, #0
1:	ldr	x1, [sp, #16]
	mrs	x2, esr_el2
	mrs	x3, far_el2
	stp	x2, x3, [x1, #PROBE_EXIT_ESR]
	mrs	x2, hpfar_el2
	str	x2, [x1, #PROBE_EXIT_HPFAR]
	str	x0, [x1, #PROBE_EXIT_X0]
	ldp	x5, x6, [sp], #SAVED_SIZE
	msr	hcr_el2, x5
	msr	vbar_el2, x6
	isb
	frame_end
	ret
