/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each shape of stage-2 tables that this CPU has, of every granule, number of address bits and
 * start level, walked by the CPU: its first and its last page are found, the one before the last is
 * not. tests/test_stage2_geometry.py has the shapes that the CPU lacks. With the argument
 * `lpa2-levels`, the start levels that only FEAT_LPA2 has; without, all others.
 */
#include <libcflat.h>
#include <util.h>
#include <string.h>
#include <subtest.h>
#include <asm/at.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>

#define IPA_BITS_FROM 12
#define IPA_BITS_TO 56

/* AT S12E1R by the host, with the guest's stage 1 off: PA of the CPU's own walk. */
static phys_addr_t cpu_walk(u64 ipa)
{
	u64 par = at_s12e1r(ipa);

	return par & PAR_EL1_F ? INVALID_PHYS_ADDR : PAR_EL1_PA(par);
}

struct walk {
	phys_addr_t cpu[3], software[2];
	u64 hcr;
};

/* The first and the last page, and by the CPU also the page before the last. */
static void walk(struct s2_mmu *mmu, u64 last, struct walk *found)
{
	u64 page = s2_page_size(mmu);

	s2mmu_enable(mmu);
	found->cpu[0] = cpu_walk(0);
	found->cpu[1] = cpu_walk(last);
	found->cpu[2] = cpu_walk(last - page);
	s2mmu_disable(mmu);
	found->hcr = read_sysreg(hcr_el2);
	found->software[0] = s2mmu_translate(mmu, 0);
	found->software[1] = s2mmu_translate(mmu, last);
}

static void check_walk(struct s2_mmu *mmu)
{
	const struct s2_geometry *geometry = &mmu->geometry;
	u64 page = s2_page_size(mmu), last = (1UL << geometry->ipa_bits) - page;
	/* No memory is accessed: any address will do, and high ones have more bits to lose. */
	phys_addr_t high = (1UL << geometry->pa_bits) - page, low = 5 * page;
	phys_addr_t before_last = last == page ? high : INVALID_PHYS_ADDR;
	u64 hcr = read_sysreg(hcr_el2);
	struct walk found;

	assert(!s2mmu_map(mmu, 0, high, page, S2_MAP_RW) &&
	       !s2mmu_map(mmu, last, low, page, S2_MAP_RW));
	walk(mmu, last, &found);
	report(found.cpu[0] == high && found.cpu[1] == low && found.cpu[2] == before_last &&
		       found.software[0] == high && found.software[1] == low && found.hcr == hcr,
	       "%u bits, level %d, %u tables: expected first, last and last page but one at %#lx, %#lx, "
	       "%#lx, HCR_EL2 %#lx; found by the CPU %#lx, %#lx, %#lx, by the library %#lx, %#lx, "
	       "HCR_EL2 %#lx",
	       geometry->ipa_bits, geometry->start_level, geometry->root_tables, high, low,
	       before_last, hcr, found.cpu[0], found.cpu[1], found.cpu[2], found.software[0],
	       found.software[1], found.hcr);
}

/* False when this CPU does not have the shape. */
static bool check_shape(const struct s2_config *config)
{
	struct s2_mmu *mmu = s2mmu_create(config);

	if (!mmu)
		return false;
	/* More than 48 bits have 52-bit descriptors anyway. */
	report_prefix_pushf("%s%s", s2_granule_name(config->granule),
			    config->lpa2       ? " LPA2"
			    : mmu->geometry.ds ? " LPA2 by its IPA bits"
					       : "");
	check_walk(mmu);
	report_prefix_pop();
	s2mmu_destroy(mmu);
	return true;
}

/* The start levels -1..3 that are tried. */
struct levels {
	int first, last;
};

static struct levels levels_of(enum s2_granule granule, bool lpa2_levels)
{
	int first = granule == S2_PAGE_4K ? 0 : 1; /* without FEAT_LPA2 */

	return lpa2_levels ? (struct levels){ -1, first - 1 } : (struct levels){ first, 3 };
}

