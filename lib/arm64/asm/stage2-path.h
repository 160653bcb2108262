/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 tables by hand, for one address and the code of probes (asm/el1-probe.h): of any granule,
 * size, start level and descriptor format, and with any descriptor. They translate
 *
 *   the first page of the space   to the page with probe_code(): s2_path_code()
 *   s2_path_ipa()                 to the data page, where the caller's descriptor lets it
 *
 * kut_model/translation/tables.py describes the same tables.
 */
#ifndef ASMARM64_STAGE2_PATH_H
#define ASMARM64_STAGE2_PATH_H

#include <libcflat.h>
#include <asm/pgtable-hwdef.h>

/* VTCR_EL2 as a shape: also one that is wrong. */
struct s2_shape {
	u8 page_shift; /* 12, 14 or 16 */
	u8 t0sz, sl0, sl2, ds;
	s8 start; /* of the tables */
};

/* Allocate tables and data page; false when memory is out. */
bool s2_path_init(void);
/* The data page; its first 8 bytes are PROBE_CODE and, above, 1. */
u64 *s2_path_data(void);

/* NULL, or the feature and the field that this CPU lacks for the shape's granule or format. */
struct s2_lack {
	const char *feature, *field;
};
const struct s2_lack *s2_path_lack(const struct s2_shape *shape);

/* An address in the upper half of the space, with the data page's low bits for a leaf at @level. */
u64 s2_path_ipa(const struct s2_shape *shape, int level);
/* Where the code is: an address in the first page. */
u64 s2_path_code(const struct s2_shape *shape);

enum s2_path_target { S2_PATH_NOTHING, S2_PATH_DATA, S2_PATH_TABLE };
/*
 * Make the tables anew: the descriptor for @ipa at @level is @bits with the address of @target, the
 * data page or the table below, which leads to the data page. Returns the descriptor in memory.
 */
pteval_t *s2_path_build(const struct s2_shape *shape, u64 ipa, int level, u64 bits,
			enum s2_path_target target);
/* VTCR_EL2 without PS, HA and HD, and VTTBR_EL2. */
u64 s2_path_vtcr(const struct s2_shape *shape);
u64 s2_path_vttbr(void);

#endif
