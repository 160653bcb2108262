/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Physical interrupts around a guest: pending when it is entered, while it runs, when it is left.
 * They end the run, whatever the guest masks, and are the host's after it.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/guest.h>
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
	if (host.last == PPI(TIMER_HPTIMER_IRQ))
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

/* x0: a counter. Interrupts of the guest are masked, which does not concern the host's. */
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

static struct guest *create(void (*guest_func)(void))
{
	struct guest *guest = guest_create(VMID, guest_func, S2_PAGE_4K);

	assert(guest);
	guest->x[0] = (u64)&counter;
	counter = 0;
	host.irqs = host.fiqs = host.last = 0;
	return guest;
}

static void check_taken(unsigned int irqs, unsigned int fiqs, u32 last)
{
	report(host.irqs == irqs && host.fiqs == fiqs && host.last == last,
	       "the host took %u IRQs and %u FIQs, interrupt %u: %u, %u, %u", irqs, fiqs, last,
	       host.irqs, host.fiqs, host.last);
	report(!host.in_guest, "with its own HCR_EL2");
}

static void check_reason(struct guest *guest, enum guest_exit_reason expected)
{
	enum guest_exit_reason reason = guest_run(guest);

	report(reason == expected, "exit reason: %s", guest_exit_reason_name(reason));
}

/* The caller has it masked and pending: not one instruction of the guest is executed. */
static void test_entry(void)
{
	struct guest *guest = create((void (*)(void))guest_count);

	gic_ipi_send_single(AN_SGI, 0);
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	report(guest->elr_el2 == (u64)guest_count && counter == 0,
	       "pending at entry: PC %#lx of %#lx, counter %lu", guest->elr_el2, (u64)guest_count,
	       counter);
	report(host.irqs == 0, "the caller masks it: taken %u times", host.irqs);
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	interrupts_on();
	check_taken(1, 0, AN_SGI);
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

/* A timer while the guest runs; the guest goes on where it was. */
static void test_run(void)
{
	struct guest *guest = create((void (*)(void))guest_start_and_count);
	u64 first, rounds;

	guest_install_handler(guest, ELx_LOW_SYNC_64, start_timer);
	gic_enable_irq(PPI(TIMER_HPTIMER_IRQ));
	interrupts_on();
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	check_taken(1, 0, PPI(TIMER_HPTIMER_IRQ));
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
	check_taken(rounds, 0, PPI(TIMER_HPTIMER_IRQ));
	report(counter > first, "the guest goes on where it was: counter %lu, then %lu", first,
	       counter);
	gic_disable_irq(PPI(TIMER_HPTIMER_IRQ));
	guest_destroy(guest);
}

static enum guest_handler_result raise_and_exit(struct guest *guest)
{
	gic_ipi_send_single(AN_SGI, 0);
	while (gic_irq_state(AN_SGI) != GIC_IRQ_STATE_PENDING)
		cpu_relax();
	return GUEST_ACTION_EXIT;
}

/* It comes while a handler runs, which says EXIT: the exit is the handler's, the interrupt ours. */
static void test_exit(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_exit);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_HANDLER);
	check_taken(1, 0, AN_SGI);
	interrupts_off();
	guest->elr_el2 = (u64)guest_hvc;
	check_reason(guest, GUEST_EXIT_HANDLER);
	report(host.irqs == 1, "a caller that masks it has it pending: taken %u times", host.irqs);
	interrupts_on();
	check_taken(2, 0, AN_SGI);
	interrupts_off();
	guest_destroy(guest);
}

static enum guest_handler_result raise_and_resume(struct guest *guest)
{
	raise_and_exit(guest);
	return GUEST_ACTION_RESUME;
}

/* The same with RESUME: the guest does not get to its next instruction. */
static void test_resume(void)
{
	struct guest *guest = create(guest_hvc);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_and_resume);
	interrupts_on();
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	check_taken(1, 0, AN_SGI);
	interrupts_off();
	report(guest->elr_el2 == (u64)guest_hvc + 4 || *(u32 *)(guest->elr_el2 - 4) == 0xd4000002,
	       "right behind the guest's hvc: %#lx", guest->elr_el2);
	guest_destroy(guest);
}

static enum guest_handler_result count_and_take(struct guest *guest)
{
	guest->exit_code++;
	return guest_take_interrupts(guest);
}

static u64 guest_wait_for(volatile unsigned int *count)
{
	while (!*count)
		;
	return 0x600d;
}

/* The host takes it in a handler of the guest, without an end of the run. */
static void test_handler(void)
{
	struct guest *guest = create((void (*)(void))guest_wait_for);

	guest->x[0] = (u64)&host.irqs;
	guest_install_handler(guest, ELx_LOW_IRQ_64, count_and_take);
	gic_enable_irq(PPI(TIMER_HPTIMER_IRQ));
	timer_start(timer_host(), SOON_US);
	check_reason(guest, GUEST_EXIT_RETURNED); /* interrupts are masked here */
	report(guest->exit_code == 0x600d && host.irqs == 1 && host.last == PPI(TIMER_HPTIMER_IRQ),
	       "taken in the handler, and the guest went on: %#lx, %u times, %u", guest->exit_code,
	       host.irqs, host.last);
	gic_disable_irq(PPI(TIMER_HPTIMER_IRQ));
	host.in_guest = false;
	guest_destroy(guest);
}

/* FIQ has a vector, a mask and a handler of its own. */
static void test_fiq(void)
{
	struct guest *guest = create((void (*)(void))guest_count);
	u64 daif = read_sysreg(daif);

	if (!gic_irq_set_group(FIQ_SGI, 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		guest_destroy(guest);
		return;
	}
	gic_irq_set_pending(FIQ_SGI, true);
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	report(counter == 0 && host.fiqs == 0, "FIQ pending at entry, masked by the caller");
	write_sysreg(daif & ~(u64)PSR_F_BIT, daif);
	isb();
	check_taken(0, 1, FIQ_SGI);
	write_sysreg(daif, daif);
	gic_irq_set_pending(FIQ_SGI, true);
	gic_ipi_send_single(AN_SGI, 0);
	check_reason(guest, GUEST_EXIT_INTERRUPT);
	interrupts_on();
	interrupts_off();
	report(host.fiqs == 2 && host.irqs == 1, "one of each: %u FIQs, %u IRQs", host.fiqs,
	       host.irqs);
	gic_irq_set_group(FIQ_SGI, 1);
	guest_destroy(guest);
}

/* Whatever of DAIF the caller has: it has it again, and what it lets in came. */
static void test_daif(void)
{
	struct guest *guest = create((void (*)(void))guest_count);
	u64 saved = read_sysreg(daif);

	for (u64 masks = 0; masks <= PSR_DAIF; masks += PSR_F_BIT) {
		u64 before = host.irqs, after, taken;

		/* Its own handler sends it, so that it is pending with whatever mask. */
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
		       "DAIF %#lx: found %#lx, taken %lu times", masks, after, taken);
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
		       "run %u: one of it and one after it: %u, interrupt %u", i, host.irqs,
		       host.last);
	}
	interrupts_off();
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "entry", test_entry },   { "run", test_run },		{ "exit", test_exit },
	{ "resume", test_resume }, { "handler", test_handler }, { "fiq", test_fiq },
	{ "daif", test_daif },	   { "between", test_between },
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
