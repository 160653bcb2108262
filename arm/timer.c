/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic timers that the host has at its exception level, and delays. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/timer.h>

#define SOON_US 200
#define LONG_US 4000000UL /* the longest wait */
#define FAR_US 1000000000UL /* no test lasts that long */
#define TICK_US 100

static const struct timer *timer; /* the one under test */
static struct {
	volatile unsigned int count;
	u32 irq;
	u64 ctl, when;
} taken;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	taken.count++;
	taken.irq = gic_iar_irqnr(iar);
	taken.ctl = timer->read_ctl();
	taken.when = timer->read_counter();
	timer->write_ctl(ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_IMASK);
	if (taken.irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

/* Until an interrupt came, @us at the longest. */
static bool wait_for_irq(u64 us)
{
	u64 start = get_cntvct(), limit = usecs_to_cycles(us);

	taken.count = 0;
	local_irq_enable();
	while (!taken.count && get_cntvct() - start < limit)
		cpu_relax();
	local_irq_disable();
	return taken.count;
}

static void test_condition(void)
{
	u64 ctl;

	timer->write_cval(timer->read_counter() + usecs_to_cycles(FAR_US));
	timer->write_ctl(ARCH_TIMER_CTL_ENABLE);
	ctl = timer->read_ctl();
	report(ctl == ARCH_TIMER_CTL_ENABLE, "before its time CTL is %#x: %#lx",
	       ARCH_TIMER_CTL_ENABLE, ctl);
	timer->write_cval(timer->read_counter() - 1);
	ctl = timer->read_ctl();
	report(ctl == (ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS), "after it %#x: %#lx",
	       ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS, ctl);
	timer->write_ctl(0);
	ctl = timer->read_ctl();
	report(!(ctl & ARCH_TIMER_CTL_ENABLE), "off: %#lx", ctl);
}

static void test_tval(void)
{
	u64 before, cval, after;

	before = timer->read_counter();
	timer->write_tval(1000);
	cval = timer->read_cval();
	after = timer->read_counter();
	report(cval >= before + 1000 && cval <= after + 1000,
	       "TVAL 1000 is CVAL counter + 1000: %lu of %lu..%lu", cval, before + 1000,
	       after + 1000);
	timer->write_cval(0);
	report((s32)timer->read_tval() < 0, "TVAL is signed: %ld", (long)(s32)timer->read_tval());
}

static void test_irq(void)
{
	u64 length = usecs_to_cycles(SOON_US), begun = timer->read_counter(), deadline;
	u32 irq = PPI(timer->irq->irq);

	gic_enable_irq(irq);
	timer_start(timer, SOON_US);
	deadline = timer->read_cval();
	report(deadline >= begun + length && deadline <= timer->read_counter() + length,
	       "started for %lu ticks: %ld after what was read before", length,
	       (long)(deadline - begun));
	report(wait_for_irq(LONG_US) && taken.count == 1, "taken once: %u", taken.count);
	report(taken.irq == irq, "interrupt ID: expected %u, found %u", irq, taken.irq);
	report(taken.when >= deadline, "not before its time: %ld ticks late",
	       (long)(taken.when - deadline));
	report(taken.ctl == (ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS),
	       "its condition is met: CTL %#lx", taken.ctl);
	report(!wait_for_irq(TICK_US), "IMASK takes the interrupt back: state %d",
	       gic_irq_state(irq));
	timer->write_ctl(ARCH_TIMER_CTL_ENABLE);
	report(wait_for_irq(LONG_US), "a level: not masked it is there again");
	timer_stop(timer);
	report(!wait_for_irq(TICK_US) && gic_irq_state(irq) == GIC_IRQ_STATE_INACTIVE,
	       "off: state %d", gic_irq_state(irq));
	gic_disable_irq(irq);
}

static void test_timer(enum timer_id id)
{
	timer = timer_get(id);
	if (!timer) {
		report_skip("no such timer at this exception level");
		return;
	}
	test_condition();
	test_tval();
	if (timer->irq->irq == TIMER_NO_IRQ)
		report_skip("the device tree has no interrupt for it");
	else
		test_irq();
}

static void test_ptimer(void)
{
	test_timer(TIMER_PTIMER);
}

static void test_vtimer(void)
{
	test_timer(TIMER_VTIMER);
}

static void test_hptimer(void)
{
	test_timer(TIMER_HPTIMER);
}

static void test_hvtimer(void)
{
	test_timer(TIMER_HVTIMER);
}

static void test_delay(void)
{
	u64 start = get_cntvct(), cycles;

	udelay(300);
	cycles = get_cntvct() - start;
	report(cycles >= usecs_to_cycles(300), "udelay(300) takes %lu ticks or more: %lu",
	       usecs_to_cycles(300), cycles);
	start = get_cntvct();
	mdelay(2);
	cycles = get_cntvct() - start;
	report(cycles >= usecs_to_cycles(2000), "mdelay(2) takes %lu ticks or more: %lu",
	       usecs_to_cycles(2000), cycles);
	report(usecs_to_cycles(1000000) == get_cntfrq(), "a second is CNTFRQ_EL0: %lu, %u",
	       usecs_to_cycles(1000000), get_cntfrq());
}

static const struct subtest subtests[] = {
	{ "ptimer", test_ptimer },   { "vtimer", test_vtimer }, { "hptimer", test_hptimer },
	{ "hvtimer", test_hvtimer }, { "delay", test_delay },
};

int main(int argc, char **argv)
{
	const char *unsupported = gic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	install_irq_handler(ELxH_IRQ, take_irq);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
