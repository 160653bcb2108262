/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who gets an exit: handlers by exception class, by vector, the default one; and the count of
 * exits.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest.h>
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

static struct guest *create(void)
{
	struct guest *guest = guest_create(VMID, (void (*)(void))guest_three_exits, S2_PAGE_4K);

	assert(guest);
	return guest;
}

struct seen {
	unsigned int by_vector, by_class;
	u64 vector_class, class_class; /* class of the last exit that each got */
};

/* HVC continues behind itself; the others are stepped over. */
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

static void run(struct guest *guest, struct seen *seen)
{
	enum guest_exit_reason reason;

	*seen = (struct seen){ 0 };
	guest->data = seen;
	guest->elr_el2 = (u64)guest_three_exits;
	reason = guest_run(guest);
	report(reason == GUEST_EXIT_RETURNED && guest->exit_code == 0x600d,
	       "the guest goes on after each exit and returns: \"%s\", %#lx",
	       guest_exit_reason_name(reason), guest->exit_code);
}

static void test_class(void)
{
	struct guest *guest = create();
	u64 link = guest->x[30];
	struct seen seen;

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, by_class);
	run(guest, &seen);
	report(seen.by_class == 1 && seen.class_class == ESR_ELx_EC_DABT_LOW,
	       "the class's handler gets its exit: expected 1 of class 0x24, found %u of %#lx",
	       seen.by_class, seen.class_class);
	report(seen.by_vector == 2 && seen.vector_class == ESR_ELx_EC_SMC64,
	       "the vector's handler gets the others: expected 2, the last 0x17, found %u, %#lx",
	       seen.by_vector, seen.vector_class);

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, NULL);
	guest->x[30] = link;
	run(guest, &seen);
	report(seen.by_class == 0 && seen.by_vector == 3,
	       "taken away again, all go to the vector's: expected 0 and 3, found %u and %u",
	       seen.by_class, seen.by_vector);
	guest_destroy(guest);
}

/* The vector calls the handler directly when there is nothing else to ask. */
static void test_direct(void)
{
	struct guest *guest = create();

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	report(guest->dispatch[0].handler == by_vector,
	       "a vector's only handler is what the vector calls");
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, by_class);
	report(guest->dispatch[0].handler != by_vector, "with a class's handler it is not");
	guest_destroy(guest);
}

/* Nobody wants it: the exit is printed, decoded, and never looks like another. */
static void test_default(void)
{
	struct guest *guest = create();
	enum guest_exit_reason reason;

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, by_class);
	reason = guest_run(guest);
	report(reason == GUEST_EXIT_UNHANDLED && ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_HVC64,
	       "an exit without handler: expected \"%s\" by HVC, found \"%s\" by class %#lx",
	       guest_exit_reason_name(GUEST_EXIT_UNHANDLED), guest_exit_reason_name(reason),
	       ESR_ELx_EC(guest->esr_el2));

	/* QEMU makes no physical SError: the vector's default handler alone */
	guest->exit_reason = GUEST_EXIT_HANDLER;
	report(guest_c_exception_handler(guest, ELx_LOW_ERROR_64 * VECTOR_SLOT_SIZE) == 1 &&
		       guest->exit_reason == GUEST_EXIT_UNHANDLED,
	       "an SError is no interrupt that the host takes: %s",
	       guest_exit_reason_name(guest->exit_reason));
	guest_destroy(guest);
}

static void test_statistics(void)
{
	struct guest *guest = create();
	struct guest_statistics statistics;
	u64 link = guest->x[30], sum = 0;
	struct seen seen;

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	guest_count_exits(guest, &statistics);
	run(guest, &seen);
	guest->x[30] = link;
	run(guest, &seen);
	for (unsigned int ec = 0; ec < EC_MAX; ec++)
		sum += statistics.classes[ec];
	report(statistics.vectors[ELx_LOW_SYNC_64] == 6 && sum == 6,
	       "exits of two runs: expected 6 by vector and by class, found %lu and %lu",
	       statistics.vectors[ELx_LOW_SYNC_64], sum);
	report(statistics.classes[ESR_ELx_EC_HVC64] == 2 &&
		       statistics.classes[ESR_ELx_EC_DABT_LOW] == 2 &&
		       statistics.classes[ESR_ELx_EC_SMC64] == 2,
	       "2 of HVC, data abort and SMC each: %lu, %lu, %lu",
	       statistics.classes[ESR_ELx_EC_HVC64], statistics.classes[ESR_ELx_EC_DABT_LOW],
	       statistics.classes[ESR_ELx_EC_SMC64]);
	guest_print_statistics(&statistics);

	/* An interrupt has no syndrome: ESR_EL2 is that of the last HVC. */
	guest_install_handler(guest, ELx_LOW_IRQ_64, guest_take_interrupts);
	guest_c_exception_handler(guest, ELx_LOW_IRQ_64 * VECTOR_SLOT_SIZE);
	report(statistics.vectors[ELx_LOW_IRQ_64] == 1 && statistics.classes[ESR_ELx_EC_HVC64] == 2,
	       "an interrupt is one by vector, and of no class: %lu, %lu",
	       statistics.vectors[ELx_LOW_IRQ_64], statistics.classes[ESR_ELx_EC_HVC64]);

	guest_count_exits(guest, NULL);
	guest->x[30] = link;
	run(guest, &seen);
	report(statistics.vectors[ELx_LOW_SYNC_64] == 6, "switched off, nothing is counted: %lu",
	       statistics.vectors[ELx_LOW_SYNC_64]);
	guest_destroy(guest);
}

/*
 * Every immediate is the guest's, those of the framework's own hypercalls too; and an instruction
 * that was emulated is stepped over with what hangs on it.
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
	u64 number = guest->esr_el2 & 0xffff;

	guest->exit_code = guest->exit_code << 16 | number;
	return number ? GUEST_ACTION_RESUME : GUEST_ACTION_EXIT;
}

static void test_numbers(void)
{
	struct guest *guest = guest_create(VMID, guest_call_numbers, S2_PAGE_4K);
	u64 expected = (u64)FRAMEWORK_EXCEPTION << 32 | (u64)FRAMEWORK_RETURNED << 16;

	assert(guest);
	guest_install_handler(guest, ELx_LOW_SYNC_64, add_number);
	report(guest_run(guest) == GUEST_EXIT_HANDLER && guest->exit_code == expected,
	       "numbers that the framework uses are a guest's too: expected %#lx, found %#lx (%s)",
	       expected, guest->exit_code, guest_exit_reason_name(guest->exit_reason));
	guest_destroy(guest);
}

/* SPSR_EL2.BTYPE is of the instruction that was done, and a step that was due is made with it. */
static void test_skip(void)
{
	struct guest *guest = create();
	u64 pc = guest->elr_el2, spsr = guest->spsr_el2;

	guest->esr_el2 = ESR_ELx_IL;
	guest->spsr_el2 = spsr | 3UL << 10 | PSR_SS_BIT;
	guest_skip_instruction(guest);
	report(guest->elr_el2 == pc + 4 && guest->spsr_el2 == spsr,
	       "stepping over an instruction: PC +%#lx, SPSR_EL2 expected %#lx, found %#lx",
	       guest->elr_el2 - pc, spsr, guest->spsr_el2);
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
