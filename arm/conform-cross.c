/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: accesses that cross a page. A row of kut_model/areas/cross.py is what is wrong with
 * the two pages at PAGE, which stage 1 maps one to one, and a load or store across their border.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/cross.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/mmu.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

struct cross_row {
	u8 state[2], op, el, before; /* @before: bytes in the first page */
	struct translation_set sets[2]; /* by the page in which FAR_ELx is */
};

#include CONFORM_HEADER

/* States in the order of the model */
enum { OK, S1_NONE, S1_READ_ONLY, S2_NONE, S2_READ_ONLY, S2_NO_AF };

#define PAGE CONFORM_PAGE
#define SECOND (PAGE + SZ_4K)

static struct {
	struct s2_mmu *mmu;
	pteval_t *level3; /* of stage 1 */
	pteval_t *leaves[2], leaf[2]; /* of stage 2, and what they are where nothing is wrong */
} test;

static bool create(void)
{
	test.mmu = conform_stage2();
	if (!test.mmu)
		return false;
	for (unsigned int n = 0; n < 2; n++) {
		conform_map_page(test.mmu, PAGE + n * SZ_4K, alloc_page(), S2_MAP_RW);
		test.leaves[n] = s2mmu_entry(test.mmu, PAGE + n * SZ_4K, PT_LEVEL_LAST);
		test.leaf[n] = *test.leaves[n];
	}
	test.level3 = conform_stage1(test.mmu);
	return true;
}

static void set_page(unsigned int n, unsigned int state)
{
	pteval_t stage1 = (PAGE + n * SZ_4K) | CONFORM_S1_LEAF | PT_TABLE, stage2 = test.leaf[n];

	switch (state) {
	case S1_NONE:
		stage1 = 0;
		break;
	case S1_READ_ONLY:
		stage1 |= PTE_RDONLY;
		break;
	case S2_NONE:
		stage2 = 0;
		break;
	case S2_READ_ONLY:
		stage2 &= ~S2_AP_WRITE;
		break;
	case S2_NO_AF:
		stage2 &= ~S2_AF;
		break;
	}
	test.level3[n] = stage1;
	*test.leaves[n] = stage2;
}

static enum conform_verdict run(u32 row)
{
	static const struct translation_pages pages = { .count = 2, .ipa = { PAGE, SECOND } };
	const struct cross_row *r = &cross_rows[row];
	const struct probe_regime regime = conform_regime(test.mmu);
	u64 address = SECOND - r->before;
	struct probe_exit exit;
	u32 found;

	set_page(0, r->state[0]);
	set_page(1, r->state[1]);
	probe_set(&regime);
	probe_flush();
	exit = probe_access(r->op ? PROBE_WRITE : PROBE_READ, r->el, false, address);
	found = translation_outcome(&exit, PROBE_NOTHING, SECOND, &pages);
	if (translation_permits(cross_outcomes, r->sets[1], found))
		return CONFORM_PASS;
	if (r->sets[0].count)
		found = translation_outcome(&exit, PROBE_NOTHING, address, &pages);
	return translation_check(cross_outcomes, r->sets[!r->sets[0].count], found);
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct cross_row *r = &cross_rows[row];

	snprintf(buffer, size, "cross.%s.%s.%s.el%u.at%u", cross_states[r->state[0]],
		 cross_states[r->state[1]], cross_ops[r->op], r->el, r->before);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	return conform_probe_main(&area, probe_code(), argc, argv);
}
