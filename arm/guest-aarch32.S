/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose EL1 is in AArch32, in A32. */
#include <asm/a32.h>
#include <asm/sysreg.h>
#include "guest-aarch32.h"

	.text
	.balign	4

/*
 * DACR, IFSR and the SPSRs of Abort, Undefined, IRQ and FIQ mode = r0, FPEXC = r7; hvc; r1..r6 and
 * r8 = what they are; hvc
 */
	.global	guest_a32_state
guest_a32_state:
	.inst	A32_MCR(0, CP15_DACR)
	.inst	A32_MCR(0, CP15_IFSR)
	.inst	A32_MSR_SPSR(SYSM_ABT, 0)
	.inst	A32_MSR_SPSR(SYSM_UND, 0)
	.inst	A32_MSR_SPSR(SYSM_IRQ, 0)
	.inst	A32_MSR_SPSR(SYSM_FIQ, 0)
	.inst	A32_VMSR_FPEXC(7)
	.inst	A32_HVC(1)
	.inst	A32_MRC(1, CP15_DACR)
	.inst	A32_MRC(2, CP15_IFSR)
	.inst	A32_MRS_SPSR(3, SYSM_ABT)
	.inst	A32_MRS_SPSR(4, SYSM_UND)
	.inst	A32_MRS_SPSR(5, SYSM_IRQ)
	.inst	A32_MRS_SPSR(6, SYSM_FIQ)
	.inst	A32_VMRS_FPEXC(8)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/*
 * PRRR = r0, NMRR = r1: the halves of MAIR_EL1. TTBR1 = r1:r0, TTBR0 = r0:r1. CONTEXTIDR = r1, and
 * r0 if r0 were not r0. Then r2 = PRRR, r3 = NMRR, r5:r4 = TTBR1, r6 = CONTEXTIDR, r8:r7 = TTBR0,
 * and hvc
 */
	.global	guest_a32_halves
guest_a32_halves:
	.inst	A32_MCR(0, CP15_PRRR)
	.inst	A32_MCR(1, CP15_NMRR)
	.inst	A32_MCRR(0, 1, CP15_64_TTBR1)
	.inst	A32_MCRR(1, 0, CP15_64_TTBR0)
	.inst	A32_MCR(1, CP15_CONTEXTIDR)
	.inst	A32_CMP(0, 0)
	.inst	A32_NE(A32_MCR(0, CP15_CONTEXTIDR))
	.inst	A32_MRC(2, CP15_PRRR)
	.inst	A32_MRC(3, CP15_NMRR)
	.inst	A32_MRRC(4, 5, CP15_64_TTBR1)
	.inst	A32_MRC(6, CP15_CONTEXTIDR)
	.inst	A32_MRRC(7, 8, CP15_64_TTBR0)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/* FPEXC = r3. r1 = r0 by way of the stack, r2 = r0 by way of s0; hvc */
	.global	guest_a32_stack_and_fp
guest_a32_stack_and_fp:
	.inst	A32_VMSR_FPEXC(3)
	.inst	A32_PUSH(0)
	.inst	A32_POP(1)
	.inst	A32_VMOV_TO_S0(0)
	.inst	A32_VMOV_FROM_S0(2)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/* MMU on with TTBR0 = r0, DACR = r1, TTBCR = r2; r0 = [r4]; hvc */
	.global	guest_a32_mmu_on
guest_a32_mmu_on:
	.inst	A32_MCR(0, CP15_TTBR0)
	.inst	A32_MCR(1, CP15_DACR)
	.inst	A32_MCR(2, CP15_TTBCR)
	.inst	A32_MRC(3, CP15_SCTLR)
	.inst	A32_ORR_IMM(3, 3, SCTLR_ELx_M)
	.inst	A32_MCR(3, CP15_SCTLR)
	.inst	A32_ISB
	.inst	A32_LDR(0, 4, 0)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/* r0 = SCTLR, r1 = CPSR; hvc */
	.global	guest_a32_reset
guest_a32_reset:
	.inst	A32_MRC(0, CP15_SCTLR)
	.inst	A32_MRS_CPSR(1)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/* T32: r0 = 9; hvc */
	.global	guest_t32_hvc
guest_t32_hvc:
	.inst	T32_PAIR(T32_MOV_IMM(0, 9), T32_NOP)
	.inst	T32_HVC(0x1234)
	.inst	T32_HVC(0x1234)

/* An element of struct cp15_values at r12 */
#define OFFSET_OF(n, member) (12 * (n) + 4 * (member))
#define CP15_WRITE(n, name, mask)                         \
	.inst	A32_LDR(0, 12, OFFSET_OF(n, 0));          \
	.inst	A32_MCR(0, CP15_##name);
#define CP15_READ(n, name, mask)                          \
	.inst	A32_MRC(0, CP15_##name);                  \
	.inst	A32_STR(0, 12, OFFSET_OF(n, 1));
#define CP15_READ_AGAIN(n, name, mask)                    \
	.inst	A32_MRC(0, CP15_##name);                  \
	.inst	A32_STR(0, 12, OFFSET_OF(n, 2));

/* Write them all, read them; hvc; read them again; hvc */
	.global	guest_a32_cp15
guest_a32_cp15:
	CP15_VALUES(CP15_WRITE)
	CP15_VALUES(CP15_READ)
	.inst	A32_HVC(1)
	CP15_VALUES(CP15_READ_AGAIN)
	.inst	A32_HVC(1)
	.inst	A32_B(0)

/* The same for TTBCR2, which not every CPU has, and TTBCR beside it */
	.global	guest_a32_ttbcr2
guest_a32_ttbcr2:
	CP15_TTBCRS(CP15_WRITE)
	CP15_TTBCRS(CP15_READ)
	.inst	A32_HVC(1)
	CP15_TTBCRS(CP15_READ_AGAIN)
	.inst	A32_HVC(1)
	.inst	A32_B(0)
