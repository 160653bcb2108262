/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic timers: their interrupts, and one set of operations for all of them. */
#ifndef ASMARM64_TIMER_H
#define ASMARM64_TIMER_H

#include <libcflat.h>

#define ARCH_TIMER_CTL_ENABLE (1 << 0)
#define ARCH_TIMER_CTL_IMASK (1 << 1)
#define ARCH_TIMER_CTL_ISTATUS (1 << 2)

/*
 * The interrupt of a timer. Without one, irq is 0 where the device tree describes other timers, and
 * ~0 where it describes none.
 */
struct timer_irq {
	u32 irq; /* interrupt ID */
	u32 irq_flags;
};

struct timer_state {
	struct timer_irq ptimer; /* EL1 physical */
	struct timer_irq vtimer; /* EL1 virtual */
	struct timer_irq hptimer; /* EL2 physical */
	struct timer_irq hvtimer; /* EL2 virtual, FEAT_VHE */
};
extern struct timer_state __timer_state;

#define TIMER_PTIMER_IRQ (__timer_state.ptimer.irq)
#define TIMER_VTIMER_IRQ (__timer_state.vtimer.irq)
#define TIMER_HPTIMER_IRQ (__timer_state.hptimer.irq)
#define TIMER_HVTIMER_IRQ (__timer_state.hvtimer.irq)

struct fdt_node;
/* For the boot: the device tree's node of the timers. */
void timer_candidate(const struct fdt_node *node);

/* As in the device tree: PPI(irq) is the interrupt ID. irq is TIMER_NO_IRQ without an interrupt. */
#define TIMER_NO_IRQ UINT32_MAX
struct timer_ppi {
	u32 irq;
	u32 irq_flags;
};

/*
 * A timer as this exception level accesses it: with HCR_EL2.E2H the EL1 timers have other names,
 * and their own names mean those of EL2.
 */
struct timer {
	const char *name;
	const struct timer_ppi *irq;
	u64 (*read_counter)(void); /* the count that the timer compares with */
	u64 (*read_ctl)(void);
	void (*write_ctl)(u64 ctl);
	u64 (*read_cval)(void);
	void (*write_cval)(u64 cval);
	u64 (*read_tval)(void);
	void (*write_tval)(u64 tval);
};

enum timer_id { TIMER_PTIMER, TIMER_VTIMER, TIMER_HPTIMER, TIMER_HVTIMER, TIMER_MAX };

/* NULL when the CPU does not have it, or it is EL2's and the host runs at EL1. */
const struct timer *timer_get(enum timer_id id);
/*
 * The timer that is the host's own and no guest's: EL2's physical one, or at EL1 the physical one.
 */
const struct timer *timer_host(void);
/* Have @timer fire @us microseconds from now, and its interrupt not be masked. */
void timer_start(const struct timer *timer, u64 us);
void timer_stop(const struct timer *timer);

#endif
