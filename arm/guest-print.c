/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printf(), report() and the like in guests, which call the host; guest-print/ has calls from other
 * stacks, and backtraces. tests/test_guest_print.py compares what is printed.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <report-internal.h>
#include <subtest.h>
#include <asm/guest-call.h>
#include <asm/guest-check.h>
#include <asm/guest-hypercall.h>
#include <asm/guest-stage1.h>
#include <asm/setup.h>
#include "guest-print/print.h"

/* Longer than what the host reads at once */
#define LONG_TEXT 3000
/* Added to the addresses of the image, for another mapping of it */
#define HIGH_HALF (~0UL << 39)
#define OTHER_IPA 0x1000000000UL

__attribute__((__noinline__)) u64 guest_print(u64 a)
{
	volatile u64 sum = a;

	if (!in_guest())
		return 0;
	printf("printed in a guest: %lu, %s\n", sum, "a string");
	report_prefix_pushf("guest %d", 1);
	report(sum == a, "a check");
	report_xfail(true, false, "a check that fails as expected");
	report_kfail(true, false, "a check that fails for a known reason");
	report_skip("a check that is left out");
	report_info("no check");
	report_passed();
	report_prefix_pop();
	return sum + 2;
}

void run_print(struct guest *guest, const char *what)
{
	guest->x[0] = ARGUMENT;
	guest_check_run(guest, EXPECT_RETURN(VALUE), "%s", what);
	guest_destroy(guest);
}

static void test_el1(void)
{
	run_print(guest_create_4k(VMID, guest_print), "at EL1");
}

static struct guest *create_el0(void *func)
{
	return guest_require(guest_create_el0(VMID, (void (*)(void))func, S2_PAGE_4K));
}

static void test_el0(void)
{
	run_print(create_el0(guest_print), "at EL0");
}

static unsigned int guest_exceptions;

static void guest_count(struct guest_el1_regs *regs, unsigned int esr)
{
	guest_exceptions++;
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_UNKNOWN)
		regs->elr += 4;
}

/* The guest's handler does not see the calls, but its own exceptions. */
static u64 guest_print_and_svc(u64 a)
{
	a = guest_print(a);
	asm volatile("	svc	#0\n"
		     "	udf	#0\n"
		     "	hvc	%0"
		     :
		     : "i"(GUEST_HVC_CALL)
		     : "memory");
	return guest_print(a) - 2;
}

/* Register x20, which the guest's vectors use, after a call. */
static u64 guest_register(u64 a)
{
	register u64 x20 asm("x20") = a;
	register u64 x0 asm("x0") = GUEST_CALL_PROBE;

	asm volatile("bl guest_call"
		     : "+r"(x0), "+r"(x20)
		     :
		     : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
		       "x13", "x14", "x15", "x16", "x17", "x18", "x30", "cc", "memory");
	return x20;
}

static void test_el0_handler(void)
{
	struct guest *guest = create_el0(guest_register);

	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, guest_count));
	guest->x[0] = VALUE;
	guest_check_run(guest, EXPECT_RETURN(VALUE), "x20 after a call");
	guest_destroy(guest);

	guest = create_el0(guest_print_and_svc);

	guest_exceptions = 0;
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, guest_count));
	run_print(guest, "at EL0 with a handler of the guest's own");
	report(guest_exceptions == 3, "exceptions in the guest's handler: expected 3, found %u",
	       guest_exceptions);
}

/* Those that have no result; each returns 0. */
static u64 guest_calls(void)
{
	return guest_call(GUEST_CALL_PUTS, (u64) "a line\n", false, 0) |
	       guest_call(GUEST_CALL_REPORT, REPORT_PASS, 0, (u64) "a check") << 8;
}

static void test_results(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_calls);

	guest_check_run(guest, EXPECT_RETURN(0), "calls without a result");
	guest_destroy(guest);
}

u64 guest_hvc(void)
{
	asm volatile("hvc %0" : : "i"(GUEST_HVC_CALL) : "memory");
	return 0;
}

/* The immediate alone is no call. */
static void test_number(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, GUEST_HVC_CALL, 0xffff),
			"HVC of the guest's own with the immediate of a call");
	guest_destroy(guest);
}

