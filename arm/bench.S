/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <asm/asm-offsets.h>
#include <asm/barrier.h>
#include <asm/page.h>

	.text
/* enum guest_handler_result three_instructions(struct guest *) */
	.global	three_instructions
three_instructions:
	hint	#HINT_BTI_C
	mov	w0, #GUEST_ACTION_RESUME
	ret

/* void guest_hvc_loop(u64 rounds) */
	.global	guest_hvc_loop
guest_hvc_loop:
	hvc	#0
	subs	x0, x0, #1
	b.ne	guest_hvc_loop
	ret

	.global	guest_touch_loop
guest_touch_loop:
	str	xzr, [x1]
	add	x1, x1, #PAGE_SIZE
	subs	x0, x0, #1
	b.ne	guest_touch_loop
	ret
