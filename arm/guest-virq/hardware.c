/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual interrupts with a physical one: the maintenance interrupt, and the HW bit. */
#include <libcflat.h>
#include <asm/processor.h>
#include <asm/timer.h>
#include "virq.h"

/* EOI maintenance interrupt: PPI 25, taken in a handler of the guest. */
static struct {
	unsigned int count;
	u32 irq;
	u64 misr, eisr;
} maintenance;

static enum guest_handler_result take_maintenance(struct guest *guest)
{
	u32 iar = gic_read_iar();

	maintenance.count++;
	maintenance.irq = gic_iar_irqnr(iar);
	maintenance.misr = guest->vgic.misr;
	maintenance.eisr = guest->vgic.eisr;
	guest->vgic.hcr = VGIC_HCR_EN;
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		if (guest->vgic.eisr & (1UL << i))
			guest->vgic.lr[i] = 0;
	if (maintenance.irq != SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_RESUME;
}

static void check_maintenance(const char *what, u64 misr, u64 eisr)
{
	report(maintenance.count == 1 && maintenance.irq == gic_maintenance_irq(),
	       "maintenance interrupts, %s: expected 1 of INTID %u, found %u of %u", what,
	       gic_maintenance_irq(), maintenance.count, maintenance.irq);
	report(maintenance.misr == misr && maintenance.eisr == eisr,
	       "cause of the maintenance interrupt, %s: expected MISR %#lx, EISR %#lx, found %#lx, "
	       "%#lx",
	       what, misr, eisr, maintenance.misr, maintenance.eisr);
}

void test_maintenance(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	struct vgic_irq irq = { .intid = AN_INTID,
				.priority = 0x80,
				.group = 1,
				.state = GIC_IRQ_STATE_PENDING,
				.eoi_irq = true };
	int lr = guest_vgic_inject(guest, &irq);

	report(gic_maintenance_irq() == PPI(9),
	       "INTID of the maintenance interrupt: expected %u (PPI 9), found %u", PPI(9),
	       gic_maintenance_irq());
	gic_enable_irq(gic_maintenance_irq());
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest, "guest with an IRQ whose EOI raises a maintenance interrupt");
	check_seen("an IRQ whose EOI raises a maintenance interrupt", 1, 0);
	check_maintenance("EOI", VGIC_MISR_EOI, 1UL << lr);
	guest_destroy(guest);

	guest = create_with_vgic(guest_enable_and_take);
	guest->vgic.hcr |= VGIC_HCR_UIE;
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest, "guest with ICH_HCR_EL2.UIE and no list register in use");
	check_maintenance("underflow", VGIC_MISR_U, 0);
	guest_destroy(guest);
	gic_disable_irq(gic_maintenance_irq());
}

/* The guest's own timer, whose physical interrupt the guest's EOI deactivates. */
static void guest_wait_for_timer(void)
{
	gic_enable_cpu_interface();
	local_irq_enable();
	write_sysreg(get_cntvct() + get_cntfrq() / 5000, cntv_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0);
	while (!seen.irqs)
		;
}

static enum guest_handler_result forward(struct guest *guest)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);
	struct vgic_irq virq = { .intid = irq,
				 .priority = 0x80,
				 .group = 1,
				 .state = GIC_IRQ_STATE_PENDING,
				 .hw_irq = irq };

	if (irq == SPURIOUS)
		return GUEST_ACTION_RESUME;
	gic_write_eoir(iar); /* the priority only: the guest deactivates */
	guest_vgic_inject(guest, &virq);
	return GUEST_ACTION_RESUME;
}

void test_hw(void)
{
	struct guest *guest = create_with_vgic(guest_wait_for_timer);
	u32 irq = TIMER_VTIMER_IRQ;
	enum gic_irq_state state;

	gic_enable_irq(irq);
	gic_set_eoi_split(true);
	guest_install_handler(guest, ELx_LOW_IRQ_64, forward);
	check_returned(guest, "guest that waits for its timer");
	check_seen("its timer's interrupt forwarded", 1, 0);
	check_id("the guest's timer", irq);
	state = gic_irq_state(irq);
	report(state == GIC_IRQ_STATE_INACTIVE,
	       "state of physical interrupt %u after the guest's EOI: expected %s, found %s", irq,
	       gic_irq_state_name(GIC_IRQ_STATE_INACTIVE), gic_irq_state_name(state));
	gic_set_eoi_split(false);
	gic_disable_irq(irq);
	guest_destroy(guest);
}

