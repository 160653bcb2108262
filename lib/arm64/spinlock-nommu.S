/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spinlocks of a CPU whose MMU is off: it is on while the lock is accessed, and nothing else is
 * accessed meanwhile. Image and stack lie at the same addresses with and without it.
 */
#include <asm/ptrace.h>
#include <asm/spinlock.h>
#include <asm/sysreg.h>

/* x0 = lock, x1 = SCTLR_ELx to go back to, x2 = DAIF to go back to. Clobbers x3. */
.macro mmu_on el
	mrs	x2, daif
	msr	daifset, #DAIF_IMM(PSR_DAIF)	/* a handler would run with the MMU on */
	mrs	x1, sctlr_el\el
	mov	x3, #SCTLR_ELx_M
	orr	x3, x3, #SCTLR_ELx_C
	orr	x3, x3, x1
	msr	sctlr_el\el, x3
	isb				/* before the lock is accessed */
.endm

.macro mmu_off el
	msr	sctlr_el\el, x1
	isb				/* before the caller's next access */
	msr	daif, x2
.endm

.macro nommu el
	.global	spin_lock_nommu_el\el
	.cfi_startproc
spin_lock_nommu_el\el:
	mmu_on	\el
1:	ldaxr	w3, [x0]
	cbnz	w3, 1b
	mov	w3, #SPINLOCK_TAKEN
	stxr	w4, w3, [x0]
	cbnz	w4, 1b
	mmu_off	\el
	ret
	.cfi_endproc

	.global	spin_unlock_nommu_el\el
	.cfi_startproc
spin_unlock_nommu_el\el:
	dsb	sy			/* writes without caches, before the lock is free */
	mmu_on	\el
	stlr	wzr, [x0]
	mmu_off	\el
	ret
	.cfi_endproc
.endm

	.text
	nommu	1
	nommu	2
