/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: stage-2 descriptors. A row is a descriptor of kut_model/areas/s2walk.py at a level of
 * a stage 2 of some shape, and an access or AT to the address whose walk comes there.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2walk.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-path.h>
#include <asm/translation-outcome.h>

struct s2walk_row {
	u64 bits; /* of the descriptor, without the target's address */
	u8 shape;
	s8 level;
	u8 kind, op, target, ha, ps;
	u8 high, root; /* bits of the output address and of VTTBR_EL2 that are set; 0: none */
	u8 needs;
	struct translation_set set;
};

#include CONFORM_HEADER

/* In the order of the model */
enum { OP_READ, OP_WRITE, OP_EXEC, OP_AT_READ, OP_FETCH };

static u32 outcome_of(const struct s2walk_row *r, u64 ipa)
{
	static const enum probe_op ops[] = {
		[OP_READ] = PROBE_READ,
		[OP_WRITE] = PROBE_WRITE,
		[OP_EXEC] = PROBE_EXECUTE,
		[OP_FETCH] = PROBE_EXECUTE,
	};
	u64 data = virt_to_phys(s2_path_data());
	struct translation_pages pages = {
		.count = 2,
		.ipa = { ipa & ~0xfffUL, UINT64_MAX },
		.pa = { data, data | 1UL << r->high },
	};
	struct probe_exit exit;

	if (r->op == OP_AT_READ)
		return translation_outcome_at(probe_at(PROBE_S12E1R, ipa), false, &pages);
	/* A write changes what is read, behind the instruction of OP_EXEC. */
	ipa += r->op == OP_WRITE ? 8 : 0;
	exit = probe_execute(r->op == OP_FETCH ? ipa : probe_pc(ops[r->op]), 1, false, ipa);
	return translation_outcome(&exit, ops[r->op], ipa, &pages);
}

static enum conform_verdict check(const struct s2walk_row *r, const struct s2_shape *shape)
{
	int leaf = r->target == S2_PATH_TABLE ? PT_LEVEL_LAST : r->level;
	u64 ipa = s2_path_ipa(shape, leaf), before;
	pteval_t *descriptor =
		s2_path_build(shape, ipa, r->level, r->bits, (enum s2_path_target)r->target);
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM,
		.vtcr = s2_path_vtcr(shape) | (u64)r->ps << VTCR_EL2_PS_SHIFT |
			(r->ha ? VTCR_EL2_HA : 0),
		.vttbr = s2_path_vttbr() | (r->root ? 1UL << r->root : 0),
	};
	u32 found;

	before = *descriptor;
	probe_set(&regime);
	probe_set_code(s2_path_code(shape));
	probe_flush();
	found = outcome_of(r, ipa);
	if ((*descriptor ^ before) & S2_AF)
		found |= TRANSLATION_S2_AF;
	return translation_check(s2walk_outcomes, r->set, found);
}

static enum conform_verdict run(u32 row)
{
	const struct s2walk_row *r = &s2walk_rows[row];
	const struct s2_shape *shape = &s2walk_shapes[r->shape];
	const struct s2_lack *lack = s2_path_lack(shape);

	if (lack)
		return conform_skip(lack->feature, lack->field);
	if (conform_lacks(s2walk_needs[r->needs]))
		return CONFORM_SKIP;
	return check(r, shape);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct s2walk_row *r = &s2walk_rows[row];

	snprintf(buffer, size, "s2walk.%s.level%d.%s.%s", s2walk_shape_names[r->shape], r->level,
		 s2walk_kinds[r->kind], s2walk_ops[r->op]);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason)
		return skip_all(reason);
	assert_msg(s2_path_init(), "no memory");
	return conform_probe_main(&area, 0, argc, argv);
}
