/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that makes one access at a time, as the host asks: what stage 2 permits, with
 * the CPU's own TLB in between.
 */
#ifndef ASMARM64_STAGE2_PROBE_H
#define ASMARM64_STAGE2_PROBE_H

#include <libcflat.h>
#include <asm/guest.h>

enum s2_access {
	S2_READ, /* 8 bytes */
	S2_WRITE, /* the value 8 bytes */
	S2_EXECUTE, /* S2_PROBE_CODE, which the page must contain */
};

/* The instruction of S2_EXECUTE, back to the guest. */
#define S2_PROBE_CODE 0xd61f0080U /* br x4 */

/*
 * A guest on @mmu (guest_create_on()), with MMU off; IPA 0..page must stay unmapped.
 * guest_destroy() frees both. NULL, and @mmu freed, when memory is out.
 */
struct guest *s2_probe_create(struct s2_mmu *mmu);

/*
 * One access to IPA @ipa at exception level @el (0 or 1). True when it went through: *@value is the
 * value read or written; may be NULL. False: guest->esr_el2 and guest->fault_ipa have the fault.
 */
bool s2_probe(struct guest *guest, int el, enum s2_access access, u64 ipa, u64 *value);

/* At EL1, and whether it failed with the fault @fsc (ESR_ELx_FSC_* + level) at @ipa. */
bool s2_probe_faults(struct guest *guest, enum s2_access access, u64 ipa, unsigned int fsc);
bool s2_probe_reads(struct guest *guest, u64 ipa, u64 expected);

#endif
