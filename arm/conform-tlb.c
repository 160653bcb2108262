/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: TLB maintenance. A row is a program of kut_model/areas/tlb.py: descriptors that
 * change, contexts (VMID, ASID and root tables), TLBI, and accesses, each with its permitted
 * outcomes.
 *
 * The tables and pages of a program are objects, pages of the granule's size (kut_model/tlb/layout.py).
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/tlb.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

#include "conform-tlb.h"
#include CONFORM_HEADER
#include "conform-tlb-worker.h"

/* The programs: of the header, or of an initrd (conform-tlb-initrd.h) */
static struct {
	const struct tlb_row *rows;
	const struct tlb_step *steps;
	const struct tlb_fill *fills;
	const u32 *outcomes;
	const char *label; /* of an initrd, in ids */
} programs = { tlb_rows, tlb_steps, tlb_fills, tlb_outcomes, NULL };

#ifdef TLB_INITRD
#include "conform-tlb-initrd.h"
#endif

#define NOTHING 0xffff
#define PARTS 3 /* of memory, each of objects from PART_OBJECTS * n on: tables, OLD, NEW */
#define PART_OBJECTS 512
#define PART_SIZE SZ_2M
#define CODE_BYTES 8 /* a TLBI, and what is after it */
#define MAX_CHANGES 1024
#define MAIR 0xffUL

/*
 * The loop of TLB_LOOP, x1 = the address. It counts in the next page, whose word at LOOP_END ends
 * it: an access of x1 comes after that is read.
 */
#define LOOP_PAGE 4096 /* from x1 */
#define LOOP_COUNT 8 /* offsets in that page */
#define LOOP_END 16

/* In EL1's page of code TLBI end in BRK, here in RET. */
/* clang-format off */
asm(".pushsection .text.conform_tlb, \"ax\"\n.balign 8\n"
"tlb_code_el1:\n" TLB_CODE_EL1
"tlb_loop:\n"
"	add	x4, x1, #" xstr(LOOP_PAGE) "\n"
"1:	ldr	x5, [x4, #" xstr(LOOP_COUNT) "]\n"
"	add	x5, x5, #1\n"
"	str	x5, [x4, #" xstr(LOOP_COUNT) "]\n"
"	ldr	x3, [x4, #" xstr(LOOP_END) "]\n"
"	dmb	ish\n"
"	ldr	x0, [x1]\n"
"	cbz	x3, 1b\n"
"	brk	#0\n"
"tlb_code_el1_end:\n"
"tlb_code_el2:\n" TLB_CODE_EL2
".popsection\n");
/* clang-format on */
extern const char tlb_code_el1[], tlb_loop[], tlb_code_el1_end[], tlb_code_el2[];

static struct {
	char *memory;
	const struct tlb_layout *layout; /* of the tables in memory */
	struct {
		pteval_t *entry, old;
	} changes[MAX_CHANGES];
	unsigned int nr_changes;
	unsigned int ready; /* CPUs that come to TLB_BOTH */
} test;

/*
 * Objects
 */

static char *object(unsigned int number)
{
	return test.memory + number / PART_OBJECTS * PART_SIZE +
	       ((u64)(number % PART_OBJECTS) << test.layout->page_shift);
}

static u64 ipa_of(unsigned int number)
{
	return TLB_IPA_BASE + ((u64)number << test.layout->page_shift);
}

static u64 address_of(unsigned int stage, unsigned int number)
{
	return stage == 1 ? ipa_of(number) : virt_to_phys(object(number));
}

static void write_entry(pteval_t *entry, pteval_t value, bool remember)
{
	if (remember) {
		assert_msg(test.nr_changes < MAX_CHANGES, "more than %d changes", MAX_CHANGES);
		test.changes[test.nr_changes].entry = entry;
		test.changes[test.nr_changes++].old = *entry;
	}
	WRITE_ONCE(*entry, value);
}

