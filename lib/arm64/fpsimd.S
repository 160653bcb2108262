/* SPDX-License-Identifier: GPL-2.0-or-later */
/* void fpsimd_save(struct fpsimd_state *), void fpsimd_load(const struct fpsimd_state *) */
	.arch	armv8-a+fp+simd

/* All q registers, x0 = struct fpsimd_state: one list for save and load. */
.macro for_q0_to_q31 op
	\op	q0, q1, [x0, #0]
	\op	q2, q3, [x0, #32]
	\op	q4, q5, [x0, #64]
	\op	q6, q7, [x0, #96]
	\op	q8, q9, [x0, #128]
	\op	q10, q11, [x0, #160]
	\op	q12, q13, [x0, #192]
	\op	q14, q15, [x0, #224]
	\op	q16, q17, [x0, #256]
	\op	q18, q19, [x0, #288]
	\op	q20, q21, [x0, #320]
	\op	q22, q23, [x0, #352]
	\op	q24, q25, [x0, #384]
	\op	q26, q27, [x0, #416]
	\op	q28, q29, [x0, #448]
	\op	q30, q31, [x0, #480]
.endm

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
