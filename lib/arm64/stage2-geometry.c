/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shape of stage-2 trees: arithmetic only. */
#include <libcflat.h>
#include <errno.h>
#include <asm/stage2_mmu.h>

#define IPA_BITS_MIN 25 /* T0SZ of at most 39 without FEAT_TTST */
#define IPA_BITS_MAX 48 /* T0SZ of at least 16 without FEAT_LPA2 */
#define CONCATENATED_BITS_MAX 4

static const unsigned int page_shifts[] = {
	[S2_PAGE_4K] = 12,
	[S2_PAGE_16K] = 14,
	[S2_PAGE_64K] = 16,
};

unsigned int s2_parange_bits(unsigned int parange)
{
	static const unsigned char bits[] = { 32, 36, 40, 42, 44, 48 };

	return bits[MIN(parange, (unsigned int)ARRAY_SIZE(bits) - 1)];
}

/*
 * VTCR_EL2.SL0 counts start levels downwards, from 2 with 4K granules and from 3 with the others.
 */
static unsigned int sl0_of(enum s2_granule granule, int start_level)
{
	return (granule == S2_PAGE_4K ? 2 : 3) - start_level;
}

int s2_geometry(enum s2_granule granule, unsigned int ipa_bits, struct s2_geometry *geometry)
{
	unsigned int page_shift = page_shifts[granule];
	/* The root may have up to 16 tables, so the top 4 bits need no level of their own. */
	unsigned int bits = MAX(ipa_bits - CONCATENATED_BITS_MAX, page_shift + 1);
	int start_level, lowest_level = granule == S2_PAGE_4K ? 2 : 3;
	unsigned int root_bits;

	if (ipa_bits < IPA_BITS_MIN || ipa_bits > IPA_BITS_MAX)
		return -EINVAL;
	start_level = MIN(pt_start_level(page_shift, bits), lowest_level);
	root_bits = ipa_bits - pt_level_shift(page_shift, start_level);
	*geometry = (struct s2_geometry){
		.page_shift = page_shift,
		.ipa_bits = ipa_bits,
		.start_level = start_level,
		.root_tables = 1U << (root_bits > pt_level_bits(page_shift)
					      ? root_bits - pt_level_bits(page_shift)
					      : 0),
		.t0sz = 64 - ipa_bits,
		.sl0 = sl0_of(granule, start_level),
	};
	return 0;
}