static void fill(const struct tlb_fill *f, bool remember)
{
	pteval_t *table = (pteval_t *)object(f->table);

	for (unsigned int n = 0; n < f->count; n++) {
		u64 target = f->target == NOTHING ? 0 : address_of(f->stage, f->target + n);

		write_entry(&table[f->index + n], target | f->bits, remember);
	}
	dsb(ishst); /* seen by walks */
}

static void restore_entries(void)
{
	while (test.nr_changes--)
		*test.changes[test.nr_changes].entry = test.changes[test.nr_changes].old;
	test.nr_changes = 0;
	dsb(ishst);
}

static void copy_code(unsigned int number, const void *code, size_t size)
{
	memcpy(object(number), code, size);
	sync_icache(object(number), size);
}

static void build(const struct tlb_layout *layout)
{
	test.layout = layout;
	memset(test.memory, 0, PART_SIZE);
	for (unsigned int n = 0; n < layout->nr_fills; n++)
		fill(&layout->fills[n], false);
	copy_code(layout->code, phys_to_virt(probe_code()), PROBE_CODE_ALIGN);
	copy_code(layout->tlbi, tlb_code_el1, tlb_code_el1_end - tlb_code_el1);
}

/* Each 4K of a region has its number in the upper half of the first 8 bytes. */
static bool create(void)
{
	test.memory = memalign_pages(PART_SIZE, PARTS * PART_SIZE);
	if (!test.memory)
		return false;
	for (u64 part = 1; part < PARTS; part++)
		for (u64 offset = 0; offset < PART_SIZE; offset += SZ_4K)
			*(u64 *)(test.memory + part * PART_SIZE + offset) = part << 32 | PROBE_CODE;
	sync_icache(test.memory + PART_SIZE, (PARTS - 1) * PART_SIZE);
	return true;
}

/*
 * Steps
 */

/* Steps of one CPU, one after the other, until an outcome is not permitted */
struct work {
	const struct tlb_row *row;
	const struct tlb_step *step, *end;
	u32 found; /* by the access of step[-1] */
	bool permitted;
};

static u64 tcr(void)
{
	/* Two fields of the granule, with different encodings */
	static const u64 tg0[] = { 0, 2, 1 }, tg1[] = { 2, 1, 3 };
	unsigned int granule = (test.layout->page_shift - 12) / 2;

	return UL(2) << 32 /* IPS: 40 bits */ | tg1[granule] << 30 | UL(0x35) << 24 |
	       (UL(64) - TLB_ADDRESS_BITS) << 16 | tg0[granule] << 14 | UL(0x35) << 8 |
	       (UL(64) - TLB_ADDRESS_BITS);
}

static u64 vtcr(bool vs)
{
	static const u64 tg0[] = { 0, 2, 1 };
	/* Start level 1 with 16K needs more than 40 bits of output addresses. */
	u64 ps = test.layout->page_shift == 14 ? 3 : 2;
	u64 sl0 = (test.layout->page_shift == 12 ? 2 : 3) - test.layout->start;

	return VTCR_EL2_RES1 | VTCR_EL2_IRGN0_WB | VTCR_EL2_ORGN0_WB | VTCR_EL2_SH0_INNER |
	       ps << VTCR_EL2_PS_SHIFT | (UL(64) - TLB_ADDRESS_BITS) |
	       tg0[(test.layout->page_shift - 12) / 2] << VTCR_EL2_TG0_SHIFT |
	       sl0 << VTCR_EL2_SL0_SHIFT | (vs ? VTCR_EL2_VS : 0);
}

static void enter(const struct tlb_row *row, const struct tlb_step *step)
{
	const struct probe_regime regime = {
		.hcr = HCR_EL2_VM | (row->fb ? HCR_EL2_FB : 0),
		.vtcr = vtcr(row->vs),
		.vttbr = (u64)step->vmid << VTTBR_VMID_SHIFT | virt_to_phys(object(step->root)),
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | SCTLR_EL1_M,
		.tcr = tcr(),
		.ttbr0 = (u64)step->asid << 48 | ipa_of(step->table),
		.ttbr1 = ipa_of(test.layout->upper),
		.mair = MAIR,
	};

	probe_set(&regime);
	/* Programs begin with an empty TLB; before, it may have entries of the last one. */
	if (step->kind == TLB_BEGIN)
		probe_flush();
}