/*
 * With a physical interrupt, in the list register or in what is injected, an interrupt is never
 * pending and active: UNPREDICTABLE (IHI 0069, ICH_LR<n>_EL2.State; IHI 0048, 5.3.8).
 */
#define A_HW_IRQ 41

static void check_waits(bool hw_active, bool hw_pending)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	struct vgic_irq irq = { .intid = AN_INTID,
				.priority = 0x80,
				.group = 1,
				.state = GIC_IRQ_STATE_ACTIVE,
				.hw_irq = hw_active ? A_HW_IRQ : 0 };
	int lr = guest_vgic_inject(guest, &irq), pending;
	u64 active = guest->vgic.lr[lr];
	bool waits = hw_active || hw_pending;

	irq.state = GIC_IRQ_STATE_PENDING;
	irq.hw_irq = hw_pending ? A_HW_IRQ : 0;
	pending = guest_vgic_inject(guest, &irq);
	report(pending == (waits ? VGIC_QUEUED : lr) && (guest->vgic.lr[lr] == active) == waits,
	       "pending while active, HW %d and %d: expected list register %d (%d: queued), %s; "
	       "found %d, %s",
	       hw_pending, hw_active, waits ? VGIC_QUEUED : lr, VGIC_QUEUED,
	       gic_irq_state_name(waits ? GIC_IRQ_STATE_ACTIVE : GIC_IRQ_STATE_ACTIVE_PENDING),
	       pending, gic_irq_state_name(vgic_lr_state(guest->vgic.lr[lr])));
	guest_destroy(guest);
}

/* Takes one interrupt, and after a stop what was injected in its handler. */
static void guest_take_stop_take(void)
{
	gic_enable_cpu_interface();
	guest_unmask();
	hvc(HVC_STOP);
	guest_unmask();
}

static enum guest_handler_result inject_again(struct guest *guest)
{
	if (ESR_ELx_ISS(guest->esr_el2) == HVC_STOP)
		return GUEST_ACTION_EXIT;
	guest_inject_irq(guest, AN_INTID);
	check_lr(guest, 0, GIC_IRQ_STATE_ACTIVE);
	return GUEST_ACTION_RESUME;
}

/* A physical interrupt that is active, its priority dropped. */
static void activate(u32 irq)
{
	gic_set_eoi_split(true);
	gic_enable_irq(irq);
	gic_irq_set_pending(irq, true);
	gic_write_eoir(gic_read_iar());
	gic_disable_irq(irq);
}

void test_hw_active(void)
{
	struct guest *guest;
	struct vgic_irq irq = { .intid = AN_INTID,
				.priority = 0x80,
				.group = 1,
				.state = GIC_IRQ_STATE_PENDING,
				.hw_irq = A_HW_IRQ };

	for (int i = 0; i < 4; i++)
		check_waits(i & 1, i & 2);
	guest = create_with_vgic(guest_take_stop_take);
	guest_install_handler(guest, ELx_LOW_SYNC_64, inject_again);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_raise));
	activate(A_HW_IRQ);
	guest_vgic_inject(guest, &irq);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "guest with an IRQ of HW 1");
	check_seen("an IRQ of HW 1 injected again while active", 1, 0);
	report(gic_irq_state(A_HW_IRQ) == GIC_IRQ_STATE_INACTIVE,
	       "state of physical interrupt %u after the guest's EOI: expected %s, found %s",
	       A_HW_IRQ, gic_irq_state_name(GIC_IRQ_STATE_INACTIVE),
	       gic_irq_state_name(gic_irq_state(A_HW_IRQ)));
	check_lr(guest, 0, GIC_IRQ_STATE_PENDING);
	check_returned(guest, "guest with the IRQ that had to wait");
	check_seen("the IRQ that had to wait", 2, 0);
	gic_set_eoi_split(false);
	guest_destroy(guest);
}
