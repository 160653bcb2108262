/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images that go wrong on purpose, one way for each argument: exceptions, assertions, output and
 * reports here, other subjects in misbehave/. The runner's verdict on each is in
 * docs/misbehaving-images.md.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/console.h>
#include <asm/guest-fp.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include "misbehave/misbehave.h"

void on_other_cpu(void *func)
{
	((void (*)(void))func)();
}

void hang(void)
{
	report_info("about to spin");
	for (;;)
		; /* one instruction, so that it hangs at one place */
}

void sleep_for_ever(void)
{
	report_info("about to wait for an interrupt that nobody sends");
	for (;;)
		wfi();
}

/* Of its own, so that the backtrace has something to show. */
__attribute__((__noinline__)) void load_from(const volatile u64 *address)
{
	report_info("read %lx", *address);
}

static void exception(void)
{
	report_pass("a check before the exception");
	load_from((u64 *)0xdead0000000UL);
}

static void undefined(void)
{
	asm volatile("udf #0");
}

/* SVE in a host that traps it */
static void trapped_sve(void)
{
	write_sysreg(read_sysreg(cptr_el2) & ~CPTR_VHE_ZEN, cptr_el2);
	isb();
	report_pass("vector length %lu", sve_vector_length());
}

static void assertion(void)
{
	int answer = 41;

	assert_msg(answer == 42, "answer is %d", answer);
}

static void aborted(void)
{
	report_pass("a check before the abort");
	report_abort("cannot go on");
}

static void power_off(void)
{
	report_pass("a check before the lights go out");
	psci_system_off();
}

/* Bytes that are no text, half lines, lines that look like the protocol's; then a proper end. */
static void garbage(void)
{
	puts("\x01\x02\x7f\x80\xff\xfe\n");
	puts("\x1b[31mred\x1b[0m \x1b]0;title\x07\n");
	puts("half a li");
	puts("ne\r\n");
	puts("SUMMARY: 99 tests\n");
	puts("PASS\n: PASS:\n");
	puts("xxPASS: not at the start of a line\n");
	report_pass("a check amid garbage");
	puts("SUMMARY: 1 tes");
	puts("\n");
}

/* Lines that are not ended, before each line that has to begin one. */
static void open_lines(void)
{
	printf("open before a check");
	report_pass("a check");
	printf("open before an info");
	report_info("an info");
	printf("open before a check with a place");
	report_kfail(true, false, "a known failure");
	printf("open before the SUMMARY");
	report_summary();
	printf("open before the EXIT");
	exit(0);
}

static void flood(void)
{
	for (unsigned long i = 0;; i++)
		printf("line %lu of a flood that does not end\n", i);
}

/* Says that all is well before the verdict is known, then fails without a message. */
static void forge(void)
{
	report_fail("a check that failed");
	puts("SUMMARY: 1 tests\n");
	puts("EXIT: STATUS=1\n");
	for (int i = 0; i < 3; i++)
		puts("and goes on\n");
	psci_system_off();
}

static void fail(void)
{
	report_pass("one is one");
	report_fail("expected 1, found 2");
}

static void skip(void)
{
	report_skip("the machine has no such feature (FEAT_Nothing)");
}

__attribute__((__noinline__)) u64 recurse(u64 depth)
{
	volatile u64 frame[64] = { depth };

	/* The compiler must not see that it never ends. */
	return frame[0] == depth ? recurse(depth + 1) + frame[0] : 0;
}

void stack_overflow(void)
{
	report_info("recursion returned %lx", recurse(0));
}

/* Failures that are no news. */
static void known(void)
{
	report_xfail(true, false, "fails as expected");
	report_kfail(true, false, "fails for a known reason");
	report_xfail(false, true, "passes, and was to pass");
	report_kfail(true, true, "passes, although it is known to fail");
}

/* A place on a page that is mapped, and something printed, when it is first read. */
static char *late_place;

static void print_and_map(struct pt_regs *regs, unsigned int esr)
{
	char *page = alloc_page();

	puts("printed while the line of a check is formatted\n");
	strcpy(page, "arm/late.c:1");
	install_page(mmu_idmap, virt_to_phys(page), late_place);
}

