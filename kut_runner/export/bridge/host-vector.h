/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One slot of a vector table for the host's own exceptions in a guest's handler. */
#ifndef _ASMARM64_HOST_VECTOR_H_
#define _ASMARM64_HOST_VECTOR_H_

#include <asm/asm-offsets.h>
#include <asm/guest-bridge.h>

.macro host_vector el, vector
	.balign	VECTOR_SLOT_SIZE
	.inst	0xd500409f		/* msr pan, #0: the guest's, or a handler's */
	sub	sp, sp, #S_FRAME_SIZE
	stp	x0, x1, [sp, #S_X0]
	mov	x0, #\vector
	b	guest_host_exception_entry
.endm

#endif
