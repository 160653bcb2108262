/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handler of an exit: that of its class, of its vector, or the default; counts of exits. */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-fp.h>
#include <asm/io.h>
#include <asm/mmio.h>
#include <asm/mmu.h>
#include <asm/processor.h>

#define VMID 12
#define UNMAPPED_IPA 0x100000000

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

/* Of an access that no device answers */
static enum guest_handler_result answer_7(struct guest *guest)
{
	struct seen *seen = guest->data;
	struct mmio_access access;

	seen->by_class++;
	if (mmio_decode(guest, &access) != MMIO_DECODED)
		return GUEST_ACTION_EXIT;
	mmio_load_value(guest, &access, 7);
	guest_skip_instruction(guest);
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
	unsigned int direct = 0;

	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	report(guest->dispatch[0].handler == by_vector,
	       "handler that the vector calls, with no handler of a class: expected %p, found %p",
	       by_vector, guest->dispatch[0].handler);
	for (unsigned int ec = 0; ec < EC_MAX; ec++) {
		guest_install_class_handler(guest, ec, by_class);
		direct += guest->dispatch[0].handler == by_vector;
		guest_install_class_handler(guest, ec, NULL);
	}
	report(!direct, "classes whose handler the vector passes over: expected 0, found %u of %d",
	       direct, EC_MAX);
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, by_class);
	guest_install_handler(guest, ELx_LOW_IRQ_64, by_vector);
	report(guest->dispatch[ELx_LOW_IRQ_64 - ELx_LOW_SYNC_64].handler == by_vector,
	       "handler that the vector of IRQs calls, with a handler of a class: expected %p, found "
	       "%p",
	       by_vector, guest->dispatch[ELx_LOW_IRQ_64 - ELx_LOW_SYNC_64].handler);
	guest_destroy(guest);
}

/*
 * Order: the framework, devices, the class's handler, the vector's
 */

static u64 guest_load_twice(u64 first, u64 second)
{
	return readb((void *)first) | (u64)readb((void *)second) << 8;
}

/* The class's handler is for what no device answers. */
static void test_device_first(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_load_twice);
	static struct mmio_testdev testdev;
	struct seen seen = { 0 };

	assert(!mmio_add_testdev(guest, &testdev, UNMAPPED_IPA));
	testdev.bytes[0] = 0x31;
	guest->x[0] = UNMAPPED_IPA;
	guest->x[1] = UNMAPPED_IPA + SZ_64K;
	guest->data = &seen;
	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, answer_7);
	guest_install_handler(guest, ELx_LOW_SYNC_64, by_vector);
	guest_check_run(guest, EXPECT_RETURN(7 << 8 | 0x31),
			"a load from a device, 0x31, and one that the class's handler answers, 7");
	report(testdev.reads == 1 && seen.by_class == 1 && !seen.by_vector,
	       "loads of the device, the class's and the vector's handler: expected 1, 1, 0, found "
	       "%u, %u, %u",
	       testdev.reads, seen.by_class, seen.by_vector);
	guest_destroy(guest);
}

static u64 guest_use_fp(void)
{
	u64 value;

	asm volatile("	.arch_extension fp\n"
		     "	fmov	d0, #1.0\n"
		     "	fmov	%0, d0"
		     : "=r"(value)
		     :
		     : "v0");
	return value;
}

/* A lazy guest's first use of FP is the framework's, whatever handler the class has. */
static void test_lazy_fp_first(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_use_fp);
	struct seen seen = { 0 };

	guest->data = &seen;
	guest_set_fp_lazy(guest, true);
	guest_install_class_handler(guest, ESR_ELx_EC_FP_ASIMD, by_class);
	guest_check_run(guest, EXPECT_RETURN(0x3ff0000000000000), "FP of a lazy guest");
	report(!seen.by_class,
	       "a lazy guest's first use of FP in the class's handler: expected 0 calls, found %u",
	       seen.by_class);
	guest_destroy(guest);
}

/* An interrupt has no class: ESR_EL2 is that of an earlier exit. */
static void test_interrupt(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	struct guest_statistics statistics;
	struct seen seen = { 0 };

	guest->data = &seen;
	guest->esr_el2 = ESR_ELx_EC_HVC64 << ESR_ELx_EC_SHIFT;
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, by_class);
	guest_install_handler(guest, ELx_LOW_IRQ_64, by_vector);
	guest_count_exits(guest, &statistics);
	guest_c_exception_handler(guest, ELx_LOW_IRQ_64 * VECTOR_SLOT_SIZE);
	report(!seen.by_class && seen.by_vector == 1,
	       "an IRQ after an HVC, handlers of HVC's class and of the vector: expected 0 and 1 "
	       "calls, found %u and %u",
	       seen.by_class, seen.by_vector);
	guest_destroy(guest);
}

