/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's user mode: into it, out of it by exceptions, and that guests leave it as it was. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/backtrace.h>
#include <asm/guest-check.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/thread_info.h>
#include <asm/user.h>

#define STACK_ORDER 2
#define SVC_NUMBER 7

static struct {
	unsigned int calls;
	bool user_in_handler, user_in_function, chain_ends;
	u64 pstate, sp, arg;
} seen;

static void run(void (*func)(void *), void *arg, const char *what)
{
	char *stack = alloc_pages(STACK_ORDER);
	u64 daif = read_sysreg(daif), after;

	assert(stack);
	local_irq_enable();
	start_usr(func, arg, (unsigned long)stack + (PAGE_SIZE << STACK_ORDER));
	after = read_sysreg(daif);
	write_sysreg(daif, daif);
	report(!(after & PSR_I_BIT),
	       "DAIF.I after user mode, %s, clear before: expected 0, found DAIF %#lx", what,
	       after);
	free_pages(stack);
}

/* The chain of frames ends at the user function: its x29 may be anything. */
static bool chain_ends_at(u64 pc)
{
	const struct frame *frame = __builtin_frame_address(0);

	while (frame->next)
		frame = frame->next;
	return (u64)frame->ret == pc;
}

static void count_svc(struct pt_regs *regs, unsigned int esr)
{
	seen.chain_ends &= chain_ends_at(regs->pc);
	seen.calls += (esr & 0xffff) == SVC_NUMBER;
	seen.user_in_handler |= is_user();
	seen.pstate = regs->pstate;
	seen.sp = regs->sp;
}

static void svc_twice(void *arg)
{
	seen.arg = (u64)arg;
	seen.user_in_function = is_user();
	asm volatile("svc %0" : : "i"(SVC_NUMBER) : "memory");
	seen.user_in_function &= is_user();
	asm volatile("svc %0" : : "i"(SVC_NUMBER) : "memory");
}

static void check_svc(void)
{
	u64 daif = read_sysreg(daif), sp = (u64)__builtin_frame_address(0);

	seen.calls = 0;
	seen.user_in_handler = false;
	seen.chain_ends = true;
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_SVC64, count_svc);
	run(svc_twice, (void *)0x1234, "two SVCs");
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_SVC64, NULL);
	report(seen.calls == 2 && seen.arg == 0x1234,
	       "SVCs of a user function: expected 2, argument 0x1234, found %u, %#lx", seen.calls,
	       seen.arg);
	report((seen.pstate & (PSR_MODE_MASK | PSR_MODE32_BIT)) == PSR_MODE_EL0t &&
		       !(seen.pstate & PSR_DAIF) && (seen.sp >> THREAD_SHIFT) != sp >> THREAD_SHIFT,
	       "state of a user function: expected EL0t, DAIF 0, another stack than %#lx; found "
	       "PSTATE %#lx, SP %#lx",
	       sp, seen.pstate, seen.sp);
	report(seen.user_in_function && !seen.user_in_handler && !is_user(),
	       "is_user() in the function, its handler and after it: expected 1, 0, 0, found %d, %d, %d",
	       seen.user_in_function, seen.user_in_handler, is_user());
	report(seen.chain_ends,
	       "frames of the handler: expected the user function's PC in the last "
	       "one, found others behind it");
	report(read_sysreg(daif) == daif, "DAIF after user mode: expected %#lx, found %#lx", daif,
	       (u64)read_sysreg(daif));
}

static void report_there(void *arg)
{
	report(is_user() && smp_processor_id() == 0,
	       "is_user() and CPU in user mode: expected 1, 0, found %d, %d", is_user(),
	       smp_processor_id());
}

static void test_report(void)
{
	run(report_there, NULL, "a report");
}

/* The host's registers are undefined in user mode. */
static void skip_undefined(struct pt_regs *regs, unsigned int esr)
{
	seen.calls++;
	regs->pc += 4;
}

static void read_current_el(void *arg)
{
	u64 el;

	asm volatile("mrs %0, CurrentEL" : "=r"(el) : : "memory");
}

static void test_undefined(void)
{
	seen.calls = 0;
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_UNKNOWN, skip_undefined);
	run(read_current_el, NULL, "a read of CurrentEL");
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_UNKNOWN, NULL);
	report(seen.calls == 1, "undefined instructions by CurrentEL at EL0: expected 1, found %u",
	       seen.calls);
}

/* A register that the library reads for user mode, into none */
static void read_into_xzr(void *arg)
{
	u64 *sp = arg;

	asm volatile("mov	%0, sp\n"
		     "mrs	xzr, sctlr_el1\n"
		     "mov	%1, sp\n"
		     "mov	sp, %0\n"
		     : "=&r"(sp[0]), "=&r"(sp[1])
		     :
		     : "memory");
}

static void test_into_xzr(void)
{
	u64 sp[2] = {};

	run(read_into_xzr, sp, "a read of SCTLR_EL1 into XZR");
	report(sp[0] && sp[1] == sp[0],
	       "SP after MRS XZR, SCTLR_EL1 in user mode: expected %#lx as before, found %#lx",
	       sp[0], sp[1]);
}

