/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: accesses that cross a page. A row of kut_model/areas/cross.py is what is wrong with
 * the two pages at PAGE, and a load or store across their border.
 *
 *   stage 2   the code one to one; PAGE two pages; TABLE(1) to TABLE(3) stage 1's tables
 *   stage 1   the code one to one; PAGE one to one, by a table of each level
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/cross.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

struct cross_row {
	u8 state[2], op, el, before; /* @before: bytes in the first page */
	struct translation_set sets[2]; /* by the page in which FAR_ELx is */
};

#include CONFORM_HEADER

/* States in the order of the model */
enum { OK, S1_NONE, S1_READ_ONLY, S2_NONE, S2_READ_ONLY, S2_NO_AF };

#define PAGE 0x80000000UL
#define SECOND (PAGE + SZ_4K)
#define TABLE(level) (0xc0000000UL + (level) * SZ_1G)
#define IPA_BITS 39
#define S1_LEAF (PTE_AF | PTE_SHARED | PTE_USER | PT_VALID)

static struct {
	struct s2_mmu *mmu;
	pteval_t *level3; /* of stage 1 */
	pteval_t *leaves[2], leaf[2]; /* of stage 2, and what they are where nothing is wrong */
} test;

static void map(u64 ipa, const void *memory)
{
	assert(memory && !s2mmu_map(test.mmu, ipa, virt_to_phys(memory), SZ_4K, S2_MAP_RW));
}

static bool create(void)
{
	pteval_t *table[4];

	test.mmu = s2mmu_create(
		&(struct s2_config){ .vmid = 1, .ipa_bits = IPA_BITS, .start = S2_START_LEVEL(1) });
	if (!test.mmu)
		return false;
	test.mmu->fwb = false; /* HCR_EL2.FWB stays clear */
	map(probe_code(), phys_to_virt(probe_code()));
	for (unsigned int n = 0; n < 2; n++) {
		map(PAGE + n * SZ_4K, alloc_page());
		test.leaves[n] = s2mmu_entry(test.mmu, PAGE + n * SZ_4K, PT_LEVEL_LAST);
		test.leaf[n] = *test.leaves[n];
	}
	for (unsigned int level = 1; level <= 3; level++) {
		table[level] = alloc_page();
		map(TABLE(level), table[level]);
	}
	table[1][probe_code() / SZ_1G] = (probe_code() & ~(SZ_1G - 1)) | S1_LEAF | PTE_RDONLY;
	table[1][PAGE / SZ_1G] = TABLE(2) | PT_VALID | PT_TABLE;
	table[2][0] = TABLE(3) | PT_VALID | PT_TABLE;
	test.level3 = table[3];
	return true;
}

static void set_page(unsigned int n, unsigned int state)
{
	pteval_t stage1 = (PAGE + n * SZ_4K) | S1_LEAF | PT_TABLE, stage2 = test.leaf[n];

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
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM,
		.vtcr = test.mmu->vtcr,
		.vttbr = test.mmu->vttbr,
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | SCTLR_EL1_M,
		.tcr = PROBE_TCR(IPA_BITS),
		.ttbr0 = TABLE(1),
		.mair = 0xff, /* Normal */
	};
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
	int code;

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	probe_begin(probe_code());
	code = conform_main(&area, argc, argv);
	probe_end();
	return code;
}
