/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers across exits: RESUME and the next guest_run() go on with those of struct guest, which
 * handlers may change.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/processor.h>

#define TEST_IPA 0x100000000UL

static void guest_wfi(void)
{
	asm volatile("hvc #0\n	wfi\n	hvc #1" : : : "memory");
}

/*
 * After an HVC, whose handler changes them: SP, SCTLR_EL1, flags and TPIDR_EL1, in x0..x3.
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
	struct guest *guest = guest_create_4k(5, guest_look);
	u64 sp = guest->sp_el1, sctlr = guest->sctlr_el1;

	guest_install_handler(guest, ELx_LOW_SYNC_64, change_registers);
	guest_run(guest);
	report(guest->x[0] == sp - 0x100,
	       "SP_EL1 changed by a handler, in the guest: expected %#lx, found %#lx", sp - 0x100,
	       guest->x[0]);
	report(guest->x[1] == (sctlr | SCTLR_EL1_UCI),
	       "SCTLR_EL1 changed by a handler, in the guest: expected %#lx, found %#lx",
	       sctlr | SCTLR_EL1_UCI, guest->x[1]);
	report(guest->x[2] == (PSR_Z_BIT | PSR_V_BIT),
	       "flags changed by a handler in SPSR_EL2, in the guest: expected %#x, found %#lx",
	       PSR_Z_BIT | PSR_V_BIT, guest->x[2]);
	report(guest->x[3] == 0x7777,
	       "TPIDR_EL1 changed by a handler, in the guest: expected 0x7777, found %#lx",
	       guest->x[3]);
	guest_destroy(guest);
}

/* HCR_EL2: a trap enabled by a handler applies from the next instruction on. */
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
	struct guest *guest = guest_create_4k(5, guest_wfi);

	guest_install_handler(guest, ELx_LOW_SYNC_64, trap_wfi);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_WFx),
			"WFI with HCR_EL2.TWI set by a handler");
	guest_destroy(guest);
}

/*
 * guest-resume.S: read a word before and after an HVC. VTTBR_EL2: another stage 2 from the next
 * instruction on.
 */
void guest_read_around_hvc(void);

static enum guest_handler_result switch_stage2(struct guest *guest)
{
	struct s2_mmu *other = guest->data;

	guest->vttbr_el2 = other->vttbr;
	return GUEST_ACTION_RESUME;
}

static void test_vttbr(void)
{
	struct guest *guest = guest_create_4k(5, guest_read_around_hvc);
	struct guest *donor = guest_create_4k(6, guest_wfi);
	u64 *pages[2] = { alloc_page(), alloc_page() };

	*pages[0] = 1;
	*pages[1] = 2;
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(pages[0]), PAGE_SIZE, S2_MAP_RW));
	assert(!s2mmu_map(donor->s2mmu, TEST_IPA, virt_to_phys(pages[1]), PAGE_SIZE, S2_MAP_RW));
	guest->x[0] = TEST_IPA;
	guest->data = donor->s2mmu;
	guest_install_handler(guest, ELx_LOW_SYNC_64, switch_stage2);
	guest_check_run(guest, EXPECT_RETURN(1UL << 32 | 2),
			"word before and after a handler changed VTTBR_EL2");
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
	struct guest *a = guest_create_4k(7, guest_set_and_check);
	enum s2_granule other = s2_granule_supported(S2_PAGE_64K) ? S2_PAGE_64K : S2_PAGE_4K;
	struct guest *b =
		guest_require(guest_create(8, (void (*)(void))guest_set_and_check, other));

	a->x[0] = 0x10000;
	b->x[0] = 0x20000;
	guest_install_handler(a, ELx_LOW_SYNC_64, guest_exit_always);
	guest_install_handler(b, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER), "first guest, sets EL1 registers");
	guest_check_run(b, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"second guest, with another granule, sets EL1 registers");
	guest_check_run(a, EXPECT_RETURN(0), "wrong EL1 registers of the first guest");
	guest_destroy(a);
	guest_check_run(b, EXPECT_RETURN(0),
			"wrong EL1 registers of the second guest, the first destroyed");
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
	       "TPIDR_EL1 of a guest whose handler runs another: expected 0x10004, found %#lx",
	       outer->tpidr_el1);
	return GUEST_ACTION_EXIT;
}

