/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of conform-tlb.c as data, which kut_model makes. */
#ifndef CONFORM_TLB_H
#define CONFORM_TLB_H

#include <libcflat.h>
#include <asm/translation-outcome.h>

/* Descriptors: @count from @index on, to object @target and those after it. */
struct tlb_fill {
	u8 stage;
	u16 table, index, count, target;
	u64 bits;
};

struct tlb_layout {
	const struct tlb_fill *fills;
	u16 nr_fills;
	u8 page_shift, start;
	u16 code, tlbi, upper; /* objects: the code of probes, that of TLBI, root of TTBR1 */
};

enum tlb_kind {
	TLB_SET,
	TLB_BEGIN, /* a first context: with an empty TLB */
	TLB_ENTER,
	TLB_MAINTAIN,
	TLB_TRY,
	TLB_BOTH, /* an access by both CPUs at once */
	TLB_LOOP, /* CPU 1 accesses an address until it faults, or until TLB_JOIN */
	TLB_JOIN, /* one more of these accesses, which is the one that counts unless one has faulted */
};

struct tlb_step {
	u8 kind, cpu, el;
	bool pan;
	u16 index; /* of a fill; an enum probe_op, or a TLBI */
	u16 root, table, vmid, asid; /* of a context: objects */
	u64 value; /* address of an access, operand of TLBI */
	struct translation_set set;
};

struct tlb_row {
	const char *name;
	u32 first;
	u16 count;
	u8 needs, layout;
	bool vs, fb;
};

#endif
