/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of stage-2 page tables: arithmetic only, of (granule, IPA bits, start level, CPU). It
 * is compiled into a host-side test too.
 */
#ifndef ASMARM64_STAGE2_GEOMETRY_H
#define ASMARM64_STAGE2_GEOMETRY_H

#include <libcflat.h>

enum s2_granule { S2_PAGE_4K, S2_PAGE_16K, S2_PAGE_64K };
/* "4K" */
const char *s2_granule_name(enum s2_granule granule);

#define S2_START_FEWEST (-2) /* the start level that makes the fewest levels */

/* The CPU's limits, on which the shape depends as well. */
struct s2_limits {
	unsigned int pa_bits; /* 32..52: s2_parange_bits() */
	bool ds; /* descriptors of FEAT_LPA2, VTCR_EL2.DS; ignored for 64K */
	bool ttst; /* FEAT_TTST: small address spaces, and start level 3 with 4K */
};

struct s2_geometry {
	unsigned int page_shift; /* 12, 14 or 16 */
	unsigned int ipa_bits; /* 16..52 */
	unsigned int pa_bits; /* of an output address */
	int start_level; /* -1..3 */
	unsigned int root_tables; /* concatenated at the start level: 1..16 */
	int first_block_level; /* the topmost level that may have blocks */
	bool ds; /* PA[49:48] in bits 49:48, PA[51:50] in bits 9:8 */
	bool lpa; /* 64K: PA[51:48] in bits 15:12 */
	unsigned int t0sz, sl0, sl2, ps; /* VTCR_EL2's fields */
};

/*
 * The page tables of @granule for @ipa_bits that start at @start_level (-1..3, or S2_START_FEWEST)
 * (DDI 0487, D8.2.6 to D8.2.8, and VTCR_EL2.{SL0, SL2}). -EINVAL: no such size or start level;
 * -ERANGE: more than the limits' physical addresses have.
 */
int s2_geometry(enum s2_granule granule, unsigned int ipa_bits, int start_level,
		const struct s2_limits *limits, struct s2_geometry *geometry);

/* Bits of a physical address for ID_AA64MMFR0_EL1.PARange: 32..52. */
unsigned int s2_parange_bits(unsigned int parange);

/*
 * Entries of a run that the contiguous hint makes one translation; 1 without the hint (DDI 0487,
 * D8.7.1).
 */
unsigned int s2_contiguous_entries(const struct s2_geometry *geometry, int level);

#endif
