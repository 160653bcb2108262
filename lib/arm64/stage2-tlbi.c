/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands of TLBI by IPA and by range (DDI 0487, C5.5): arithmetic only. */
#include <libcflat.h>
#include <asm/stage2-tlb.h>

#define NUM_SHIFT 39
#define NUM_MAX 31
#define SCALE_SHIFT 44
#define SCALE_MAX 3
#define TG_SHIFT 46
#define DS_BASE_SHIFT 16 /* with VTCR_EL2.DS the base is in units of 64K */
#define RANGE_SHIFT(scale) (5 * (scale) + 1)
static_assert(S2_TLBI_PAGES_MAX == (NUM_MAX + 1UL) << RANGE_SHIFT(SCALE_MAX), "one range");

u64 s2_tlbi_page(u64 ipa)
{
	return FIELD(ipa, 51, 12);
}

struct s2_tlbi s2_tlbi_largest(const struct s2_geometry *geometry, u64 ipa, u64 pages)
{
	unsigned int shift = geometry->ds ? DS_BASE_SHIFT : geometry->page_shift;
	u64 tg = (geometry->page_shift - 12) / 2 + 1, scale = SCALE_MAX, num;

	if (pages == 1 || !IS_ALIGNED(ipa, 1UL << shift))
		return (struct s2_tlbi){ .operand = s2_tlbi_page(ipa), .pages = 1 };
	while (!(pages >> RANGE_SHIFT(scale)))
		scale--;
	num = MIN(pages >> RANGE_SHIFT(scale), NUM_MAX + 1UL) - 1;
	return (struct s2_tlbi){
		.operand = ipa >> shift | num << NUM_SHIFT | scale << SCALE_SHIFT | tg << TG_SHIFT,
		.pages = (num + 1) << RANGE_SHIFT(scale),
		.range = true,
	};
}
