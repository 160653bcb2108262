/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stage 2 of a machine: changes of it, and whether it is what the model says. */
#include <libcflat.h>
#include <errno.h>
#include <asm/at.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/processor.h>
#include "soak.h"

#define LEAF_PA UL(0x0000fffffffff000) /* all memory here is below 2^48 */

unsigned int machine_page_shift(const struct machine *machine)
{
	return machine->mmu->geometry.page_shift;
}

static u64 arena_offset(const struct machine *machine)
{
	return virt_to_phys(machine->arena) - machine->block;
}

u64 word_ipa(const struct machine *machine, unsigned int half, unsigned int word)
{
	return machine->window + ((u64)half * machine->half << machine_page_shift(machine)) +
	       arena_offset(machine) + word_offset(word);
}

u32 page_of(const struct machine *machine, u64 ipa)
{
	return (ipa - machine->window) >> machine_page_shift(machine);
}

/* The half of the window that @page is in begins at: */
static u32 half_of(const struct machine *machine, u32 page)
{
	return page < machine->half ? 0 : machine->half;
}

/* 2^n aligned pages around @page, in its half: few as often as many. */
static struct change pages_around(const struct machine *machine, u32 page, u64 random)
{
	u32 sizes = __builtin_ctz(machine->half) + 1, count = 1U << random % sizes;

	return (struct change){ .first = ALIGN_DOWN(page, count), .count = count };
}

static unsigned long draw_flags(const struct machine *machine, u64 random)
{
	static const unsigned long flags[] = {
		S2_MAP_RW,
		S2_MAP_RW,
		S2_MAP_RW | S2_MAP_CONTIGUOUS,
		S2_MAP_RW | S2_MAP_XN,
		S2_MAP_RW | S2_MAP_NOT_ACCESSED,
		S2_MAP_RO,
		S2_MAP_RO | S2_MAP_CONTIGUOUS,
		S2_MAP_RO | S2_MAP_NOT_ACCESSED,
	};

	if (machine->model.hw_dirty && random % 5 == 0)
		return S2_MAP_RO | S2_MAP_TRACK_DIRTY;
	return flags[random / 8 % ARRAY_SIZE(flags)];
}

u32 draw_page(const struct machine *machine, struct random *random)
{
	if (random_one_in(random, 4))
		return random_below(random, 2 * machine->half);
	return page_of(machine,
		       word_ipa(machine, random_below(random, 2), random_below(random, WORDS)));
}

struct change draw_change(const struct machine *machine, struct random *random, u32 page)
{
	u32 cut;
	struct change change = pages_around(machine, page, random_next(random));

	/* Now and then a range that is aligned to nothing */
	if (random_one_in(random, 3)) {
		cut = random_below(random, page - change.first + 1);
		change.first += cut;
		change.count -= cut;
		change.count -= random_below(random, change.first + change.count - page);
	}
	change.kind = random_below(random, CHANGE_KINDS);
	change.flags = draw_flags(machine, random_next(random));
	if (change.kind == CHANGE_PROTECT)
		change.flags &= ~S2_MAP_CONTIGUOUS;
	else if (change.kind == CHANGE_MAP && random_one_in(random, 2))
		change.flags |= S2_MAP_NOREPLACE;
	return change;
}

/* Map as many pages as are free there, at least this one. */
static struct change answer_missing(const struct machine *machine, const struct model *model,
				    u32 page, u64 salt)
{
	struct change change = { .first = page, .count = 1, .flags = S2_MAP_RW };
	u32 first, end;

	if (!machine->shared) {
		change = pages_around(machine, page, salt);
		change.flags = draw_flags(machine, salt >> 8);
		model_extent(model, page, &first, &end);
		end = MIN(end, change.first + change.count);
		change.first = MAX(first, change.first);
		change.count = end - change.first;
	}
	change.kind = CHANGE_MAP;
	change.flags |= S2_MAP_NOREPLACE;
	return change;
}

struct change answer_fault(const struct machine *machine, const struct model *model, u32 page,
			   bool write, u64 salt)
{
	unsigned int fault = model_fault(model, page, write);
	struct change change = { .first = page, .count = 1, .kind = CHANGE_PROTECT };
	u32 flags = model_flags(model, page);

	salt = random_mix(salt + page);
	if (fault == ESR_ELx_FSC_FAULT)
		return answer_missing(machine, model, page, salt);
	if (fault == ESR_ELx_FSC_PERM && !machine->shared)
		change = pages_around(machine, page, salt);
	change.kind = CHANGE_PROTECT;
	change.flags = flags & ~S2_MAP_NOT_ACCESSED;
	if (fault == ESR_ELx_FSC_PERM || (machine->shared && write))
		change.flags = S2_MAP_RW | (flags & S2_MAP_XN);
	return change;
}

int change_tree(struct machine *machine, const struct change *change)
{
	unsigned int shift = machine_page_shift(machine);
	u64 ipa = machine->window + ((u64)change->first << shift);
	u64 size = (u64)change->count << shift;
	phys_addr_t pa =
		machine->block + ((u64)(change->first - half_of(machine, change->first)) << shift);
	int count;

	machine->changed = true;
	switch (change->kind) {
	case CHANGE_MAP:
		return s2mmu_map(machine->mmu, ipa, pa, size, change->flags);
	case CHANGE_UNMAP:
		return s2mmu_unmap(machine->mmu, ipa, size);
	case CHANGE_PROTECT:
		return s2mmu_protect(machine->mmu, ipa, size, change->flags);
	default:
		count = s2mmu_collapse(machine->mmu, ipa, size);
		return MIN(count, 0);
	}
}

