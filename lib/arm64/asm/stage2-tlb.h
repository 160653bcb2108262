/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB maintenance for stage 2, from the host, for the VMID of a struct s2_mmu, whatever VTTBR_EL2
 * is live.
 *
 * A TLB may hold stage-2 entries and entries that combine both stages. TLBI IPAS2E1IS drops only
 * the former (DDI 0487, D8.17.6.1): it is followed by TLBI VMALLE1IS, which drops the latter.
 * Ranges use RIPAS2E1IS where the CPU has FEAT_TLBIRANGE.
 */
#ifndef ASMARM64_STAGE2_TLB_H
#define ASMARM64_STAGE2_TLB_H

#include <libcflat.h>
#include <asm/stage2-geometry.h>
#include <asm/sysreg.h>

struct s2_mmu;

/* Drop the translations of [@ipa, @ipa + @size). The tables were changed before. */
void s2_tlb_flush_range(struct s2_mmu *mmu, u64 ipa, u64 size);
/* Drop all translations of the VMID, both stages. */
void s2_tlb_flush_all(struct s2_mmu *mmu);
/* The same for a VMID by its number, and for all VMIDs. */
void s2_tlb_flush_vmid(unsigned int vmid);
void s2_tlb_flush_all_vmids(void);

/* One TLBI: IPAS2E1IS, or RIPAS2E1IS for several pages. */
struct s2_tlbi {
	u64 operand, pages;
	bool range;
};
#define S2_TLBI_PAGES_MAX (1UL << 21) /* that one of them drops */

/*
 * The one that drops the most of @pages from @ipa on and nothing else: (NUM + 1) << (5 * SCALE + 1)
 * pages, or a single one at the end and before what a range can begin with.
 */
struct s2_tlbi s2_tlbi_largest(const struct s2_geometry *geometry, u64 ipa, u64 pages);
u64 s2_tlbi_page(u64 ipa);

/*
 * For tests: called before each of these operations, with its range; with NULL, 0 and UINT64_MAX
 * for all VMIDs. It sees the tables as a walk does that comes right after the TLBI.
 */
extern void (*s2_tlb_observer)(struct s2_mmu *mmu, u64 ipa, u64 size);

#endif
