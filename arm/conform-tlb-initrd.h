/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of an initrd in place of those of the area: `kut conform tlb-random --random`. */
#ifndef CONFORM_TLB_INITRD_H
#define CONFORM_TLB_INITRD_H

#include <libcflat.h>
#include <devicetree.h>
#include <asm/conform.h>

#define TLB_INITRD_MAGIC 0x3130626c7474756bUL

/* As kut_model/fuzz/tlb.py has it; rows, steps, fills and outcomes are behind it. */
struct tlb_initrd {
	u64 magic; /* "kuttlb01" */
	u64 hash; /* of the rows */
	u32 rows, steps, fills, outcomes;
	char label[32]; /* of ids */
};

static_assert(sizeof(struct tlb_row) == 24 && sizeof(struct tlb_step) == 32 &&
		      sizeof(struct tlb_fill) == 24,
	      "structures as kut_model/fuzz/tlb.py has them");

/* By the bits of a row's needs */
static const struct conform_feature *const initrd_needs[][3] = {
	{ NULL },
	{ &conform_features[CONFORM_FEAT_TLBIOS] },
	{ &conform_features[CONFORM_FEAT_TLBIRANGE] },
	{ &conform_features[CONFORM_FEAT_TLBIOS], &conform_features[CONFORM_FEAT_TLBIRANGE] },
};

/* Takes the programs of the initrd, if it has any. */
static void open_initrd(struct conform_area *area)
{
	const struct tlb_initrd *initrd;
	const char *data;
	u32 size;

	if (dt_get_initrd(&data, &size) || size < sizeof(*initrd))
		return;
	initrd = (const void *)data;
	if (initrd->magic != TLB_INITRD_MAGIC)
		return;
	area->nr_rows = initrd->rows;
	area->hash = initrd->hash;
	programs.rows = (const void *)(initrd + 1);
	programs.steps = (const void *)(programs.rows + initrd->rows);
	programs.fills = (const void *)(programs.steps + initrd->steps);
	programs.outcomes = (const void *)(programs.fills + initrd->fills);
	programs.label = initrd->label;
}

#endif
