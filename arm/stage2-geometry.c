/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of stage-2 trees for every granule and IPA size: a line for each, which
 * tests/test_stage2_geometry.py compares with an oracle of its own. Then each that this CPU has is
 * walked by the CPU: a guest reads its first and its last page.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/processor.h>

#define IPA_BITS_FROM 20
#define IPA_BITS_TO 56

static const char *const granule_names[] = { "4K", "16K", "64K" };

static void print_geometry(enum s2_granule granule, unsigned int ipa_bits)
{
	struct s2_geometry g;

	if (s2_geometry(granule, ipa_bits, &g))
		report_info("geometry: %s %u none", granule_names[granule], ipa_bits);
	else
		report_info("geometry: %s %u level=%d tables=%u t0sz=%u sl0=%u",
			    granule_names[granule], ipa_bits, g.start_level, g.root_tables, g.t0sz,
			    g.sl0);
}

/* AT S12E1R by the host, with the guest's stage 1 off: the CPU's own walk of the tree. */
static bool cpu_finds(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa)
{
	u64 par;

	asm volatile("at s12e1r, %0" : : "r"(ipa) : "memory");
	isb();
	par = read_sysreg(par_el1);
	return !(par & 1) && (par & PT_ADDR_MASK) == (pa & PT_ADDR_MASK);
}

/*
 * Map the first and the last page of the address space, which is the last entry of the last
 * concatenated root, and have the CPU translate both. Stage 1 is off: an address of at most
 * PARange bits is an IPA.
 */
static void walk(enum s2_granule granule, unsigned int ipa_bits)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(1, granule, false, ipa_bits);
	u64 last, hcr = read_sysreg(hcr_el2);
	char *page;
	bool found;

	if (!mmu)
		return;
	last = (1UL << ipa_bits) - s2_page_size(mmu);
	page = memalign_pages(s2_page_size(mmu), s2_page_size(mmu));
	assert(page && !s2mmu_map(mmu, 0, virt_to_phys(page), s2_page_size(mmu), S2_MAP_RW) &&
	       !s2mmu_map(mmu, last, virt_to_phys(page), s2_page_size(mmu), S2_MAP_RW));
	write_sysreg(hcr & ~HCR_EL2_TGE, hcr_el2);
	s2mmu_enable(mmu);
	found = cpu_finds(mmu, 0, virt_to_phys(page)) && cpu_finds(mmu, last, virt_to_phys(page)) &&
		!cpu_finds(mmu, last - s2_page_size(mmu), virt_to_phys(page));
	s2mmu_disable(mmu);
	write_sysreg(hcr, hcr_el2);
	isb();
	report(found, "%s, %u bits: the CPU walks to the first and the last page",
	       granule_names[granule], ipa_bits);
	s2mmu_destroy(mmu);
	free_pages(page);
}

int main(int argc, char **argv)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++)
		for (unsigned int bits = IPA_BITS_FROM; bits <= IPA_BITS_TO; bits++)
			print_geometry(granule, bits);
	if (!host_at_el2) {
		report_skip("%s", guest_unsupported(S2_PAGE_4K));
		return report_summary();
	}
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++)
		for (unsigned int bits = IPA_BITS_FROM; bits <= IPA_BITS_TO; bits++)
			walk(granule, bits);
	return report_summary();
}
