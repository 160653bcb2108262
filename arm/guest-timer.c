/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's timers and counters. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/timer.h>

#define VMID 6
#define OFFSET 0x123456789000UL
#define SOON_US 100
#define CNTHCTL_E2H_EL1PCEN (1UL << 11)

static struct {
	unsigned int irqs;
	u32 last;
	u64 taken; /* physical count when a handler of the guest's took the last one */
} host;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	host.last = gic_iar_irqnr(iar);
	if (host.last == GICC_INT_SPURIOUS)
		return;
	host.irqs++;
	gic_write_eoir(iar);
}

static u64 read_cntpct(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static u64 guest_read_cntvct(void)
{
	return get_cntvct();
}

/* The guest's virtual count is the physical one less its own offset. */
static void check_offset(struct guest *guest, u64 offset)
{
	u64 before, after;

	guest->elr_el2 = (u64)guest_read_cntvct;
	guest->x[30] = guest->x[19]; /* where the first run's function returned to */
	before = read_cntpct() - offset;
	guest_run(guest);
	after = read_cntpct() - offset;
	report(guest->exit_reason == GUEST_EXIT_RETURNED &&
		       guest->return_value - before <= after - before,
	       "CNTVCT_EL0 in a guest with CNTVOFF_EL2 %#lx: expected %#lx..%#lx, found %#lx (%s)",
	       offset, before, after, guest->return_value,
	       guest_exit_reason_name(guest->exit_reason));
}

static struct guest *create_with_offset(u64 offset)
{
	struct guest *guest = guest_create_4k(VMID, guest_read_cntvct);

	guest->cntvoff_el2 = offset;
	guest->x[19] = guest->x[30];
	return guest;
}

static void test_offset(void)
{
	struct guest *a = create_with_offset(OFFSET), *b = create_with_offset(0);
	u64 host_count, host_virtual;

	check_offset(a, OFFSET);
	check_offset(b, 0);
	check_offset(a, OFFSET);
	host_count = read_cntpct();
	host_virtual = get_cntvct();
	report(host_virtual - host_count < OFFSET,
	       "CNTVCT_EL0 in the host after guests with offsets: expected %#lx or a little more, "
	       "found %#lx",
	       host_count, host_virtual);
	guest_destroy(a);
	guest_destroy(b);
}

/* Arms the virtual timer and waits; its interrupt is the host's. */
static void guest_arm_vtimer(u64 cval)
{
	write_sysreg(cval, cntv_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0);
	for (;;)
		;
}

static void guest_arm_ptimer(u64 cval)
{
	write_sysreg(cval, cntp_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntp_ctl_el0);
	for (;;)
		;
}

/* The timer's output is high only while it is in the CPU: acknowledge in the guest's handler. */
static enum guest_handler_result take_and_exit(struct guest *guest)
{
	u32 iar = gic_read_iar();

	host.last = gic_iar_irqnr(iar);
	host.taken = read_cntpct();
	if (host.last != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_EXIT;
}

static void run_to_interrupt(struct guest *guest, u32 irq, const char *which)
{
	host.irqs = host.last = 0;
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_HANDLER && host.last == irq,
	       "%s, interrupt of the guest's timer: expected %u, found %u (%s)", which, irq,
	       host.last, guest_exit_reason_name(guest->exit_reason));
}

/* @offset: how far the guest's timer is behind the physical count, with CNTVOFF_EL2 @cntvoff. */
static void check_timer(void (*func)(u64), u32 irq, u64 cntvoff, u64 offset)
{
	struct guest *guest = guest_create_4k(VMID, func);
	u64 deadline = read_cntpct() + usecs_to_cycles(SOON_US);

	gic_enable_irq(irq);
	guest->cntvoff_el2 = cntvoff;
	guest->x[0] = deadline - offset;
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_and_exit);
	run_to_interrupt(guest, irq, "first run");
	report(host.taken >= deadline,
	       "physical count when the guest's timer fires: expected %#lx or more, found %#lx",
	       deadline, host.taken);
	/* Its output is low while it is not in the CPU, and high again when the guest is back. */
	local_irq_enable();
	isb();
	local_irq_disable();
	report(host.irqs == 0 && gic_irq_state(irq) == GIC_IRQ_STATE_INACTIVE,
	       "interrupt %u in the host, between two runs of the guest: expected 0 times, %s; "
	       "found %u times, %s",
	       irq, gic_irq_state_name(GIC_IRQ_STATE_INACTIVE), host.irqs,
	       gic_irq_state_name(gic_irq_state(irq)));
	run_to_interrupt(guest, irq, "second run");
	gic_disable_irq(irq);
	guest_destroy(guest);
}

static void test_vtimer(void)
{
	check_timer(guest_arm_vtimer, TIMER_VTIMER_IRQ, 0, 0);
}

/*
 * A guest whose time began a moment ago. (With an offset beyond the count, so that CVAL and
 * CNTVOFF_EL2 wrap, QEMU 10.0 never lets the timer fire.)
 */
static void test_vtimer_offset(void)
{
	u64 offset = read_cntpct() - 1;

	check_timer(guest_arm_vtimer, TIMER_VTIMER_IRQ, offset, offset);
}

/* CNTVOFF_EL2 does not apply to the physical timer. */
static void test_ptimer(void)
{
	check_timer(guest_arm_ptimer, TIMER_PTIMER_IRQ, OFFSET, 0);
}

static const struct subtest subtests[] = {
	{ "offset", test_offset },
	{ "vtimer", test_vtimer },
	{ "vtimer-offset", test_vtimer_offset },
	{ "ptimer", test_ptimer },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: gic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	install_irq_handler(ELxH_IRQ, take_irq);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
