/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image's head and its first instructions.
 *
 * Entered as a Linux kernel is (Documentation/arch/arm64/booting.rst): MMU off, x0 = device tree,
 * at EL2 or EL1, loaded anywhere on a 4 KiB boundary.
 */
#include <asm/asm-offsets.h>
#include <asm/cfi.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

/* The head's fields that are not 0: the image may be anywhere in memory, its pages have 4 KiB */
#define TEXT_OFFSET 0x80000		/* from a 2 MiB boundary */
#define FLAG_ANYWHERE (1 << 3)
#define FLAG_4K_PAGES (1 << 1)

#define BSS_ALIGN 64			/* of both ends of .bss (image.lds) */

/* Elf64_Rela: r_offset, r_info and r_addend */
#define RELA_ADDEND 16
#define RELA_SIZE 24

/* Of the host's own, where return addresses are signed: fixed, so that a failure repeats */
#define HOST_KEY 0x6b75742d6b65792d

/* The MMU of the starter: x5 = TCR, x6 = MAIR, x7 = TTBR0, x8 = SCTLR */
.macro secondary_mmu el, all
	msr	tcr_el\el, x5
	msr	mair_el\el, x6
	msr	ttbr0_el\el, x7
	isb
	tlbi	\all			/* DDI 0487, D8.17.1: TLBs are UNKNOWN after reset */
	dsb	nsh
	isb
	msr	sctlr_el\el, x8
	isb
.endm

	.section .text.head, "ax"
	.global _start
_start:
	b	entry			/* where a kernel may have "MZ" */
	.long	0
	.quad	TEXT_OFFSET
	.quad	_end - _start		/* image_size: with .bss and stacks */
	.quad	FLAG_ANYWHERE | FLAG_4K_PAGES	/* flags: little-endian, too */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* In a build with return address signing: a key, and signing on for @el. Clobbers x0, x1. */
.macro sign_returns el
#ifdef __ARM_FEATURE_PAC_DEFAULT
	mrs	x0, id_aa64isar1_el1
	mrs	x1, ID_AA64ISAR2_EL1
	and	x0, x0, #ID_AA64ISAR1_API_APA
	and	x1, x1, #ID_AA64ISAR2_APA3
	orr	x0, x0, x1
	cbz	x0, .Lno_pauth\@
	ldr	x0, =HOST_KEY
	msr	APIAKEYLO_EL1, x0
	msr	APIAKEYHI_EL1, x0
	mrs	x0, sctlr_el\el
	orr	x0, x0, #SCTLR_ELx_EnIA
	msr	sctlr_el\el, x0
	isb
.Lno_pauth\@:
#endif
.endm

	.text
/*
 * x0 = device tree. From here on: x19 = device tree, x20 = CurrentEL, x21 = counter at the first
 * instruction.
 */
	.cfi_startproc
	cfi_outermost
entry:
	mrs	x21, cntvct_el0
	mov	x19, x0
	bl	enter_level
	/* .bss */
	adrp	x0, _sbss
	add	x0, x0, :lo12:_sbss
	adrp	x1, _ebss
	add	x1, x1, :lo12:_ebss
3:	cmp	x0, x1
	b.hs	4f
	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #BSS_ALIGN
	b	3b
4:
	/*
	 * The addresses in the image's data: all are R_AARCH64_RELATIVE, at r_offset + base =
	 * r_addend + base
	 */
	adrp	x0, _rela_start
	add	x0, x0, :lo12:_rela_start
	adrp	x1, _rela_end
	add	x1, x1, :lo12:_rela_end
	adrp	x2, _start
5:	cmp	x0, x1
	b.hs	6f
	ldp	x3, x4, [x0], #RELA_ADDEND
	ldr	x5, [x0], #RELA_SIZE - RELA_ADDEND
	add	x5, x5, x2
	str	x5, [x3, x2]
	b	5b
6:
	adrp	x0, boot_stack + 2 * THREAD_SIZE
	mov	sp, x0
	mov	x29, xzr
	mov	x0, x19
	mov	x1, x21
	bl	start_image
	/* start_image() does not return */
	.cfi_endproc

/*
 * The first code of every CPU: fixed values for the registers that decide the meaning of all
 * others. At EL2 with FEAT_VHE the host runs with E2H and TGE, unless the image has set
 * host_without_vhe. Returns x20 = CurrentEL; clobbers x0, x1.
 */
	.cfi_startproc
enter_level:
	msr	spsel, #1
	msr	daifset, #DAIF_IMM(PSR_DAIF)
	mrs	x20, CurrentEL
	cmp	x20, #CurrentEL_EL2
	b.eq	1f
	ldr	x0, =SCTLR_EL1_HOST
	msr	sctlr_el1, x0
	isb
	sign_returns 1
	ret
1:	ldr	x0, =SCTLR_EL2_RES1
	msr	sctlr_el2, x0
	mrs	x1, id_aa64mmfr1_el1
	ubfx	x1, x1, #ID_AA64MMFR1_VH, #ID_FIELD_WIDTH
	adrp	x0, host_without_vhe
	ldrb	w0, [x0, :lo12:host_without_vhe]
	cmp	w0, #0
	csel	x1, x1, xzr, eq
	ldr	x0, =HCR_HOST_NVHE
	cbz	x1, 2f
	ldr	x0, =SCTLR_EL1_HOST	/* E2H gives SCTLR_EL2 the fields of SCTLR_EL1 */
	msr	sctlr_el2, x0
	ldr	x0, =HCR_HOST_VHE
2:	msr	hcr_el2, x0
	isb				/* E2H decides which registers the next accesses reach */
	sign_returns 2
	ret
	.cfi_endproc

	.section .rodata.host_without_vhe, "a"
	.weak	host_without_vhe
host_without_vhe:
	.byte	0

/*
 * A CPU that PSCI started for smp.c, in the state of PSCI CPU_ON (DEN0022F, 6.4.3): MMU off, at the
 * starter's exception level. The caches are not in use yet; secondary_data was cleaned to memory.
 */
	.section .text.secondary, "ax"
	.global	secondary_entry
	.cfi_startproc
	cfi_outermost
secondary_entry:
	bl	enter_level
	adrp	x4, secondary_data
	add	x4, x4, :lo12:secondary_data
	ldr	x0, [x4, #SECONDARY_STACK]
	ldp	x5, x6, [x4, #SECONDARY_TCR]	/* and MAIR */
	ldp	x7, x8, [x4, #SECONDARY_TTBR0]	/* and SCTLR */
	cmp	x20, #CurrentEL_EL2
	b.ne	3f
	secondary_mmu 2, alle2
	b	4f
3:	secondary_mmu 1, vmalle1
4:	mov	sp, x0			/* in the vmalloc region, hence not before */
	mov	x29, xzr
	bl	secondary_start
	/* secondary_start() does not return */
	.cfi_endproc

/* Also as PSCI starts a CPU: needs neither stack nor MMU. */
	.section .text.halt, "ax"
	.global	halt
	.cfi_startproc
	cfi_outermost
halt:
	wfi
	b	halt
	.cfi_endproc

	.section .stack, "aw", %nobits
	.balign	2 * THREAD_SIZE
	.global	boot_stack, emergency_stack
boot_stack:				/* the lower half is its guard */
	.space	2 * THREAD_SIZE
emergency_stack:			/* for the dump after an overflow */
	.space	2 * THREAD_SIZE
