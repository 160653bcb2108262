/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose exceptions to EL1 are seen in registers. */
#include <asm/registers.h>

	.text

/*
 * u64 guest_registers(void): xN = 0x100 + N; svc, whose handler makes it 0x200 + N; 0 when each is
 * that
 */
	.global	guest_registers
guest_registers:
	str	x30, [sp, #-16]!
	.irp	n, NUMBERS_0_TO_30
	mov	x\n, #0x100 + \n
	.endr
	svc	#1
	sub	x0, x0, #0x200
	.irp	n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
	sub	x\n, x\n, #0x200 + \n
	orr	x0, x0, x\n
	.endr
	ldr	x30, [sp], #16
	ret

/* u64 guest_move_sp(void): how far the handler of its SVC has moved sp down; sp is as before */
	.global	guest_move_sp
guest_move_sp:
	mov	x20, #4		/* a register that the vectors use, with a value that they compare */
	mov	x1, sp
	svc	#1
	mov	x2, sp
	mov	sp, x1
	sub	x0, x1, x2
	ret

/* u64 guest_move_sp_el0(u64 sp): the same at EL1 with SP_EL0, EL1t */
	.global	guest_move_sp_el0
guest_move_sp_el0:
	msr	sp_el0, x0
	msr	spsel, #0
	mov	x1, sp
	svc	#1
	mov	x2, sp
	msr	spsel, #1
	sub	x0, x1, x2
	ret

/* u64 guest_flags(void): NZCV and PC as the handler of its SVC made them: 0x600c when it skips */
	.global	guest_flags
guest_flags:
	mov	x0, #0x600c
	svc	#1
	mov	x0, #0xbad
	mrs	x1, nzcv
	orr	x0, x0, x1
	ret

/* u64 guest_keep_sp_el0(u64 value): SP_EL0 = value; svc at EL1h; what SP_EL0 is then */
	.global	guest_keep_sp_el0
guest_keep_sp_el0:
	msr	sp_el0, x0
	svc	#1
	mrs	x0, sp_el0
	ret
