/* SPDX-License-Identifier: GPL-2.0-or-later */
/* void fpsimd_save(struct fpsimd_state *), void fpsimd_load(const struct fpsimd_state *) */
#include <asm/registers.h>

	.arch	armv8-a+fp+simd

	.text
	.global	fpsimd_save
	.cfi_startproc
fpsimd_save:
	for_q0_to_q31 stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x0, x0, #FPSIMD_FPCR
	stp	x1, x2, [x0]
	ret
	.cfi_endproc

	.global	fpsimd_load
	.cfi_startproc
fpsimd_load:
	for_q0_to_q31 ldp
	add	x0, x0, #FPSIMD_FPCR
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.cfi_endproc

/* The same for FPCR and FPSR alone: fp_control_save(), fp_control_load() */
	.global	fp_control_save
	.cfi_startproc
fp_control_save:
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x0, x0, #FPSIMD_FPCR
	stp	x1, x2, [x0]
	ret
	.cfi_endproc

	.global	fp_control_load
	.cfi_startproc
fp_control_load:
	add	x0, x0, #FPSIMD_FPCR
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	.cfi_endproc

/*
 * All z registers in an array at x0, all p registers and then FFR in an array at x1. Sizes are
 * multiples of the vector's length, or the predicate's.
 */
#define Z_REGISTERS_SHIFT 5
#define FFR_SLOT 16
.macro for_z0_to_z31 op
	.irp	n, NUMBERS_0_TO_31
	\op	z\n, [x0, #\n, mul vl]
	.endr
.endm
.macro for_p0_to_p15 op
	.irp	n, NUMBERS_0_TO_15
	\op	p\n, [x1, #\n, mul vl]
	.endr
.endm

	.arch	armv8.2-a+sve
/* void sve_save(void *registers, u64 vl): the first-fault register comes last, by way of p0 */
	.global	sve_save
	.cfi_startproc
sve_save:
	add	x1, x0, x1, lsl #Z_REGISTERS_SHIFT
	for_z0_to_z31 str
	for_p0_to_p15 str
	rdffr	p0.b
	str	p0, [x1, #FFR_SLOT, mul vl]
	ldr	p0, [x1]
	ret
	.cfi_endproc

	.global	sve_load
	.cfi_startproc
sve_load:
	add	x1, x0, x1, lsl #Z_REGISTERS_SHIFT
	for_z0_to_z31 ldr
	ldr	p0, [x1, #FFR_SLOT, mul vl]
	wrffr	p0.b
	for_p0_to_p15 ldr
	ret
	.cfi_endproc

/* int sve_vl(void): in bits, eight times the bytes */
	.global	sve_vl
	.cfi_startproc
sve_vl:
	rdvl	x0, #8
	ret
	.cfi_endproc

/* u64 sve_vector_length(void): bytes, as ZCR_ELx has them in force */
	.global	sve_vector_length
	.cfi_startproc
sve_vector_length:
	rdvl	x0, #1
	ret
	.cfi_endproc
