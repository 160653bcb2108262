/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest keeps, and what a handler may change: RESUME and the next guest_run() go on with the
 * registers of struct guest, whoever wrote them last.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/processor.h>

#define TEST_IPA 0x100000000UL

static struct guest *create(int vmid, void (*guest_func)(void), enum s2_granule granule)
{
	struct guest *guest = guest_create(vmid, guest_func, granule);

	assert(guest);
	return guest;
}

static enum guest_handler_result exit_always(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

/*
 * With a stack pointer and a register for what is changed: hvc, then what is there now, in x0..x3.
 */
static void guest_look(void)
{
	asm volatile("	hvc	#0\n"
		     "	mov	x0, sp\n"
		     "	mrs	x1, sctlr_el1\n"
		     "	mrs	x2, nzcv\n"
		     "	mrs	x3, tpidr_el1\n"
		     "	hvc	#1\n"
		     :
		     :
		     : "memory");
}

static enum guest_handler_result change_registers(struct guest *guest)
{
	if ((guest->esr_el2 & 0xffff) == 1)
		return GUEST_ACTION_EXIT;
	guest->sp_el1 -= 0x100;
	guest->sctlr_el1 |= SCTLR_EL1_UCI;
	guest->tpidr_el1 = 0x7777;
	guest->spsr_el2 |= PSR_Z_BIT | PSR_V_BIT;
	return GUEST_ACTION_RESUME;
}

static void test_changes(void)
{
	struct guest *guest = create(5, guest_look, S2_PAGE_4K);
	u64 sp = guest->sp_el1, sctlr = guest->sctlr_el1;

	guest_install_handler(guest, ELx_LOW_SYNC_64, change_registers);
	guest_run(guest);
	report(guest->x[0] == sp - 0x100, "SP_EL1: expected %#lx, found %#lx", sp - 0x100,
	       guest->x[0]);
	report(guest->x[1] == (sctlr | SCTLR_EL1_UCI), "SCTLR_EL1: expected %#lx, found %#lx",
	       sctlr | SCTLR_EL1_UCI, guest->x[1]);
	report(guest->x[2] == (PSR_Z_BIT | PSR_V_BIT), "SPSR_EL2: flags expected %#x, found %#lx",
	       PSR_Z_BIT | PSR_V_BIT, guest->x[2]);
	report(guest->x[3] == 0x7777, "TPIDR_EL1: expected 0x7777, found %#lx", guest->x[3]);
	guest_destroy(guest);
}

/* HCR_EL2: a trap switched on by a handler traps from the next instruction on. */
static void guest_wfi(void)
{
	asm volatile("hvc #0\n	wfi\n	hvc #1" : : : "memory");
}

static enum guest_handler_result trap_wfi(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_HVC64 && (guest->esr_el2 & 0xffff) == 0) {
		guest->hcr_el2 |= HCR_EL2_TWI;
		return GUEST_ACTION_RESUME;
	}
	return GUEST_ACTION_EXIT;
}

static void test_hcr(void)
{
	struct guest *guest = create(5, guest_wfi, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, trap_wfi);
	guest_run(guest);
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_WFx,
	       "HCR_EL2.TWI set by a handler traps WFI: class %#lx", ESR_ELx_EC(guest->esr_el2));
	guest_destroy(guest);
}

/*
 * guest-resume.S: read a word before and after a call of the host. VTTBR_EL2: another tree from the
 * next instruction on.
 */
void guest_read_around_hvc(void);

static enum guest_handler_result switch_tree(struct guest *guest)
{
	struct s2_mmu *other = guest->data;

	guest->vttbr_el2 = other->vttbr;
	return GUEST_ACTION_RESUME;
}

static void test_vttbr(void)
{
	struct guest *guest = create(5, guest_read_around_hvc, S2_PAGE_4K);
	struct guest *donor = create(6, guest_wfi, S2_PAGE_4K);
	u64 *pages[2] = { alloc_page(), alloc_page() };

	*pages[0] = 1;
	*pages[1] = 2;
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(pages[0]), PAGE_SIZE, S2_MAP_RW));
	assert(!s2mmu_map(donor->s2mmu, TEST_IPA, virt_to_phys(pages[1]), PAGE_SIZE, S2_MAP_RW));
	guest->x[0] = TEST_IPA;
	guest->data = donor->s2mmu;
	guest_install_handler(guest, ELx_LOW_SYNC_64, switch_tree);
	report(guest_run(guest) == GUEST_EXIT_RETURNED && guest->exit_code == (1UL << 32 | 2),
	       "VTTBR_EL2 set by a handler: expected 0x100000002, found %#lx", guest->exit_code);
	guest_destroy(guest);
	guest_destroy(donor);
	free_page(pages[0]);
	free_page(pages[1]);
}

