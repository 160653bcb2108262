/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's interrupt controller: both versions, at EL2 and at EL1. With the argument `route`, the
 * last CPU sets it up before CPU 0 does; with `first`, nothing comes before gic_enable_defaults().
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/vgic.h>

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

/* Unmask what is pending; returns how many IRQs were taken. */
static unsigned int take_pending(void)
{
	nr_taken = 0;
	local_irq_enable();
	isb(); /* an IRQ that is pending is taken here */
	local_irq_disable();
	return nr_taken;
}

static void check_number(const char *what, int irq, unsigned int expected)
{
	unsigned int found = take_pending();

	report(found == expected && (!found || taken[0].irq == (u32)irq),
	       "IRQs taken, %s: expected %u of INTID %d, found %u of %u", what, expected, irq,
	       found, found ? taken[0].irq : GICC_INT_SPURIOUS);
}

static void check_state(const char *when, int irq, enum gic_irq_state found,
			enum gic_irq_state expected)
{
	report(found == expected, "state of INTID %d %s: expected %s, found %s", irq, when,
	       gic_irq_state_name(expected), gic_irq_state_name(found));
}

static void test_version(void)
{
	int again = gic_init();
	u32 irq;

	report(gic_version() == 2 || gic_version() == 3, "gic_version(): expected 2 or 3, found %d",
	       gic_version());
	report(again == gic_version(), "gic_init() again: expected %d, found %d", gic_version(),
	       again);
	report(gicv2_init() == (again == 2) && gicv3_init() == (again == 3),
	       "gicv2_init() and gicv3_init(), version %d: expected %d and %d, found %d and %d",
	       again, again == 2, again == 3, gicv2_init(), gicv3_init());
	report(gic_nr_irqs() >= 64 && gic_nr_irqs() <= 1020,
	       "gic_nr_irqs(): expected 64..1020, found %u", gic_nr_irqs());
	irq = gic_iar_irqnr(gic_read_iar());
	report(irq == GICC_INT_SPURIOUS, "IAR with nothing pending: expected %u, found %u",
	       GICC_INT_SPURIOUS, irq);
}

static void check_one(int irq)
{
	check_state("raised", irq, gic_irq_state(irq), GIC_IRQ_STATE_PENDING);
	check_number("one pending", irq, 1);
	check_state("in its handler", irq, taken[0].state, GIC_IRQ_STATE_ACTIVE);
	check_state("after its handler", irq, gic_irq_state(irq), GIC_IRQ_STATE_INACTIVE);
}

static void test_sgi(void)
{
	gic_ipi_send_single(AN_SGI, 0);
	check_one(AN_SGI);
	gic_irq_set_pending(ANOTHER_SGI, true);
	check_one(ANOTHER_SGI);
}

static void test_ppi(void)
{
	gic_enable_irq(PPI(2));
	gic_irq_set_pending(PPI(2), true);
	check_one(PPI(2));
	gic_disable_irq(PPI(2));
}

static void test_spi(void)
{
	gic_enable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	check_one(A_SPI);
	gic_disable_irq(A_SPI);
}

/* On both sides of where the registers of private interrupts end, and the last. */
static void test_numbers(void)
{
	const int irqs[] = { PPI(15), SPI(0), SPI(31), SPI(32), (int)gic_nr_irqs() - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(irqs); i++) {
		gic_enable_irq(irqs[i]);
		gic_irq_set_pending(irqs[i], true);
		check_one(irqs[i]);
		gic_disable_irq(irqs[i]);
	}
}

/* Made pending again in its handler. */
static int raised_again;

static void raise_again(struct pt_regs *regs)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);

	if (!nr_taken++) {
		gic_irq_set_pending(raised_again, true);
		taken[0].irq = irq;
		taken[0].state = gic_irq_state(raised_again);
	}
	gic_write_eoir(iar);
}

static void test_active_pending(void)
{
	static const int irqs[] = { AN_SGI, PPI(2), A_SPI };

	install_irq_handler(ELxH_IRQ, raise_again);
	for (size_t i = 0; i < ARRAY_SIZE(irqs); i++) {
		raised_again = irqs[i];
		gic_enable_irq(irqs[i]);
		gic_irq_set_pending(irqs[i], true);
		check_number("one that is made pending again in its handler", irqs[i], 2);
		check_state("made pending again in its handler", irqs[i], taken[0].state,
			    GIC_IRQ_STATE_ACTIVE_PENDING);
		if (irqs[i] != AN_SGI)
			gic_disable_irq(irqs[i]);
	}
	install_irq_handler(ELxH_IRQ, take_irq);
}

