/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests, and the host around them, with values in every SVE register. */
#include <asm/registers.h>
#include <asm/sysreg.h>
#include "guest-sve.h"

	.arch	armv8.2-a+sve
	.text

/* @op, ldr or str, all of z0..z31 and p0..p15 in the struct sve_values at @base; changes x9 */
.macro for_all_registers op, base
	add	x9, \base, #SVE_VALUES_Z
	.irp	n, NUMBERS_0_TO_31
	\op	z\n, [x9, #\n, mul vl]
	.endr
	add	x9, \base, #SVE_VALUES_P
	.irp	n, NUMBERS_0_TO_15
	\op	p\n, [x9, #\n, mul vl]
	.endr
.endm

/* FFR by way of p0, whose own value comes after it, or has been stored before it */
.macro load_all base
	ldp	x9, x10, [\base, #SVE_VALUES_FPCR]
	msr	fpcr, x9
	msr	fpsr, x10
	add	x9, \base, #SVE_VALUES_FFR
	ldr	p0, [x9]
	wrffr	p0.b
	for_all_registers ldr, \base
.endm
.macro store_all base
	for_all_registers str, \base
	add	x9, \base, #SVE_VALUES_FFR
	rdffr	p0.b
	str	p0, [x9]
	mrs	x9, fpcr
	mrs	x10, fpsr
	stp	x9, x10, [\base, #SVE_VALUES_FPCR]
	rdvl	x9, #1
	str	x9, [\base, #SVE_VALUES_VL]
.endm

/*
 * u64 guest_sve(const struct sve_values *in, struct sve_values *out): have the values of @in, with
 * its ZCR_EL1; exit; store what they are then.
 */
	.global	guest_sve
guest_sve:
	ldr	x9, [x0, #SVE_VALUES_ZCR]
	msr	ZCR_EL1, x9
	isb
	load_all x0
	hvc	#0
	store_all x1
	mrs	x9, ZCR_EL1
	str	x9, [x1, #SVE_VALUES_ZCR]
	mov	x0, #0
	ret

/* u64 guest_sve_store(const void *unused, struct sve_values *out): what a new guest has */
	.global	guest_sve_store
guest_sve_store:
	store_all x1
	mrs	x9, ZCR_EL1
	str	x9, [x1, #SVE_VALUES_ZCR]
	mov	x0, #0
	ret

/*
 * void host_sve_around_guest_run(struct guest *guest, const struct sve_values *in,
 *				  struct sve_values *out)
 *
 * The same for the host, which may use SVE; but ZCR is as it is.
 */
	.global	host_sve_around_guest_run
host_sve_around_guest_run:
	frame_begin
	mov	x19, x2
	load_all x1
	bl	guest_run
	store_all x19
	frame_end
	ret

/* The same, and then the host writes 1.0 to d5, which is no use of SVE. */
	.global	host_sve_and_fp
host_sve_and_fp:
	frame_begin
	mov	x19, x2
	load_all x1
	bl	guest_run
	fmov	d5, #1.0
	store_all x19
	frame_end
	ret

/* u64 guest_sve_vl(void): a use of SVE, the vector length in bytes */
	.global	guest_sve_vl
guest_sve_vl:
	rdvl	x0, #1
	ret
