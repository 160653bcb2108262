/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions that a guest takes to EL1: its own handlers there, and the exits of those that have
 * none.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-call.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/guest-hypercall.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define VMID 42

/* guest-el1-handlers.S */
void guest_registers(void);
void guest_move_sp(void);
void guest_move_sp_el0(void);
void guest_flags(void);
void guest_keep_sp_el0(void);

/* A guest at EL1 or EL0, with a handler of its own for @vector. */
static struct guest *create(bool el0, void *func, enum vector vector, guest_el1_handler_t handler)
{
	struct guest *guest = el0 ? guest_require(guest_create_el0(VMID, func, S2_PAGE_4K))
				  : guest_create_4k(VMID, func);

	assert(guest_install_el1_handler(guest, vector, handler));
	return guest;
}

/*
 * Registers
 */

/* In memory that host and guests share. */
static struct guest_el1_regs seen;
static unsigned int calls, seen_esr;

/* These run at EL1. */
static void change_registers(struct guest_el1_regs *regs, unsigned int esr)
{
	calls++;
	seen = *regs;
	seen_esr = esr;
	for (u64 n = 0; n < 31; n++)
		regs->regs[n] = 0x200 + n;
}

#define SP_MOVE 0x140

static void move_sp(struct guest_el1_regs *regs, unsigned int esr)
{
	calls++;
	seen = *regs;
	regs->sp -= SP_MOVE;
}

static void set_flags_and_skip(struct guest_el1_regs *regs, unsigned int esr)
{
	seen = *regs;
	regs->spsr |= PSR_N_BIT | PSR_C_BIT;
	regs->elr += 4;
}

static void test_registers(void)
{
	for (int el0 = 0; el0 < 2; el0++) {
		struct guest *guest = create(el0, guest_registers,
					     el0 ? ELx_LOW_SYNC_64 : ELxH_SYNC, change_registers);
		u64 mode = el0 ? PSR_MODE_EL0t : PSR_MODE_EL1h,
		    sp = el0 ? guest->sp_el0 : guest->sp_el1;
		int wrong = 0;

		report_prefix_pushf("EL%d", !el0);
		calls = 0;
		guest_check_run(guest, EXPECT_RETURN(0),
				"bits in which x0..x30 differ from what the handler wrote");
		for (u64 n = 0; n < 31; n++)
			wrong += seen.regs[n] != 0x100 + n;
		report(calls == 1 && !wrong && seen.sp == sp - 16,
		       "in the handler: expected 1 call, 0 wrong of x0..x30, sp %#lx, found %u, "
		       "%d, %#lx",
		       sp - 16, calls, wrong, seen.sp);
		report(seen_esr == (ESR_ELx_EC_SVC64 << ESR_ELx_EC_SHIFT | ESR_ELx_IL | 1) &&
			       (seen.spsr & PSR_MODE_MASK) == mode,
		       "syndrome and mode in the handler: expected SVC #1 and %#lx, found %#x and "
		       "%#lx",
		       mode, seen_esr, seen.spsr & PSR_MODE_MASK);
		guest_destroy(guest);
		report_prefix_pop();
	}
}

static enum vector other_vector;

static void note_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	other_vector = ELx_LOW_IRQ_64;
	seen = *regs;
	asm volatile("hvc #0" : : : "memory"); /* the host takes it away */
}

static enum guest_handler_result clear_irq(struct guest *guest)
{
	guest->hcr_el2 &= ~HCR_EL2_VI;
	return GUEST_ACTION_RESUME;
}

static u64 guest_read_sp_el0(void)
{
	return read_sysreg(sp_el0);
}

static void test_sp(void)
{
	struct guest *guest = create(true, guest_move_sp, ELx_LOW_SYNC_64, move_sp);
	u64 sp = guest->sp_el0;

	guest_check_run(guest, EXPECT_RETURN(SP_MOVE), "sp of EL0, moved by a handler at EL1");
	report(seen.sp == sp, "sp of EL0 in the handler: expected %#lx, found %#lx", sp, seen.sp);
	guest_destroy(guest);

	guest = create(false, guest_move_sp_el0, ELxT_SYNC, move_sp);
	sp = (u64)guest->stack + GUEST_STACK_SIZE / 2;
	guest->x[0] = sp;
	guest_check_run(guest, EXPECT_RETURN(SP_MOVE), "SP_EL0 of EL1t, moved by a handler");
	report(seen.sp == sp, "SP_EL0 of EL1t in the handler: expected %#lx, found %#lx", sp,
	       seen.sp);
	guest_destroy(guest);

	guest = create(false, guest_keep_sp_el0, ELxH_SYNC, move_sp);
	guest->x[0] = 0x1230;
	guest_check_run(guest, EXPECT_RETURN(0x1230), "SP_EL0 after an exception of EL1h");
	guest_destroy(guest);

	guest = create(false, guest_read_sp_el0, ELxH_IRQ, note_irq);
	guest->sp_el0 = 0x1230;
	guest->spsr_el2 &= ~(u64)PSR_I_BIT;
	guest->hcr_el2 |= HCR_EL2_VI;
	guest_install_handler(guest, ELx_LOW_SYNC_64, clear_irq);
	guest_check_run(guest, EXPECT_RETURN(0x1230), "SP_EL0 after a virtual IRQ at EL1h");
	guest_destroy(guest);
}

