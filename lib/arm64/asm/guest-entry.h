/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single bits of ESR_EL2 by which guest-entry.S distinguishes exits before it has a register to
 * spare. asm-offsets.c asserts that they do.
 */
#ifndef ASMARM64_GUEST_ENTRY_H
#define ASMARM64_GUEST_ENTRY_H

#include <asm/esr.h>
#include <asm/guest-hypercall.h>

/*
 * A synchronous exit may need FAR_EL2 and HPFAR_EL2, or be a hypercall of the framework's, only
 * when ESR_EL2 has one of these.
 */
#define GUEST_ESR_SLOW (ESR_ELx_EC_UPPER_HALF | GUEST_HVC_FRAMEWORK)

/*
 * Bits of the exception class. Traps by HCR_EL2.TVM are of ESR_ELx_EC_SYS64, with the first one
 * set, or from AArch32 ESR_ELx_EC_CP15_32 and _64, with the second one clear; an HVC's class is
 * neither.
 */
#define GUEST_EC_BIT_SYS64 3
#define GUEST_EC_BIT_NOT_CP15 4

#endif
