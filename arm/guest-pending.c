/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual interrupts and SErrors that bits of HCR_EL2 pend: VI, VF and VSE. No GIC is needed. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/vgic.h>

#define VMID 5
#define DISR_A (1UL << 31)

/* Calls of the host, by immediate of HVC */
enum { HVC_RAISE = 1, HVC_CLEAR, HVC_STOP };
#define hvc(n) asm volatile("hvc %0" : : "i"(n) : "memory")

/* Written by guests, whose image is the host's. */
static struct {
	volatile unsigned int irqs, fiqs, serrors;
	unsigned int masked; /* of them while PSTATE masked them */
	u64 esr;
} seen;

static void guest_unmask(void)
{
	daif_clear(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
	isb();
	daif_set(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
}

static unsigned int guest_total(void)
{
	return seen.irqs + seen.fiqs + seen.serrors;
}

static void guest_on_irq_level(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.irqs++;
	hvc(HVC_CLEAR);
}

static void guest_on_fiq_level(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.fiqs++;
	hvc(HVC_CLEAR);
}

static void guest_on_serror(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.serrors++;
	seen.esr = esr;
}

/* Have the host raise the exception, see that it is masked, unmask it. */
static void guest_raise_and_take(void)
{
	hvc(HVC_RAISE);
	isb();
	seen.masked = guest_total();
	guest_unmask();
	guest_unmask();
}

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	seen.irqs = seen.fiqs = seen.serrors = 0;
	seen.masked = 0;
	seen.esr = 0;
	return guest;
}

#define check_returned(guest, what) guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), what)

static void check_seen(const char *when, unsigned int irqs, unsigned int fiqs, unsigned int serrors)
{
	report(seen.irqs == irqs && seen.fiqs == fiqs && seen.serrors == serrors,
	       "taken by the guest, %s: expected %u IRQs, %u FIQs, %u SErrors, found %u, %u, %u",
	       when, irqs, fiqs, serrors, seen.irqs, seen.fiqs, seen.serrors);
	report(seen.masked == 0, "taken while the guest masks them, %s: expected 0, found %u", when,
	       seen.masked);
}

/* HCR_EL2.VI and VF */

static enum guest_handler_result switch_level(struct guest *guest)
{
	u64 level = (u64)guest->data;

	if ((guest->esr_el2 & 0xffff) == HVC_RAISE)
		guest->hcr_el2 |= level;
	else
		guest->hcr_el2 &= ~level;
	return GUEST_ACTION_RESUME;
}

static void run_with_level(u64 level)
{
	struct guest *guest = create(guest_raise_and_take);

	guest->data = (void *)level;
	guest_install_handler(guest, ELx_LOW_SYNC_64, switch_level);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_level));
	assert(guest_install_el1_handler(guest, ELxH_FIQ, guest_on_fiq_level));
	check_returned(guest, "guest for which a handler sets a bit of HCR_EL2");
	report(!(guest->hcr_el2 & level),
	       "HCR_EL2 & %#lx, which the last handler cleared: expected 0, found %#lx", level,
	       guest->hcr_el2 & level);
	guest_destroy(guest);
}

static void test_vi(void)
{
	run_with_level(HCR_EL2_VI);
	check_seen("HCR_EL2.VI set", 1, 0, 0);
}

static void test_vf(void)
{
	run_with_level(HCR_EL2_VF);
	check_seen("HCR_EL2.VF set", 0, 1, 0);
}

/* SErrors */

static enum guest_handler_result raise_serror(struct guest *guest)
{
	guest_inject_serror(guest, 0x1abcde);
	return GUEST_ACTION_RESUME;
}

static void check_serror_syndrome(void)
{
	u64 vsesr;

	report(ESR_ELx_EC(seen.esr) == ESR_ELx_EC_SERROR,
	       "class of the injected SError at EL1: expected SError, found %s",
	       esr_class_name(seen.esr));
	if (guest_serror_has_syndrome()) {
		vsesr = read_sysreg_s(VSESR_EL2);
		report(ESR_ELx_ISS(seen.esr) == 0x1abcde,
		       "syndrome of the injected SError at EL1: expected 0x1abcde, found %#lx",
		       ESR_ELx_ISS(seen.esr));
		report(!vsesr, "VSESR_EL2 after the guest's run: expected 0, found %#lx", vsesr);
	} else {
		report_skip("no FEAT_RAS, so no syndrome (ID_AA64PFR0_EL1.RAS)");
	}
}