static void test_pstate(void)
{
	struct guest *guest = create(false, guest_flags, ELxH_SYNC, set_flags_and_skip);
	u64 pc = (u64)guest_flags + 8;

	guest_check_run(guest, EXPECT_RETURN(0x600c | PSR_N_BIT | PSR_C_BIT),
			"flags that a handler set, and an instruction that it skipped");
	report(seen.elr == pc, "pc in the handler of SVC: expected %#lx, found %#lx", pc, seen.elr);
	guest_destroy(guest);
}

/*
 * A handler that unmasks
 */

static void unmask(struct guest_el1_regs *regs, unsigned int esr)
{
	daif_clear(PSR_DAIF);
}

static u64 guest_svc(void)
{
	asm volatile("svc #1" : : : "memory");
	return 0x600d;
}

#define INSTRUCTION_ERET 0xd69f03e0
/* E, PMC = EL1, BAS = all 4 bytes */
#define BREAK_AT_EL1 (1UL | 1UL << 1 | 0xfUL << 5)

/* The vectors' return from a handler */
static u64 find_eret(const struct guest *guest)
{
	const u32 *code = guest->el1_page;
	size_t i = VECTOR_MAX * VECTOR_SLOT_SIZE / sizeof(*code);

	while (i < GUEST_EL1_PAGE_SIZE / sizeof(*code) && code[i] != INSTRUCTION_ERET)
		i++;
	return (u64)(code + i);
}

/* An interrupt before the ERET would change ELR_EL1: stop there, and look. */
static void test_unmask(void)
{
	struct guest *guest = create(false, guest_svc, ELxH_SYNC, unmask);
	u64 eret = find_eret(guest);

	assert(guest_enable_debug(guest));
	guest->debug->guest.bvr[0] = eret;
	guest->debug->guest.bcr[0] = BREAK_AT_EL1;
	guest->debug->guest.os_lock = 0;
	guest->mdscr_el1 = MDSCR_EL1_MDE;
	guest->mdcr_el2 |= MDCR_EL2_TDE;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_BREAKPT_LOW),
			"a breakpoint at the vectors' ERET");
	report(guest->elr_el2 == eret && (guest->spsr_el2 & PSR_DAIF) == PSR_DAIF,
	       "PC and DAIF there, after a handler that unmasked: expected %#lx and %#x, found %#lx "
	       "and %#lx",
	       eret, PSR_DAIF, guest->elr_el2, guest->spsr_el2 & PSR_DAIF);
	guest->debug->guest.bcr[0] = 0;
	guest_check_run(guest, EXPECT_RETURN(0x600d), "the guest, from there on");
	guest_destroy(guest);
}

/*
 * Exceptions without handler
 */

static u64 guest_wait(void)
{
	asm volatile("wfi" : : : "memory");
	return 0;
}

/* A handler that is taken away, and one for a vector that is not that of the exception. */
static void test_removed(void)
{
	struct guest *guest = create(false, guest_svc, ELxH_SYNC, unmask);

	assert(guest_install_el1_handler(guest, ELxH_SYNC, NULL));
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"SVC at EL1 after its handler was removed");
	guest_destroy(guest);
	guest = create(false, guest_svc, ELx_LOW_SYNC_64, unmask);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"SVC at EL1 with a handler for EL0's");
	guest_destroy(guest);
}

/* One handler after the other, in the same page. */
static void test_two(void)
{
	struct guest *guest = create(false, guest_flags, ELxH_SYNC, set_flags_and_skip);
	unsigned long pages = alloc_pages_in_use();

	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, unmask));
	report(alloc_pages_in_use() == pages,
	       "pages in use after another handler was installed: expected %lu, found %lu", pages,
	       alloc_pages_in_use());
	guest_check_run(guest, EXPECT_RETURN(0x600c | PSR_N_BIT | PSR_C_BIT),
			"SVC to a handler after which another one was installed");
	guest_destroy(guest);
}

