/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One slot of a vector table that leads to the host's handlers. For assembly only. */
/* clang-format off */
#ifndef ASMARM64_HOST_VECTOR_H
#define ASMARM64_HOST_VECTOR_H

#include <asm/asm-offsets.h>
#include <asm/processor.h>
#include <asm/thread_info.h>

/*
 * @el: 1 or 2, the host's exception level. @vector: its number.
 *
 * From the current EL with SP_ELx the stack may have run into its guard: adding and subtracting sp
 * and x0 swaps them without a third register, so that bit THREAD_SHIFT of sp can be tested
 * (asm/thread_info.h).
 */
.macro host_vector el, vector
	.balign	VECTOR_SLOT_SIZE
	nop					/* `msr pan, #0`, where the CPU has it */
	sub	sp, sp, #S_FRAME_SIZE
	.if \vector >= ELxH_SYNC && \vector < ELx_LOW_SYNC_64
	add	sp, sp, x0			/* sp = SP + X0 */
	sub	x0, sp, x0			/* x0 = SP */
	tbz	x0, #THREAD_SHIFT, 1f
	sub	x0, sp, x0			/* x0 = X0 */
	sub	sp, sp, x0			/* sp = SP */
	.endif
	stp	x0, x1, [sp, #S_X0]
	mov	x0, #\vector
	b	host_exception_el\el
	.if \vector >= ELxH_SYNC && \vector < ELx_LOW_SYNC_64
1:	msr	tpidrro_el0, x0			/* SP; the run ends here, user registers are free */
	sub	x0, sp, x0			/* x0 = X0 */
	b	host_stack_overflow_el\el
	.endif
.endm

#endif
