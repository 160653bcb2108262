/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLB maintenance for stage 2. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2_mmu.h>
#include <asm/sysreg.h>

/* Beyond this many pages, dropping the whole VMID is cheaper. */
#define MAX_SINGLE_PAGES 64

/*
 * TLBI instructions for EL1 work on the VMID in VTTBR_EL2, and with HCR_EL2.{E2H,TGE} = {1,1} some
 * of them mean the host's own regime instead: TGE is cleared and VTTBR_EL2 changed, with exceptions
 * masked, for as long as it takes.
 */
struct tlb_context {
	u64 daif, hcr, vttbr;
};

static struct tlb_context enter_context(const struct s2_mmu *mmu)
{
	struct tlb_context saved = {
		.daif = read_sysreg(daif),
		.hcr = read_sysreg(hcr_el2),
		.vttbr = read_sysreg(vttbr_el2),
	};

	asm volatile("msr daifset, #0xf" : : : "memory");
	write_sysreg(mmu->vttbr, vttbr_el2);
	write_sysreg(saved.hcr & ~HCR_EL2_TGE, hcr_el2);
	isb(); /* both before the first TLBI */
	return saved;
}

static void leave_context(const struct tlb_context *saved)
{
	write_sysreg(saved->vttbr, vttbr_el2);
	write_sysreg(saved->hcr, hcr_el2);
	isb(); /* before anything that depends on TGE */
	asm volatile("msr daif, %0" : : "r"(saved->daif) : "memory");
}

void s2_tlb_flush_all(struct s2_mmu *mmu)
{
	struct tlb_context saved;

	dsb(ishst); /* the tables before the TLBI */
	saved = enter_context(mmu);
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	leave_context(&saved);
}

void s2_tlb_flush_range(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	u64 step = s2_page_size(mmu);
	struct tlb_context saved;

	if (size > MAX_SINGLE_PAGES * step) {
		s2_tlb_flush_all(mmu);
		return;
	}
	dsb(ishst); /* the tables before the TLBI */
	saved = enter_context(mmu);
	for (u64 end = ipa + size; ipa < end; ipa += step)
		asm volatile("tlbi ipas2e1is, %0" : : "r"(ipa >> 12) : "memory");
	dsb(ish); /* stage 2 is gone before what was combined from it */
	asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	leave_context(&saved);
}
