/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that keeps values in registers while it moves from CPU to CPU. */

	.arch	armv8-a+fp

.macro for_registers op
	\op	1, sp_el0
	\op	2, tpidr_el0
	\op	3, tpidrro_el0
	\op	4, tpidr_el1
	\op	5, elr_el1
	\op	6, far_el1
	\op	7, cntv_cval_el0
	\op	8, contextidr_el1
.endm

.macro set_register n, name
	add	x3, x0, #\n
	msr	\name, x3
.endm

.macro check_register n, name
	mrs	x3, \name
	sub	x3, x3, x0
	cmp	x3, #\n
	cinc	x2, x2, ne
.endm

	.text
/*
 * u64 guest_hop(u64 seed, u64 hops): set registers to seed + n, then @hops times call the host and
 * see what is left of them; how often one was wrong.
 */
	.global	guest_hop
guest_hop:
	for_registers set_register
	fmov	d8, x0
	fmov	d31, x1
	mov	x4, x1
	mov	x2, #0
1:	hvc	#0
	for_registers check_register
	fmov	x3, d8
	cmp	x3, x0
	cinc	x2, x2, ne
	fmov	x3, d31
	cmp	x3, x4
	cinc	x2, x2, ne
	subs	x1, x1, #1
	b.ne	1b
	mov	x0, x2
	ret