/* All sizes and start levels of a granule, with 52-bit descriptors or without. */
static void walk_all(enum s2_granule granule, bool lpa2, bool lpa2_levels)
{
	struct levels levels = levels_of(granule, lpa2_levels);
	unsigned int shapes = 0;

	for (unsigned int bits = IPA_BITS_FROM; bits <= IPA_BITS_TO; bits++)
		for (int level = levels.first; level <= levels.last; level++)
			shapes += check_shape(&(struct s2_config){
				.vmid = 1,
				.granule = granule,
				.ipa_bits = bits,
				.start = S2_START_LEVEL(level),
				.lpa2 = lpa2,
			});
	report_info("%s%s: %u shapes", s2_granule_name(granule), lpa2 ? " LPA2" : "", shapes);
}

/* What is in force stays so while another stage 2 is destroyed. */
static void check_destroy_of_another(void)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, false);
	struct s2_mmu *other = s2mmu_init(2, S2_PAGE_4K, false);
	u64 ipa = 7UL * SZ_4K, pa = 9UL * SZ_4K, vttbr, hcr = read_sysreg(hcr_el2);
	phys_addr_t found;

	assert(mmu && other && !s2mmu_map(mmu, ipa, pa, SZ_4K, S2_MAP_RW) &&
	       !s2mmu_map(other, ipa, ipa, SZ_4K, S2_MAP_RW));
	s2mmu_enable(mmu);
	s2mmu_destroy(other);
	vttbr = read_sysreg(vttbr_el2);
	found = cpu_walk(ipa);
	s2mmu_disable(mmu);
	report(vttbr == mmu->vttbr && found == pa,
	       "another stage 2 destroyed: expected VTTBR_EL2 %#lx, IPA %#lx at %#lx; found %#lx, "
	       "%#lx",
	       mmu->vttbr, ipa, pa, vttbr, found);
	report_equal(read_sysreg(hcr_el2), hcr, "HCR_EL2 after s2mmu_disable()");
	s2mmu_destroy(mmu);
}

/*
 * Each bit of an address in a leaf of each form (DDI 0487, D8.3.1): from bit 48 or 50 on elsewhere
 * with FEAT_LPA and 64K, and with FEAT_LPA2.
 */
static void check_leaf_format(const struct s2_mmu *mmu, const char *form, unsigned int first,
			      unsigned int moved, unsigned int to, unsigned int bits)
{
	unsigned int wrong = 0;

	for (unsigned int bit = first; bit < bits; bit++) {
		pteval_t expected = 1UL << (bit < moved ? bit : bit - moved + to);

		wrong += s2_pa_to_leaf(mmu, 1UL << bit) != expected ||
			 s2_leaf_to_pa(mmu, expected) != 1UL << bit;
	}
	report_equal(wrong, 0, "bits of an address, wrong in a leaf, %s", form);
}

static void check_leaf_formats(void)
{
	static const struct s2_mmu plain, lpa = { .geometry = { .lpa = true } },
					  ds = { .geometry = { .ds = true } };

	check_leaf_format(&plain, "48 bits", 12, 48, 0, 48);
	check_leaf_format(&lpa, "FEAT_LPA", 16, 48, 12, 52);
	check_leaf_format(&ds, "FEAT_LPA2", 12, 50, 8, 52);
}

/* FEAT_LPA2's format where 48 bits are not enough, and nowhere else */
static void check_plain_format(void)
{
	struct s2_mmu *mmu = s2mmu_init_ipa(1, S2_PAGE_4K, false, 48);

	if (!mmu)
		return;
	report(!mmu->geometry.ds, "VTCR_EL2.DS for 48 bits: expected 0, found %d",
	       mmu->geometry.ds);
	s2mmu_destroy(mmu);
}

int main(int argc, char **argv)
{
	bool lpa2_levels = argc > 1 && !strcmp(argv[1], "lpa2-levels");

	if (!host_at_el2)
		return skip_all(guest_unsupported(S2_PAGE_4K));
	if (!lpa2_levels) {
		check_destroy_of_another();
		check_leaf_formats();
		check_plain_format();
	}
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		if (!lpa2_levels)
			walk_all(granule, false, false);
		if (s2_granule_lpa2(granule))
			walk_all(granule, true, lpa2_levels);
		else if (lpa2_levels)
			report_skip("%s: no FEAT_LPA2 (ID_AA64MMFR0_EL1.TGran*_2)",
				    s2_granule_name(granule));
	}
	return report_summary();
}