/* Registers of INTIDs [@first, @end), @per_word of them in each, that are not @expected. */
static unsigned int wrong_words(void *base, unsigned int first, unsigned int end,
				unsigned int per_word, u32 expected)
{
	unsigned int wrong = 0;

	for (unsigned int i = first; i < end; i += per_word)
		wrong += readl(base + i / per_word * 4) != expected;
	return wrong;
}

/* In a Non-secure view, IGROUPR is RAZ. */
static void check_defaults(const char *which, void *base, unsigned int first, unsigned int end,
			   u32 group)
{
	unsigned int priorities =
		wrong_words(base + GICD_IPRIORITYR, first, end, 4, GICD_INT_DEF_PRI_X4);
	unsigned int groups = wrong_words(base + GICD_IGROUPR, first, end, 32, group);

	report(!priorities && !groups,
	       "%s, registers that are not the default, IPRIORITYR %#x and IGROUPR %#x: expected 0 "
	       "and 0, found %u and %u",
	       which, GICD_INT_DEF_PRI_X4, group, priorities, groups);
}

/* Before all that change them */
static void test_defaults(void)
{
	bool v2 = gic_version() == 2;
	void *dist = v2 ? gicv2_dist_base() : gicv3_dist_base();
	u32 group = gic_irq_set_group(AN_SGI, 0) ? UINT32_MAX : 0;

	gic_irq_set_group(AN_SGI, 1);
	check_defaults("SGIs and PPIs", v2 ? dist : gicv3_sgi_base(), 0, GIC_NR_PRIVATE_IRQS,
		       group);
	check_defaults("SPIs", dist, GIC_FIRST_SPI, gic_nr_irqs(), group);
	if (!host_at_el2)
		vgic_host_set_open(true); /* does nothing: ICH_HCR_EL2 is undefined */
}

static void test_enable(void)
{
	gic_disable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	check_number("SPI disabled", A_SPI, 0);
	gic_enable_irq(A_SPI);
	check_number("SPI enabled while pending", A_SPI, 1);
	gic_disable_irq(A_SPI);
	gic_irq_set_pending(A_SPI, true);
	gic_irq_set_pending(A_SPI, false);
	gic_enable_irq(A_SPI);
	check_number("SPI no longer pending", A_SPI, 0);
	gic_disable_irq(A_SPI);
	gic_irq_set_pending(AN_SGI, true);
	gic_irq_set_pending(AN_SGI, false);
	check_number("SGI no longer pending", AN_SGI, 0);
	check_state("no longer pending", AN_SGI, gic_irq_state(AN_SGI), GIC_IRQ_STATE_INACTIVE);
}

static void test_priority(void)
{
	unsigned int nr;

	gic_irq_set_priority(AN_SGI, 0x80);
	gic_irq_set_priority(ANOTHER_SGI, 0x40);
	gic_set_priority_mask(0x80);
	gic_ipi_send_single(AN_SGI, 0);
	check_number("priority 0x80, mask 0x80", AN_SGI, 0);
	gic_ipi_send_single(ANOTHER_SGI, 0);
	check_number("priority 0x40, mask 0x80", ANOTHER_SGI, 1);
	gic_ipi_send_single(ANOTHER_SGI, 0);
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	nr = take_pending();
	report(nr == 2 && taken[0].irq == ANOTHER_SGI && taken[1].irq == AN_SGI,
	       "IRQs of priorities 0x40 and 0x80: expected 2, INTIDs %d and %d, found %u, %u and %u",
	       ANOTHER_SGI, AN_SGI, nr, taken[0].irq, taken[1].irq);
	gic_irq_set_priority(AN_SGI, GICD_INT_DEF_PRI);
	gic_irq_set_priority(ANOTHER_SGI, GICD_INT_DEF_PRI);
}

static void test_eoi_split(void)
{
	gic_set_eoi_split(true);
	gic_ipi_send_single(AN_SGI, 0);
	check_number("EOI split", AN_SGI, 1);
	check_state("after EOIR with EOI split", AN_SGI, gic_irq_state(AN_SGI),
		    GIC_IRQ_STATE_ACTIVE);
	gic_write_dir(AN_SGI);
	check_state("after DIR", AN_SGI, gic_irq_state(AN_SGI), GIC_IRQ_STATE_INACTIVE);
	gic_set_eoi_split(false);
}

