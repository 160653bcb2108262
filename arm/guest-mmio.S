/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and stores of every kind; x0 = the address, whose device answers. */

/* u64 NAME(u64 address): a load into x0 */
.macro load name, insn:vararg
	.global	guest_\name
guest_\name:
	mov	x1, x0
	mov	x0, #-1
	\insn
	ret
.endm

/* void NAME(u64 address, u64 value): a store of x1 */
.macro store name, insn:vararg
	.global	guest_\name
guest_\name:
	\insn
	ret
.endm

	.text
	load	ldrb, ldrb w0, [x1]
	load	ldrh, ldrh w0, [x1]
	load	ldr_w, ldr w0, [x1]
	load	ldr_x, ldr x0, [x1]
	load	ldrsb_w, ldrsb w0, [x1]
	load	ldrsb_x, ldrsb x0, [x1]
	load	ldrsh_w, ldrsh w0, [x1]
	load	ldrsh_x, ldrsh x0, [x1]
	load	ldrsw_x, ldrsw x0, [x1]
	load	ldr_xzr, ldr xzr, [x1]
	store	strb, strb w1, [x0]
	store	strh, strh w1, [x0]
	store	str_w, str w1, [x0]
	store	str_x, str x1, [x0]
	store	str_wzr, str wzr, [x0]
	store	ldp, ldp x2, x3, [x0]
	store	stp, stp x1, x1, [x0]
	store	pre_index, str x1, [x0, #8]!
	store	post_index, ldr x1, [x0], #8

/* Register x30 and one between, to see that the syndrome's number is used. */
	.global	guest_register_30
guest_register_30:
	mov	x2, x30
	mov	x30, x1
	str	x30, [x0]
	ldr	x30, [x0, #8]
	mov	x0, x30
	mov	x30, x2
	ret