const char *describe_change(const struct change *change, char *buf, int size)
{
	static const char *const names[CHANGE_KINDS] = { "map", "unmap", "protect", "collapse" };

	snprintf(buf, size, "%s pages %#x..%#x, flags %#lx", names[change->kind], change->first,
		 change->first + change->count - 1, change->flags);
	return buf;
}

/*
 * The tables against the model
 */

#define LEAF_BITS (S2_AP_READ | S2_AP_WRITE | S2_XN_MASK | S2_AF | S2_DBM)

static pteval_t leaf_bits(u32 flags)
{
	return (flags & S2_MAP_READ ? S2_AP_READ : 0) | (flags & S2_MAP_WRITE ? S2_AP_WRITE : 0) |
	       (flags & S2_MAP_XN ? S2_XN : 0) | (flags & S2_MAP_NOT_ACCESSED ? 0 : S2_AF) |
	       (flags & S2_MAP_TRACK_DIRTY ? S2_DBM : 0);
}

/* Bits that the CPU may set by itself */
static pteval_t cpus_bits(const struct model *model, u32 flags)
{
	return (model->hw_access ? S2_AF : 0) | (flags & S2_MAP_TRACK_DIRTY ? S2_AP_WRITE : 0);
}

struct comparison {
	struct machine *machine;
	u32 next; /* the page behind the last leaf */
	u32 run, run_end; /* flags of the run that the last leaf was in, and where it ends */
};

static u32 flags_at(struct comparison *compared, u32 page)
{
	u32 first;

	if (page >= compared->run_end) {
		model_extent(&compared->machine->model, page, &first, &compared->run_end);
		compared->run = model_flags(&compared->machine->model, page);
	}
	return compared->run;
}

/* Nothing is mapped between the last leaf and @page. */
static bool gap_is_right(struct comparison *compared, u32 page)
{
	while (compared->next < page) {
		if (flags_at(compared, compared->next))
			soak_fail("leaf of page %#x: expected flags %#x, found no leaf",
				  compared->next, compared->run);
		if (compared->run)
			return false;
		compared->next = compared->run_end;
	}
	return true;
}

static u64 compare_leaf(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	struct comparison *compared = data;
	struct machine *machine = compared->machine;
	unsigned int shift = machine_page_shift(machine);
	u32 page = page_of(machine, ipa), count = pt_level_size(shift, level) >> shift;
	phys_addr_t pa = machine->block + ((u64)(page - half_of(machine, page)) << shift);

	if (!gap_is_right(compared, page))
		return 0;
	if ((*leaf & LEAF_PA) != pa)
		soak_fail("address of page %#x: expected %#lx, found %#lx", page, pa,
			  *leaf & LEAF_PA);
	for (u32 at = page; at < page + count; at = compared->run_end) {
		u32 flags = flags_at(compared, at);
		pteval_t mask = LEAF_BITS & ~cpus_bits(&machine->model, flags);

		if (!flags || (*leaf ^ leaf_bits(flags)) & mask)
			soak_fail("leaf of page %#x: expected flags %#x, found %#lx at level %d",
				  at, flags, *leaf, level);
	}
	compared->next = page + count;
	return 0;
}

void check_tables(struct machine *machine)
{
	struct comparison compared = { .machine = machine };
	u64 size = (u64)machine->model.pages << machine_page_shift(machine);

	s2mmu_walk(machine->mmu, machine->window, size, compare_leaf, &compared);
	gap_is_right(&compared, machine->model.pages);
}

/* AT S12E1R, with the guest's stage 1 off: PAR_EL1 of a guest's access on this CPU. */
static u64 walk_by_cpu(struct s2_mmu *mmu, u64 ipa)
{
	u64 hcr = read_sysreg(hcr_el2), par;

	write_sysreg(hcr & ~HCR_EL2_TGE, hcr_el2);
	s2mmu_enable(mmu);
	par = at_s12e1r(ipa);
	s2mmu_disable(mmu);
	write_sysreg(hcr, hcr_el2);
	isb();
	return par;
}

void check_walk(struct machine *machine, unsigned int half, unsigned int word)
{
	u64 ipa = word_ipa(machine, half, word), par = walk_by_cpu(machine->mmu, ipa);
	u64 expected = virt_to_phys(word_of(machine, word)) & LEAF_PA;
	unsigned int fault = model_fault(&machine->model, page_of(machine, ipa), false);

	if (fault && (!(par & PAR_EL1_F) || (PAR_EL1_FST(par) & ESR_ELx_FSC_TYPE) != fault))
		soak_fail("AT S12E1R of %#lx: expected fault status %#x, found PAR_EL1 %#lx", ipa,
			  fault, par);
	if (!fault && ((par & PAR_EL1_F) || PAR_EL1_PA(par) != expected))
		soak_fail("AT S12E1R of %#lx: expected address %#lx, found PAR_EL1 %#lx", ipa,
			  expected, par);
}
