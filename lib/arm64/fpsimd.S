/* SPDX-License-Identifier: GPL-2.0-or-later */
/* void fpsimd_save(struct fpsimd_state *), void fpsimd_load(const struct fpsimd_state *) */
#include <asm/registers.h>

	.arch	armv8-a+fp+simd

	.text
	.global	fpsimd_save
fpsimd_save:
	for_q0_to_q31 stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x0, x0, #512
	stp	x1, x2, [x0]
	ret

	.global	fpsimd_load
fpsimd_load:
	for_q0_to_q31 ldp
	add	x0, x0, #512
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
