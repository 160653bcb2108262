/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic timers (DDI 0487, D12). */
#include <libcflat.h>
#include <boot-fdt.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/timer.h>

#define SPECIFIER_SIZE 12
#define INTERRUPT_PPI 1

struct timer_state __timer_state = { { ~0U, 0 }, { ~0U, 0 }, { ~0U, 0 }, { ~0U, 0 } };
static struct timer_ppi timer_ppi[TIMER_MAX] = {
	{ TIMER_NO_IRQ, 0 }, { TIMER_NO_IRQ, 0 }, { TIMER_NO_IRQ, 0 }, { TIMER_NO_IRQ, 0 }
};

static struct timer_ppi timer_specifier(struct fdt_value interrupts, unsigned int index)
{
	u32 offset = index * SPECIFIER_SIZE;

	if (interrupts.len < offset + SPECIFIER_SIZE ||
	    fdt_number(interrupts, offset, 1) != INTERRUPT_PPI)
		return (struct timer_ppi){ .irq = TIMER_NO_IRQ };
	return (struct timer_ppi){ .irq = fdt_number(interrupts, offset + 4, 1),
				   .irq_flags = fdt_number(interrupts, offset + 8, 1) };
}

/* In this order (Linux, Documentation/devicetree/bindings/timer/arm,arch_timer.yaml). */
void timer_candidate(const struct fdt_node *node)
{
	struct timer_irq *const irqs[TIMER_MAX] = {
		[TIMER_PTIMER] = &__timer_state.ptimer,
		[TIMER_VTIMER] = &__timer_state.vtimer,
		[TIMER_HPTIMER] = &__timer_state.hptimer,
		[TIMER_HVTIMER] = &__timer_state.hvtimer,
	};
	struct fdt_value interrupts = fdt_find_property(node, "interrupts");

	for (unsigned int id = 0; id < TIMER_MAX; id++) {
		timer_ppi[id] = timer_specifier(interrupts, id + 1);
		*irqs[id] = (struct timer_irq){};
		if (timer_ppi[id].irq != TIMER_NO_IRQ)
			*irqs[id] = (struct timer_irq){ PPI(timer_ppi[id].irq),
							timer_ppi[id].irq_flags };
	}
}

static u64 read_cntpct(void)
{
	isb(); /* not before what came earlier */
	return read_sysreg(cntpct_el0);
}

#define TIMER_REGISTER(id, reg, sysreg)                 \
	static u64 id##_read_##reg(void)                \
	{                                               \
		isb();                                  \
		return read_sysreg(sysreg);             \
	}                                               \
	static void id##_write_##reg(u64 value)         \
	{                                               \
		write_sysreg(value, sysreg);            \
		isb(); /* in effect for what follows */ \
	}
#define TIMER(id, counter, number, ctl_reg, cval_reg, tval_reg) \
	TIMER_REGISTER(id, ctl, ctl_reg)                        \
	TIMER_REGISTER(id, cval, cval_reg)                      \
	TIMER_REGISTER(id, tval, tval_reg)                      \
	static const struct timer id = { #id,                   \
					 &timer_ppi[number],    \
					 counter,               \
					 id##_read_ctl,         \
					 id##_write_ctl,        \
					 id##_read_cval,        \
					 id##_write_cval,       \
					 id##_read_tval,        \
					 id##_write_tval };

TIMER(ptimer, read_cntpct, TIMER_PTIMER, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0)
TIMER(vtimer, get_cntvct, TIMER_VTIMER, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0)
TIMER(ptimer_e2h, read_cntpct, TIMER_PTIMER, CNTP_CTL_EL02, CNTP_CVAL_EL02, CNTP_TVAL_EL02)
TIMER(vtimer_e2h, get_cntvct, TIMER_VTIMER, CNTV_CTL_EL02, CNTV_CVAL_EL02, CNTV_TVAL_EL02)
TIMER(hptimer, read_cntpct, TIMER_HPTIMER, cnthp_ctl_el2, cnthp_cval_el2, cnthp_tval_el2)
TIMER(hvtimer, get_cntvct, TIMER_HVTIMER, CNTHV_CTL_EL2, CNTHV_CVAL_EL2, CNTHV_TVAL_EL2)

const struct timer *timer_get(enum timer_id id)
{
	switch (id) {
	case TIMER_PTIMER:
		return host_vhe ? &ptimer_e2h : &ptimer;
	case TIMER_VTIMER:
		return host_vhe ? &vtimer_e2h : &vtimer;
	case TIMER_HPTIMER:
		return host_at_el2 ? &hptimer : NULL;
	case TIMER_HVTIMER:
		return host_vhe ? &hvtimer : NULL;
	case TIMER_MAX:
		break;
	}
	return NULL;
}

const struct timer *timer_host(void)
{
	return timer_get(host_at_el2 ? TIMER_HPTIMER : TIMER_PTIMER);
}

void timer_start(const struct timer *timer, u64 us)
{
	timer->write_cval(timer->read_counter() + usecs_to_cycles(us));
	timer->write_ctl(ARCH_TIMER_CTL_ENABLE);
}

void timer_stop(const struct timer *timer)
{
	timer->write_ctl(0);
}
