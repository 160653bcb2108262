/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's interrupt controller: both versions, at EL2 and at EL1. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/processor.h>

#define AN_SGI 3
#define ANOTHER_SGI 5
#define A_SPI SPI(70)
#define MAX_TAKEN 8

static struct {
	u32 irq;
	enum gic_irq_state state; /* before the end of interrupt */
} taken[MAX_TAKEN];
static volatile unsigned int nr_taken;
static volatile unsigned int nr_fiqs;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);

	if (nr_taken < MAX_TAKEN) {
		taken[nr_taken].irq = irq;
		taken[nr_taken].state = irq < gic_nr_irqs() ? gic_irq_state(irq) : 0;
	}
	nr_taken++;
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

/* Let in what is pending; how many came. */
static unsigned int take_pending(void)
{
	nr_taken = 0;
	local_irq_enable();
	isb(); /* an IRQ that is pending is taken here */
	local_irq_disable();
	return nr_taken;
}

static void test_version(void)
{
	report(gic_version() == 2 || gic_version() == 3, "GIC version %d", gic_version());
	report(gic_init() == gic_version(), "gic_init() again: %d", gic_init());
	report(gic_nr_irqs() >= 64 && gic_nr_irqs() <= 1024, "%u interrupt IDs", gic_nr_irqs());
	report(gic_iar_irqnr(gic_read_iar()) == GICC_INT_SPURIOUS,
	       "nothing is pending: IAR is 1023");
}

static void check_one(const char *what, int irq)
{
	report(gic_irq_state(irq) == GIC_IRQ_STATE_PENDING, "%s %d is pending: state %d", what, irq,
	       gic_irq_state(irq));
	report(take_pending() == 1 && taken[0].irq == (u32)irq, "and is taken once: %u times, %u",
	       nr_taken, taken[0].irq);
	report(taken[0].state == GIC_IRQ_STATE_ACTIVE, "active in its handler: state %d",
	       taken[0].state);
	report(gic_irq_state(irq) == GIC_IRQ_STATE_INACTIVE, "inactive after it: state %d",
	       gic_irq_state(irq));
}

static void test_sgi(void)
{
	gic_ipi_send_single(AN_SGI, 0);
	check_one("SGI", AN_SGI);
	gic_irq_set_pending(ANOTHER_SGI, true);
	check_one("SGI", ANOTHER_SGI);
}

static void test_ppi(void)
{
	gic_enable_irq(PPI(2));
	gic_irq_set_pending(PPI(2), true);
	check_one("PPI", PPI(2));
	gic_disable_irq(PPI(2));
}

static void test_spi(void)
{
	gic_enable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	check_one("SPI", A_SPI);
	gic_disable_irq(A_SPI);
}

static void test_enable(void)
{
	gic_disable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	report(take_pending() == 0, "a disabled SPI is not taken: %u", nr_taken);
	gic_enable_irq(A_SPI);
	report(take_pending() == 1, "until it is enabled: %u", nr_taken);
	gic_disable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	gic_irq_set_pending(A_SPI, false);
	gic_enable_irq(A_SPI);
	report(take_pending() == 0, "one that is no longer pending is not: %u", nr_taken);
	gic_disable_irq(A_SPI);
}

static void test_priority(void)
{
	gic_irq_set_priority(AN_SGI, 0x80);
	gic_irq_set_priority(ANOTHER_SGI, 0x40);
	gic_set_priority_mask(0x80);
	gic_ipi_send_single(AN_SGI, 0);
	report(take_pending() == 0, "priority 0x80 under a mask of 0x80 is not taken: %u",
	       nr_taken);
	gic_ipi_send_single(ANOTHER_SGI, 0);
	report(take_pending() == 1 && taken[0].irq == ANOTHER_SGI, "priority 0x40 is: %u times, %u",
	       nr_taken, taken[0].irq);
	gic_ipi_send_single(ANOTHER_SGI, 0);
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	report(take_pending() == 2 && taken[0].irq == ANOTHER_SGI && taken[1].irq == AN_SGI,
	       "of two the higher priority comes first: %u times, %u, %u", nr_taken, taken[0].irq,
	       taken[1].irq);
	gic_irq_set_priority(AN_SGI, GICD_INT_DEF_PRI);
	gic_irq_set_priority(ANOTHER_SGI, GICD_INT_DEF_PRI);
}

static void test_eoi_split(void)
{
	gic_set_eoi_split(true);
	gic_ipi_send_single(AN_SGI, 0);
	report(take_pending() == 1 && gic_irq_state(AN_SGI) == GIC_IRQ_STATE_ACTIVE,
	       "EOIR drops the priority only: state %d", gic_irq_state(AN_SGI));
	gic_write_dir(AN_SGI);
	report(gic_irq_state(AN_SGI) == GIC_IRQ_STATE_INACTIVE, "DIR deactivates: state %d",
	       gic_irq_state(AN_SGI));
	gic_set_eoi_split(false);
}

static void take_fiq(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	nr_fiqs++;
	report(gic_iar_irqnr(iar) == AN_SGI, "FIQ: interrupt %u", gic_iar_irqnr(iar));
	gic_write_eoir_group0(iar);
}

static void test_fiq(void)
{
	if (!gic_irq_set_group(AN_SGI, 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		return;
	}
	install_vector_handler(ELxH_FIQ, take_fiq);
	nr_fiqs = 0;
	gic_irq_set_pending(AN_SGI, true);
	report(take_pending() == 0 && nr_fiqs == 0, "PSTATE.F masks group 0, and it is no IRQ");
	asm volatile("msr daifclr, #1\n	isb\n	msr daifset, #1" : : : "memory");
	report(nr_fiqs == 1, "taken as FIQ once: %u", nr_fiqs);
	install_vector_handler(ELxH_FIQ, NULL);
	gic_irq_set_group(AN_SGI, 1);
}

static const struct subtest subtests[] = {
	{ "version", test_version },
	{ "sgi", test_sgi },
	{ "ppi", test_ppi },
	{ "spi", test_spi },
	{ "enable", test_enable },
	{ "priority", test_priority },
	{ "eoi-split", test_eoi_split },
	{ "fiq", test_fiq },
};

int main(int argc, char **argv)
{
	if (!gic_init()) {
		report_skip("no GIC in the device tree");
		return report_summary();
	}
	install_irq_handler(ELxH_IRQ, take_irq);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
