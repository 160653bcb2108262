/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: synchronous external aborts. A row of kut_model/areas/sea.py has one page of its
 * tables in a hole of the address map. Where an access to the hole is no synchronous external abort
 * of this machine, all rows are skipped. Stage 1 maps PAGE one to one.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/sea.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
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
#define PAGE CONFORM_PAGE
#define TABLE(level) CONFORM_TABLE(level)
/* Of ISS, IMPLEMENTATION DEFINED */
#define ISS_SET (UL(3) << 11)
#define ISS_ANY (ESR_ELx_EA | ESR_ELx_FnV | ISS_SET)

static struct s2_mmu *mmu;

static bool create(void)
{
	mmu = conform_stage2();
	if (!mmu)
		return false;
	conform_map_page(mmu, PAGE, alloc_page(), S2_MAP_RW);
	conform_stage1(mmu)[0] = PAGE | CONFORM_S1_LEAF | PTE_RDONLY | PT_TABLE;
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
	struct probe_regime regime = conform_regime(mmu);

	if (tea)
		regime.hcr |= HCR_EL2_TEA;
	if (!stage1)
		regime.sctlr &= ~SCTLR_EL1_M;
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
