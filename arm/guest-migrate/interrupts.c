/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time and virtual interrupts of a guest, before and after a migration. */
#include <libcflat.h>
#include <migrate.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/timer.h>
#include <asm/vgic.h>
#include "migrated.h"

/*
 * Time
 */

#define OFFSET 5000
#define SOON_MS 100
#define LATE_MS 500
#define AT_ONCE_MS 20
#define ISR_EL1_I (1UL << 7)

static struct {
	u64 delay; /* counts until the timer fires, 0: it fires before the migration */
	u64 armed, before, after;
} timer;

static struct {
	u32 irq;
	u64 count;
} fired;

static u64 read_cntpct(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

static bool irq_is_signalled(void)
{
	isb();
	return read_sysreg(isr_el1) & ISR_EL1_I;
}

/* Ends with the timer's interrupt, which is the host's. */
static u64 guest_migrate_and_wait(u64 cycles)
{
	u64 end;

	guest_migrate();
	end = get_cntvct() + cycles;
	while (get_cntvct() < end)
		;
	return 0;
}

/* The guest's timer, which is in the CPU, is armed here: it would fire before the hypercall. */
static enum guest_handler_result arm_and_migrate(struct guest *guest)
{
	timer.before = read_cntpct();
	timer.armed = timer.before + timer.delay - OFFSET;
	write_sysreg_el1(timer.armed, cntv_cval_el0, CNTV_CVAL_EL02);
	write_sysreg_el1(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0, CNTV_CTL_EL02);
	while (!timer.delay && !irq_is_signalled())
		; /* the host has IRQs masked */
	migrate_quiet();
	timer.after = read_cntpct();
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result take_and_exit(struct guest *guest)
{
	u32 iar = gic_read_iar();

	fired.count = read_cntpct() - guest->cntvoff_el2;
	fired.irq = gic_iar_irqnr(iar);
	if (fired.irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_EXIT;
}

/* Returns the reason of the guest's exit. */
static const char *run_with_timer(u64 delay)
{
	u32 irq = TIMER_VTIMER_IRQ;
	struct guest *guest = create(guest_migrate_and_wait);
	const char *reason;

	timer.delay = delay;
	fired.irq = GICC_INT_SPURIOUS;
	fired.count = 0;
	gic_enable_irq(irq);
	guest->cntvoff_el2 = OFFSET;
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, arm_and_migrate);
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_and_exit);
	guest->x[0] = delay + usecs_to_cycles((delay ? LATE_MS : AT_ONCE_MS) * 1000);
	guest_run(guest);
	gic_disable_irq(irq);
	reason = guest_exit_reason_name(guest->exit_reason);
	guest_destroy(guest);
	return reason;
}

static void check_timer(bool kfail, const char *when, const char *reason)
{
	u32 irq = TIMER_VTIMER_IRQ;

	report(timer.after >= timer.before,
	       "CNTPCT_EL0 after a migration: expected %#lx or more, found %#lx", timer.before,
	       timer.after);
	report_kfail(
		kfail, fired.irq == irq && fired.count >= timer.armed,
		"timer of the guest that fires %s the migration: expected interrupt %u at %#lx "
		"or later, found %u at %#lx (%s)",
		when, irq, timer.armed, fired.irq, fired.count, reason);
}

/* A timer that is armed before the migration interrupts the guest after it, by a count that goes on. */
void test_timer(void)
{
	u64 delay = usecs_to_cycles(SOON_MS * 1000);
	const char *reason = run_with_timer(delay);

	while (timer.after - OFFSET >= timer.armed) /* it may have fired on the source */
		reason = run_with_timer(delay *= 2);
	check_timer(false, "after", reason);
}

void test_timer_pending(void)
{
	const char *reason = run_with_timer(0);

	/* QEMU's version 2 has it pending without signalling it: docs/errata.md */
	check_timer(gic_version() == 2, "before", reason);
}

/*
 * Virtual interrupts
 */

#define AN_INTID 40
#define MAX_TAKEN 4

static struct {
	u32 ids[MAX_TAKEN];
	unsigned int count;
} taken;

/* The first one is active while the machine is migrated, and the others are pending. */
static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (taken.count < MAX_TAKEN)
		taken.ids[taken.count] = gic_iar_irqnr(iar);
	if (!taken.count++)
		guest_migrate();
	gic_write_eoir(iar);
}

static u64 guest_take_all(void)
{
	gic_enable_cpu_interface();
	guest_migrate(); /* all are pending, and masked */
	daif_clear(PSR_I_BIT);
	isb();
	daif_set(PSR_I_BIT);
	return taken.count;
}

static void check_taken(unsigned int n, u32 id)
{
	report(taken.ids[n] == id,
	       "INTID of IRQ %u of a guest that is migrated: expected %u, found %u", n + 1, id,
	       taken.ids[n]);
}

void test_vgic(void)
{
	struct vgic_irq urgent = {
		.intid = AN_INTID + 2, .priority = 0x20, .group = 1, .state = GIC_IRQ_STATE_PENDING
	};
	struct guest *guest = create(guest_take_all);

	memset(&taken, 0, sizeof(taken));
	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	guest_inject_irq(guest, AN_INTID);
	guest_inject_irq(guest, AN_INTID + 1);
	guest_vgic_inject(guest, &urgent);
	guest_check_run(guest, EXPECT_RETURN(3),
			"IRQs of a guest that is migrated before them, and in the first one");
	check_taken(0, AN_INTID + 2);
	check_taken(1, AN_INTID);
	check_taken(2, AN_INTID + 1);
	for (unsigned int lr = 0; lr < 3; lr++)
		report(vgic_lr_state(guest->vgic.lr[lr]) == GIC_IRQ_STATE_INACTIVE,
		       "state of list register %u: expected %s, found %s", lr,
		       gic_irq_state_name(GIC_IRQ_STATE_INACTIVE),
		       gic_irq_state_name(vgic_lr_state(guest->vgic.lr[lr])));
	guest_destroy(guest);
}