static void test_serror(void)
{
	struct guest *guest = create(guest_raise_and_take);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_serror);
	assert(guest_install_el1_handler(guest, ELxH_ERROR, guest_on_serror));
	check_returned(guest, "guest with an SError injected by a handler");
	check_seen("an SError injected", 0, 0, 1);
	check_serror_syndrome();
	report(!(guest->hcr_el2 & HCR_EL2_VSE),
	       "HCR_EL2.VSE after the guest took the SError: expected 0, found %d",
	       !!(guest->hcr_el2 & HCR_EL2_VSE));
	guest_destroy(guest);
}

/* An SError stays pending for its guest while others run, also when ESB deferred it. */
static u64 guest_defer_and_read(void)
{
	asm volatile("hint %0" : : "i"(HINT_ESB) : "memory");
	hvc(HVC_STOP);
	guest_unmask();
	return read_sysreg_s(DISR_EL1);
}

static void test_serror_of_another(void)
{
	struct guest *victim = create(guest_defer_and_read);
	struct guest *other = create(guest_unmask);

	assert(guest_install_el1_handler(victim, ELxH_ERROR, guest_on_serror));
	assert(guest_install_el1_handler(other, ELxH_ERROR, guest_on_serror));
	guest_install_handler(victim, ELx_LOW_SYNC_64, guest_exit_always);
	guest_inject_serror(victim, 0x155);
	check_returned(other, "guest that unmasks while another has an SError pending");
	check_seen("another guest's SError pending", 0, 0, 0);
	if (!guest_serror_has_syndrome()) {
		report_skip("no FEAT_RAS, so no ESB (ID_AA64PFR0_EL1.RAS)");
	} else {
		guest_check_run(victim, EXPECT_REASON(GUEST_EXIT_HANDLER),
				"guest that executes ESB with an SError pending");
		other->elr_el2 = (u64)guest_unmask;
		check_returned(other, "guest that unmasks while another has an SError deferred");
		guest_check_run(victim, EXPECT_RETURN(DISR_A | 0x155),
				"DISR_EL1 of the guest whose SError ESB deferred");
		check_seen("an SError deferred by ESB", 0, 0, 0);
	}
	guest_destroy(victim);
	guest_destroy(other);
}

/* A virtual interrupt without handler at EL1, where ESR_EL1 is that of an exception before. */

static void guest_skip_brk(struct guest_el1_regs *regs, unsigned int esr)
{
	regs->elr += 4;
}

static void guest_brk_and_unmask(void)
{
	asm volatile("brk #0x77" : : : "memory");
	guest_unmask();
}

static void check_unhandled(u64 level, const char *name)
{
	struct guest *guest = create(guest_brk_and_unmask);
	u64 ipa;

	assert(guest_install_el1_handler(guest, ELxH_SYNC, guest_skip_brk));
	guest->hcr_el2 |= level;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED), "%s without handler at EL1",
			name);
	report(ESR_ELx_EC(guest->esr_el1) == ESR_ELx_EC_BRK64 && !guest->esr_el2 &&
		       guest->elr_el2 == guest->elr_el1 && guest->spsr_el2 == guest->spsr_el1 &&
		       !guest_fault_ipa(guest, &ipa),
	       "%s without handler at EL1: expected ESR_EL1 of a BRK, esr_el2 0, PC %#lx, SPSR %#lx, "
	       "no IPA; found %#lx, %#lx, %#lx, %#lx",
	       name, guest->elr_el1, guest->spsr_el1, guest->esr_el1, guest->esr_el2,
	       guest->elr_el2, guest->spsr_el2);
	guest_destroy(guest);
}

static void test_unhandled(void)
{
	check_unhandled(HCR_EL2_VI, "virtual IRQ");
	check_unhandled(HCR_EL2_VF, "virtual FIQ");
}

static const struct subtest subtests[] = {
	{ "vi", test_vi },
	{ "vf", test_vf },
	{ "serror", test_serror },
	{ "serror-of-another", test_serror_of_another },
	{ "unhandled", test_unhandled },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
