/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register values around a guest's run. */
#include <asm/registers.h>
#include "guest-host-state.h"

#define FPCR_RMODE_PLUS (1 << 22)
#define FPSR_IXC (1 << 4)

	.arch	armv8-a+fp+simd
	.text
/*
 * u64 fp_around_guest_run(struct guest *): v0..v31 hold n in each half, FPCR and FPSR values of
 * their own. Returns how many are wrong after guest_run().
 */
	.global	fp_around_guest_run
fp_around_guest_run:
	frame_begin
	.irp	n, NUMBERS_0_TO_31
	mov	x1, #\n
	dup	v\n\().2d, x1
	.endr
	mov	x1, #FPCR_RMODE_PLUS
	msr	fpcr, x1
	mov	x1, #FPSR_IXC
	msr	fpsr, x1
	bl	guest_run
	mov	x0, #0
	.irp	n, NUMBERS_0_TO_31
	mov	x1, v\n\().d[0]
	mov	x2, v\n\().d[1]
	cmp	x1, #\n
	ccmp	x2, #\n, #0, eq
	cinc	x0, x0, ne
	.endr
	mrs	x1, fpcr
	mov	x2, #FPCR_RMODE_PLUS
	cmp	x1, x2
	cinc	x0, x0, ne
	mrs	x1, fpsr
	cmp	x1, #FPSR_IXC
	cinc	x0, x0, ne
	msr	fpcr, xzr
	msr	fpsr, xzr
	frame_end
	ret

/*
 * u64 callee_saved_around_guest_run(struct guest *): x19..x28 hold n. Returns how many of them, of
 * SP and of x29 are wrong after guest_run().
 */
	.global	callee_saved_around_guest_run
callee_saved_around_guest_run:
	frame_begin
	mov	x1, sp
	stp	x1, x29, [sp, #-16]!
	.irp	n, 19,20,21,22,23,24,25,26,27,28
	mov	x\n, #\n
	.endr
	bl	guest_run
	mov	x0, #0
	.irp	n, 19,20,21,22,23,24,25,26,27,28
	cmp	x\n, #\n
	cinc	x0, x0, ne
	.endr
	ldp	x1, x2, [sp], #16		/* from another place, if SP is wrong */
	mov	x3, sp
	cmp	x1, x3
	cinc	x0, x0, ne
	cmp	x2, x29
	cinc	x0, x0, ne
	mov	sp, x2
	frame_end
	ret

/* void guest_clobber(void): a guest with other values in all of them */
	.global	guest_clobber
guest_clobber:
	.irp	n, NUMBERS_0_TO_30
	mov	x\n, #CLOBBERED + \n
	.endr
	hvc	#0
	b	.