/* The address at EL1 of what the page of TLBI has at @code */
static u64 el1_code(const char *code)
{
	return TLB_CODE_VA + (1UL << test.layout->page_shift) + (code - tlb_code_el1);
}

static void maintain(const struct tlb_step *step)
{
	if (step->el == 2) {
		probe_el2(tlb_code_el2 + step->index * CODE_BYTES, step->value);
		return;
	}
	probe_execute(el1_code(tlb_code_el1 + step->index * CODE_BYTES), 1, false, step->value);
	dsb(ish);
	isb();
}

static u32 outcome_of(const struct tlb_step *step, u64 pc)
{
	u64 offset = (step->value - TLB_VA_BASE) & ~(SZ_4K - 1UL);
	enum probe_op op = (enum probe_op)step->index;
	struct translation_pages pages = {
		.count = 2 + TLB_NAMED_TABLES,
		.ipa = { ipa_of(PART_OBJECTS) + offset, ipa_of(2 * PART_OBJECTS) + offset },
	};
	struct probe_exit exit;

	for (unsigned int n = 0; n < TLB_NAMED_TABLES; n++)
		pages.ipa[2 + n] = ipa_of(n);
	exit = probe_execute(pc, step->el, step->pan, step->value);
	return translation_outcome(&exit, op, step->value, &pages);
}

static void meet(void)
{
	__atomic_add_fetch(&test.ready, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&test.ready, __ATOMIC_ACQUIRE) % 2)
		cpu_relax();
}

static bool is_access(const struct tlb_step *step)
{
	return step->set.count > 0;
}

static void do_step(struct work *work, const struct tlb_step *step)
{
	switch (step->kind) {
	case TLB_SET:
		return fill(&programs.fills[step->index], true);
	case TLB_BEGIN:
	case TLB_ENTER:
		return enter(work->row, step);
	case TLB_MAINTAIN:
		return maintain(step);
	case TLB_LOOP:
		work->found = outcome_of(step, el1_code(tlb_loop));
		return;
	case TLB_BOTH:
		meet();
		break;
	}
	work->found = outcome_of(step, probe_pc((enum probe_op)step->index));
}

static void do_steps(void *data)
{
	struct work *work = data;

	work->permitted = true;
	while (work->permitted && work->step < work->end) {
		const struct tlb_step *step = work->step++;

		do_step(work, step);
		work->permitted = !is_access(step) ||
				  translation_permits(programs.outcomes, step->set, work->found);
	}
}

/*
 * Rows
 */

/* The word at @offset of the loop's page, as the host has it */
static u64 *loop_word(const struct tlb_step *step, u64 offset)
{
	return (u64 *)(object(PART_OBJECTS) + (step->value - TLB_VA_BASE) + LOOP_PAGE + offset);
}

/* The loop runs when this returns. @work is CPU 1's until end_loop(). */
static void begin_loop(struct work *work)
{
	u64 *count = loop_word(work->step, LOOP_COUNT);

	*count = 0;
	*loop_word(work->step, LOOP_END) = 0;
	worker_begin(do_steps, work);
	while (!smp_load_acquire(count))
		cpu_relax();
}

static void end_loop(const struct tlb_step *step, struct work *work)
{
	smp_store_release(loop_word(step, LOOP_END), 1UL);
	worker_wait();
	work->permitted = translation_permits(programs.outcomes, step->set, work->found);
}

static void do_both(struct work *work)
{
	struct work other = *work;

	test.ready = 0;
	worker_begin(do_steps, &other);
	/* CPU 1 may be the first to end: its SGI must not end this CPU's access. */
	gic_set_priority_mask(0);
	do_steps(work);
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	worker_wait();
	if (work->permitted)
		*work = other;
}