/*
 * guest-resume.S: set EL1 registers to seed + n, call the host, and return how many are then wrong.
 * Between the two another guest has the CPU.
 */
u64 guest_set_and_check(u64 seed);

static void test_interleaved(void)
{
	struct guest *a = create(7, (void (*)(void))guest_set_and_check, S2_PAGE_4K);
	struct guest *b = create(8, (void (*)(void))guest_set_and_check,
				 s2_granule_supported(S2_PAGE_64K) ? S2_PAGE_64K : S2_PAGE_4K);

	a->x[0] = 0x10000;
	b->x[0] = 0x20000;
	guest_install_handler(a, ELx_LOW_SYNC_64, exit_always);
	guest_install_handler(b, ELx_LOW_SYNC_64, exit_always);
	report(guest_run(a) == GUEST_EXIT_HANDLER && guest_run(b) == GUEST_EXIT_HANDLER,
	       "two guests of different granules, one after the other");
	report(guest_run(a) == GUEST_EXIT_RETURNED && a->exit_code == 0,
	       "the first finds its EL1 registers: %lu wrong", a->exit_code);
	guest_destroy(a);
	report(guest_run(b) == GUEST_EXIT_RETURNED && b->exit_code == 0,
	       "the second too, with the first destroyed: %lu wrong", b->exit_code);
	guest_destroy(b);
}

/* A handler that runs another guest. */
static enum guest_handler_result run_other(struct guest *guest)
{
	struct guest *other = guest->data;

	if (guest_run(other) != GUEST_EXIT_HANDLER)
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result look_at_outer(struct guest *guest)
{
	struct guest *outer = guest->data;

	report(outer->tpidr_el1 == 0x10004,
	       "a handler sees the registers of the guest below it: %#lx", outer->tpidr_el1);
	return GUEST_ACTION_EXIT;
}

static void test_nested_run(void)
{
	struct guest *outer = create(9, (void (*)(void))guest_set_and_check, S2_PAGE_4K);
	struct guest *inner = create(10, (void (*)(void))guest_set_and_check, S2_PAGE_4K);

	outer->x[0] = 0x10000;
	inner->x[0] = 0x20000;
	outer->data = inner;
	inner->data = outer;
	guest_install_handler(outer, ELx_LOW_SYNC_64, run_other);
	guest_install_handler(inner, ELx_LOW_SYNC_64, look_at_outer);
	report(guest_run(outer) == GUEST_EXIT_RETURNED && outer->exit_code == 0,
	       "a guest goes on after its handler ran another: %lu registers wrong",
	       outer->exit_code);
	report(guest_run(inner) == GUEST_EXIT_RETURNED && inner->exit_code == 0,
	       "and so does that other: %lu registers wrong", inner->exit_code);
	guest_destroy(outer);
	guest_destroy(inner);
}

/* A handler that ran another guest has its own guest's registers at the next exit as well. */
static u64 guest_call_twice(void)
{
	write_sysreg(0x10004, tpidr_el1);
	asm volatile("hvc #0\n	hvc #1" : : : "memory");
	return 0;
}

static enum guest_handler_result run_other_then_look(struct guest *guest)
{
	if (!(guest->esr_el2 & 0xffff))
		return run_other(guest);
	guest->exit_code = guest->tpidr_el1;
	return GUEST_ACTION_EXIT;
}

static void test_after_nested_run(void)
{
	struct guest *outer = create(9, (void (*)(void))guest_call_twice, S2_PAGE_4K);
	struct guest *inner = create(10, guest_look, S2_PAGE_4K);

	outer->data = inner;
	guest_install_handler(outer, ELx_LOW_SYNC_64, run_other_then_look);
	guest_install_handler(inner, ELx_LOW_SYNC_64, exit_always);
	report(guest_run(outer) == GUEST_EXIT_HANDLER && outer->exit_code == 0x10004,
	       "the next exit's handler sees its guest's registers: %#lx", outer->exit_code);
	guest_destroy(outer);
	guest_destroy(inner);
}

static const struct subtest subtests[] = {
	{ "changes", test_changes },   { "hcr", test_hcr },
	{ "vttbr", test_vttbr },       { "interleaved", test_interleaved },
	{ "nested", test_nested_run }, { "after-nested", test_after_nested_run },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
