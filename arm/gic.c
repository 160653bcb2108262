/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's interrupt controller: both versions, at EL2 and at EL1. With the argument `route`, what
 * a CPU gets that sets it up before CPU 0 does.
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/smp.h>

#define AN_SGI 3
#define ANOTHER_SGI 5
#define A_SPI SPI(70)
#define MAX_TAKEN 8
#define MAX_IPI_CPUS 24

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
	gic_irq_set_pending(AN_SGI, true);
	gic_irq_set_pending(AN_SGI, false);
	report(take_pending() == 0 && gic_irq_state(AN_SGI) == GIC_IRQ_STATE_INACTIVE,
	       "nor is an SGI: %u", nr_taken);
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

/* To other CPUs: each gets those that are sent to it, and no others. */
static struct {
	volatile bool ready;
	volatile unsigned int count;
	u32 irq;
} received[MAX_IPI_CPUS];
static volatile bool ipis_over;

static void take_ipi(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();
	int cpu = smp_processor_id();

	received[cpu].irq = gic_iar_irqnr(iar);
	received[cpu].count++;
	gic_write_eoir(iar);
}

/* WFI ends with an IRQ that is pending, masked or not: none comes between the look and the wait. */
static void wait_for_ipis(void *data)
{
	gic_enable_defaults();
	received[smp_processor_id()].ready = true;
	while (!ipis_over) {
		wfi();
		local_irq_enable();
		isb();
		local_irq_disable();
	}
}

/* Four seconds at most, for all of CPUs 1..@nr - 1 to have received @count. */
static unsigned int wrong_counts(int nr, unsigned int count, u32 irq)
{
	unsigned int wrong = 1;

	for (int ms = 0; ms < 4000 && wrong; ms++) {
		mdelay(ms != 0);
		wrong = 0;
		for (int cpu = 1; cpu < nr; cpu++)
			wrong += received[cpu].count != count || received[cpu].irq != irq;
	}
	return wrong;
}

static void test_ipi(void)
{
	int nr = MIN(nr_cpus, gic_version() == 2 ? 8 : MAX_IPI_CPUS);
	cpumask_t others = { 0 };

	if (nr_cpus == 1) {
		report_skip("one CPU only");
		return;
	}
	install_irq_handler(ELxH_IRQ, take_ipi);
	for (int cpu = 1; cpu < nr; cpu++) {
		cpumask_set_cpu(cpu, &others);
		on_cpu_async(cpu, wait_for_ipis, NULL);
		while (!received[cpu].ready)
			cpu_relax();
	}
	for (int cpu = 1; cpu < nr; cpu++)
		gic_ipi_send_single(AN_SGI, cpu);
	report(wrong_counts(nr, 1, AN_SGI) == 0, "%d CPUs got one each: %u did not", nr - 1,
	       wrong_counts(nr, 1, AN_SGI));
	gic_ipi_send_mask(ANOTHER_SGI, &others);
	report(wrong_counts(nr, 2, ANOTHER_SGI) == 0, "and one for all: %u did not",
	       wrong_counts(nr, 2, ANOTHER_SGI));
	report(take_pending() == 0 && received[0].count == 0, "this one none: %u",
	       received[0].count);
	ipis_over = true;
	gic_ipi_send_mask(AN_SGI, &others);
	install_irq_handler(ELxH_IRQ, take_irq);
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
	daif_clear(PSR_F_BIT);
	isb();
	daif_set(PSR_F_BIT);
	report(nr_fiqs == 1, "taken as FIQ once: %u", nr_fiqs);
	install_vector_handler(ELxH_FIQ, NULL);
	gic_irq_set_group(AN_SGI, 1);
}

static void set_up_and_take_spi(void *data)
{
	gic_enable_defaults();
	gic_enable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	take_pending();
}

static void test_route(void)
{
	on_cpu(nr_cpus - 1, set_up_and_take_spi, NULL);
	report(nr_taken == 1 && taken[0].irq == A_SPI,
	       "SPIs go to CPU %d, which set up the distributor: %u times, %u", nr_cpus - 1,
	       nr_taken, taken[0].irq);
	gic_enable_defaults();
	report(take_pending() == 0, "and not to this one: %u", nr_taken);
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
	{ "ipi", test_ipi },
};

int main(int argc, char **argv)
{
	const char *unsupported = gic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	install_irq_handler(ELxH_IRQ, take_irq);
	if (argc == 2 && !strcmp(argv[1], "route")) {
		test_route();
		return report_summary();
	}
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
