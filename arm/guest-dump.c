/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is printed of an exit that has no handler: tests/test_guest_dump.py compares the lines. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-internal.h>
#include <asm/guest-stage1.h>
#include <asm/sysreg.h>

#define VMID 44
#define UNMAPPED_IPA 0x1000000000UL
#define VA_BITS_OF_GUEST 39

static u64 guest_store(u64 address)
{
	*(volatile u64 *)address = 0;
	return 0;
}

static u64 guest_udf(void)
{
	asm volatile("udf #0");
	return 0;
}

static void guest_wait(void)
{
	for (;;)
		asm volatile("wfi");
}

static void check_unhandled(struct guest *guest, const char *what)
{
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED), "%s", what);
	guest_destroy(guest);
}

static void check_unhandled_at_el1(struct guest *guest, const char *what)
{
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED), "%s", what);
	guest_destroy(guest);
}

/* The first instruction is not fetched, and each register has a value of its own. */
static void test_outside(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_udf);

	guest->elr_el2 = UNMAPPED_IPA;
	for (u64 n = 0; n < 31; n++)
		guest->x[n] = 0x1010 * n;
	check_unhandled(guest, "branch to an unmapped page");
}

static void test_interrupt(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_udf);

	guest->esr_el2 = 0;
	guest_dump(guest);
	guest_destroy(guest);
	report_pass("an exit by an interrupt");
}

static void test_el1(void)
{
	check_unhandled_at_el1(guest_create_4k(VMID, guest_udf), "UDF at EL1");
}

static void test_el1_interrupt(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_wait);

	guest->hcr_el2 |= HCR_EL2_VI;
	guest->spsr_el2 &= ~(u64)PSR_I_BIT;
	check_unhandled_at_el1(guest, "virtual IRQ at EL1");
}

/* Stores below the stack, in its guard and not */
static void store_below_stack(u64 distance)
{
	struct guest *guest = guest_create_4k(VMID, guest_store);

	guest->x[0] = (u64)guest->stack - distance;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED), "store %#lx below the stack",
			distance);
	guest_destroy(guest);
}

static void test_overflow(void)
{
	store_below_stack(8);
	store_below_stack(GUEST_STACK_GUARD);
	store_below_stack(GUEST_STACK_GUARD + 8);
}

/* At EL1, as the guest's own translation does not map the guard. */
static void test_el1_overflow(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_store);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, VA_BITS_OF_GUEST);

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	guest_stage1_enable(stage1);
	guest->x[0] = (u64)guest->stack - 8;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED), "store below the stack");
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "outside", test_outside },   { "interrupt", test_interrupt },
	{ "el1", test_el1 },	       { "el1-interrupt", test_el1_interrupt },
	{ "overflow", test_overflow }, { "el1-overflow", test_el1_overflow },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
