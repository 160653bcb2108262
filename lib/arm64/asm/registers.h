/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of registers for the assembler, each written once: @op is stp to save and ldp to restore.
 */
/* clang-format off */
#ifndef ASMARM64_REGISTERS_H
#define ASMARM64_REGISTERS_H

#include <asm/asm-offsets.h>

/* Numbers of registers, for .irp: of x0..x29, x0..x30, and v0..v31 */
#define NUMBERS_0_TO_15 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
#define NUMBERS_0_TO_29 NUMBERS_0_TO_15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
#define NUMBERS_0_TO_30 NUMBERS_0_TO_29, 30
#define NUMBERS_0_TO_31 NUMBERS_0_TO_30, 31

/* x2..x29 in an array of x registers at @base + @array */
.macro for_x2_to_x29_at op, base, array
	\op	x2, x3, [\base, #\array + 2 * 8]
	\op	x4, x5, [\base, #\array + 4 * 8]
	\op	x6, x7, [\base, #\array + 6 * 8]
	\op	x8, x9, [\base, #\array + 8 * 8]
	\op	x10, x11, [\base, #\array + 10 * 8]
	\op	x12, x13, [\base, #\array + 12 * 8]
	\op	x14, x15, [\base, #\array + 14 * 8]
	\op	x16, x17, [\base, #\array + 16 * 8]
	\op	x18, x19, [\base, #\array + 18 * 8]
	\op	x20, x21, [\base, #\array + 20 * 8]
	\op	x22, x23, [\base, #\array + 22 * 8]
	\op	x24, x25, [\base, #\array + 24 * 8]
	\op	x26, x27, [\base, #\array + 26 * 8]
	\op	x28, x29, [\base, #\array + 28 * 8]
.endm

/* The same, and x0..x29, at sp + @array */
.macro for_x2_to_x29 op, array
	for_x2_to_x29_at \op, sp, \array
.endm
.macro for_x0_to_x29 op, array
	\op	x0, x1, [sp, #\array]
	for_x2_to_x29 \op, \array
.endm

/* Callee-saved registers, x19..x28, at sp + @offset */
#define CALLEE_SAVED_SIZE (10 * 8)
.macro for_x19_to_x28 op, offset
	\op	x19, x20, [sp, #\offset]
	\op	x21, x22, [sp, #\offset + 2 * 8]
	\op	x23, x24, [sp, #\offset + 4 * 8]
	\op	x25, x26, [sp, #\offset + 6 * 8]
	\op	x27, x28, [sp, #\offset + 8 * 8]
.endm

/* All q registers in a struct fpsimd_state at x0 */
.macro for_q0_to_q31 op
	\op	q0, q1, [x0, #FPSIMD_Q0 + 0 * 16]
	\op	q2, q3, [x0, #FPSIMD_Q0 + 2 * 16]
	\op	q4, q5, [x0, #FPSIMD_Q0 + 4 * 16]
	\op	q6, q7, [x0, #FPSIMD_Q0 + 6 * 16]
	\op	q8, q9, [x0, #FPSIMD_Q0 + 8 * 16]
	\op	q10, q11, [x0, #FPSIMD_Q0 + 10 * 16]
	\op	q12, q13, [x0, #FPSIMD_Q0 + 12 * 16]
	\op	q14, q15, [x0, #FPSIMD_Q0 + 14 * 16]
	\op	q16, q17, [x0, #FPSIMD_Q0 + 16 * 16]
	\op	q18, q19, [x0, #FPSIMD_Q0 + 18 * 16]
	\op	q20, q21, [x0, #FPSIMD_Q0 + 20 * 16]
	\op	q22, q23, [x0, #FPSIMD_Q0 + 22 * 16]
	\op	q24, q25, [x0, #FPSIMD_Q0 + 24 * 16]
	\op	q26, q27, [x0, #FPSIMD_Q0 + 26 * 16]
	\op	q28, q29, [x0, #FPSIMD_Q0 + 28 * 16]
	\op	q30, q31, [x0, #FPSIMD_Q0 + 30 * 16]
.endm

/*
 * For tests: a frame that saves the callee-saved registers, and its end. Between them every other
 * register but sp may change; frame_end takes sp from where frame_begin left it.
 */
.macro frame_begin
	sub	sp, sp, #16 + CALLEE_SAVED_SIZE
	stp	x29, x30, [sp]
	mov	x29, sp
	for_x19_to_x28 stp, 16
.endm
.macro frame_end
	for_x19_to_x28 ldp, 16
	ldp	x29, x30, [sp], #16 + CALLEE_SAVED_SIZE
.endm

#endif
