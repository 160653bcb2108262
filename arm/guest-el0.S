/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests at EL0 in A64, A32 and T32. */
#include <asm/a32.h>
#include <asm/guest-hypercall.h>

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
	.inst	A32_SVC(1)
	.inst	A32_SVC(2)
	.inst	A32_BX(A32_LR)

/* A32: r0 = [r0], [r0 + 4] = it + 1 */
	.global	guest_a32_copy
guest_a32_copy:
	.inst	A32_LDR(1, 0, 0)
	.inst	A32_ADD_IMM(2, 1, 1)
	.inst	A32_STR(2, 0, 4)
	.inst	A32_MOV(0, 1)
	.inst	A32_BX(A32_LR)

/* T32: two instructions that an IT block makes alternatives; r0 = r1 ? 9 : [r0] */
	.global	guest_t32_if
guest_t32_if:
	.inst	T32_PAIR(T32_CMP_IMM(1, 0), T32_ITE_EQ)
	.inst	T32_PAIR(T32_LDR(0, 0), T32_MOV_IMM(0, 9))
	.inst	T32_PAIR(T32_BX(A32_LR), T32_NOP)

/* A32: every register that an exit could mistake for a pointer, then an exit by svc */
	.global	guest_a32_wild
guest_a32_wild:
	.inst	A32_MVN_IMM(0, 0)
	.irp	n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, A32_SP, A32_LR
	.inst	A32_MOV(\n, 0)
	.endr
	.inst	A32_SVC(3)
	.inst	A32_B(0)

/* A32, at EL1: an HVC that takes the slower way (guest-entry.S) */
	.global	guest_a32_hvc
guest_a32_hvc:
	.inst	A32_HVC(GUEST_HVC_FRAMEWORK | 6)
	.inst	A32_B(0)
