/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shape of stage-2 page tables: arithmetic only. */
#include <libcflat.h>
#include <errno.h>
#include <asm/pgtable-hwdef.h>
#include <asm/stage2-geometry.h>

#define CONCATENATED_BITS_MAX 4

static const unsigned int page_shifts[] = {
	[S2_PAGE_4K] = 12,
	[S2_PAGE_16K] = 14,
	[S2_PAGE_64K] = 16,
};

const char *s2_granule_name(enum s2_granule granule)
{
	static const char *const names[] = {
		[S2_PAGE_4K] = "4K",
		[S2_PAGE_16K] = "16K",
		[S2_PAGE_64K] = "64K",
	};

	return names[granule];
}

static const unsigned char parange_bits[] = { 32, 36, 40, 42, 44, 48, 52 };

unsigned int s2_parange_bits(unsigned int parange)
{
	return parange_bits[MIN(parange, (unsigned int)ARRAY_SIZE(parange_bits) - 1)];
}

/* The largest PARange whose addresses have at most @pa_bits. */
static unsigned int parange_of(unsigned int pa_bits)
{
	unsigned int parange = ARRAY_SIZE(parange_bits) - 1;

	while (parange && parange_bits[parange] > pa_bits)
		parange--;
	return parange;
}

/* T0SZ is at most 39, with FEAT_TTST 48 or 47 (DDI 0487, D8.2.5). */
static unsigned int ipa_bits_min(enum s2_granule granule, const struct s2_limits *limits)
{
	if (!limits->ttst)
		return 25;
	return granule == S2_PAGE_64K ? 17 : 16;
}

/* Bits of an address, input or output, that descriptors of this form can hold. */
static unsigned int address_bits_max(enum s2_granule granule, const struct s2_limits *limits)
{
	return granule == S2_PAGE_64K || limits->ds ? 52 : 48;
}

/* The topmost level that a walk may start at. Small CPUs need not have the top ones. */
static int highest_level(enum s2_granule granule, const struct s2_limits *limits)
{
	switch (granule) {
	case S2_PAGE_4K:
		return limits->ds ? -1 : limits->pa_bits > 42 ? 0 : 1;
	case S2_PAGE_16K:
		return limits->ds ? 0 : limits->pa_bits > 40 ? 1 : 2;
	case S2_PAGE_64K:
		return limits->pa_bits > 42 ? 1 : 2;
	}
	return PT_LEVEL_LAST;
}

static int lowest_level(enum s2_granule granule, const struct s2_limits *limits)
{
	return granule == S2_PAGE_4K && !limits->ttst ? 2 : PT_LEVEL_LAST;
}

static int first_block_level(enum s2_granule granule, const struct s2_limits *limits)
{
	switch (granule) {
	case S2_PAGE_4K:
		return limits->ds ? 0 : 1;
	case S2_PAGE_16K:
		return limits->ds ? 1 : 2;
	case S2_PAGE_64K:
		return limits->pa_bits > 48 ? 1 : 2;
	}
	return PT_LEVEL_LAST;
}

/*
 * VTCR_EL2.SL0 counts start levels downwards, from 2 with 4K granules and from 3 with the others;
 * 4K has level 3 as 3, and level -1 as 0 with SL2.
 */
static unsigned int sl0_of(enum s2_granule granule, int start_level)
{
	if (granule == S2_PAGE_4K)
		return start_level < 0 ? 0 : start_level == PT_LEVEL_LAST ? 3 : 2 - start_level;
	return 3 - start_level;
}

/* The bits that the root resolves, at least one and at most those of 16 tables; 0: impossible. */
static unsigned int root_bits_at(unsigned int page_shift, unsigned int ipa_bits, int level)
{
	unsigned int shift = pt_level_shift(page_shift, level);
	unsigned int bits = ipa_bits > shift ? ipa_bits - shift : 0;

	return bits <= pt_level_bits(page_shift) + CONCATENATED_BITS_MAX ? bits : 0;
}

int s2_geometry(enum s2_granule granule, unsigned int ipa_bits, int start_level,
		const struct s2_limits *limits, struct s2_geometry *geometry)
{
	unsigned int page_shift = page_shifts[granule], root_bits, table_bits;
	unsigned int pa_bits = MIN(limits->pa_bits, address_bits_max(granule, limits));
	int highest = highest_level(granule, limits), level = start_level;

	if (ipa_bits < ipa_bits_min(granule, limits))
		return -EINVAL;
	if (ipa_bits > pa_bits)
		return -ERANGE;
	/* The lowest level that has room for them all is the one that makes the fewest levels. */
	if (start_level == S2_START_FEWEST)
		for (level = lowest_level(granule, limits);
		     level > highest && !root_bits_at(page_shift, ipa_bits, level); level--)
			;
	root_bits = root_bits_at(page_shift, ipa_bits, level);
	if (level < highest || level > lowest_level(granule, limits) || !root_bits)
		return -EINVAL;
	table_bits = pt_level_bits(page_shift);
	*geometry = (struct s2_geometry){
		.page_shift = page_shift,
		.ipa_bits = ipa_bits,
		.pa_bits = pa_bits,
		.start_level = level,
		.root_tables = 1U << (root_bits > table_bits ? root_bits - table_bits : 0),
		.first_block_level = first_block_level(granule, limits),
		.ds = limits->ds && granule != S2_PAGE_64K,
		.lpa = granule == S2_PAGE_64K && pa_bits > 48,
		.t0sz = 64 - ipa_bits,
		.sl0 = sl0_of(granule, level),
		.sl2 = level < 0,
		.ps = parange_of(pa_bits),
	};
	return 0;
}

unsigned int s2_contiguous_entries(const struct s2_geometry *geometry, int level)
{
	switch (geometry->page_shift) {
	case 12:
		return level >= 1 ? 16 : 1;
	case 14:
		return level == 3 ? 128 : level == 2 ? 32 : 1;
	default:
		return level >= 2 ? 32 : 1;
	}
}
