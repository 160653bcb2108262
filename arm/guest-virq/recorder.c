/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that takes virtual interrupts and records them. */
#include <libcflat.h>
#include <asm/processor.h>
#include <asm/timer.h>
#include "virq.h"

struct seen seen;

void guest_unmask(void)
{
	daif_clear(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
	isb();
	daif_set(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
}

static unsigned int guest_total(void)
{
	return seen.irqs + seen.fiqs;
}

void guest_raise_and_take(void)
{
	hvc(HVC_RAISE);
	isb();
	seen.masked = guest_total();
	guest_unmask();
	guest_unmask();
}

struct guest *create_without_vgic(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	seen.irqs = seen.fiqs = 0;
	seen.masked = 0;
	for (int i = 0; i < MAX_SEEN; i++)
		seen.ids[i] = SPURIOUS;
	return guest;
}

void check_seen(const char *when, unsigned int irqs, unsigned int fiqs)
{
	report(seen.irqs == irqs && seen.fiqs == fiqs,
	       "taken by the guest, %s: expected %u IRQs, %u FIQs, found %u, %u", when, irqs, fiqs,
	       seen.irqs, seen.fiqs);
}

void check_id(const char *which, u32 expected)
{
	report(seen.ids[0] == expected, "INTID of %s: expected %u, found %u", which, expected,
	       seen.ids[0]);
}

void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (guest_total() < MAX_SEEN)
		seen.ids[guest_total()] = gic_iar_irqnr(iar);
	seen.irqs++;
	if (gic_iar_irqnr(iar) == TIMER_VTIMER_IRQ)
		write_sysreg(0, cntv_ctl_el0);
	if (gic_iar_irqnr(iar) != SPURIOUS)
		gic_write_eoir(iar);
}

static void guest_on_fiq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	if (guest_total() < MAX_SEEN)
		seen.ids[guest_total()] = gic_iar_irqnr(iar);
	seen.fiqs++;
	gic_write_eoir_group0(iar);
}

struct guest *create_with_vgic_again(void *func)
{
	struct guest *guest = guest_create_4k(VMID + 1, func);

	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	return guest;
}

struct guest *create_with_vgic(void *func)
{
	struct guest *guest = create_without_vgic(func);

	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	assert(guest_install_el1_handler(guest, ELxH_FIQ, guest_on_fiq));
	return guest;
}

void guest_enable_and_take(void)
{
	guest_unmask();
	seen.masked = guest_total();
	gic_enable_cpu_interface();
	guest_unmask();
	guest_unmask();
	guest_unmask();
}

void check_lr(const struct guest *guest, int lr, enum gic_irq_state expected)
{
	enum gic_irq_state state = vgic_lr_state(guest->vgic.lr[lr]);

	report(state == expected, "state in list register %d, INTID %u: expected %s, found %s", lr,
	       vgic_lr_intid(guest->vgic.lr[lr]), gic_irq_state_name(expected),
	       gic_irq_state_name(state));
}

void guest_on_irq_raise(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (!seen.irqs++)
		hvc(HVC_RAISE);
	gic_write_eoir(iar);
}
