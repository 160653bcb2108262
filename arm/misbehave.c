/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images that go wrong on purpose, one way for each argument. The runner's verdict on each is in
 * docs/misbehaving-images.md.
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <alloc_page.h>
#include <string.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/console.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/psci.h>

static void on_other_cpu(void *func)
{
	((void (*)(void))func)();
}

static void hang(void)
{
	report_info("about to spin");
	for (;;)
		cpu_relax();
}

static void sleep_for_ever(void)
{
	report_info("about to wait for an interrupt that nobody sends");
	for (;;)
		wfi();
}

/* Of its own, so that the backtrace has something to show. */
static __attribute__((__noinline__)) void load_from(const volatile u64 *address)
{
	report_info("read %lx", *address);
}

static void exception(void)
{
	report_pass("a check before the exception");
	load_from((u64 *)0xdead0000000UL);
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

/* Before the end, another CPU has printed what a CPU prints that dies. */
static volatile bool said;

static void say_that_it_died(void)
{
	puts("Unhandled exception: ec=0x25 (data abort)\n\nEXIT: STATUS=127\n");
	said = true;
}

static void two_ends(void)
{
	on_cpu_async(1, on_other_cpu, say_that_it_died);
	while (!said)
		cpu_relax();
	report_pass("the other CPU was quicker");
}

static void flood(void)
{
	for (unsigned long i = 0;; i++)
		printf("line %lu of a flood that does not end\n", i);
}

/* Says that all is well before the verdict is known, then fails without a word. */
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

static __attribute__((__noinline__)) u64 recurse(u64 depth)
{
	volatile u64 frame[64] = { depth };

	/* The compiler must not see that it never ends. */
	return frame[0] == depth ? recurse(depth + 1) + frame[0] : 0;
}

static void stack_overflow(void)
{
	report_info("recursion returned %lx", recurse(0));
}

static enum guest_handler_result recurse_in_handler(struct guest *guest)
{
	guest->x[0] = recurse(0);
	return GUEST_ACTION_EXIT;
}

static void guest_hvc(void)
{
	asm volatile("hvc #0");
}

/* A guest's handlers have a stack of their own, with a guard of its own. */
static void handler_stack_overflow(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, recurse_in_handler);
	guest_run(guest);
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

static void stack_overflow_of_cpu1(void)
{
	on_cpu(1, on_other_cpu, stack_overflow);
}

static void lost_cpu(void)
{
	on_cpus_timeout_ms = 200;
	on_cpu(1, on_other_cpu, hang);
}

/* All CPUs fail at once; the last words are one CPU's. */
static void fail_on_all(void *data)
{
	assert_msg(false, "at once");
}

static void assertion_on_all(void)
{
	on_cpus(fail_on_all, NULL);
}

static volatile bool other_began;

static void print_for_ever(void *data)
{
	for (unsigned long i = 0;; i++) {
		printf("line %lu of a CPU that prints until the end\n", i);
		other_began = true;
	}
}

/* What another CPU prints is not among the last lines. */
static void assertion_while_other_prints(void)
{
	on_cpu_async(1, print_for_ever, NULL);
	while (!other_began)
		cpu_relax();
	assert_msg(false, "at the end");
}

static void spin_in_handler(struct pt_regs *regs, unsigned int esr)
{
	other_began = true;
	for (;;)
		cpu_relax();
}

static void print_bad_string(void *data)
{
	puts((const char *)0xdead0000000UL);
}

/* The other CPU has the console's lock, and never releases it. */
static void assertion_while_other_has_console(void)
{
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, spin_in_handler);
	on_cpu_async(1, print_bad_string, NULL);
	while (!other_began)
		cpu_relax();
	assert_msg(false, "without the lock");
}

static void turn_off(void)
{
	cpu_psci_cpu_die();
}

/* CPU 1 spins, CPU 2 sleeps, CPU 3 turned itself off, CPU 4 was never started. */
static void hang_in_many_ways(void)
{
	on_cpu_async(1, on_other_cpu, hang);
	on_cpu_async(2, on_other_cpu, sleep_for_ever);
	on_cpu_async(3, on_other_cpu, turn_off);
	sleep_for_ever();
}

static __attribute__((__noinline__)) void guest_spin(void)
{
	for (;;)
		cpu_relax();
}

static void guest_hang_main(void)
{
	guest_spin();
}

static void guest_hang(void)
{
	report_info("about to run a guest that spins");
	guest_run(guest_create(1, guest_hang_main, S2_PAGE_4K));
}

/* Not mapped in a guest */
#define ADDRESS 0x123456000UL
#define WRONG_ADDRESS (ADDRESS + PAGE_SIZE)

static void guest_load(void)
{
	load_from((u64 *)ADDRESS);
}

/* Maps a page other than the one that faulted, once, and hopes. */
static enum guest_handler_result map_wrong_page(struct guest *guest)
{
	static void *page;