static void test_nested_run(void)
{
	struct guest *outer = guest_create_4k(9, guest_set_and_check);
	struct guest *inner = guest_create_4k(10, guest_set_and_check);

	outer->x[0] = 0x10000;
	inner->x[0] = 0x20000;
	outer->data = inner;
	inner->data = outer;
	guest_install_handler(outer, ELx_LOW_SYNC_64, run_other);
	guest_install_handler(inner, ELx_LOW_SYNC_64, look_at_outer);
	guest_check_run(outer, EXPECT_RETURN(0),
			"wrong registers of a guest whose handler ran another");
	guest_check_run(inner, EXPECT_RETURN(0), "wrong registers of the guest that a handler ran");
	guest_destroy(outer);
	guest_destroy(inner);
}

/* What a handler changed before it runs another guest is not lost. */
static u64 guest_tpidr(void)
{
	write_sysreg(0x10004, tpidr_el1);
	asm volatile("hvc #0" : : : "memory");
	return read_sysreg(tpidr_el1);
}

static enum guest_handler_result change_and_run_other(struct guest *guest)
{
	guest->tpidr_el1 = 0x7777;
	return run_other(guest);
}

static void test_changed_before_nested_run(void)
{
	struct guest *outer = guest_create_4k(9, guest_tpidr);
	struct guest *inner = guest_create_4k(10, guest_set_and_check);

	outer->data = inner;
	inner->x[0] = 0x20000;
	guest_install_handler(outer, ELx_LOW_SYNC_64, change_and_run_other);
	guest_install_handler(inner, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(outer, EXPECT_RETURN(0x7777),
			"TPIDR_EL1, changed by a handler that then ran another guest");
	guest_check_run(inner, EXPECT_RETURN(0), "wrong registers of the guest that a handler ran");
	guest_destroy(outer);
	guest_destroy(inner);
}

/* Nor is it when the host takes interrupts, with one for the guest queued. */
static enum guest_handler_result change_and_take(struct guest *guest)
{
	guest->tpidr_el1 = 0x7777;
	guest->vgic_queue.count = 1;
	guest_take_interrupts(guest);
	guest->vgic_queue.count = 0;
	return GUEST_ACTION_RESUME;
}

static void test_changed_before_interrupts(void)
{
	struct guest *guest = guest_create_4k(9, guest_tpidr);

	guest_install_handler(guest, ELx_LOW_SYNC_64, change_and_take);
	guest_check_run(guest, EXPECT_RETURN(0x7777),
			"TPIDR_EL1, changed by a handler that then took interrupts");
	guest_destroy(guest);
}

/* A handler that ran another guest has its own guest's registers at the next exit as well. */
static u64 guest_call_twice(void)
{
	write_sysreg(0x10004, tpidr_el1);
	asm volatile("hvc #0\n	hvc #1" : : : "memory");
	return 0;
}

static u64 tpidr_of_outer;

static enum guest_handler_result run_other_then_look(struct guest *guest)
{
	if (!(guest->esr_el2 & 0xffff))
		return run_other(guest);
	tpidr_of_outer = guest->tpidr_el1;
	return GUEST_ACTION_EXIT;
}

static void test_after_nested_run(void)
{
	struct guest *outer = guest_create_4k(9, guest_call_twice);
	struct guest *inner = guest_create_4k(10, guest_look);

	outer->data = inner;
	guest_install_handler(outer, ELx_LOW_SYNC_64, run_other_then_look);
	guest_install_handler(inner, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(outer, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"guest with two exits, whose first handler runs another");
	report(tpidr_of_outer == 0x10004,
	       "TPIDR_EL1 at the exit after the one whose handler ran another guest: expected "
	       "0x10004, found %#lx",
	       tpidr_of_outer);
	guest_destroy(outer);
	guest_destroy(inner);
}

static const struct subtest subtests[] = {
	{ "changes", test_changes },
	{ "hcr", test_hcr },
	{ "vttbr", test_vttbr },
	{ "interleaved", test_interleaved },
	{ "nested", test_nested_run },
	{ "after-nested", test_after_nested_run },
	{ "changed-nested", test_changed_before_nested_run },
	{ "changed-interrupts", test_changed_before_interrupts },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