static const char opaque_text[] = "a guest that is opaque printed this\n";

static u64 guest_opaque(void)
{
	puts(opaque_text);
	return 0;
}

static u64 guest_opaque_call(void)
{
	return guest_call(GUEST_CALL_PUTS, (u64)opaque_text, 0, 0);
}

static void test_opaque(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_opaque);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_set_opaque(guest, true);
	guest_check_run(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, GUEST_HVC_CALL, 0xffff),
			"puts() of an opaque guest");
	guest_destroy(guest);

	guest = create_el0(guest_opaque);
	assert(guest_install_el1_handler(guest, ELx_LOW_IRQ_64, guest_count));
	guest_set_opaque(guest, true);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"puts() of an opaque guest at EL0");
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_UNKNOWN &&
		       guest->elr_el2 == (u64)guest_call,
	       "its exception: expected class %#lx at %p, found %#lx at %#lx", ESR_ELx_EC_UNKNOWN,
	       guest_call, ESR_ELx_EC(guest->esr_el2), guest->elr_el2);

	guest_destroy(guest);

	guest = create_el0(guest_opaque_call);
	guest_exceptions = 0;
	guest_set_opaque(guest, true);
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, guest_count));
	guest_check_run(guest, EXPECT_RETURN(GUEST_CALL_PUTS), "the call with a handler for it");
	report(guest_exceptions == 1, "exceptions in the guest's handler: expected 1, found %u",
	       guest_exceptions);
	guest_destroy(guest);
}

/*
 * Other addresses
 */

static struct guest_stage1 *create_stage1(struct guest *guest, unsigned int high_va_bits)
{
	const struct guest_stage1_config config = { .granule = S2_PAGE_4K,
						    .va_bits = 39,
						    .high_va_bits = high_va_bits };
	struct guest_stage1 *stage1 = guest_stage1_create_config(guest, &config);

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	return stage1;
}

static void test_stage1(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_print);
	struct guest_stage1 *stage1 = create_stage1(guest, 0);

	guest_stage1_enable(stage1);
	guest->x[0] = ARGUMENT;
	guest_check_run(guest, EXPECT_RETURN(VALUE), "with a stage 1");
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

/* The image is in the upper half of the address space too, and runs there. */
static void test_high(void)
{
	extern char boot_stack[];
	struct guest *guest = guest_create_4k(VMID, guest_print);
	struct guest_stage1 *stage1 = create_stage1(guest, 39);
	u64 text = (u64)_stext, data = (u64)_sdata, end = (u64)boot_stack;

	assert(!guest_stage1_map(stage1, HIGH_HALF + text, text, data - text, S1_MAP_RO));
	assert(!guest_stage1_map(stage1, HIGH_HALF + data, data, end - data,
				 S1_MAP_RW | S1_MAP_XN));
	guest_stage1_enable(stage1);
	guest->elr_el2 += HIGH_HALF;
	guest->x[0] = ARGUMENT;
	guest_check_run(guest, EXPECT_RETURN(VALUE), "at addresses of the guest's stage 1");
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

static void test_other_ipa(void)
{
	extern char boot_stack[];
	struct guest *guest = guest_create_4k(VMID, guest_print);
	u64 text = (u64)_stext, data = (u64)_sdata, end = (u64)boot_stack;

	assert(!s2mmu_map(guest->s2mmu, OTHER_IPA + text, text, data - text, S2_MAP_RO));
	assert(!s2mmu_map(guest->s2mmu, OTHER_IPA + data, data, end - data, S2_MAP_RW));
	guest->elr_el2 += OTHER_IPA;
	run_print(guest, "at other intermediate physical addresses");
}

/*
 * Strings and results
 */

static char long_text[LONG_TEXT + 2];

static u64 guest_puts_long(void)
{
	puts(long_text);
	return 0;
}

static void test_long(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_puts_long);

	for (int i = 0; i < LONG_TEXT; i++)
		long_text[i] = '0' + i % 10;
	long_text[LONG_TEXT] = '\n';
	guest_check_run(guest, EXPECT_RETURN(0), "a string of %d bytes", LONG_TEXT);
	guest_destroy(guest);
}

