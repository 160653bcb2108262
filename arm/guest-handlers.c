/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handler of an exit: that of its class, of its vector, or the default; counts of exits. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/processor.h>

#define VMID 12
#define UNMAPPED_IPA 0x100000000UL

/* An exit of each of three classes: HVC, a data abort, SMC. */
static u64 guest_three_exits(void)
{
	asm volatile("	hvc	#1\n"
		     "	ldr	xzr, [%0]\n"
		     "	smc	#2\n"
		     :
		     : "r"(UNMAPPED_IPA)
		     : "memory");
	return 0x600d;
}

struct seen {
	unsigned int by_vector, by_class;
	u64 vector_class, class_class; /* class of the last exit that each got */
};

/* ELR_EL2 of an HVC is behind it; the others are stepped over. */
static void step_over(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		guest->elr_el2 += 4;
}

static enum guest_handler_result by_vector(struct guest *guest)
{
	struct seen *seen = guest->data;

	seen->by_vector++;
	seen->vector_class = ESR_ELx_EC(guest->esr_el2);
	step_over(guest);
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result by_class(struct guest *guest)
{
	struct seen *seen = guest->data;

	seen->by_class++;
	seen->class_class = ESR_ELx_EC(guest->esr_el2);
	step_over(guest);
	return GUEST_ACTION_RESUME;
}

static void start(struct guest *guest, struct seen *seen)
{
	*seen = (struct seen){ 0 };
	guest->data = seen;
	guest->elr_el2 = (u64)guest_three_exits;
}

#define check_run(guest, seen, what)                                       \
	({                                                                 \
		start(guest, seen);                                        \
		guest_check_run(guest, EXPECT_RETURN(0x600d), "%s", what); \
	})

static const char *class_name(u64 class)
{
	return esr_class_name(class << ESR_ELx_EC_SHIFT);
}

static void test_class(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	u64 link = guest->x[30];
	struct seen seen;

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, by_class);
	check_run(guest, &seen, "three exits with handlers of a vector and a class");
	report(seen.by_class == 1 && seen.class_class == ESR_ELx_EC_DABT_LOW,
	       "exits in the handler of class \"%s\": expected 1, found %u, the last \"%s\"",
	       class_name(ESR_ELx_EC_DABT_LOW), seen.by_class, class_name(seen.class_class));
	report(seen.by_vector == 2 && seen.vector_class == ESR_ELx_EC_SMC64,
	       "exits in the vector's handler: expected 2, the last \"%s\", found %u, \"%s\"",
	       class_name(ESR_ELx_EC_SMC64), seen.by_vector, class_name(seen.vector_class));

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, NULL);
	guest->x[30] = link;
	check_run(guest, &seen, "three exits after the class's handler was removed");
	report(seen.by_class == 0 && seen.by_vector == 3,
	       "exits in the removed handler of a class and in the vector's: expected 0 and 3, "
	       "found %u and %u",
	       seen.by_class, seen.by_vector);
	guest_destroy(guest);
}

/* The vector calls its handler directly unless a class has one. */
static void test_direct(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	report(guest->dispatch[0].handler == by_vector,
	       "handler that the vector calls, with no handler of a class: expected %p, found %p",
	       by_vector, guest->dispatch[0].handler);
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, by_class);
	report(guest->dispatch[0].handler != by_vector,
	       "handler that the vector calls, with a handler of a class: expected not %p, found %p",
	       by_vector, guest->dispatch[0].handler);
	guest_destroy(guest);
}

/* Without a handler an exit is printed, decoded, and has a reason of its own. */
static void test_default(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	int exits;

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, by_class);
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_UNHANDLED &&
		       ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_HVC64,
	       "an exit without handler: expected \"%s\" by HVC, found \"%s\" by %s",
	       guest_exit_reason_name(GUEST_EXIT_UNHANDLED),
	       guest_exit_reason_name(guest->exit_reason), esr_class_name(guest->esr_el2));

	/* QEMU makes no physical SError: the vector's default handler alone */
	guest->exit_reason = GUEST_EXIT_HANDLER;
	exits = guest_c_exception_handler(guest, ELx_LOW_ERROR_64 * VECTOR_SLOT_SIZE);
	report(exits == 1 && guest->exit_reason == GUEST_EXIT_UNHANDLED,
	       "an SError without handler: expected 1, \"%s\", found %d, \"%s\"",
	       guest_exit_reason_name(GUEST_EXIT_UNHANDLED), exits,
	       guest_exit_reason_name(guest->exit_reason));
	report(guest->exit_code == ELx_LOW_ERROR_64,
	       "exit_code after guest_c_exception_handler() of ELx_LOW_ERROR_64: expected %s, "
	       "found %s",
	       vector_name(ELx_LOW_ERROR_64), vector_name(guest->exit_code));
	guest_destroy(guest);
}