/* A page without user access is a permission fault. */
static void note_abort(struct pt_regs *regs, unsigned int esr)
{
	seen.calls += (esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
	regs->pc += 4;
}

static void read_page(void *page)
{
	asm volatile("ldr xzr, [%0]" : : "r"(page) : "memory");
}

static void test_no_access(void)
{
	u64 *page = vm_slot_alloc();

	assert(vm_populate(page, PAGE_SIZE));
	seen.calls = 0;
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_DABT_LOW, note_abort);
	run(read_page, page, "a read");
	report(seen.calls == 0,
	       "faults of user mode on a page before mmu_clear_user(): expected 0, found %u",
	       seen.calls);
	mmu_clear_user(mmu_idmap, (unsigned long)page);
	run(read_page, page, "a read that faults");
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_DABT_LOW, NULL);
	*page = 1;
	report(seen.calls == 1,
	       "permission faults of user mode, and none of the host, after mmu_clear_user(): expected "
	       "1, found %u",
	       seen.calls);
	vm_slot_free(page);
}

/* On a VHE host, where CNTHCTL_EL2 decides; at EL1 CNTKCTL_EL1 is left as it was. */
static void read_counters(void *arg)
{
	read_sysreg(cntpct_el0);
	read_sysreg(cntvct_el0);
}

static void test_counters(void)
{
	if (!host_vhe) {
		report_skip("the host is no VHE host");
		return;
	}
	seen.calls = 0;
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_SYS64, skip_undefined);
	run(read_counters, NULL, "reads of counters");
	install_exception_handler(ELx_LOW_SYNC_64, ESR_ELx_EC_SYS64, NULL);
	report(seen.calls == 0,
	       "CNTPCT_EL0 and CNTVCT_EL0 in user mode: expected 0 of 2 trapped, found %u",
	       seen.calls);
}

static void guest_hvc(void)
{
	asm volatile("hvc #0\n	mov x0, #5\n	msr tpidrro_el0, x0" : : : "x0");
}

static enum guest_handler_result resume(struct guest *guest)
{
	return GUEST_ACTION_RESUME;
}

/* HCR_EL2.TGE and the rest are what EL0 needs again. */
static void test_after_guest(void)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);
	struct guest *guest;

	if (unsupported) {
		report_skip("%s", unsupported);
		return;
	}
	guest = guest_create_4k(50, guest_hvc);
	guest_install_handler(guest, ELx_LOW_SYNC_64, resume);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "guest before user mode");
	check_svc();
	guest_destroy(guest);
}

/* What SCTLR and CNTKCTL trap, and the library needs at EL0 */
static void wait_and_count(void *arg)
{
	u64 *counts = arg;

	if (!host_at_el2)
		wfi(); /* below EL2 QEMU 7.2 does not trap it, and waits (docs/errata.md) */
	wfe();
	counts[0] = get_cntvct();
	counts[1] = get_cntfrq();
	counts[2] = get_cntvct();
}

static void skip_instruction(struct pt_regs *regs, unsigned int esr)
{
	seen.calls++;
	regs->pc += 4;
}

static void test_trapped(void)
{
	u64 counts[3] = { 0 }, before = get_cntvct();

	run(wait_and_count, counts, "that waits and reads the counter");
	report(counts[0] >= before && counts[2] >= counts[0] && counts[1] == get_cntfrq(),
	       "counter and frequency at EL0: expected at least %#lx and %#x, found %#lx and %#lx",
	       before, get_cntfrq(), counts[0], counts[1]);

	if (host_at_el2)
		return;
	/* A handler of the test's own comes first. */
	seen.calls = 0;
	install_exception_handler(EL0_SYNC_64, ESR_ELx_EC_WFx, skip_instruction);
	run(wait_and_count, counts, "that waits, with a handler");
	install_exception_handler(EL0_SYNC_64, ESR_ELx_EC_WFx, NULL);
	report(seen.calls >= 1, "WFI at EL0: expected an exception for the handler, found %u",
	       seen.calls);
}

/*
 * Another exception than SVC at the end of user mode, where a function may jump to: by RET, as with
 * branch protection another indirect branch ends at a BTI only.
 */
static void jump_to_end(void *end)
{
	asm volatile("ret %0" : : "r"(end));
}

static void clear_breakpoint(struct pt_regs *regs, unsigned int esr)
{
	seen.calls++;
	write_sysreg(0, dbgbcr0_el1);
	isb();
}

static void test_breakpoint(void)
{
	extern char user_return[];
	u64 end = (u64)user_return + 4, mdscr = read_sysreg(mdscr_el1);

	seen.calls = 0;
	install_exception_handler(EL0_SYNC_64, ESR_ELx_EC_BREAKPT_LOW, clear_breakpoint);
	write_sysreg(0, oslar_el1);
	write_sysreg(end, dbgbvr0_el1);
	write_sysreg(0xfUL << 5 | 2UL << 1 | 1, dbgbcr0_el1); /* BAS, PMC: EL0, E */
	write_sysreg(mdscr | 1UL << 15, mdscr_el1); /* MDE */
	isb();
	run(jump_to_end, (void *)end, "that ends at a breakpoint");
	write_sysreg(mdscr, mdscr_el1);
	report(seen.calls == 1, "breakpoints at the end of user mode: expected 1, found %u",
	       seen.calls);
	install_exception_handler(EL0_SYNC_64, ESR_ELx_EC_BREAKPT_LOW, NULL);
}

static const struct subtest subtests[] = {
	{ "svc", check_svc },
	{ "report", test_report },
	{ "undefined", test_undefined },
	{ "into-xzr", test_into_xzr },
	{ "no-access", test_no_access },
	{ "counters", test_counters },
	{ "after-guest", test_after_guest },
	{ "trapped", test_trapped },
	{ "breakpoint", test_breakpoint },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(user_mode_unsupported(), subtests, ARRAY_SIZE(subtests), argc,
				   argv);
}