static u64 guest_line(void)
{
	printf("a line that does not end");
	printf_line("another %s\n", "line");
	printf("a line that does not end");
	return 0;
}

static void test_line(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_line);

	guest_check_run(guest, EXPECT_RETURN(0), "printf_line()");
	guest_destroy(guest);
}

static u64 guest_summary(void)
{
	return report_summary();
}

/* Not 38: not every check was a skip. */
static void test_summary(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_summary);

	report_pass("a check of the host");
	guest_check_run(guest, EXPECT_RETURN(0), "report_summary()");
	guest_destroy(guest);
}

static u64 guest_fail(void)
{
	report(false, "fails in a guest");
	return 0;
}

static void test_failure(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_fail);

	guest_check_run(guest, EXPECT_RETURN(0), "a failure");
	guest_destroy(guest);
}

static u64 guest_par(u64 par)
{
	write_sysreg(par, par_el1);
	puts("the host translates the address of this string\n");
	return read_sysreg(par_el1);
}

static void test_par(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_par);

	guest->x[0] = 0x12345000;
	guest_check_run(guest, EXPECT_RETURN(0x12345000), "PAR_EL1 after puts()");
	guest_destroy(guest);
}

static u64 guest_exit(void)
{
	exit(5);
}

static void test_exit(void)
{
	guest_run(guest_create_4k(VMID, guest_exit));
}

static u64 guest_stack(void)
{
	dump_stack();
	return 0;
}

static void test_stack(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_stack);

	guest_check_run(guest, EXPECT_RETURN(0), "dump_stack()");
	guest_destroy(guest);
}

static void run_vcpu(void *vcpus)
{
	guest_run(((struct guest **)vcpus)[smp_processor_id()]);
}

static u64 guest_print_often(u64 cpu)
{
	for (int i = 0; i < 20; i++)
		report(true, "vCPU %lu, line %d, 0123456789 0123456789", cpu, i);
	return VALUE;
}

/* On two CPUs, with smp = 2. */
static void test_vcpus(void)
{
	struct guest *vcpus[2];

	vcpus[0] = guest_create_4k(VMID, guest_print_often);
	vcpus[1] = guest_require(guest_create_vcpu(vcpus[0], (void (*)(void))guest_print_often));
	vcpus[1]->x[0] = 1;
	on_cpus(run_vcpu, vcpus);
	for (int i = 0; i < 2; i++) {
		guest_check_exit(vcpus[i], EXPECT_RETURN(VALUE), "vCPU %d", i);
		guest_destroy(vcpus[i]);
	}
}

/*
 * Exits without a handler, whose caller runs the guest again: three of one instruction, and one of
 * the next.
 */
static void guest_store_twice(u64 *missing)
{
	asm volatile("str xzr, [%0]\n	str xzr, [%0]" : : "r"(missing) : "memory");
}

static void test_unhandled(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_store_twice);

	guest->x[0] = OTHER_IPA;
	for (int i = 0; i < 3; i++)
		guest_run(guest);
	guest_skip_instruction(guest);
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_UNHANDLED, "last run: expected %s, found %s",
	       guest_exit_reason_name(GUEST_EXIT_UNHANDLED),
	       guest_exit_reason_name(guest->exit_reason));
	guest_destroy(guest);
}

/* Subtests of a run that is to pass, then those that end it or look as if they did. */
static const struct subtest subtests[] = {
	{ "el1", test_el1 },
	{ "el0", test_el0 },
	{ "el0-handler", test_el0_handler },
	{ "number", test_number },
	{ "results", test_results },
	{ "opaque", test_opaque },
	{ "stage1", test_stage1 },
	{ "high", test_high },
	{ "other-ipa", test_other_ipa },
	{ "own-stack", test_own_stack },
	{ "nested", test_nested },
	{ "outer", test_outer },
	{ "host", test_host },
	{ "long", test_long },
	{ "line", test_line },
	{ "vcpus", test_vcpus },
	{ "frames", test_frames },
	{ "par", test_par },
	{ "unhandled", test_unhandled },
	{ "failure", test_failure },
	{ "exit", test_exit },
	{ "stack", test_stack },
	{ "summary", test_summary },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
