/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An exception return of EL2, and PSTATE after the next exception (asm/pstate-probe.h). */
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/processor.h>
#include <asm/ptrace.h>
#include <asm/registers.h>

#define SAVED_SIZE 32 /* the probe, and HCR_EL2, VBAR_EL2 and PSTATE of the host */

/*
 * x1 = PSTATE, as an exception of EL2 saves it, before any access to memory. x0 and VBAR_EL2 change;
 * PSTATE is then EL2h and DAIF: without PAN, which the exception may set.
 */
.macro read_pstate
	adrp	x0, pstate_vectors
	add	x0, x0, :lo12:pstate_vectors
	msr	vbar_el2, x0
	isb
	adr	x0, 1f
	svc	#0
1:
.endm

	.text
/* void pstate_probe_run(struct pstate_probe *probe): the frame is on SP_EL2 meanwhile. */
	.global	pstate_probe_run
	.cfi_startproc
pstate_probe_run:
	frame_begin
	cfi_frame
	mrs	x1, hcr_el2
	mrs	x2, vbar_el2
	stp	x0, x1, [sp, #-SAVED_SIZE]!
	read_pstate
	stp	x2, x1, [sp, #16]
	adrp	x1, probed_vectors
	add	x1, x1, :lo12:probed_vectors
	msr	vbar_el2, x1
	ldr	x0, [sp]
	ldp	x1, x2, [x0, #PSTATE_PROBE_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	ldr	x1, [x0, #PSTATE_PROBE_HCR]
	msr	hcr_el2, x1
	eret				/* synchronizes HCR_EL2 and VBAR_EL2 */

/* x2 = offset of the vector. Other registers are free, memory is not accessible yet. */
probed_exit:
	mrs	x3, esr_el2
	mrs	x4, elr_el2
	mrs	x5, spsr_el2
	mrs	x6, far_el2
	read_pstate
	ldr	x0, [sp]
	stp	x3, x4, [x0, #PSTATE_PROBE_ESR]
	stp	x5, x6, [x0, #PSTATE_PROBE_OUT_SPSR]
	stp	x2, x1, [x0, #PSTATE_PROBE_VECTOR]
	ldr	x1, [sp, #8]
	ldp	x2, x3, [sp, #16]
	msr	hcr_el2, x1
	msr	vbar_el2, x2
	msr	spsr_el2, x3
	adr	x0, 1f
	msr	elr_el2, x0
	eret				/* PSTATE is the host's */
1:	add	sp, sp, #SAVED_SIZE
	frame_end
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc

	.balign	VECTOR_TABLE_SIZE
probed_vectors:
	.irp	vector, VECTORS
	.balign	VECTOR_SLOT_SIZE
	mov	x2, #\vector * VECTOR_SLOT_SIZE
	b	probed_exit
	.endr

/* x0 = where to go on. The others are the host's: nothing but the SVC is an exception. */
	.balign	VECTOR_TABLE_SIZE
pstate_vectors:
	.irp	vector, VECTORS
	.balign	VECTOR_SLOT_SIZE
	.if	\vector == ELxH_SYNC
	mrs	x1, spsr_el2
	msr	elr_el2, x0
	mov	x0, #PSR_MODE_EL2h | PSR_DAIF
	msr	spsr_el2, x0
	eret
	.else
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
	.endif
	.endr
