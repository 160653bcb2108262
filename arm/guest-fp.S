/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests, and the host around them, with values in FP, SIMD and SVE registers. */
#include <asm/registers.h>
#include <asm/sysreg.h>

#define FPCR_RMODE_PLUS (1 << 22)
#define HOST_SEED 0x7700
#define PREDICATE_LENGTH 0xf	/* bits of a seed: lanes of bytes in p1 and FFR */
#define HOST_SVE_SEED 0x7707

	.arch	armv8.2-a+sve
	.text

.macro for_all_32 op
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
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

/* u64 host_fp_around_guest_run(struct guest *): the same for the host; x0 = seed after the run */
	.global	host_fp_around_guest_run
host_fp_around_guest_run:
	frame_begin
	mov	x19, x0
	mov	x0, #HOST_SEED
	for_all_32 set_v
	mov	x0, x19
	bl	guest_run
	mov	x0, #HOST_SEED
	mov	x2, #0
	for_all_32 check_v
	mov	x0, x2
	frame_end
	ret

/* z registers: seed + n in every doubleword. p registers and ffr: patterns of their own. */
.macro set_z n
	add	x1, x0, #\n
	dup	z\n\().d, x1
.endm
.macro check_z n
	add	x1, x0, #\n
	dup	z31.d, x1
	cmpne	p0.d, p7/z, z\n\().d, z31.d
	cset	x3, ne				/* any of them differs */
	add	x2, x2, x3
.endm

.macro set_sve
	for_all_32 set_z
	and	x3, x0, #PREDICATE_LENGTH
	whilelo	p1.b, xzr, x3
	wrffr	p1.b
	ptrue	p2.b
	ptrue	p3.h
.endm
/* Adds to x2. z31 is what the others are compared with, and is looked at first. */
.macro check_sve
	rdffr	p4.b
	and	x3, x0, #PREDICATE_LENGTH
	whilelo	p5.b, xzr, x3
	ptrue	p15.b
	eor	p6.b, p15/z, p4.b, p5.b
	ptest	p15, p6.b
	cinc	x2, x2, ne
	eor	p6.b, p15/z, p1.b, p5.b
	ptest	p15, p6.b
	cinc	x2, x2, ne
	eor	p6.b, p15/z, p2.b, p15.b
	ptest	p15, p6.b
	cinc	x2, x2, ne
	ptrue	p14.h
	eor	p6.b, p15/z, p3.b, p14.b
	ptest	p15, p6.b
	cinc	x2, x2, ne
	ptrue	p7.b
	add	x1, x0, #31
	dup	z0.d, x1
	cmpne	p0.d, p7/z, z31.d, z0.d
	cset	x3, ne
	add	x2, x2, x3
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	check_z	\n
	.endr
.endm

/*
 * u64 guest_sve(u64 seed, u64 vl128): ZCR_EL1.LEN = vl128, set, exit, and return how many are
 * wrong.
 */
	.global	guest_sve
guest_sve:
	msr	ZCR_EL1, x1
	isb
	mov	x6, x1
	set_sve
	hvc	#0
	mov	x2, #0
	mrs	x3, ZCR_EL1
	cmp	x3, x6
	cinc	x2, x2, ne
	check_sve
	mov	x0, x2
	ret

/* u64 host_sve_around_guest_run(struct guest *): the same for the host, which may use SVE */
	.global	host_sve_around_guest_run
host_sve_around_guest_run:
	frame_begin
	mov	x19, x0
	mov	x0, #HOST_SVE_SEED
	set_sve
	mov	x0, x19
	bl	guest_run
	mov	x0, #HOST_SVE_SEED
	mov	x2, #0
	check_sve
	mov	x0, x2
	frame_end
	ret

.macro count_nonzero_z n
	cmpne	p0.d, p7/z, z\n\().d, #0
	cset	x3, ne
	add	x2, x2, x3
.endm
/* u64 guest_sve_fresh(void): how many z registers are not 0 */
	.global	guest_sve_fresh
guest_sve_fresh:
	mov	x2, #0
	ptrue	p7.b
	for_all_32 count_nonzero_z
	mov	x0, x2
	ret

/* u64 guest_sve_vl(void): a use of SVE, the vector length in bytes */
	.global	guest_sve_vl
guest_sve_vl:
	rdvl	x0, #1
	ret

/* u64 guest_one_fp(void): a use of FP */
	.global	guest_one_fp
guest_one_fp:
	fmov	d0, x0
	fmov	x0, d0
	ret