/*
 * Start at the slot, where the CPU would have come to: of the first vectors, or of the guest's own,
 * with EL0 routed to the host.
 */
static void check_slot(bool routed, enum vector vector)
{
	struct guest *guest = guest_create_4k(VMID, guest_wait);
	bool to_host = routed && (vector == ELx_LOW_SYNC_64 || vector == ELx_LOW_SYNC_32);
	u64 syndrome;

	if (routed)
		assert(guest_install_el1_handler(guest, ELxT_SYNC, NULL));
	guest_route_el0(guest, routed);
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest->elr_el2 = guest->vbar_el1 + vector * VECTOR_SLOT_SIZE;
	guest->elr_el1 = 0x1234;
	guest->esr_el1 = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT;
	syndrome = vector_is_interrupt(vector) ? 0 : guest->esr_el1;
	guest_check_run(
		guest, EXPECT_REASON(to_host ? GUEST_EXIT_HANDLER : GUEST_EXIT_EL1_UNHANDLED),
		"%s vector %s", routed ? "the guest's own" : "the first", vector_name(vector));
	report(guest->elr_el2 == 0x1234 && guest->esr_el2 == syndrome,
	       "ELR_EL2 and ESR_EL2 of it: expected those of the exception, 0x1234 and %#lx, found "
	       "%#lx and %#lx",
	       syndrome, guest->elr_el2, guest->esr_el2);
	guest_destroy(guest);
}

static void test_vectors(void)
{
	for (enum vector vector = ELxT_SYNC; vector < VECTOR_MAX; vector++)
		for (int routed = 0; routed < 2; routed++)
			check_slot(routed, vector);
}

/*
 * What looks like the return of a guest's function at EL0, or like a call of the host
 */

static void note_sync(struct guest_el1_regs *regs, unsigned int esr)
{
	other_vector = ELx_LOW_SYNC_64;
	seen = *regs;
	regs->spsr &= ~(u64)PSR_IL_BIT;
}

/* Addresses at EL0 that the framework knows, for exceptions of one class alone. */
static const struct known {
	const char *what;
	u64 pc, class;
	u64 x0, expected; /* the guest's value, and what it returns from there */
} known[] = {
	{ "behind the SVC that returns", (u64)guest_return_el0 + 4, ESR_ELx_EC_SVC64, 7, 7 },
	{ "at guest_call()", (u64)guest_call, ESR_ELx_EC_UNKNOWN, GUEST_CALL_PROBE, 1 },
};

/* The guest is there, and its last exception was of that class. */
static struct guest *create_at(const struct known *at, enum vector vector,
			       guest_el1_handler_t handler)
{
	struct guest *guest =
		guest_require(guest_create_el0(VMID, (void (*)(void))guest_svc, S2_PAGE_4K));

	if (handler)
		assert(guest_install_el1_handler(guest, vector, handler));
	guest->elr_el2 = at->pc;
	guest->x[0] = at->x0;
	guest->esr_el1 = at->class << ESR_ELx_EC_SHIFT;
	other_vector = VECTOR_MAX;
	return guest;
}

static void check_unhandled(struct guest *guest, const struct known *at, const char *what)
{
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED), "%s, without handler",
			what);
	report(guest->elr_el2 == at->pc, "PC of it: expected %#lx, found %#lx", at->pc,
	       guest->elr_el2);
	guest_destroy(guest);
}

static void check_handled(struct guest *guest, const struct known *at, enum vector vector,
			  const char *what)
{
	guest_check_run(guest, EXPECT_RETURN(at->expected), "%s, with a handler", what);
	report(other_vector == vector && seen.elr == at->pc,
	       "its handler: expected a call by %s, ELR_EL1 %#lx, found %s, %#lx",
	       vector_name(vector), at->pc, vector_name(other_vector), seen.elr);
	guest_destroy(guest);
}

/* The SVC that returns, executed at EL1: an exception to EL1's own vectors. */
static void test_svc_of_el1(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_return_el0);

	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"the SVC that returns from EL0, executed at EL1");
	guest_destroy(guest);
}

static void test_known_addresses(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		const struct known *at = &known[i];
		struct guest *guest;

		report_prefix_push(at->what);
		for (int handled = 0; handled < 2; handled++) {
			guest = create_at(at, ELx_LOW_SYNC_64, handled ? note_sync : NULL);
			guest->spsr_el2 |= PSR_IL_BIT;
			if (handled)
				check_handled(guest, at, ELx_LOW_SYNC_64, "an illegal state");
			else
				check_unhandled(guest, at, "an illegal state");

			guest = create_at(at, ELx_LOW_IRQ_64, handled ? note_irq : NULL);
			guest->spsr_el2 = PSR_MODE_EL0t;
			guest->hcr_el2 |= HCR_EL2_VI;
			guest_install_handler(guest, ELx_LOW_SYNC_64, clear_irq);
			if (handled)
				check_handled(guest, at, ELx_LOW_IRQ_64, "a virtual IRQ");
			else
				check_unhandled(guest, at, "a virtual IRQ");
		}
		report_prefix_pop();
	}
}

/* The framework's own part of the vectors leaves the stack of EL1 as it is. */
static void test_stack(void)
{
	static void (*const funcs[])(void) = { (void (*)(void))guest_svc,
					       (void (*)(void))guest_call };

	for (int call = 0; call < 2; call++) {
		struct guest *guest = create(true, funcs[call], ELx_LOW_SYNC_64, move_sp);
		u64 sp = guest->sp_el1;

		guest->x[0] = GUEST_CALL_PROBE;
		guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "a guest at EL0 that %s",
				call ? "calls the host, and returns" : "returns");
		report(guest->sp_el1 == sp, "SP_EL1 after it: expected %#lx, found %#lx", sp,
		       guest->sp_el1);
		guest_destroy(guest);
	}
}

/* An opaque guest's calls are exceptions for its handler, whenever it became opaque. */
static void answer_5(struct guest_el1_regs *regs, unsigned int esr)
{
	regs->regs[0] = 5;
	regs->elr += 4;
}

static void test_opaque(void)
{
	struct guest *guest = create(true, guest_call, ELx_LOW_SYNC_64, answer_5);

	guest->x[0] = GUEST_CALL_PROBE;
	guest_set_opaque(guest, true);
	guest_check_run(guest, EXPECT_RETURN(5),
			"guest_call() at EL0 of a guest that became opaque, by its handler");
	guest_destroy(guest);

	guest = create(true, guest_call, ELx_LOW_SYNC_64, answer_5);
	guest->x[0] = GUEST_CALL_PROBE;
	guest_set_opaque(guest, true);
	guest_set_opaque(guest, false);
	guest_check_run(guest, EXPECT_RETURN(1),
			"guest_call() at EL0 of a guest that is no longer opaque, by the host");
	guest_destroy(guest);
}

/*
 * guest_install_el1_handler() that fails
 */

static void check_refused(struct guest *guest, const char *what)
{
	unsigned long before = alloc_pages_in_use();
	bool installed = guest_install_el1_handler(guest, ELxH_SYNC, unmask);
	long lost = alloc_pages_in_use() - before;

	report(!installed && !guest->el1_page && !lost,
	       "guest_install_el1_handler() %s: expected 0, 0 pages lost, found %d, %ld", what,
	       installed, lost);
}

static void test_refused(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_svc);
	u64 vbar = guest->vbar_el1;
	struct held_pages *held;

	/* Tables for address 0 exist: a NULL could be mapped. */
	assert(!s2mmu_map(guest->s2mmu, SZ_4K, __pa(guest_svc) & ~(SZ_4K - 1UL), SZ_4K, S2_MAP_RO));
	held = hold_all_pages();
	check_refused(guest, "without memory");
	release_pages(held);
	for (u64 ipa = ram_regions[0].start; ipa < ram_regions[0].end; ipa += SZ_64K)
		s2mmu_map(guest->s2mmu, ipa, ipa + SZ_1G, SZ_64K,
			  S2_MAP_RW | S2_MAP_NOREPLACE); /* all that is free */
	check_refused(guest, "where its address maps other memory");
	report(guest->vbar_el1 == vbar, "VBAR_EL1 after it: expected %#lx, found %#lx", vbar,
	       guest->vbar_el1);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"SVC at EL1, its handler not installed");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "registers", test_registers },
	{ "sp", test_sp },
	{ "pstate", test_pstate },
	{ "unmask", test_unmask },
	{ "removed", test_removed },
	{ "vectors", test_vectors },
	{ "known-addresses", test_known_addresses },
	{ "svc-of-el1", test_svc_of_el1 },
	{ "two", test_two },
	{ "opaque", test_opaque },
	{ "stack", test_stack },
	{ "refused", test_refused },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
