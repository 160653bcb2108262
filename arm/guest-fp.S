/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests, and the host around them, with values in FP and SIMD registers. */
#include <asm/registers.h>

#define FPCR_RMODE_PLUS (1 << 22)

	.arch	armv8-a+fp+simd
	.text

.macro for_all_32 op
	.irp	n, NUMBERS_0_TO_31
	\op	\n
	.endr
.endm
.macro set_v n
	add	x1, x0, #\n
	dup	v\n\().2d, x1
.endm
.macro check_v n
	add	x1, x0, #\n
	mov	x3, v\n\().d[0]
	mov	x4, v\n\().d[1]
	cmp	x3, x1
	ccmp	x4, x1, #0, eq
	cinc	x2, x2, ne
.endm

/* u64 guest_fp(u64 seed): set, exit, and return how many are wrong */
	.global	guest_fp
guest_fp:
	for_all_32 set_v
	mov	x1, #FPCR_RMODE_PLUS
	msr	fpcr, x1
	msr	fpsr, x0
	mrs	x5, fpsr
	hvc	#0
	mov	x2, #0
	for_all_32 check_v
	mrs	x1, fpcr
	cmp	x1, #FPCR_RMODE_PLUS
	cinc	x2, x2, ne
	mrs	x1, fpsr
	cmp	x1, x5
	cinc	x2, x2, ne
	mov	x0, x2
	ret

/* u64 host_fp_around_guest_run(struct guest *, u64 seed): how many of the host's are wrong then */
	.global	host_fp_around_guest_run
host_fp_around_guest_run:
	frame_begin
	mov	x19, x0
	mov	x20, x1
	mov	x0, x20
	for_all_32 set_v
	mov	x0, x19
	bl	guest_run
	mov	x0, x20
	mov	x2, #0
	for_all_32 check_v
	mov	x0, x2
	frame_end
	ret

/* u64 guest_one_fp(void): a use of FP */
	.global	guest_one_fp
guest_one_fp:
	fmov	d0, x0
	fmov	x0, d0
	ret
