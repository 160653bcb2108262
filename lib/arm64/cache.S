/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * void clear_pages_zva(void *mem, unsigned long bytes, unsigned long block): DC ZVA of @block bytes
 * a step
 */
	.text
	.global	clear_pages_zva
	.cfi_startproc
clear_pages_zva:
	add	x1, x0, x1
1:	dc	zva, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	ret
	.cfi_endproc
