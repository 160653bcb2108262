/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System registers of AArch32 that an EL1 in AArch32 writes, for C and assembly. */
#ifndef GUEST_AARCH32_H
#define GUEST_AARCH32_H

/* clang-format off */
/*
 * X(number, CP15_ name, bits that hold any value while the MMU is off). ADFSR, AIFSR, AMAIR0 and
 * AMAIR1 are implementation defined, and 0 in QEMU.
 */
#define CP15_VALUES(X)                                                                             \
	X(0, TTBR0, 0xffffc000) X(1, TTBR1, 0xffffc000) X(2, TTBCR, 0x00000007)                    \
	X(3, DACR, 0xffffffff) X(4, DFSR, 0x0000040f) X(5, IFSR, 0x0000040f)                       \
	X(6, ADFSR, 0) X(7, AIFSR, 0) X(8, DFAR, 0xffffffff) X(9, IFAR, 0xffffffff)                \
	X(10, PRRR, 0xff0fffff) X(11, NMRR, 0xffffffff) X(12, AMAIR0, 0) X(13, AMAIR1, 0)          \
	X(14, CONTEXTIDR, 0xffffffff)
/* TTBCR2: HPD0, HPD1 */
#define CP15_TTBCRS(X) X(0, TTBCR, 0x00000007) X(1, TTBCR2, 0x00000600)
/* clang-format on */

#endif
