/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Controls of EL2 that change between runs of one guest: each exit must follow the control's last
 * value, and functions of the host's user mode (HCR_EL2.TGE) in between must change nothing. Timers
 * of the host that fire while the guest runs, with CNTVOFF_EL2 at the ends of its 64 bits.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/run-in.h>
#include <asm/timer.h>

#define VMID 8
#define TOGGLES 8
#define SOON_US 200

/*
 * Traps
 */

/* In the guest: one access, over and over. Its end is an HVC. */
#define GUEST_LOOP(name, instruction)                                                \
	static void guest_##name(void)                                               \
	{                                                                            \
		for (;;)                                                             \
			asm volatile(instruction "\n\thvc #0" : : : "x0", "memory"); \
	}
GUEST_LOOP(write_mair, "mrs x0, mair_el1\n\tmsr mair_el1, x0")
GUEST_LOOP(read_mair, "mrs x0, mair_el1")
GUEST_LOOP(read_pfr, "mrs x0, id_aa64pfr0_el1")
GUEST_LOOP(read_actlr, "mrs x0, actlr_el1")
GUEST_LOOP(fp, ".arch_extension fp\n\tfmov x0, d0")
GUEST_LOOP(read_mdscr, "mrs x0, mdscr_el1")
GUEST_LOOP(read_pmcr, "mrs x0, pmcr_el0")

enum control { HCR, CPTR, MDCR };

struct toggle {
	const char *name;
	void (*guest)(void);
	enum control control;
	u64 bits; /* set in turn: traps, or with @permits the contrary */
	bool permits;
	unsigned int class; /* of the trap */
};

static u64 *control_of(struct guest *guest, enum control control)
{
	return control == HCR	 ? &guest->hcr_el2
	       : control == CPTR ? &guest->cptr_el2
				 : &guest->mdcr_el2;
}

static u64 user_add(u64 value)
{
	return value + 1;
}

/* In between the host runs user mode, and what it computes must be right. */
static bool run_once(struct guest *guest, const struct toggle *t, bool set)
{
	bool trapped, expected = set != t->permits;
	u64 *control = control_of(guest, t->control);

	*control = set ? *control | t->bits : *control & ~t->bits;
	if (guest_run(guest) != GUEST_EXIT_HANDLER)
		return false;
	trapped = ESR_ELx_EC(guest->esr_el2) == t->class;
	if (trapped)
		guest_skip_instruction(guest);
	else if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return false;
	/* The HVC behind an instruction that was trapped */
	if (trapped && (guest_run(guest) != GUEST_EXIT_HANDLER ||
			ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64))
		return false;
	return trapped == expected && run_in_el0(user_add, set).value == set + 1UL;
}

static void check_toggle(const struct toggle *t)
{
	struct guest *guest = guest_create_4k(VMID, t->guest);
	unsigned int right = 0;

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	for (unsigned int i = 0; i < TOGGLES && right == i; i++)
		right += run_once(guest, t, i % 2);
	report(right == TOGGLES,
	       "%s, changed between %d runs with user mode in between: expected %d runs that follow "
	       "it, found %u, the last exit is %s",
	       t->name, TOGGLES, TOGGLES, right, esr_class_name(guest->esr_el2));
	guest_destroy(guest);
}

