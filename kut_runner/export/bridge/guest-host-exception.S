/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's exceptions in a guest's handler: save struct pt_regs, call C, restore it. */
#include <asm/guest-bridge.h>
#include <asm/host-vector.h>
#include <asm/registers.h>

	.text
	.balign	VECTOR_SLOT_SIZE
	.global	host_vectors_el2
host_vectors_el2:		/* the slots of the current EL, which guest-entry.S enters */
	.irp	vector, VECTORS_CURRENT_EL
	host_vector 2, \vector
	.endr

/* x0 = vector; sp = struct pt_regs with x0 and x1 saved. */
	.global	guest_host_exception_entry
guest_host_exception_entry:
	for_x2_to_x29 stp, S_X0
	mrs	x21, elr_el1
	mrs	x22, spsr_el1
	mrs	x2, esr_el1
	add	x19, sp, #S_FRAME_SIZE
	str	x30, [sp, #S_LR]
	str	x19, [sp, #S_SP]
	stp	x21, x22, [sp, #S_PC]
	stp	x29, x21, [sp, #S_FP]
	add	x29, sp, #S_FP
	mov	x1, sp
	bl	guest_host_exception
	msr	daifset, #0xf
	ldp	x21, x22, [sp, #S_PC]
	ldr	x30, [sp, #S_LR]
	msr	elr_el1, x21
	msr	spsr_el1, x22
	for_x2_to_x29 ldp, S_X0
	ldp	x0, x1, [sp, #S_X0]
	add	sp, sp, #S_FRAME_SIZE
	eret
