/* SPDX-License-Identifier: GPL-2.0-or-later */
	.text
/* enum guest_handler_result three_instructions(struct guest *) */
	.global	three_instructions
three_instructions:
	hint	#34				/* bti c, where that exists */
	mov	w0, #0				/* GUEST_ACTION_RESUME */
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
	add	x1, x1, #0x1000
	subs	x0, x0, #1
	b.ne	guest_touch_loop
	ret
