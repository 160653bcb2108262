/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual interrupts and SErrors that bits of HCR_EL2 pend: VI, VF and VSE. No GIC is needed. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/vgic.h>

#define VMID 5
#define DISR_A (1UL << 31)

/* What a guest asks of the host, by hvc */
enum { HVC_RAISE = 1, HVC_CLEAR, HVC_STOP };
#define hvc(n) asm volatile("hvc %0" : : "i"(n) : "memory")

/* What guests tell; their image is the host's. */
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

/* Have the host raise it, look, and let it in. */
static void guest_raise_and_take(void)
{
	hvc(HVC_RAISE);
	isb();
	seen.masked = guest_total();
	guest_unmask();
	guest_unmask();
}

static struct guest *create(void (*guest_func)(void))
{
	struct guest *guest = guest_create(VMID, guest_func, S2_PAGE_4K);

	assert(guest);
	seen.irqs = seen.fiqs = seen.serrors = 0;
	seen.masked = 0;
	seen.esr = 0;
	return guest;
}

static void check_returned(struct guest *guest)
{
	enum guest_exit_reason reason = guest_run(guest);

	report(reason == GUEST_EXIT_RETURNED, "exit reason: %s", guest_exit_reason_name(reason));
}

static void check_seen(unsigned int irqs, unsigned int fiqs, unsigned int serrors)
{
	report(seen.irqs == irqs && seen.fiqs == fiqs && seen.serrors == serrors,
	       "the guest took %u IRQs, %u FIQs, %u SErrors: %u, %u, %u", irqs, fiqs, serrors,
	       seen.irqs, seen.fiqs, seen.serrors);
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
	check_returned(guest);
	report(seen.masked == 0, "not while the guest masks it: %u", seen.masked);
	report(!(guest->hcr_el2 & level), "HCR_EL2 as the handler left it: %#lx", guest->hcr_el2);
	guest_destroy(guest);
}

static void test_vi(void)
{
	run_with_level(HCR_EL2_VI);
	check_seen(1, 0, 0);
}

static void test_vf(void)
{
	run_with_level(HCR_EL2_VF);
	check_seen(0, 1, 0);
}

/* SErrors */

static enum guest_handler_result raise_serror(struct guest *guest)
{
	guest_inject_serror(guest, 0x1abcde);
	return GUEST_ACTION_RESUME;
}

static void test_serror(void)
{
	struct guest *guest = create(guest_raise_and_take);

	guest_install_handler(guest, ELx_LOW_SYNC_64, raise_serror);
	assert(guest_install_el1_handler(guest, ELxH_ERROR, guest_on_serror));
	check_returned(guest);
	check_seen(0, 0, 1);
	report(seen.masked == 0, "not while the guest masks it: %u", seen.masked);
	report(ESR_ELx_EC(seen.esr) == ESR_ELx_EC_SERROR, "class %#lx", ESR_ELx_EC(seen.esr));
	if (guest_serror_has_syndrome())
		report(ESR_ELx_ISS(seen.esr) == 0x1abcde, "syndrome: expected 0x1abcde, found %#lx",
		       ESR_ELx_ISS(seen.esr));
	else
		report_skip("no FEAT_RAS, so no syndrome (ID_AA64PFR0_EL1.RAS)");
	if (guest_serror_has_syndrome())
		report(!read_sysreg_s(VSESR_EL2), "which no other guest's SError has");
	report(!(guest->hcr_el2 & HCR_EL2_VSE), "taking it clears HCR_EL2.VSE: %#lx",
	       guest->hcr_el2);
	guest_destroy(guest);
}

/* It waits for its guest while others run, also when it was deferred by ESB. */
static u64 guest_defer_and_read(void)
{
	asm volatile("hint %0" : : "i"(HINT_ESB) : "memory");
	hvc(HVC_STOP);
	guest_unmask();
	return read_sysreg_s(DISR_EL1);
}

static enum guest_handler_result stop(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static void test_serror_of_another(void)
{
	struct guest *victim = create((void (*)(void))guest_defer_and_read);
	struct guest *other = create(guest_unmask);

	assert(guest_install_el1_handler(victim, ELxH_ERROR, guest_on_serror));
	assert(guest_install_el1_handler(other, ELxH_ERROR, guest_on_serror));
	guest_install_handler(victim, ELx_LOW_SYNC_64, stop);
	guest_inject_serror(victim, 0x155);
	check_returned(other);
	check_seen(0, 0, 0);
	if (!guest_serror_has_syndrome()) {
		report_skip("no FEAT_RAS, so no ESB (ID_AA64PFR0_EL1.RAS)");
	} else {
		report(guest_run(victim) == GUEST_EXIT_HANDLER, "ESB");
		other->elr_el2 = (u64)guest_unmask;
		check_returned(other);
		check_returned(victim);
		check_seen(0, 0, 0);
		report(victim->exit_code == (DISR_A | 0x155),
		       "ESB defers it to DISR_EL1: expected %#lx, found %#lx", DISR_A | 0x155,
		       victim->exit_code);
	}
	guest_destroy(victim);
	guest_destroy(other);
}

static const struct subtest subtests[] = {
	{ "vi", test_vi },
	{ "vf", test_vf },
	{ "serror", test_serror },
	{ "serror-of-another", test_serror_of_another },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