static void test_order(void)
{
	test_device_first();
	test_lazy_fp_first();
	test_interrupt();
}

/* NULL brings the default back. */
static void test_removed(void)
{
	static const enum guest_exit_reason reasons[] = { GUEST_EXIT_UNHANDLED,
							  GUEST_EXIT_INTERRUPT,
							  GUEST_EXIT_INTERRUPT,
							  GUEST_EXIT_UNHANDLED };
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);

	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++) {
		enum guest_exit_reason expected = reasons[vector % ARRAY_SIZE(reasons)];

		guest_install_handler(guest, vector, by_vector);
		guest_install_handler(guest, vector, NULL);
		guest->exit_reason = GUEST_EXIT_HANDLER;
		guest_c_exception_handler(guest, vector * VECTOR_SLOT_SIZE);
		report(guest->exit_reason == expected,
		       "%s after its handler was removed: expected \"%s\", found \"%s\"",
		       vector_name(vector), guest_exit_reason_name(expected),
		       guest_exit_reason_name(guest->exit_reason));
	}
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
 * A guest may use every immediate of HVC, those of the framework's own hypercalls too: exceptions
 * at EL1 by each vector, the return of a function, and calls of the host.
 */
#define NUMBERS 0x8000, 0xff00, 0xff04, 0xff0f, 0xff10, 0xff80, 0xff90, 0xff91
#define INSTRUCTION_HVC(number) (0xd4000002 | (number) << 5)

static const u64 call_numbers[] = { NUMBERS };

static void guest_call_numbers(void)
{
	asm volatile(".irp number, " xstr(NUMBERS) "\n"
						   "	hvc	#\\number\n"
						   ".endr\n"
						   "	hvc	#0"
		     :
		     :
		     : "memory");
}

/* The same code, for an address beyond that of all memory */
static void write_code(u32 *code)
{
	for (size_t i = 0; i < ARRAY_SIZE(call_numbers); i++)
		*code++ = INSTRUCTION_HVC(call_numbers[i]);
	*code = INSTRUCTION_HVC(0);
}

struct numbers {
	unsigned int count;
	u64 number[16];
};

static enum guest_handler_result add_number(struct guest *guest)
{
	u64 number = guest->esr_el2 & 0xffff;
	struct numbers *seen = guest->data;

	if (!number || seen->count == ARRAY_SIZE(seen->number))
		return GUEST_ACTION_EXIT;
	seen->number[seen->count++] = number;
	return GUEST_ACTION_RESUME;
}

static void check_numbers(struct guest *guest, u64 pc, const char *where)
{
	struct numbers seen = { 0 };

	report_prefix_push(where);
	guest->data = &seen;
	guest->elr_el2 = pc;
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_HVC64), "immediates of the framework's");
	for (size_t i = 0; i < ARRAY_SIZE(call_numbers); i++)
		report(seen.number[i] == call_numbers[i],
		       "immediate of HVC %zu in the handler: expected %#lx, found %#lx", i,
		       call_numbers[i], seen.number[i]);
	report_prefix_pop();
}

static void ignore(struct guest_el1_regs *regs, unsigned int esr)
{
}

/* On both sides of the vectors, of the first ones and of the guest's own. */
static void test_numbers(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_call_numbers);
	u32 *page = alloc_page();

	write_code(page);
	sync_icache(page, PAGE_SIZE);
	assert(!s2mmu_map(guest->s2mmu, UNMAPPED_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RO));
	guest_install_handler(guest, ELx_LOW_SYNC_64, add_number);
	check_numbers(guest, (u64)guest_call_numbers, "in the image");
	check_numbers(guest, UNMAPPED_IPA, "beyond it");
	assert(guest_install_el1_handler(guest, ELxH_SYNC, ignore));
	check_numbers(guest, (u64)guest_call_numbers, "in the image, with vectors of its own");
	check_numbers(guest, UNMAPPED_IPA, "beyond it, with vectors of its own");
	guest_destroy(guest);
	free_page(page);
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

/* ITAdvance() (DDI 0487, F1.4.2), for every IT[7:0] and both sizes of instructions */
static void test_skip_it(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_three_exits);
	const u64 others = PSR_MODE32_BIT | PSR_T32_BIT | PSR_C_BIT;
	const u64 trapped_mrc = (u64)ESR_ELx_EC_CP15_32 << ESR_ELx_EC_SHIFT;
	int wrong = 0;

	for (u64 it = 0; it < 256; it++) {
		u64 next = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;

		guest->elr_el2 = 0x1000;
		guest->esr_el2 = trapped_mrc | (it & 8 ? ESR_ELx_IL : 0);
		guest->spsr_el2 = others | (it >> 2) << 10 | (it & 3) << 25;
		guest_skip_instruction(guest);
		wrong += guest->spsr_el2 != (others | (next >> 2) << 10 | (next & 3) << 25) ||
			 guest->elr_el2 != (it & 8 ? 0x1004 : 0x1002);
	}
	report(!wrong,
	       "guest_skip_instruction() in T32, for 256 values of IT: expected 0 wrong states, found "
	       "%d",
	       wrong);
	guest_destroy(guest);
}

