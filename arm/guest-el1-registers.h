/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers that are a guest's own, and values for them. */
#ifndef GUEST_EL1_REGISTERS_H
#define GUEST_EL1_REGISTERS_H

#include <libcflat.h>

/* clang-format off */
/* X(name, bits that a guest may set at will) */
#define GUEST_EL1_REGISTERS(X)                                                                   \
	X(ttbr0_el1, 0xffff0000fffff000), X(ttbr1_el1, 0xffff0000fffff000),                      \
	X(tcr_el1, 0x3f003f), X(mair_el1, 0xffffffffffffffff), X(amair_el1, 0xffffffffffffffff), \
	X(contextidr_el1, 0xffffffff), X(vbar_el1, 0xfffff800), X(esr_el1, 0x3ffffff),           \
	X(far_el1, 0xffffffffffff), X(elr_el1, 0xfffffffffffc), X(spsr_el1, 0xf00003c0),         \
	X(afsr0_el1, 0xffffffff), X(afsr1_el1, 0xffffffff), X(par_el1, 0xfffffffff000),          \
	X(tpidr_el0, 0xffffffffffffffff), X(tpidrro_el0, 0xffffffffffffffff),                    \
	X(tpidr_el1, 0xffffffffffffffff), X(sp_el0, 0xfffffffffff0), X(cntkctl_el1, 0xf3),       \
	X(cntv_cval_el0, 0xffffffffffffff), X(cntp_cval_el0, 0xffffffffffffff),                  \
	X(csselr_el1, 0x2)

#define GUEST_PAUTH_KEYS(X)                                                     \
	X(APIAKEYLO_EL1, ~0UL), X(APIAKEYHI_EL1, ~0UL), X(APIBKEYLO_EL1, ~0UL), \
	X(APIBKEYHI_EL1, ~0UL), X(APDAKEYLO_EL1, ~0UL), X(APDAKEYHI_EL1, ~0UL), \
	X(APDBKEYLO_EL1, ~0UL), X(APDBKEYHI_EL1, ~0UL), X(APGAKEYLO_EL1, ~0UL), \
	X(APGAKEYHI_EL1, ~0UL)
/* clang-format on */

/* Write the bits of @mask in @pattern, and others that are 1 always; @pattern becomes the next. */
#define WRITE_PATTERN(pattern, name, mask, ...)                                   \
	({                                                                        \
		write_sysreg(((pattern) & (mask)) | (0 + __VA_ARGS__ + 0), name); \
		pattern = next_pattern(pattern);                                  \
	})

#define BCR_BAS (UL(0xf) << 5) /* RES1 where EL1 has no AArch32 */

/* The next of a sequence of values in which every bit changes. */
static inline u64 next_pattern(u64 pattern)
{
	return pattern * 6364136223846793005UL + 1442695040888963407UL;
}

#endif
