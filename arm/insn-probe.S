/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code for the probe: every register inverted, and an exception of EL1 or EL2. */
#include <asm/registers.h>

.macro invert_all
	.irp	n, NUMBERS_0_TO_30
	mvn	x\n, x\n
	.endr
.endm

	.text
	.global	probe_invert_hvc
probe_invert_hvc:
	invert_all
	hvc	#0x123

	.global	probe_invert_svc
probe_invert_svc:
	invert_all
	svc	#0x123
