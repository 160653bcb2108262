/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entry to and exit from a probed instruction (asm/conform-probe.h). */
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

#define SAVED_SIZE 48 /* the probe, and HCR_EL2, VBAR_EL2 and DAIF of the host */

	.text
/*
 * void probe_enter(struct probe *probe): with the host's exceptions masked from here on. The frame
 * is on SP_EL2 while the instruction runs: the probe at sp.
 */
	.global	probe_enter
	.cfi_startproc
probe_enter:
	frame_begin
	cfi_frame
	mrs	x1, hcr_el2
	mrs	x2, vbar_el2
	mrs	x3, daif
	msr	daifset, #DAIF_IMM(PSR_DAIF)
	sub	sp, sp, #SAVED_SIZE
	stp	x0, x1, [sp]
	stp	x2, x3, [sp, #16]
	adrp	x1, probe_vectors
	add	x1, x1, :lo12:probe_vectors
	msr	vbar_el2, x1
	ldp	x1, x2, [x0, #PROBE_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldr	x1, [x0, #PROBE_HCR]
	msr	hcr_el2, x1
	mov	x30, x0
	ldp	x0, x1, [x30]
	for_x2_to_x29_at ldp, x30, 0
	ldr	x30, [x30, #30 * 8]
	eret				/* synchronizes HCR_EL2 */

/* x1 = offset of the vector, [sp] = x0, x1 as they were, then the frame of probe_enter */
probe_exit:
	ldr	x0, [sp, #16]
	for_x2_to_x29_at stp, x0, 0
	str	x30, [x0, #30 * 8]
	mrs	x2, hcr_el2
	stp	x1, x2, [x0, #PROBE_VECTOR]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	mrs	x1, esr_el2
	mrs	x2, elr_el2
	stp	x1, x2, [x0, #PROBE_ESR]
	mrs	x1, spsr_el2
	mrs	x2, far_el2
	stp	x1, x2, [x0, #PROBE_OUT_SPSR]
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	msr	hcr_el2, x1
	msr	vbar_el2, x2
	isb				/* both are in effect before the next exception */
	msr	daif, x3
	add	sp, sp, #SAVED_SIZE
	frame_end
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc

.macro probe_slot vector
	.balign	VECTOR_SLOT_SIZE
	stp	x0, x1, [sp, #-16]!
	mov	x1, #\vector * VECTOR_SLOT_SIZE
	b	probe_exit
.endm

	.balign	VECTOR_TABLE_SIZE
probe_vectors:
	.irp	vector, VECTORS_CURRENT_EL
	.balign	VECTOR_SLOT_SIZE
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
	.endr
	.irp	vector, VECTORS_LOWER_EL
	probe_slot \vector
	.endr

/* EL1's: its exception registers stay as they are. */
	.balign	VECTOR_TABLE_SIZE
	.global	probe_el1_vectors
probe_el1_vectors:
	.rept	VECTOR_TABLE_SIZE / VECTOR_SLOT_SIZE
	.balign	VECTOR_SLOT_SIZE
	hvc	#0
	b	.
	.endr
	.balign	VECTOR_SLOT_SIZE
	.global	probe_el1_vectors_end
probe_el1_vectors_end:
