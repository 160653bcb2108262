/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts around a guest: pending when it is entered, while it runs, when it is left.
 * They end the run, whatever the guest masks, and are the host's after it.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/timer.h>

#define VMID 4
#define HVC_0 0xd4000002 /* the instruction hvc #0 */
#define AN_SGI 3
#define FIQ_SGI 4
#define SOON_US 200
#define MAX_ROUNDS 12

static struct {
	unsigned int irqs, fiqs;
	u32 last;
	bool in_guest; /* taken while HCR_EL2 was the guest's */
} host;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	host.irqs++;
	host.last = gic_iar_irqnr(iar);
	host.in_guest = read_sysreg(hcr_el2) & HCR_EL2_VM;
	if (host.last == TIMER_HPTIMER_IRQ)
		timer_stop(timer_host());
	if (host.last != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

static void take_fiq(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	host.fiqs++;
	host.last = gic_iar_irqnr(iar);
	gic_write_eoir_group0(iar);
}

static void interrupts_on(void)
{
	daif_clear(PSR_I_BIT | PSR_F_BIT);
	isb();
}

static void interrupts_off(void)
{
	daif_set(PSR_I_BIT | PSR_F_BIT);
}

/* The guest masks its interrupts, which does not mask the host's. */
static void guest_count(volatile u64 *counter)
{
	for (;;)
		++*counter;
}

static void guest_hvc(void)
{
	asm volatile("hvc #0" : : : "memory");
}

static u64 counter;

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	guest->x[0] = (u64)&counter;
	counter = 0;
	host.irqs = host.fiqs = host.last = 0;
	return guest;
}

static void check_taken(const char *when, unsigned int irqs, unsigned int fiqs, u32 last)
{
	report(host.irqs == irqs && host.fiqs == fiqs && host.last == last,
	       "%s: expected %u IRQs, %u FIQs and the last %u; found %u, %u and %u", when, irqs,
	       fiqs, last, host.irqs, host.fiqs, host.last);
	report(!host.in_guest, "HCR_EL2.VM in the host's handler, %s: expected 0, found %d", when,
	       host.in_guest);
}

#define check_reason(guest, reason, what) guest_check_run(guest, EXPECT_REASON(reason), what)

/* The caller has it masked and pending: not one instruction of the guest is executed. */
static void test_entry(void)
{
	struct guest *guest = create(guest_count);

	gic_ipi_send_single(AN_SGI, 0);
	check_reason(guest, GUEST_EXIT_INTERRUPT, "guest entered with an IRQ pending");
	report(guest->elr_el2 == (u64)guest_count && counter == 0,
	       "guest entered with an IRQ pending: expected PC %#lx, counter 0, found PC %#lx, %lu",
	       (u64)guest_count, guest->elr_el2, counter);
	report(host.irqs == 0, "IRQ pending at entry, masked by the host: expected 0, found %u",
	       host.irqs);
	check_reason(guest, GUEST_EXIT_INTERRUPT, "guest entered again, the IRQ still pending");
	interrupts_on();
	check_taken("IRQ pending at entry, unmasked", 1, 0, AN_SGI);
	interrupts_off();
	guest_destroy(guest);
}

/* With exceptions masked, so that the interrupt cannot be the host's before the guest runs. */
static enum guest_handler_result start_timer(struct guest *guest)
{
	timer_start(timer_host(), SOON_US);
	return GUEST_ACTION_RESUME;
}

static void guest_start_and_count(volatile u64 *count)
{
	asm volatile("hvc #0" : : : "memory");
	guest_count(count);
}

/* The host's timer fires while the guest runs; the guest continues where it was. */
static void test_run(void)
{
	struct guest *guest = create(guest_start_and_count);
	u64 first, rounds;

	guest_install_handler(guest, ELx_LOW_SYNC_64, start_timer);
	gic_enable_irq(TIMER_HPTIMER_IRQ);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_INTERRUPT, "the host's timer fires in the guest");
	check_taken("the host's timer fired in the guest", 1, 0, TIMER_HPTIMER_IRQ);
	interrupts_off();
	/* On a busy machine the time may be over before the guest's first instruction. */
	first = counter;
	for (rounds = 1; rounds <= MAX_ROUNDS && counter == first; rounds++) {
		timer_start(timer_host(), SOON_US << rounds);
		if (guest_run(guest) != GUEST_EXIT_INTERRUPT)
			break;
		interrupts_on();
		interrupts_off();
	}
	check_taken("the host's timer fired in the guest again", rounds, 0, TIMER_HPTIMER_IRQ);
	report(counter > first,
	       "the guest's counter after an interrupted run and %lu more: expected above %lu, "
	       "found %lu",
	       rounds - 1, first, counter);
	gic_disable_irq(TIMER_HPTIMER_IRQ);
	guest_destroy(guest);
}

static enum guest_handler_result raise_and_exit(struct guest *guest)
{
	gic_ipi_send_single(AN_SGI, 0);
	while (gic_irq_state(AN_SGI) != GIC_IRQ_STATE_PENDING)
		cpu_relax();
	return GUEST_ACTION_EXIT;
}

/* Pending while a handler runs that returns EXIT: the handler ends the run, not the IRQ. */
static void test_exit(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_exit);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_HANDLER, "handler that raises an IRQ and exits");
	check_taken("IRQ raised by a handler that exits", 1, 0, AN_SGI);
	interrupts_off();
	guest->elr_el2 = (u64)guest_hvc;
	check_reason(guest, GUEST_EXIT_HANDLER,
		     "handler that raises an IRQ and exits, IRQs masked");
	report(host.irqs == 1,
	       "IRQs taken before the host unmasks the second: expected 1, found %u", host.irqs);
	interrupts_on();
	check_taken("IRQ raised by a handler that exits, unmasked later", 2, 0, AN_SGI);
	interrupts_off();
	guest_destroy(guest);
}

static enum guest_handler_result raise_and_resume(struct guest *guest)
{
	raise_and_exit(guest);
	return GUEST_ACTION_RESUME;
}

/* Pending while a handler runs that returns RESUME: the guest executes no instruction. */
static void test_resume(void)
{
	struct guest *guest = create(guest_hvc);
	u32 before;

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_resume);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_INTERRUPT, "handler that raises an IRQ and resumes");
	check_taken("IRQ raised by a handler that resumes", 1, 0, AN_SGI);
	interrupts_off();
	before = *(u32 *)(guest->elr_el2 - 4);
	report(guest->elr_el2 == (u64)guest_hvc + 4 || before == HVC_0,
	       "instruction before the interrupted guest's PC: expected %#x (hvc #0), found %#x",
	       HVC_0, before);
	guest_destroy(guest);
}

static u64 guest_wait_for(volatile unsigned int *count)
{
	while (!*count)
		;
	return 0x600d;
}

/* The host takes it in a handler of the guest's, and the run goes on. */
static void test_handler(void)
{
	struct guest *guest = create(guest_wait_for);

	guest->x[0] = (u64)&host.irqs;
	guest_install_handler(guest, ELx_LOW_IRQ_64, guest_take_interrupts);
	gic_enable_irq(TIMER_HPTIMER_IRQ);
	timer_start(timer_host(), SOON_US);
	/* The host has interrupts masked. */
	guest_check_run(guest, EXPECT_RETURN(0x600d), "guest_take_interrupts() in a handler");
	report(host.irqs == 1 && host.last == TIMER_HPTIMER_IRQ,
	       "IRQs taken by guest_take_interrupts(): expected 1, the last %u, found %u and %u",
	       TIMER_HPTIMER_IRQ, host.irqs, host.last);
	gic_disable_irq(TIMER_HPTIMER_IRQ);
	host.in_guest = false;
	guest_destroy(guest);
}

/* FIQ has a vector, a mask and a handler of its own. */
static void test_fiq(void)
{
	struct guest *guest = create(guest_count);
	u64 daif = read_sysreg(daif);

	if (!gic_irq_set_group(FIQ_SGI, 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		guest_destroy(guest);
		return;
	}
	gic_irq_set_pending(FIQ_SGI, true);
	check_reason(guest, GUEST_EXIT_INTERRUPT, "guest entered with an FIQ pending");
	report(counter == 0 && host.fiqs == 0,
	       "FIQ pending at entry, masked by the host: expected counter 0, 0 FIQs, found %lu, %u",
	       counter, host.fiqs);
	write_sysreg(daif & ~(u64)PSR_F_BIT, daif);
	isb();
	check_taken("FIQ pending at entry, unmasked", 0, 1, FIQ_SGI);
	write_sysreg(daif, daif);
	gic_irq_set_pending(FIQ_SGI, true);
	gic_ipi_send_single(AN_SGI, 0);
	check_reason(guest, GUEST_EXIT_INTERRUPT, "guest entered with an IRQ and an FIQ pending");
	interrupts_on();
	interrupts_off();
	report(host.fiqs == 2 && host.irqs == 1,
	       "FIQs and IRQs taken after both were pending: expected 2 and 1, found %u and %u",
	       host.fiqs, host.irqs);
	gic_irq_set_group(FIQ_SGI, 1);
	guest_destroy(guest);
}

/* guest_run() restores DAIF of its caller, and what DAIF does not mask was taken. */
static void test_daif(void)
{
	struct guest *guest = create(guest_count);
	u64 saved = read_sysreg(daif);

	for (u64 masks = 0; masks <= PSR_DAIF; masks += PSR_F_BIT) {
		u64 before = host.irqs, after, taken;

		/* Raised in a handler, it is pending whatever the mask. */
		guest->elr_el2 = (u64)guest_hvc;
		guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_exit);
		write_sysreg(masks, daif);
		guest_run(guest);
		isb();
		after = read_sysreg(daif);
		taken = host.irqs - before;
		interrupts_on();
		write_sysreg(saved, daif);
		report(after == masks && taken == !(masks & PSR_I_BIT) && host.irqs == before + 1,
		       "guest_run() with DAIF %#lx: expected DAIF %#lx, %d IRQs taken, 1 after unmasking; "
		       "found %#lx, %lu, %lu",
		       masks, masks, !(masks & PSR_I_BIT), after, taken, host.irqs - before);
	}
	guest_destroy(guest);
}

/* Between two runs, by the host's own vectors. */
static void test_between(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_exit);
	interrupts_on();
	for (unsigned int i = 1; i <= 3; i++) {
		guest->elr_el2 = (u64)guest_hvc;
		guest_run(guest);
		gic_ipi_send_single(FIQ_SGI, 0);
		isb();
		report(host.irqs == 2 * i && host.last == FIQ_SGI,
		       "IRQs after run %u, each with one in it and one behind it: expected %u, the "
		       "last %u, found %u and %u",
		       i, 2 * i, FIQ_SGI, host.irqs, host.last);
	}
	interrupts_off();
	guest_destroy(guest);
}

/* An IRQ and an FIQ, taken in the middle of a handler, which then goes on with both masked. */
static enum guest_handler_result take_both(struct guest *guest)
{
	gic_irq_set_pending(FIQ_SGI, true);
	gic_ipi_send_single(AN_SGI, 0);
	guest_take_interrupts(guest);
	guest->data = (void *)(read_sysreg(daif) & PSR_DAIF);
	return GUEST_ACTION_EXIT;
}

static void test_take_both(void)
{
	struct guest *guest = create(guest_hvc);

	if (!gic_irq_set_group(FIQ_SGI, 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		guest_destroy(guest);
		return;
	}
	guest_install_handler(guest, ELx_LOW_SYNC_64, take_both);
	check_reason(guest, GUEST_EXIT_HANDLER, "guest whose handler takes an IRQ and an FIQ");
	report(host.irqs == 1 && host.fiqs == 1 && (u64)guest->data == PSR_DAIF,
	       "guest_take_interrupts() in a handler: expected 1 IRQ, 1 FIQ, then DAIF %#x, found %u, "
	       "%u, %#lx",
	       PSR_DAIF, host.irqs, host.fiqs, (u64)guest->data);
	host.in_guest = false;
	gic_irq_set_group(FIQ_SGI, 1);
	guest_destroy(guest);
}

/* An IRQ pending while the framework leaves a guest that it could not return to. */
static enum guest_handler_result raise_and_break(struct guest *guest)
{
	gic_ipi_send_single(AN_SGI, 0);
	isb();
	guest->spsr_el2 = PSR_DAIF | 0xd; /* EL3h; the return takes DAIF even so */
	return GUEST_ACTION_RESUME;
}

static void test_illegal_eret(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_break);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_ILLEGAL_ERET, "return to EL3h, with an IRQ pending");
	check_taken("an IRQ pending at an illegal return", 1, 0, AN_SGI);
	interrupts_off();
	guest_destroy(guest);
}

/*
 * An interrupt after an abort, whose syndrome and addresses EL2's registers still have.
 */

#define UNMAPPED 0x200000000UL

static struct {
	bool known;
	u64 ipa, esr;
} in_handler;

static void guest_load_and_count(volatile u64 *count)
{
	asm volatile("ldr xzr, [%0]" : : "r"(UNMAPPED) : "memory");
	guest_count(count);
}

static enum guest_handler_result raise_and_skip(struct guest *guest)
{
	raise_and_exit(guest);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result look_at_interrupt(struct guest *guest)
{
	in_handler.known = guest_fault_ipa(guest, &in_handler.ipa);
	in_handler.esr = guest->esr_el2;
	return GUEST_ACTION_EXIT;
}

static void check_after_abort(guest_handler_t handler, enum guest_exit_reason reason)
{
	struct guest *guest = create(guest_load_and_count);
	u64 ipa = 0;

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_skip);
	guest_install_handler(guest, ELx_LOW_IRQ_64, handler);
	check_reason(guest, reason, "IRQ raised in the handler of a stage-2 fault");
	report(!guest_fault_ipa(guest, &ipa) && guest->fault_ipa == INVALID_PHYS_ADDR &&
		       !guest->esr_el2,
	       "IPA and ESR_EL2 after a run that an IRQ ended: expected none and 0, found %#lx, "
	       "fault_ipa %#lx, %#lx",
	       ipa, guest->fault_ipa, guest->esr_el2);
	interrupts_on();
	interrupts_off();
	guest_destroy(guest);
}

static void test_after_abort(void)
{
	check_after_abort(NULL, GUEST_EXIT_INTERRUPT);
	check_after_abort(look_at_interrupt, GUEST_EXIT_HANDLER);
	report(!in_handler.known && !in_handler.esr,
	       "IPA and ESR_EL2 in the handler of an IRQ: expected none and 0, found %s %#lx, %#lx",
	       in_handler.known ? "" : "none,", in_handler.ipa, in_handler.esr);
}

static enum guest_handler_result raise_and_return_to_el3(struct guest *guest)
{
	raise_and_exit(guest);
	guest->spsr_el2 = 0xd; /* EL3h: illegal; nothing masked */
	return GUEST_ACTION_RESUME;
}

/*
 * An illegal exception return unmasks IRQs of EL2, which may come before its exception: the host
 * takes them after the run.
 */
static void test_illegal_eret_unmasked(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_return_to_el3);
	check_reason(guest, GUEST_EXIT_ILLEGAL_ERET,
		     "illegal exception return with an IRQ pending");
	report(!host.irqs,
	       "IRQs taken in a run that an illegal exception return ends: expected 0, found %u",
	       host.irqs);
	interrupts_on();
	interrupts_off();
	check_taken("an IRQ pending at an illegal return that does not mask it", 1, 0, AN_SGI);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "entry", test_entry },
	{ "run", test_run },
	{ "exit", test_exit },
	{ "resume", test_resume },
	{ "handler", test_handler },
	{ "fiq", test_fiq },
	{ "take-both", test_take_both },
	{ "illegal-eret", test_illegal_eret },
	{ "daif", test_daif },
	{ "between", test_between },
	{ "after-abort", test_after_abort },
	{ "illegal-eret-unmasked", test_illegal_eret_unmasked },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: gic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	install_irq_handler(ELxH_IRQ, take_irq);
	install_vector_handler(ELxH_FIQ, take_fiq);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
