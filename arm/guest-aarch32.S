/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose EL1 is in AArch32, in A32 by its encodings: this assembler knows no AArch32. */
	.text
	.balign	4

/*
 * DACR, IFSR and the SPSRs of Abort, Undefined, IRQ and FIQ mode = r0, FPEXC = r7; hvc; r1..r6 and r8 =
 * what they are; hvc
 */
	.global	guest_a32_state
guest_a32_state:
	.inst	0xee030f10			/* mcr p15, 0, r0, c3, c0, 0: DACR */
	.inst	0xee050f30			/* mcr p15, 0, r0, c5, c0, 1: IFSR */
	.inst	0xe164f300			/* msr SPSR_abt, r0 */
	.inst	0xe166f300			/* msr SPSR_und, r0 */
	.inst	0xe160f300			/* msr SPSR_irq, r0 */
	.inst	0xe16ef200			/* msr SPSR_fiq, r0 */
	.inst	0xeee87a10			/* vmsr fpexc, r7 */
	.inst	0xe1400071			/* hvc #1 */
	.inst	0xee131f10			/* mrc p15, 0, r1, c3, c0, 0 */
	.inst	0xee152f30			/* mrc p15, 0, r2, c5, c0, 1 */
	.inst	0xe1443300			/* mrs r3, SPSR_abt */
	.inst	0xe1464300			/* mrs r4, SPSR_und */
	.inst	0xe1405300			/* mrs r5, SPSR_irq */
	.inst	0xe14e6200			/* mrs r6, SPSR_fiq */
	.inst	0xeef88a10			/* vmrs r8, fpexc */
	.inst	0xe1400071			/* hvc #1 */
	.inst	0xeafffffe			/* b . */

/*
 * PRRR = r0, NMRR = r1: the halves of MAIR_EL1. TTBR1 = r1:r0, TTBR0 = r0:r1. CONTEXTIDR = r1, and
 * r0 if r0 were not r0. Then r2 = PRRR, r3 = NMRR, r5:r4 = TTBR1, r6 = CONTEXTIDR, r8:r7 = TTBR0, and
 * hvc
 */
	.global	guest_a32_halves
guest_a32_halves:
	.inst	0xee0a0f12			/* mcr p15, 0, r0, c10, c2, 0: PRRR */
	.inst	0xee0a1f32			/* mcr p15, 0, r1, c10, c2, 1: NMRR */
	.inst	0xec410f12			/* mcrr p15, 1, r0, r1, c2: TTBR1 */
	.inst	0xec401f02			/* mcrr p15, 0, r1, r0, c2: TTBR0 */
	.inst	0xee0d1f30			/* mcr p15, 0, r1, c13, c0, 1: CONTEXTIDR */
	.inst	0xe1500000			/* cmp r0, r0 */
	.inst	0x1e0d0f30			/* mcrne p15, 0, r0, c13, c0, 1 */
	.inst	0xee1a2f12			/* mrc p15, 0, r2, c10, c2, 0 */
	.inst	0xee1a3f32			/* mrc p15, 0, r3, c10, c2, 1 */
	.inst	0xec554f12			/* mrrc p15, 1, r4, r5, c2 */
	.inst	0xee1d6f30			/* mrc p15, 0, r6, c13, c0, 1 */
	.inst	0xec587f02			/* mrrc p15, 0, r7, r8, c2 */
	.inst	0xe1400071			/* hvc #1 */
	.inst	0xeafffffe			/* b . */

/* FPEXC = r3. r1 = r0 by way of the stack, r2 = r0 by way of s0; hvc */
	.global	guest_a32_stack_and_fp
guest_a32_stack_and_fp:
	.inst	0xeee83a10			/* vmsr fpexc, r3 */
	.inst	0xe92d0001			/* push {r0} */
	.inst	0xe8bd0002			/* pop {r1} */
	.inst	0xee000a10			/* vmov s0, r0 */
	.inst	0xee102a10			/* vmov r2, s0 */
	.inst	0xe1400071			/* hvc #1 */
	.inst	0xeafffffe			/* b . */

/* MMU on with TTBR0 = r0, DACR = r1, TTBCR = r2; r0 = [r4]; hvc */
	.global	guest_a32_mmu_on
guest_a32_mmu_on:
	.inst	0xee020f10			/* mcr p15, 0, r0, c2, c0, 0: TTBR0 */
	.inst	0xee031f10			/* mcr p15, 0, r1, c3, c0, 0: DACR */
	.inst	0xee022f50			/* mcr p15, 0, r2, c2, c0, 2: TTBCR */
	.inst	0xee113f10			/* mrc p15, 0, r3, c1, c0, 0: SCTLR */
	.inst	0xe3833001			/* orr r3, r3, #1 */
	.inst	0xee013f10			/* mcr p15, 0, r3, c1, c0, 0 */
	.inst	0xf57ff06f			/* isb */
	.inst	0xe5940000			/* ldr r0, [r4] */
	.inst	0xe1400071			/* hvc #1 */
	.inst	0xeafffffe			/* b . */
