/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All registers at once: of a guest that makes a call, and of the host around a run. */
#include <asm/registers.h>
#include "calls.h"

/* Bits of a seed, in FPCR.RMode and the cumulative exception flags of FPSR */
#define FPCR_RMODE_SHIFT 22
#define FPCR_RMODE_MASK 3
#define FPSR_MASK 0x1f

	.arch	armv8-a+fp+simd
	.text

/*
 * void NAME(u64 regs[31]): x0..x30 from @regs, the call, and back into @regs.
 */
.macro call_with_registers name, call:vararg
	.global	\name
\name:
	frame_begin
	sub	sp, sp, #16
	str	x0, [sp]
	mov	x30, x0
	load_all
	\call
	str	x30, [sp, #8]
	ldr	x30, [sp]
	store_all
	ldr	x0, [sp, #8]
	str	x0, [x30, #30 * 8]
	add	sp, sp, #16
	frame_end
	ret
.endm
.macro load_all
	.irp	n, NUMBERS_0_TO_29
	ldr	x\n, [x30, #\n * 8]
	.endr
	ldr	x30, [x30, #30 * 8]
.endm
.macro store_all
	.irp	n, NUMBERS_0_TO_29
	str	x\n, [x30, #\n * 8]
	.endr
.endm

	call_with_registers soak_call_host, hvc #CALL_REGISTERS
	call_with_registers soak_call_svc, svc #CALL_REGISTERS
	call_with_registers soak_call_brk, brk #0

/*
 * v<n> = { seed * (n + 1), seed * (n + 1) ^ seed }, FPCR and FPSR from seed's low bits: with 0 all
 * is 0, as in a new guest. x0 = seed; x4 counts what is wrong; clobbers x5..x9.
 */
.macro set_v n
	add	x5, x5, x0
	eor	x6, x5, x0
	mov	v\n\().d[0], x5
	mov	v\n\().d[1], x6
.endm
.macro check_v n
	add	x5, x5, x0
	eor	x6, x5, x0
	mov	x7, v\n\().d[0]
	mov	x8, v\n\().d[1]
	cmp	x7, x5
	ccmp	x8, x6, #0, eq
	cinc	x4, x4, ne
.endm
.macro for_all_v op
	mov	x5, #0
	.irp	n, NUMBERS_0_TO_31
	\op	\n
	.endr
.endm
.macro fp_controls fpcr, fpsr
	and	\fpcr, x0, #FPCR_RMODE_MASK
	lsl	\fpcr, \fpcr, #FPCR_RMODE_SHIFT
	and	\fpsr, x0, #FPSR_MASK
.endm
set_fp:
	for_all_v set_v
	fp_controls x5, x6
	msr	fpcr, x5
	msr	fpsr, x6
	ret
check_fp:
	for_all_v check_v
	fp_controls x5, x6
	mrs	x7, fpcr
	mrs	x8, fpsr
	cmp	x7, x5
	ccmp	x8, x6, #0, eq
	cinc	x4, x4, ne
	ret

/* u64 soak_fp(u64 old, u64 new): registers that are not @old's; then they are @new's. */
	.global	soak_fp
soak_fp:
	stp	x29, x30, [sp, #-16]!
	mov	x4, #0
	bl	check_fp
	mov	x0, x1
	bl	set_fp
	mov	x0, x4
	ldp	x29, x30, [sp], #16
	ret

/*
 * enum guest_exit_reason soak_run_guest(struct guest *, u64 seed, u64 *wrong): guest_run() by a
 * host with x19..x28, SP, x29 and FP registers of its own; *wrong is how many of them it lost.
 */
	.global	soak_run_guest
soak_run_guest:
	frame_begin
	sub	sp, sp, #32
	stp	x1, x2, [sp]
	mov	x3, x0
	mov	x0, x1
	bl	set_fp
	.irp	n, 19,20,21,22,23,24,25,26,27,28
	add	x\n, x0, #\n
	.endr
	mov	x0, x3
	bl	guest_run
	mov	x9, x0
	mov	x4, #0
	add	x5, sp, #32
	cmp	x5, x29
	cinc	x4, x4, ne
	ldp	x0, x2, [x29, #-32]
	.irp	n, 19,20,21,22,23,24,25,26,27,28
	add	x5, x0, #\n
	cmp	x\n, x5
	cinc	x4, x4, ne
	.endr
	bl	check_fp
	str	x4, [x2]
	msr	fpcr, xzr
	msr	fpsr, xzr
	mov	x0, x9
	mov	sp, x29
	frame_end
	ret
