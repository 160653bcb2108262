/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <asm/asm-offsets.h>
	.section .text.start, "ax"
	.globl start
start:
	mov	x0, #REGS_PC
	bl	main
	b	start
