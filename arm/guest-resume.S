/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that keep values in EL1 registers. */

.macro for_el1_registers op
	\op	1, sp_el0
	\op	2, tpidr_el0
	\op	3, tpidrro_el0
	\op	4, tpidr_el1
	\op	5, elr_el1
	\op	6, far_el1
	\op	7, cntv_cval_el0
	\op	8, cntp_cval_el0
.endm

.macro set_register n, name
	add	x1, x0, #\n
	msr	\name, x1
.endm

.macro check_register n, name
	mrs	x1, \name
	sub	x1, x1, x0
	cmp	x1, #\n
	cinc	x2, x2, ne
.endm

	.text
/* u64 guest_set_and_check(u64 seed) */
	.global	guest_set_and_check
guest_set_and_check:
	for_el1_registers set_register
	hvc	#0
	mov	x2, #0
	for_el1_registers check_register
	mov	x0, x2
	ret

/*
 * u64 guest_read_around_hvc(u64 *word): the first value in the upper half of the result. No stack,
 * which the tree that the host changes to does not have.
 */
	.global	guest_read_around_hvc
guest_read_around_hvc:
	ldr	x1, [x0]
	hvc	#0
	ldr	x2, [x0]
	orr	x0, x2, x1, lsl #32
	ret