/* Unexpected results of each kind */
static void places(void)
{
	report(false, "report");
	report_xfail(true, true, "report_xfail, passed");
	report_xfail(false, false, "report_xfail, not expected");
	report_kfail(false, false, "report_kfail, not known");
	report_fail("report_fail");
	TEST_EXPECT_EQ(1 + 1, 3);
	TEST_EXPECT_EQ_MSG(-1, 1U, "in round %d", 2);
	print_binstr(5);
	puts("\n");
	late_place = alloc_vpage();
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, print_and_map);
	__report_fail(late_place, "place read late");
}

/* The allocator's lock must be free again when the assertion powers the machine off. */
static void double_free(void)
{
	void *page = alloc_page();

	free_page(page);
	free_page(page);
}

/* The console's lock is held when the exception comes that the dump has to print. */
static void bad_string(void)
{
	puts((const char *)0xdead0000000UL);
}

static void silent_exit(void)
{
	exit(0); /* without a summary, without a check */
}

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
	{ "hang", hang },
	{ "wfi", sleep_for_ever },
	{ "exception", exception },
	{ "undefined", undefined },
	{ "sve", trapped_sve },
	{ "assert", assertion },
	{ "abort", aborted },
	{ "poweroff", power_off },
	{ "garbage", garbage },
	{ "open-lines", open_lines },
	{ "two-ends", two_ends },
	{ "flood", flood },
	{ "forge", forge },
	{ "fail", fail },
	{ "skip", skip },
	{ "stack", stack_overflow },
	{ "stack-cpu1", stack_overflow_of_cpu1 },
	{ "lost-cpu", lost_cpu },
	{ "assert-all", assertion_on_all },
	{ "assert-while-printing", assertion_while_other_prints },
	{ "assert-while-locked", assertion_while_other_has_console },
	{ "silent-exit", silent_exit },
	{ "double-free", double_free },
	{ "handler-stack", handler_stack_overflow },
	{ "known", known },
	{ "places", places },
	{ "bad-string", bad_string },
	{ "hang-cpus", hang_in_many_ways },
	{ "hang-guest", guest_hang },
	{ "hang-handler", hang_handler },
	{ "livelock", livelock },
	{ "livelock-cpu1", livelock_of_cpu1 },
	{ "livelock-smc", livelock_smc },
	{ "poll", poll },
	{ "calls", calls },
	{ "handler-exception", handler_exception },
	{ "handler-sve", handler_sve },
	{ "guest-exit", unhandled_exit },
	{ "guest-unchecked", unchecked_exit },
	{ "guest-code", guest_code },
	{ "guest-hvc", unhandled_hvc },
	{ "guest-checks", guest_checks },
	{ "stage2-checks", stage2_checks },
	{ "conform-checks", conform_checks },
	{ "guest-deep", guest_deep },
	{ "guest-assert", guest_assertion },
	{ "guest-abort", guest_abort },
	{ "guest-own-handler", guest_own_handler },
	{ "guest-bad-string", guest_bad_string },
	{ "guest-stack", guest_stack_overflow },
	{ "guest-opaque", guest_opaque },
	{ "guest-skip", guest_skip },
	{ "guest-skip-interrupt", guest_skip_interrupt },
	{ "its-stopped", its_stopped },
	{ "its-stopped-vmapp", its_stopped_vmapp },
	{ "its-stopped-vmapti", its_stopped_vmapti },
	{ "its-stopped-vmovi", its_stopped_vmovi },
	{ "its-stalled", its_stalled },
	{ "its-unknown-device", its_unknown_device },
	{ "lpi-out-of-range", lpi_out_of_range },
	{ "vlpi-out-of-range", vlpi_out_of_range },
};

int main(int argc, char **argv)
{
	if (argc != 2)
		report_abort("one argument: what to do wrong");
	for (size_t i = 0; i < ARRAY_SIZE(behaviours); i++) {
		if (!strcmp(argv[1], behaviours[i].name)) {
			behaviours[i].run();
			return report_summary();
		}
	}
	report_abort("unknown behaviour %s", argv[1]);
}
