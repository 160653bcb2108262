/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: synchronous external aborts. A row of kut_model/areas/sea.py has one page of its
 * tables in a hole of the address map. Where an access to the hole is no synchronous external abort
 * of this machine, all rows are skipped.
 *
 *   stage 2   the code one to one; PAGE a page; TABLE(1) to TABLE(3) stage 1's tables
 *   stage 1   the code one to one; PAGE one to one, by a table of each level
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/sea.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

struct sea_row {
	u8 place, op, el, tea, needs;
	struct translation_set set;
};

#include CONFORM_HEADER

/* Places in the order of the model */
enum {
	PLACE_PAGE,
	PLACE_S2_L2,
	PLACE_S2_L3,
	PLACE_S1_PAGE,
	PLACE_S1_L2,
	PLACE_S1_L3,
	PLACE_WALK_S2_L2,
	PLACE_WALK_S2_L3,
};

#define HOLE 0x0b000000UL /* of QEMU's machine virt: between virtio-mmio and the platform bus */
#define PAGE 0x80000000UL
#define TABLE(level) (0xc0000000UL + (level) * SZ_1G)
#define IPA_BITS 39
#define S1_LEAF (PTE_AF | PTE_SHARED | PTE_USER | PTE_RDONLY | PT_VALID)
/* Of ISS, IMPLEMENTATION DEFINED */
#define ISS_SET (UL(3) << 11)
#define ISS_ANY (ESR_ELx_EA | ESR_ELx_FnV | ISS_SET)

static struct s2_mmu *mmu;

static void map(u64 ipa, const void *memory)
{
	assert(!s2mmu_map(mmu, ipa, virt_to_phys(memory), SZ_4K, S2_MAP_RW));
}

static bool create(void)
{
	pteval_t *table[4];

	mmu = s2mmu_create(
		&(struct s2_config){ .vmid = 1, .ipa_bits = IPA_BITS, .start = S2_START_LEVEL(1) });
	if (!mmu)
		return false;
	mmu->fwb = false; /* HCR_EL2.FWB stays clear */
	map(probe_code(), phys_to_virt(probe_code()));
	map(PAGE, alloc_page());
	for (unsigned int level = 1; level <= 3; level++) {
		table[level] = alloc_page();
		map(TABLE(level), table[level]);
	}
	table[1][probe_code() / SZ_1G] = (probe_code() & ~(SZ_1G - 1)) | S1_LEAF;
	table[1][PAGE / SZ_1G] = TABLE(2) | PT_VALID | PT_TABLE;
	table[2][0] = TABLE(3) | PT_VALID | PT_TABLE;
	table[3][0] = PAGE | S1_LEAF | PT_TABLE;
	return true;
}

/* The descriptor of stage 2 that leads into the hole. */
static pteval_t *entry_of(unsigned int place)
{
	switch (place) {
	case PLACE_S2_L2:
		return s2mmu_entry(mmu, PAGE, 1);
	case PLACE_S2_L3:
		return s2mmu_entry(mmu, PAGE, 2);
	case PLACE_S1_L2:
		return s2mmu_entry(mmu, TABLE(2), 3);
	case PLACE_S1_L3:
		return s2mmu_entry(mmu, TABLE(3), 3);
	case PLACE_WALK_S2_L2:
		return s2mmu_entry(mmu, TABLE(3), 1);
	case PLACE_WALK_S2_L3:
		return s2mmu_entry(mmu, TABLE(3), 2);
	default:
		return s2mmu_entry(mmu, PAGE, 3);
	}
}

static void set_regime(bool stage1, bool tea)
{
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | (tea ? HCR_EL2_TEA : 0),
		.vtcr = mmu->vtcr,
		.vttbr = mmu->vttbr,
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | (stage1 ? SCTLR_EL1_M : 0),
		.tcr = PROBE_TCR(IPA_BITS),
		.ttbr0 = TABLE(1),
		.mair = 0xff, /* Normal */
	};

	probe_set(&regime);
}

static struct probe_exit access(const struct sea_row *r)
{
	static const enum probe_op ops[] = { PROBE_READ, PROBE_EXECUTE };
	pteval_t *entry = entry_of(r->place), before = *entry;
	struct probe_exit exit;

	set_regime(r->place >= PLACE_S1_PAGE, r->tea);
	*entry = HOLE | (before & ~GENMASK(47, 12));
	probe_flush();
	exit = probe_access(ops[r->op], r->el, false, PAGE);
	*entry = before;
	return exit;
}

/* A read by EL1 of a page in the hole: an external abort, wherever it is taken. */
static bool hole_aborts(void)
{
	const struct sea_row read = { .place = PLACE_PAGE, .el = 1 };
	struct probe_exit exit = access(&read);

	return exit.el && (exit.esr & ESR_ELx_FSC) == ESR_ELx_FSC_EXTABT;
}

static enum conform_verdict run(u32 row)
{
	static const struct translation_pages pages;
	const struct sea_row *r = &sea_rows[row];
	struct probe_exit exit;

	if (conform_lacks(sea_needs[r->needs]))
		return CONFORM_SKIP;
	exit = access(r);
	if ((exit.esr & ESR_ELx_FSC) == ESR_ELx_FSC_EXTABT && exit.esr & ESR_ELx_FnV)
		exit.far = PAGE; /* it is not valid */
	exit.esr &= ~ISS_ANY;
	return translation_check(sea_outcomes, r->set,
				 translation_outcome(&exit, PROBE_NOTHING, PAGE, &pages));
}

static void id(u32 row, char *buffer, size_t size)
{
	const struct sea_row *r = &sea_rows[row];

	snprintf(buffer, size, "sea.%s.%s.el%u.tea%u", sea_places[r->place], sea_ops[r->op], r->el,
		 r->tea);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);
	int code;

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	probe_begin(probe_code());
	if (hole_aborts())
		code = conform_main(&area, argc, argv);
	else
		code = skip_all("a read of address 0xb000000 is no synchronous external abort");
	probe_end();
	return code;
}
