/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code at EL2 under another SCTLR_EL2 (asm/mmu-off-probe.h). */
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/processor.h>
#include <asm/registers.h>

	.text
/*
 * void mmu_off_probe_run(struct mmu_off_probe *probe): memory is used before and after only.
 * x19 = probe, x20, x21 = SCTLR_EL2 and VBAR_EL2 of the host, x22 = 1 after an exception, with ESR,
 * ELR and FAR in x23 to x25.
 */
	.global	mmu_off_probe_run
	.cfi_startproc
mmu_off_probe_run:
	frame_begin
	cfi_frame
	mov	x19, x0
	mrs	x20, sctlr_el2
	mrs	x21, vbar_el2
	mov	x22, xzr
	adrp	x2, mmu_off_vectors
	add	x2, x2, :lo12:mmu_off_vectors
	msr	vbar_el2, x2
	ldp	x2, x3, [x19, #MMU_OFF_PROBE_SCTLR]
	ldr	x1, [x19, #MMU_OFF_PROBE_ADDRESS]
	msr	sctlr_el2, x2
	isb				/* before the code runs */
	blr	x3
mmu_off_return:
	msr	sctlr_el2, x20
	msr	vbar_el2, x21
	isb				/* before the stack is used */
	str	x22, [x19, #MMU_OFF_PROBE_TAKEN]
	stp	x23, x24, [x19, #MMU_OFF_PROBE_ESR]
	str	x25, [x19, #MMU_OFF_PROBE_FAR]
	frame_end
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc

	.balign	VECTOR_TABLE_SIZE
mmu_off_vectors:
	.irp	vector, VECTORS
	.balign	VECTOR_SLOT_SIZE
	.if	\vector == ELxH_SYNC
	mrs	x23, esr_el2
	mrs	x24, elr_el2
	mrs	x25, far_el2
	mov	x22, #1
	adr	x0, mmu_off_return
	msr	elr_el2, x0
	eret
	.else
	b	host_vectors_el2 + \vector * VECTOR_SLOT_SIZE
	.endif
	.endr