	if (!page) {
		page = alloc_page();
		s2mmu_map(guest->s2mmu, WRONG_ADDRESS, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW);
	}
	return GUEST_ACTION_RESUME;
}

static void livelock(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	guest_install_class_handler(guest, ESR_ELx_EC_DABT_LOW, map_wrong_page);
	report_info("about to run a guest whose fault is not resolved");
	guest_run(guest);
}

static void livelock_of_cpu1(void)
{
	on_cpu_async(1, on_other_cpu, livelock);
	sleep_for_ever();
}

/* A handler that forgets to step over the instruction that it has emulated */
static enum guest_handler_result emulate_without_skip(struct guest *guest)
{
	guest->x[0]++;
	return GUEST_ACTION_RESUME;
}

static void guest_smc(void)
{
	asm volatile("mov x0, #1\n	smc #0" : : : "x0");
}

static void livelock_smc(void)
{
	struct guest *guest = guest_create(1, guest_smc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, emulate_without_skip);
	report_info("about to run a guest whose SMC is not stepped over");
	guest_run(guest);
}

/* Not livelocks: the guest waits for a device, whose register never changes. */
static enum guest_handler_result read_as_zero(struct guest *guest)
{
	guest->x[0] = 0;
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void guest_poll(void)
{
	asm volatile("1: ldr	w0, [%0]\n	cbz	w0, 1b" : : "r"(ADDRESS) : "x0");
}

static void poll(void)
{
	struct guest *guest = guest_create(1, guest_poll, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, read_as_zero);
	report_info("about to run a guest that polls a device");
	guest_run(guest);
}

/* Calls the host for ever, which answers */
static void guest_call_for_ever(void)
{
	for (;;)
		guest_hvc();
}

static enum guest_handler_result answer(struct guest *guest)
{
	return GUEST_ACTION_RESUME;
}

static void calls(void)
{
	struct guest *guest = guest_create(1, guest_call_for_ever, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, answer);
	report_info("about to run a guest that calls the host for ever");
	guest_run(guest);
}

static enum guest_handler_result spin_in_exit(struct guest *guest)
{
	hang();
	return GUEST_ACTION_RESUME;
}

static void hang_handler(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, spin_in_exit);
	guest_run(guest);
}

static enum guest_handler_result load_in_handler(struct guest *guest)
{
	load_from((u64 *)0xdead0000000UL);
	return GUEST_ACTION_EXIT;
}

static void handler_exception(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, load_in_handler);
	guest_run(guest);
}

