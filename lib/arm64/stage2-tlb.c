/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLB maintenance for stage 2. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>
#include <asm/sysreg.h>

/* Beyond this many pages, dropping the whole VMID is cheaper than single pages are. */
#define MAX_SINGLE_PAGES 64

void (*s2_tlb_observer)(struct s2_mmu *mmu, u64 ipa, u64 size);

static void observe(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	if (s2_tlb_observer)
		s2_tlb_observer(mmu, ipa, size);
}

/*
 * TLBI instructions for EL1 work on the VMID in VTTBR_EL2, whose size is in VTCR_EL2.VS, and with
 * HCR_EL2.{E2H,TGE} = {1,1} some of them mean the host's own regime instead: TGE is cleared and
 * both registers changed, with exceptions masked, until it is done.
 */
struct tlb_context {
	u64 daif, hcr, vttbr, vtcr;
};

static struct tlb_context enter_context(u64 vttbr, u64 vtcr)
{
	struct tlb_context saved = {
		.daif = read_sysreg(daif),
		.hcr = read_sysreg(hcr_el2),
		.vttbr = read_sysreg(vttbr_el2),
		.vtcr = read_sysreg(vtcr_el2),
	};

	daif_set(PSR_DAIF);
	write_sysreg(vtcr, vtcr_el2);
	write_sysreg(vttbr, vttbr_el2);
	write_sysreg(saved.hcr & ~HCR_EL2_TGE, hcr_el2);
	isb(); /* all before the first TLBI */
	return saved;
}

static void leave_context(const struct tlb_context *saved)
{
	write_sysreg(saved->vtcr, vtcr_el2);
	write_sysreg(saved->vttbr, vttbr_el2);
	write_sysreg(saved->hcr, hcr_el2);
	isb(); /* before anything that depends on TGE */
	daif_restore(saved->daif);
}

static void flush_vmid(u64 vttbr, u64 vtcr)
{
	struct tlb_context saved;

	dsb(ishst); /* the tables before the TLBI */
	saved = enter_context(vttbr, vtcr);
	asm volatile("tlbi vmalls12e1is" : : : "memory");
	dsb(ish);
	leave_context(&saved);
}

/* False when @mmu has no VMID, and so nothing in a TLB; else finish() must follow. */
static bool prepare(struct s2_mmu *mmu)
{
	dsb(ishst); /* the tables before the TLBI, and before another CPU gets a VMID for them */
	return s2_vmid_hold(mmu);
}

static void finish(struct s2_mmu *mmu)
{
	s2_vmid_put(mmu);
}

void s2_tlb_flush_all(struct s2_mmu *mmu)
{
	observe(mmu, 0, 1UL << mmu->geometry.ipa_bits);
	if (!prepare(mmu))
		return;
	flush_vmid(mmu->vttbr, mmu->vtcr);
	finish(mmu);
}

void s2_tlb_flush_vmid(unsigned int vmid)
{
	u64 vs = s2_features()->vmid_bits == 16 ? VTCR_EL2_VS : 0;

	flush_vmid((u64)vmid << VTTBR_VMID_SHIFT, VTCR_EL2_RES1 | vs);
}

void s2_tlb_flush_all_vmids(void)
{
	observe(NULL, 0, UINT64_MAX);
	dsb(ishst);
	asm volatile("tlbi alle1is" : : : "memory");
	dsb(ish);
	isb();
}

static void flush_pages(const struct s2_mmu *mmu, u64 ipa, u64 pages)
{
	for (; pages; pages--, ipa += s2_page_size(mmu))
		asm volatile("tlbi ipas2e1is, %0" : : "r"(s2_tlbi_page(ipa)) : "memory");
}

static void flush_by_range(const struct s2_mmu *mmu, u64 ipa, u64 pages)
{
	while (pages) {
		struct s2_tlbi tlbi = s2_tlbi_largest(&mmu->geometry, ipa, pages);

		if (tlbi.range) /* TLBI RIPAS2E1IS */
			asm volatile("sys " TLBI_RIPAS2E1IS ", %0"
				     :
				     : "r"(tlbi.operand)
				     : "memory");
		else
			flush_pages(mmu, ipa, 1);
		ipa += tlbi.pages << mmu->geometry.page_shift;
		pages -= tlbi.pages;
	}
}

void s2_tlb_flush_range(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	u64 pages = size >> mmu->geometry.page_shift;
	bool by_range = s2_features()->tlbi_range && pages > 1 && pages <= S2_TLBI_PAGES_MAX;
	struct tlb_context saved;

	if (!by_range && pages > MAX_SINGLE_PAGES) {
		s2_tlb_flush_all(mmu);
		return;
	}
	observe(mmu, ipa, size);
	if (!prepare(mmu))
		return;
	saved = enter_context(mmu->vttbr, mmu->vtcr);
	if (by_range)
		flush_by_range(mmu, ipa, pages);
	else
		flush_pages(mmu, ipa, pages);
	dsb(ish); /* stage 2 is gone before what was combined from it */
	asm volatile("tlbi vmalle1is" : : : "memory");
	dsb(ish);
	leave_context(&saved);
	finish(mmu);
}