/*
 * In guests: each instruction is stepped over once, and the one behind it is executed.
 */

static unsigned int skips;
static u64 skipped_class;

static enum guest_handler_result skip(struct guest *guest)
{
	if (skips++)
		return GUEST_ACTION_EXIT;
	skipped_class = ESR_ELx_EC(guest->esr_el2);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

#define GUEST_OF(name, instruction)                          \
	static u64 guest_##name(void)                        \
	{                                                    \
		u64 value = 1;                               \
		asm volatile(instruction "\n	add	%0, %0, #1" \
			     : "+r"(value)                   \
			     :                               \
			     : "x9", "memory");              \
		return value;                                \
	}
GUEST_OF(smc, "smc #0")
GUEST_OF(wfi, "wfi")
GUEST_OF(mrs, "mrs x9, id_aa64pfr0_el1")
GUEST_OF(brk, "brk #1")
GUEST_OF(load, "mov x9, " xstr(UNMAPPED_IPA) "\n	ldr xzr, [x9]")
GUEST_OF(svc, "svc #1")

static void check_skip_of(struct guest *guest, unsigned int ec)
{
	guest_install_handler(guest, ELx_LOW_SYNC_64, skip);
	skips = 0;
	guest_check_run(guest, EXPECT_RETURN(2), "%s, stepped over, and an addition of 1 to 1",
			esr_class_name((u64)ec << ESR_ELx_EC_SHIFT));
	report(skips == 1 && skipped_class == ec,
	       "exits before the return: expected 1 of class %#x, found %u of %#lx", ec, skips,
	       skipped_class);
	guest_destroy(guest);
}

static void check_skip(u64 (*func)(void), unsigned int ec, u64 hcr, u64 mdcr)
{
	struct guest *guest = guest_create_4k(VMID, func);

	guest->hcr_el2 |= hcr;
	guest->mdcr_el2 |= mdcr;
	check_skip_of(guest, ec);
}

static void test_skip_in_guest(void)
{
	check_skip(guest_smc, ESR_ELx_EC_SMC64, 0, 0);
	check_skip(guest_wfi, ESR_ELx_EC_WFx, HCR_EL2_TWI, 0);
	check_skip(guest_mrs, ESR_ELx_EC_SYS64, HCR_EL2_TID3, 0);
	check_skip(guest_brk, ESR_ELx_EC_BRK64, 0, MDCR_EL2_TDE);
	check_skip(guest_load, ESR_ELx_EC_DABT_LOW, 0, 0);
}

/* The state after an exit, on any CPU */
static void check_skip_trapped_svc(u64 pstate, u64 hfgitr)
{
	struct guest *guest = guest_create_4k(VMID, guest_svc);
	u64 pc = guest->elr_el2;

	guest->esr_el2 = (u64)ESR_ELx_EC_SVC64 << ESR_ELx_EC_SHIFT | ESR_ELx_IL;
	guest->spsr_el2 = pstate;
	guest->hfgitr_el2 = hfgitr;
	guest_skip_instruction(guest);
	report_equal(guest->elr_el2, pc + 4, "PC after a trapped SVC that was stepped over");
	guest_destroy(guest);
}

/* An SVC that FEAT_FGT traps returns to itself, unlike one that is executed. */
static void test_skip_svc(void)
{
	struct guest *guest;

	check_skip_trapped_svc(PSR_MODE_EL0t, HFGITR_EL2_SVC_EL0);
	check_skip_trapped_svc(PSR_MODE_EL1h, HFGITR_EL2_SVC_EL1);
	if (!FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT + 3, ID_AA64MMFR0_FGT)) {
		report_skip("the CPU has no fine-grained traps (ID_AA64MMFR0_EL1.FGT)");
		return;
	}
	guest = guest_create_4k(VMID, guest_svc);
	guest->hfgitr_el2 = HFGITR_EL2_SVC_EL1;
	check_skip_of(guest, ESR_ELx_EC_SVC64);
}

static const struct subtest subtests[] = {
	{ "numbers", test_numbers },	   { "skip", test_skip },
	{ "skip-it", test_skip_it },	   { "skip-in-guest", test_skip_in_guest },
	{ "skip-svc", test_skip_svc },	   { "class", test_class },
	{ "order", test_order },	   { "direct", test_direct },
	{ "removed", test_removed },	   { "default", test_default },
	{ "statistics", test_statistics },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
