/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests in A32 and T32, by their encodings: this assembler knows no AArch32. */
	.text

/* u64 guest_svc_twice(u64 n), at EL0: what two SVCs make of n */
	.global	guest_svc_twice
guest_svc_twice:
	svc	#1
	svc	#2
	ret

/* A32: the same */
	.balign	4
	.global	guest_a32_svc_twice
guest_a32_svc_twice:
	.inst	0xef000001			/* svc #1 */
	.inst	0xef000002			/* svc #2 */
	.inst	0xe12fff1e			/* bx lr */

/* A32: r0 = [r0], [r0 + 4] = it + 1 */
	.global	guest_a32_copy
guest_a32_copy:
	.inst	0xe5901000			/* ldr r1, [r0] */
	.inst	0xe2812001			/* add r2, r1, #1 */
	.inst	0xe5802004			/* str r2, [r0, #4] */
	.inst	0xe1a00001			/* mov r0, r1 */
	.inst	0xe12fff1e			/* bx lr */

/* T32: two instructions that an IT block makes alternatives; r0 = r1 ? 9 : [r0] */
	.global	guest_t32_if
guest_t32_if:
	.inst	0xbf0c2900			/* cmp r1, #0; ite eq */
	.inst	0x20096800			/* ldreq r0, [r0]; movne r0, #9 */
	.inst	0xbf004770			/* bx lr; nop */

/* A32: every register that an exit could mistake for a pointer, then an exit by svc */
	.global	guest_a32_wild
guest_a32_wild:
	.inst	0xe3e00000			/* mvn r0, #0 */
	.inst	0xe1a01000			/* mov r1, r0 ... */
	.inst	0xe1a02000
	.inst	0xe1a03000
	.inst	0xe1a04000
	.inst	0xe1a05000
	.inst	0xe1a06000
	.inst	0xe1a07000
	.inst	0xe1a08000
	.inst	0xe1a09000
	.inst	0xe1a0a000
	.inst	0xe1a0b000
	.inst	0xe1a0c000
	.inst	0xe1a0d000			/* ... mov sp, r0 */
	.inst	0xe1a0e000			/* mov lr, r0 */
	.inst	0xef000003			/* svc #3 */
	.inst	0xeafffffe			/* b . */

/* A32, at EL1: hvc #0x8006, which takes the slower way (guest-entry.S) */
	.global	guest_a32_hvc
guest_a32_hvc:
	.inst	0xe1480076
	.inst	0xeafffffe			/* b . */