static bool is_of_both(const struct tlb_step *step)
{
	return step->kind == TLB_BOTH || step->kind == TLB_LOOP || step->kind == TLB_JOIN;
}

/* The end of the steps from @step on that one CPU does without the other */
static const struct tlb_step *end_of_part(const struct tlb_step *step, const struct tlb_step *end)
{
	const struct tlb_step *last = step + 1;

	while (!is_of_both(step) && last < end && !is_of_both(last) && last->cpu == step->cpu)
		last++;
	return last;
}

static void do_part(struct work *work)
{
	static struct work loop;

	if (work->step->kind == TLB_LOOP) {
		loop = *work;
		begin_loop(&loop);
		work->permitted = true;
	} else if (work->step->kind == TLB_JOIN) {
		end_loop(work->step, &loop);
		*work = loop;
	} else if (work->step->kind == TLB_BOTH) {
		do_both(work);
	} else if (work->step->cpu) {
		worker_call(do_steps, work);
	} else {
		do_steps(work);
	}
}

static enum conform_verdict run_steps(const struct tlb_row *row)
{
	const struct tlb_step *step = &programs.steps[row->first], *end = step + row->count;
	const struct tlb_step *next;

	for (; step < end; step = next) {
		struct work work = { .row = row, .step = step };

		next = work.end = end_of_part(step, end);
		do_part(&work);
		if (!work.permitted)
			return translation_fail(programs.outcomes, work.step[-1].set, work.found,
						" (step %u, access to %#lx, CPU %u)",
						(u32)(work.step - &programs.steps[row->first]),
						work.step[-1].value, work.step[-1].cpu);
	}
	return CONFORM_PASS;
}

static const struct conform_feature *const *needs_of(const struct tlb_row *row)
{
#ifdef TLB_INITRD
	if (programs.label)
		return initrd_needs[row->needs];
#endif
	return tlb_needs[row->needs];
}

static enum conform_verdict run(u32 number)
{
	static const char *const granules[] = { "TGran4", "TGran16", "TGran64" };
	const struct tlb_row *row = &programs.rows[number];
	const struct tlb_layout *layout = &tlb_layouts[row->layout];
	unsigned int granule = (layout->page_shift - 12) / 2;
	enum conform_verdict verdict;

	if (conform_lacks(needs_of(row)))
		return CONFORM_SKIP;
	if (nr_cpus < TLB_CPUS)
		return conform_skip("second-CPU", "smp");
	if (!s2_granule_supported((enum s2_granule)granule))
		return conform_skip(granules[granule], "ID_AA64MMFR0_EL1");
	if (layout != test.layout)
		build(layout);
	verdict = run_steps(row);
	restore_entries();
	return verdict;
}

static void id(u32 row, char *buffer, size_t size)
{
	if (programs.label)
		snprintf(buffer, size, TLB_PREFIX ".%s.%u", programs.label, row);
	else
		snprintf(buffer, size, TLB_PREFIX ".%s", programs.rows[row].name);
}

static struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

static bool has_worker(void)
{
	return TLB_CPUS > 1 && nr_cpus >= TLB_CPUS;
}

static void begin(void *data)
{
	probe_begin(TLB_CODE_VA);
}

static void end(void *data)
{
	probe_end();
}

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);
	int code;

	if (reason)
		return skip_all(reason);
	if (has_worker() && !gic_init())
		return skip_all("no GIC in the device tree");
	assert_msg(create(), "no memory");
	begin(NULL);
	if (has_worker()) {
		worker_start();
		worker_call(begin, NULL);
	}
#ifdef TLB_INITRD
	open_initrd(&area);
#endif
	code = conform_main(&area, argc, argv);
	end(NULL);
	if (has_worker())
		worker_call(end, NULL);
	return code;
}