static void test_traps(void)
{
	const struct toggle toggles[] = {
		{ "HCR_EL2.TVM", guest_write_mair, HCR, HCR_EL2_TVM, false, ESR_ELx_EC_SYS64 },
		{ "HCR_EL2.TRVM", guest_read_mair, HCR, HCR_EL2_TRVM, false, ESR_ELx_EC_SYS64 },
		{ "HCR_EL2.TID3", guest_read_pfr, HCR, HCR_EL2_TID3, false, ESR_ELx_EC_SYS64 },
		{ "HCR_EL2.TACR", guest_read_actlr, HCR, HCR_EL2_TACR, false, ESR_ELx_EC_SYS64 },
		{ "MDCR_EL2.TDA", guest_read_mdscr, MDCR, MDCR_EL2_TDA, false, ESR_ELx_EC_SYS64 },
		{ "MDCR_EL2.TPM", guest_read_pmcr, MDCR, MDCR_EL2_TPM | MDCR_EL2_TPMCR, false,
		  ESR_ELx_EC_SYS64 },
		/* The host's format of CPTR_EL2, FPEN, and the other one, TFP */
		{ host_vhe ? "CPTR_EL2.FPEN" : "CPTR_EL2.TFP", guest_fp, CPTR,
		  host_vhe ? CPTR_VHE_FPEN : CPTR_NVHE_TFP, host_vhe, ESR_ELx_EC_FP_ASIMD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(toggles); i++)
		if (toggles[i].bits != HCR_EL2_TVM || s2_features()->fwb)
			check_toggle(&toggles[i]);
		else
			report_skip("HCR_EL2.TVM is always set without FEAT_S2FWB (guest-dc.c)");
}

/*
 * Timers
 */

static void guest_spin(void)
{
	for (;;)
		;
}

/* In the guest: its own virtual timer, due in a moment by its own count */
static void guest_arm_and_spin(u64 ticks)
{
	write_sysreg(get_cntvct() + ticks, cntv_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0);
	guest_spin();
}

/* In the guest: due since ever */
static void guest_arm_past_and_spin(void)
{
	write_sysreg(get_cntvct() - 1, cntv_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0);
	guest_spin();
}

static u32 last_irq;

static enum guest_handler_result take_and_exit(struct guest *guest)
{
	u32 iar = gic_read_iar();

	last_irq = gic_iar_irqnr(iar);
	if (last_irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_EXIT;
}

static void run_to_interrupt(struct guest *guest, u32 irq, const char *what)
{
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_and_exit);
	last_irq = GICC_INT_SPURIOUS;
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_HANDLER && last_irq == irq,
	       "%s: expected an exit with interrupt %u, found %s with %u", what, irq,
	       guest_exit_reason_name(guest->exit_reason), last_irq);
}

static void check_host_timer(enum timer_id id)
{
	const struct timer *timer = timer_get(id);
	struct guest *guest;
	u32 irq;

	if (!timer || timer->irq->irq == TIMER_NO_IRQ) {
		report_skip("no timer of EL2 with number %d, or no interrupt of it", id);
		return;
	}
	irq = PPI(timer->irq->irq);
	guest = guest_create_4k(VMID, guest_spin);
	gic_enable_irq(irq);
	for (int i = 0; i < 2; i++) {
		timer_start(timer, SOON_US);
		run_to_interrupt(guest, irq, timer->name);
		timer_stop(timer);
	}
	gic_disable_irq(irq);
	guest_destroy(guest);
}

static void test_host_timers(void)
{
	check_host_timer(TIMER_HPTIMER);
	check_host_timer(TIMER_HVTIMER);
}

/* The count that the guest sees begins at @count. */
static void check_guest_timer(void *func, u64 count, const char *what)
{
	struct guest *guest = guest_create_4k(VMID, func);

	guest->x[0] = usecs_to_cycles(SOON_US);
	isb();
	guest->cntvoff_el2 = read_sysreg(cntpct_el0) - count;
	gic_enable_irq(TIMER_VTIMER_IRQ);
	run_to_interrupt(guest, TIMER_VTIMER_IRQ, what);
	gic_disable_irq(TIMER_VTIMER_IRQ);
	guest_destroy(guest);
}

static void test_guest_timer(void)
{
	check_guest_timer(guest_arm_and_spin, 0,
			  "virtual timer of a guest whose count begins at 0");
	check_guest_timer(guest_arm_and_spin, UL(1) << 63,
			  "virtual timer of a guest whose count begins at 2^63");
	check_guest_timer(guest_arm_past_and_spin, UL(1) << 32,
			  "virtual timer of a guest, due in the past");
}

static const struct subtest subtests[] = {
	{ "traps", test_traps },
	{ "host-timers", test_host_timers },
	{ "guest-timer", test_guest_timer },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: gic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
