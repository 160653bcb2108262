/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic timers that the host has at its exception level, and delays. */
#include <libcflat.h>
#include <devicetree.h>
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
	report(ctl == ARCH_TIMER_CTL_ENABLE,
	       "CTL before the timer's condition is met: expected %#x, found %#lx",
	       ARCH_TIMER_CTL_ENABLE, ctl);
	timer->write_cval(timer->read_counter() - 1);
	ctl = timer->read_ctl();
	report(ctl == (ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS),
	       "CTL after the timer's condition is met: expected %#x, found %#lx",
	       ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS, ctl);
	timer->write_ctl(0);
	ctl = timer->read_ctl();
	report(!(ctl & ARCH_TIMER_CTL_ENABLE),
	       "CTL.ENABLE of a stopped timer: expected 0, found %lu", ctl & ARCH_TIMER_CTL_ENABLE);
}

static void test_tval(void)
{
	u64 before, cval, after;
	s64 tval;

	before = timer->read_counter();
	timer->write_tval(1000);
	cval = timer->read_cval();
	after = timer->read_counter();
	report(cval >= before + 1000 && cval <= after + 1000,
	       "CVAL after TVAL 1000: expected %lu..%lu, found %lu", before + 1000, after + 1000,
	       cval);
	before = timer->read_counter();
	timer->write_cval(before - 1000);
	tval = (s32)timer->read_tval();
	after = timer->read_counter();
	report(tval <= -1000 && tval >= (s64)(before - 1000 - after),
	       "TVAL with CVAL 1000 before the count: expected %ld..-1000, found %ld",
	       (s64)(before - 1000 - after), tval);
}

/* The third cell of each interrupt of the device tree (arm,arch_timer.yaml) */
static void check_flags(enum timer_id id)
{
	static const unsigned int index[] = {
		[TIMER_PTIMER] = 1, [TIMER_VTIMER] = 2, [TIMER_HPTIMER] = 3, [TIMER_HVTIMER] = 4
	};
	int node = fdt_node_offset_by_compatible(dt_fdt(), -1, "arm,armv8-timer");
	const fdt32_t *cells = fdt_getprop(dt_fdt(), node, "interrupts", NULL);
	u32 expected;

	assert(cells);
	expected = fdt32_to_cpu(cells[3 * index[id] + 2]);
	report(timer->irq->irq_flags == expected,
	       "flags of the timer's interrupt: expected %#x as in the device tree, found %#x",
	       expected, timer->irq->irq_flags);
}

static void check_intid(enum timer_id id)
{
	const u32 intid[] = {
		[TIMER_PTIMER] = TIMER_PTIMER_IRQ,
		[TIMER_VTIMER] = TIMER_VTIMER_IRQ,
		[TIMER_HPTIMER] = TIMER_HPTIMER_IRQ,
		[TIMER_HVTIMER] = TIMER_HVTIMER_IRQ,
	};

	report(intid[id] == PPI(timer->irq->irq),
	       "INTID of the timer by its name: expected %u as in the device tree, found %u",
	       PPI(timer->irq->irq), intid[id]);
}

static void check_irq(const char *when, bool expected)
{
	bool found = wait_for_irq(expected ? LONG_US : TICK_US);

	report(found == expected, "timer interrupt with %s: expected %d, found %d", when, expected,
	       found);
}

static void test_irq(void)
{
	u64 length = usecs_to_cycles(SOON_US), begun = timer->read_counter(), deadline;
	u32 irq = PPI(timer->irq->irq);
	enum gic_irq_state state;

	gic_enable_irq(irq);
	timer_start(timer, SOON_US);
	deadline = timer->read_cval();
	report(deadline >= begun + length && deadline <= timer->read_counter() + length,
	       "CVAL of a timer started for %lu ticks: expected %lu or a little more, found %lu",
	       length, begun + length, deadline);
	wait_for_irq(LONG_US);
	report(taken.count == 1, "timer interrupts taken: expected 1, found %u", taken.count);
	report(taken.irq == irq, "INTID of the timer interrupt: expected %u, found %u", irq,
	       taken.irq);
	report(taken.when >= deadline,
	       "counter at the timer interrupt: expected %lu or more, found %lu", deadline,
	       taken.when);
	report(taken.ctl == (ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS),
	       "CTL at the timer interrupt: expected %#x, found %#lx",
	       ARCH_TIMER_CTL_ENABLE | ARCH_TIMER_CTL_ISTATUS, taken.ctl);
	check_irq("IMASK set", false);
	timer->write_ctl(ARCH_TIMER_CTL_ENABLE);
	check_irq("IMASK clear again", true);
	timer_stop(timer);
	check_irq("the timer stopped", false);
	state = gic_irq_state(irq);
	report(state == GIC_IRQ_STATE_INACTIVE,
	       "state of a stopped timer's interrupt: expected inactive, found %s",
	       gic_irq_state_name(state));
	gic_disable_irq(irq);
}

/* The virtual timer of EL2 comes with FEAT_VHE, and a VHE host uses it. */
static bool exists(enum timer_id id)
{
	switch (id) {
	case TIMER_HPTIMER:
		return host_at_el2;
	case TIMER_HVTIMER:
		return host_vhe;
	default:
		return true;
	}
}

static void test_timer(enum timer_id id)
{
	timer = timer_get(id);
	report(!!timer == exists(id), "timer at this exception level: expected %d, found %d",
	       exists(id), !!timer);
	if (!timer) {
		report_skip("no such timer at this exception level");
		return;
	}
	test_condition();
	test_tval();
	if (timer->irq->irq == TIMER_NO_IRQ) {
		report_skip("the device tree has no interrupt for it");
		return;
	}
	check_flags(id);
	check_intid(id);
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
	report(cycles >= usecs_to_cycles(300),
	       "ticks of udelay(300): expected %lu or more, found %lu", usecs_to_cycles(300),
	       cycles);
	start = get_cntvct();
	mdelay(2);
	cycles = get_cntvct() - start;
	report(cycles >= usecs_to_cycles(2000),
	       "ticks of mdelay(2): expected %lu or more, found %lu", usecs_to_cycles(2000),
	       cycles);
	report(usecs_to_cycles(1000000) == get_cntfrq(),
	       "ticks of a second: expected CNTFRQ_EL0, %u, found %lu", get_cntfrq(),
	       usecs_to_cycles(1000000));
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