static void unhandled_exit(void)
{
	struct guest *guest = guest_create(1, guest_load, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}

/* As in a test that leaves all checks to its guest, and does not check how that ended. */
static void unchecked_exit(void)
{
	guest_run(guest_create(1, guest_load, S2_PAGE_4K));
}

/* The image's code is read-only in a guest. */
static void guest_write_code(void)
{
	*(volatile u32 *)guest_load = 0;
}

static void guest_code(void)
{
	struct guest *guest = guest_create(1, guest_write_code, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}

static __attribute__((__noinline__)) void guest_level(unsigned int depth)
{
	if (depth)
		guest_level(depth - 1);
	else
		load_from((u64 *)ADDRESS);
	asm volatile(""); /* no tail call */
}

static void guest_deep_main(void)
{
	guest_level(4);
	asm volatile("");
}

static void guest_deep(void)
{
	report_fail("the guest ran to its end: %d",
		    guest_run(guest_create(1, guest_deep_main, S2_PAGE_4K)));
}

static __attribute__((__noinline__)) void check_answer(int answer)
{
	assert_msg(answer == 42, "in a guest, answer is %d", answer);
	if (answer == 42)
		report_abort("cannot go on in a guest");
}

static void guest_assert_main(void)
{
	report_pass("a check in the guest");
	check_answer(41);
	asm volatile("");
}

static void guest_assertion(void)
{
	guest_run(guest_create(1, guest_assert_main, S2_PAGE_4K));
}

static void guest_abort_main(void)
{
	check_answer(42);
	asm volatile("");
}

static void guest_abort(void)
{
	guest_run(guest_create_el0(1, guest_abort_main, S2_PAGE_4K));
}

static void guest_handler(struct guest_el1_regs *regs, unsigned int esr)
{
	assert_msg(!esr, "in a guest's own handler");
}

static void guest_undefined(void)
{
	asm volatile("udf #0");
}

static void guest_own_handler(void)
{
	struct guest *guest = guest_create(1, guest_undefined, S2_PAGE_4K);

	guest_install_el1_handler(guest, ELxH_SYNC, guest_handler);
	guest_run(guest);
}

static void guest_string_main(void)
{
	puts((const char *)ADDRESS);
	asm volatile("");
}

static void guest_bad_string(void)
{
	guest_run(guest_create(1, guest_string_main, S2_PAGE_4K));
}

static void guest_stack_main(void)
{
	recurse(0);
}

static void guest_stack_overflow(void)
{
	report_fail("the guest ran to its end: %d",
		    guest_run(guest_create(1, guest_stack_main, S2_PAGE_4K)));
}

static void guest_printf_main(void)
{
	printf("printed in a guest that is opaque\n");
	asm volatile("");
}

static void guest_opaque(void)
{
	struct guest *guest = guest_create(1, guest_printf_main, S2_PAGE_4K);

	guest_set_opaque(guest, true);
	report_fail("the guest ran to its end: %d", guest_run(guest));
}

static enum guest_handler_result skip_call(struct guest *guest)
{
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void guest_skip(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, skip_call);
	guest_run(guest);
}

/* As after the HVC, whose syndrome ESR_EL2 has */
static void guest_skip_interrupt(void)
{
	struct guest *guest = guest_create(1, guest_hvc, S2_PAGE_4K);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_run(guest);
	guest_install_handler(guest, ELx_LOW_IRQ_64, skip_call);
	gic_enable_defaults();
	gic_ipi_send_single(1, 0);
	guest_run(guest);
}

static __attribute__((__noinline__)) void guest_hvc_7(void)
{
	asm volatile("hvc #7");
	cpu_relax();
}

static void guest_call_7(void)
{
	guest_hvc_7();
}

static void unhandled_hvc(void)
{
	struct guest *guest = guest_create(1, guest_call_7, S2_PAGE_4K);

	report_fail("the guest ran to its end: %d", guest_run(guest));
}

static u64 guest_add(u64 a, u64 b)
{
	return a + b;
}

/* Runs @func up to its first exit, with no handler that lets it go on. */
static struct guest *create_stopping(void *func)
{
	struct guest *guest = guest_create_4k(1, func);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	return guest;
}

static struct guest *no_guest(void)
{
	return NULL;
}

/* Checks of guests' exits: passed, and failed for each thing that they compare. */
static void guest_checks(void)
{
	struct guest *adds = create_stopping(guest_add), *calls = create_stopping(guest_hvc);
	struct guest *loads = create_stopping(guest_load);

	adds->x[0] = 40;
	adds->x[1] = 2;
	guest_check_run(adds, EXPECT_RETURN(42), "right value");
	guest_check_exit(adds, EXPECT_RETURN(41), "wrong value, not %d", 42);
	guest_check_exit(adds, EXPECT_CLASS(ESR_ELx_EC_HVC64), "returned too early");
	guest_check_run(calls, EXPECT_CLASS(ESR_ELx_EC_HVC64), "right class");
	guest_check_exit(calls, EXPECT_CLASS(ESR_ELx_EC_SMC64), "wrong class");
	guest_check_exit(calls, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, 1, 0xffff), "wrong immediate");
	guest_check_exit(calls, EXPECT_REASON(GUEST_EXIT_INTERRUPT), "wrong reason");
	guest_check_run(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, ADDRESS),
			"right abort");
	guest_check_exit(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, ADDRESS),
			 "wrong fault");
	guest_check_exit(loads, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, ADDRESS + 8),
			 "wrong address");
	guest_check_exit(loads, EXPECT_MRS(3, 0, 13, 0, 4), "an abort in place of a trap");
	guest_require(no_guest());
}

/* Where the machine has neither memory nor a device */
#define NOTHING_THERE 0x0b800000UL

static struct its_device *its_device_at(void *itt)
{
	struct its_device *dev;

	gic_enable_defaults();
	its_enable_defaults();
	dev = its_create_device(2, 5);
	dev->itt = itt ?: dev->itt;
	its_send_mapd_nv(dev, true);
	return dev;
}

static void its_stopped(void)
{
	struct its_device *dev = its_device_at(NULL);

	writel(0, gicv3_its_base() + GITS_CTLR);
	its_send_int_nv(dev, 7);
}

static void its_stalled(void)
{
	struct its_collection *col;
	struct its_device *dev = its_device_at(ioremap(NOTHING_THERE, SZ_4K));

	col = its_create_collection(1, 0);
	its_send_mapc_nv(col, true);
	its_send_mapti_nv(dev, LPI(3), 7, col);
}

static void its_unknown_device(void)
{
	its_device_at(NULL);
	its_get_device(3);
}

static void lpi_out_of_range(void)
{
	its_device_at(NULL);
	gicv3_lpi_set_config(LPI_ID_BASE - 1, LPI_PROP_DEFAULT);
}

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
	{ "hang", hang },
	{ "wfi", sleep_for_ever },
	{ "exception", exception },
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
	{ "guest-exit", unhandled_exit },
	{ "guest-unchecked", unchecked_exit },
	{ "guest-code", guest_code },
	{ "guest-hvc", unhandled_hvc },
	{ "guest-checks", guest_checks },
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
	{ "its-stalled", its_stalled },
	{ "its-unknown-device", its_unknown_device },
	{ "lpi-out-of-range", lpi_out_of_range },
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
