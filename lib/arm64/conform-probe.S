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
	ldp	x2, x3, [x30, #2 * 8]
	ldp	x4, x5, [x30, #4 * 8]
	ldp	x6, x7, [x30, #6 * 8]
	ldp	x8, x9, [x30, #8 * 8]
	ldp	x10, x11, [x30, #10 * 8]
	ldp	x12, x13, [x30, #12 * 8]
	ldp	x14, x15, [x30, #14 * 8]
	ldp	x16, x17, [x30, #16 * 8]
	ldp	x18, x19, [x30, #18 * 8]
	ldp	x20, x21, [x30, #20 * 8]
	ldp	x22, x23, [x30, #22 * 8]
	ldp	x24, x25, [x30, #24 * 8]
	ldp	x26, x27, [x30, #26 * 8]
	ldp	x28, x29, [x30, #28 * 8]
	ldr	x30, [x30, #30 * 8]
	eret				/* synchronizes HCR_EL2 */

/* x1 = offset of the vector, [sp] = x0, x1 as they were, then the frame of probe_enter */
probe_exit:
	ldr	x0, [sp, #16]
	stp	x2, x3, [x0, #2 * 8]
	stp	x4, x5, [x0, #4 * 8]
	stp	x6, x7, [x0, #6 * 8]
	stp	x8, x9, [x0, #8 * 8]
	stp	x10, x11, [x0, #10 * 8]
	stp	x12, x13, [x0, #12 * 8]
	stp	x14, x15, [x0, #14 * 8]
	stp	x16, x17, [x0, #16 * 8]
	stp	x18, x19, [x0, #18 * 8]
	stp	x20, x21, [x0, #20 * 8]
	stp	x22, x23, [x0, #22 * 8]
	stp	x24, x25, [x0, #24 * 8]
	stp	x26, x27, [x0, #26 * 8]
	stp	x28, x29, [x0, #28 * 8]
	str	x30, [x0, #30 * 8]
	str	x1, [x0, #PROBE_VECTOR]
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

.macro host_slot vector
	.balign	VECTOR_SLOT_SIZE
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
.endm

.macro probe_slot vector
	.balign	VECTOR_SLOT_SIZE
	stp	x0, x1, [sp, #-16]!
	mov	x1, #\vector * VECTOR_SLOT_SIZE
	b	probe_exit
.endm

	.balign	VECTOR_TABLE_SIZE
probe_vectors:
	host_slot ELxT_SYNC
	host_slot ELxT_IRQ
	host_slot ELxT_FIQ
	host_slot ELxT_ERROR
	host_slot ELxH_SYNC
	host_slot ELxH_IRQ
	host_slot ELxH_FIQ
	host_slot ELxH_ERROR
	probe_slot ELx_LOW_SYNC_64
	probe_slot ELx_LOW_IRQ_64
	probe_slot ELx_LOW_FIQ_64
	probe_slot ELx_LOW_ERROR_64
	probe_slot ELx_LOW_SYNC_32
	probe_slot ELx_LOW_IRQ_32
	probe_slot ELx_LOW_FIQ_32
	probe_slot ELx_LOW_ERROR_32

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
