/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outcomes of accesses and AT instructions, each one number: as images see them, and as kut_model
 * writes them into tables (kut_model/translation/codes.py, with the same layout).
 *
 *   13:0   access: ISS[13:0] of the abort, without ISV and what belongs to it; AT: PAR_EL1[13:0] of
 *          a fault, F, FST, PTW and S
 *   19:14  exception class; 0: none, or AT
 *   21:20  EL that takes the exception; 0: none; 3: AT at EL2, which takes none
 *   24:22  a fault that describes an IPA: 1 + the number of the page that HPFAR_EL2 has; a read or
 *          an AT that succeeds: that of the page it reaches; 0: no page of the test's
 *   25     an abort: FAR_ELx is the address of the access
 *   29:26  descriptors that hardware changed, TRANSLATION_*
 *   30     another descriptor changed; of images that look at all of them
 *   31     a fault: ISS2.DirtyBit, PAR_EL1.DirtyBit
 */
#ifndef ASMARM64_TRANSLATION_OUTCOME_H
#define ASMARM64_TRANSLATION_OUTCOME_H

#include <libcflat.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>

#define TRANSLATION_S2_AF (1U << 26) /* set by hardware */
#define TRANSLATION_S2_DIRTY (1U << 27) /* S2AP[1] */
#define TRANSLATION_S1_AF (1U << 28)
#define TRANSLATION_S1_DIRTY (1U << 29) /* AP[2], cleared */
#define TRANSLATION_OTHER (1U << 30)

/* The pages of a test, by number: what a fault or an output address may name. */
struct translation_pages {
	unsigned int count; /* at most 7 */
	u64 ipa[7], pa[7];
};

/* @address: of the access. */
u32 translation_outcome(const struct probe_exit *exit, enum probe_op op, u64 address,
			const struct translation_pages *pages);
/* @par: PAR_EL1; @is_ipa: of an AT of stage 1 only. */
u32 translation_outcome_at(u64 par, bool is_ipa, const struct translation_pages *pages);

/* Outcomes that the architecture permits: @count of them from @first in a table. */
struct translation_set {
	u16 first;
	u8 count;
};
bool translation_permits(const u32 *outcomes, struct translation_set set, u32 found);
/* conform_fail() with the outcomes, decoded, and @fmt, which says where: " (...)", or "". */
enum conform_verdict translation_fail(const u32 *outcomes, struct translation_set set, u32 found,
				      const char *fmt, ...) __printf(4, 5);
/* The verdict of a row: conform_fail() with the outcomes, decoded, unless @found is permitted. */
enum conform_verdict translation_check(const u32 *outcomes, struct translation_set set, u32 found);

#endif