static void test_statistics(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	struct guest_statistics statistics;
	u64 link = guest->x[30], sum = 0;
	struct seen seen;

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	guest_count_exits(guest, &statistics);
	check_run(guest, &seen, "three exits, counted");
	guest->x[30] = link;
	check_run(guest, &seen, "three exits more, counted");
	for (unsigned int ec = 0; ec < EC_MAX; ec++)
		sum += statistics.classes[ec];
	report(statistics.vectors[ELx_LOW_SYNC_64] == 6 && sum == 6,
	       "exits of two runs: expected 6 by vector and by class, found %lu and %lu",
	       statistics.vectors[ELx_LOW_SYNC_64], sum);
	report(statistics.classes[ESR_ELx_EC_HVC64] == 2 &&
		       statistics.classes[ESR_ELx_EC_DABT_LOW] == 2 &&
		       statistics.classes[ESR_ELx_EC_SMC64] == 2,
	       "exits of two runs by HVC, data abort and SMC: expected 2, 2, 2, found %lu, %lu, %lu",
	       statistics.classes[ESR_ELx_EC_HVC64], statistics.classes[ESR_ELx_EC_DABT_LOW],
	       statistics.classes[ESR_ELx_EC_SMC64]);
	guest_print_statistics(&statistics);

	/* An interrupt has no syndrome: ESR_EL2 is that of the last HVC. */
	guest_install_handler(guest, ELx_LOW_IRQ_64, guest_take_interrupts);
	guest_c_exception_handler(guest, ELx_LOW_IRQ_64 * VECTOR_SLOT_SIZE);
	report(statistics.vectors[ELx_LOW_IRQ_64] == 1 && statistics.classes[ESR_ELx_EC_HVC64] == 2,
	       "exits by IRQ and HVC after one interrupt: expected 1 and 2, found %lu and %lu",
	       statistics.vectors[ELx_LOW_IRQ_64], statistics.classes[ESR_ELx_EC_HVC64]);

	guest_count_exits(guest, NULL);
	guest->x[30] = link;
	check_run(guest, &seen, "three exits, not counted");
	report(statistics.vectors[ELx_LOW_SYNC_64] == 6,
	       "exits counted after guest_count_exits(guest, NULL): expected 6, found %lu",
	       statistics.vectors[ELx_LOW_SYNC_64]);
	guest_destroy(guest);
}

/*
 * A guest may use every immediate of HVC, those of the framework's own hypercalls too.
 */
#define FRAMEWORK_EXCEPTION 0xff04 /* GUEST_HVC_EL1_EXCEPTION + ELxH_SYNC */
#define FRAMEWORK_RETURNED 0xff80 /* GUEST_HVC_RETURNED */

static void guest_call_numbers(void)
{
	asm volatile("	hvc	%0\n"
		     "	hvc	%1\n"
		     "	hvc	#0"
		     :
		     : "i"(FRAMEWORK_EXCEPTION), "i"(FRAMEWORK_RETURNED)
		     : "memory");
}

static enum guest_handler_result add_number(struct guest *guest)
{
	u64 number = guest->esr_el2 & 0xffff, *numbers = guest->data;

	*numbers = *numbers << 16 | number;
	return number ? GUEST_ACTION_RESUME : GUEST_ACTION_EXIT;
}

static void test_numbers(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_call_numbers);
	u64 expected = (u64)FRAMEWORK_EXCEPTION << 32 | (u64)FRAMEWORK_RETURNED << 16, numbers = 0;

	guest->data = &numbers;
	guest_install_handler(guest, ELx_LOW_SYNC_64, add_number);
	report(guest_run(guest) == GUEST_EXIT_HANDLER && numbers == expected,
	       "immediates of HVC that the framework uses too, in the handler: expected %#lx, found "
	       "%#lx (%s)",
	       expected, numbers, guest_exit_reason_name(guest->exit_reason));
	guest_destroy(guest);
}

/* SPSR_EL2.BTYPE and SS belong to the instruction that was emulated. */
static void test_skip(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	u64 pc = guest->elr_el2, spsr = guest->spsr_el2;

	guest->esr_el2 = ESR_ELx_IL;
	guest->spsr_el2 = spsr | 3UL << 10 | PSR_SS_BIT;
	guest_skip_instruction(guest);
	report(guest->elr_el2 == pc + 4 && guest->spsr_el2 == spsr,
	       "guest_skip_instruction(): expected PC +0x4, SPSR_EL2 %#lx, found PC +%#lx, SPSR_EL2 "
	       "%#lx",
	       spsr, guest->elr_el2 - pc, guest->spsr_el2);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "numbers", test_numbers }, { "skip", test_skip },	  { "class", test_class },
	{ "direct", test_direct },   { "default", test_default }, { "statistics", test_statistics },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
