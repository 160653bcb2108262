/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accesses of stage2-probe.c, in the guest, at EL1 or EL0: x1 = address, x0 = value. Each ends
 * in a read of x3, where nothing is mapped: EL0 has no hvc.
 */
	.text
	.global	s2_probe_read
	.cfi_startproc
s2_probe_read:
	ldr	x0, [x1]
	ldr	xzr, [x3]

	.global	s2_probe_write
s2_probe_write:
	str	x0, [x1]
	ldr	xzr, [x3]

	.global	s2_probe_execute
s2_probe_execute:
	adr	x4, 1f
	br	x1
1:	ldr	xzr, [x3]
	.cfi_endproc