/* SGIs to other CPUs: each receives its own, and no others. */
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

/* WFI ends with an IRQ pending, masked or not: none is lost between the test and the wait. */
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
	unsigned int wrong;

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
	wrong = wrong_counts(nr, 1, AN_SGI);
	report(wrong == 0,
	       "CPUs of %d that did not receive SGI %d sent to each: expected 0, found %u", nr - 1,
	       AN_SGI, wrong);
	gic_ipi_send_mask(ANOTHER_SGI, &others);
	wrong = wrong_counts(nr, 2, ANOTHER_SGI);
	report(wrong == 0,
	       "CPUs of %d that did not receive SGI %d sent to all: expected 0, found %u", nr - 1,
	       ANOTHER_SGI, wrong);
	take_pending();
	report(received[0].count == 0, "SGIs received by the CPU that sends: expected 0, found %u",
	       received[0].count);
	ipis_over = true;
	gic_ipi_send_mask(AN_SGI, &others);
	install_irq_handler(ELxH_IRQ, take_irq);
}

static void take_fiq(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	nr_fiqs++;
	report(gic_iar_irqnr(iar) == AN_SGI, "INTID of the FIQ: expected %u, found %u", AN_SGI,
	       gic_iar_irqnr(iar));
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
	take_pending();
	report(nr_taken == 0 && nr_fiqs == 0,
	       "group 0 pending, PSTATE.F set: expected 0 IRQs, 0 FIQs, found %u, %u", nr_taken,
	       nr_fiqs);
	daif_clear(PSR_F_BIT);
	isb();
	daif_set(PSR_F_BIT);
	report(nr_fiqs == 1, "FIQs taken, PSTATE.F clear: expected 1, found %u", nr_fiqs);
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

/* A CPU that did not set up the distributor leaves the groups of SPIs. */
static void check_spis_kept(void)
{
	void *dist = gic_version() == 2 ? gicv2_dist_base() : gicv3_dist_base();
	u32 group1;

	if (!gic_irq_set_group(SPI(0), 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		return;
	}
	gic_enable_defaults();
	group1 = readl(dist + GICD_IGROUPR + SPI(0) / 8);
	report(group1 == ~1U,
	       "groups of 32 SPIs, of which the first was made group 0, after gic_enable_defaults() "
	       "of CPU 0: expected %#x, found %#x",
	       ~1U, group1);
	gic_irq_set_group(SPI(0), 1);
}

static void test_route(void)
{
	on_cpu(nr_cpus - 1, set_up_and_take_spi, NULL);
	report(nr_taken == 1 && taken[0].irq == A_SPI,
	       "SPIs taken by CPU %d, which set up the distributor: expected 1 of INTID %d, found %u "
	       "of %u",
	       nr_cpus - 1, A_SPI, nr_taken, taken[0].irq);
	gic_enable_defaults();
	check_spis_kept();
	check_number("CPU 0, which did not set up the distributor", A_SPI, 0);
}

/* gic_enable_defaults() finds the GIC where nobody did. */
static void test_first(void)
{
	int v2 = gicv2_init(), v3 = gicv3_init();

	report(v2 + v3 == 1 && v2 >= 0 && v3 >= 0,
	       "gicv2_init() and gicv3_init(), for the first time: expected 1 of one, 0 of the other, "
	       "found %d, %d",
	       v2, v3);
	gic_enable_defaults();
	install_irq_handler(ELxH_IRQ, take_irq);
	test_sgi();
}

static const struct subtest subtests[] = {
	{ "defaults", test_defaults },
	{ "version", test_version },
	{ "sgi", test_sgi },
	{ "ppi", test_ppi },
	{ "spi", test_spi },
	{ "numbers", test_numbers },
	{ "active-pending", test_active_pending },
	{ "enable", test_enable },
	{ "priority", test_priority },
	{ "eoi-split", test_eoi_split },
	{ "fiq", test_fiq },
	{ "ipi", test_ipi },
};

int main(int argc, char **argv)
{
	const char *unsupported;

	if (argc == 2 && !strcmp(argv[1], "first")) {
		test_first();
		return report_summary();
	}
	unsupported = gic_unsupported();
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
