/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Performance counters (FEAT_PMUv3) by their numbered registers, and their overflow interrupt. */
#include <libcflat.h>
#include <bitops.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/sysreg.h>

#define PMU_IRQ PPI(7)
#define PMCR_E BIT(0)
#define PMCR_P BIT(1) /* reset the event counters */
#define EVENT_SW_INCR 0
#define COUNT_AT_EL2 BIT(27) /* PMEVTYPER<n>_EL0.NSH */
#define INCREMENTS 100

#define PMUV3P5 6

static u64 pmu_version(void)
{
	return FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);
}

static unsigned int nr_counters(void)
{
	return FIELD(read_sysreg(pmcr_el0), 15, 11);
}

/* The registers of counter @n by the other way: PMSELR_EL0 selects it. */
static u64 selected_counter(unsigned int n)
{
	write_sysreg(n, pmselr_el0);
	isb();
	return read_sysreg(pmxevcntr_el0);
}

static u64 selected_type(unsigned int n)
{
	write_sysreg(n, pmselr_el0);
	isb();
	return read_sysreg(pmxevtyper_el0);
}

#define NUMBERS(X) X(0) X(1) X(2) X(3)
#define WRITE(n)                                    \
	if ((n) < nr_counters()) {                  \
		write_regn_el0(pmevcntr, n, 5 + n); \
		write_regn_el0(pmevtyper, n, n);    \
	}
#define CHECK(n)                                                                                  \
	if ((n) < nr_counters()) {                                                                \
		isb();                                                                            \
		check_register("PMEVCNTR", n, 5 + n, read_regn_el0(pmevcntr, n),                  \
			       selected_counter(n));                                              \
		check_register("PMEVTYPER", n, n, read_regn_el0(pmevtyper, n), selected_type(n)); \
	}

static void check_register(const char *name, unsigned int n, u64 expected, u64 numbered,
			   u64 selected)
{
	report(numbered == expected && selected == expected,
	       "%s%u_EL0, by its number and selected: expected %#lx, found %#lx, %#lx", name, n,
	       expected, numbered, selected);
}

static void test_registers(void)
{
	NUMBERS(WRITE)
	NUMBERS(CHECK)
}

/* Let counter 0 count writes of its bit to PMSWINC_EL0, from @start on. */
static void start(u64 start)
{
	write_sysreg(PMCR_P, pmcr_el0);
	write_sysreg(~0U, pmcntenclr_el0);
	write_sysreg(~0U, pmovsclr_el0);
	write_regn_el0(pmevtyper, 0, EVENT_SW_INCR | (host_at_el2 ? COUNT_AT_EL2 : 0));
	write_regn_el0(pmevcntr, 0, start);
	write_sysreg(BIT(0), pmcntenset_el0);
	write_sysreg(PMCR_E, pmcr_el0);
	isb();
}

static void increment(unsigned int times)
{
	while (times--)
		write_sysreg(BIT(0), pmswinc_el0);
	isb();
}

/* @count on a counter, which has 64 bits from FEAT_PMUv3p5 on; it overflows from 32 all the same. */
static u64 wrapped(u64 count)
{
	return pmu_version() >= PMUV3P5 ? count : (u32)count;
}

static void check_count(const char *what, u64 count, u64 overflows)
{
	u64 expected = wrapped(count), found = read_regn_el0(pmevcntr, 0);
	u64 flags = read_sysreg(pmovsclr_el0);

	report(found == expected && flags == overflows,
	       "counter 0 and overflow flags, %s: expected %lu, %#lx; found %lu, %#lx", what,
	       expected, overflows, found, flags);
}

static void test_count(void)
{
	start(0);
	increment(INCREMENTS);
	check_count("100 software increments", INCREMENTS, 0);
	write_sysreg(0, pmcr_el0);
	isb();
	increment(INCREMENTS);
	check_count("100 more, disabled", INCREMENTS, 0);
	start(UINT32_MAX);
	increment(INCREMENTS);
	check_count("100 software increments from 2^32 - 1", UINT32_MAX + (u64)INCREMENTS, BIT(0));
}

static volatile unsigned int taken, taken_irq;

/* The interrupt is of a level: the flag's. */
static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	taken_irq = gic_iar_irqnr(iar);
	if (taken_irq == GICC_INT_SPURIOUS)
		return;
	taken++;
	write_sysreg(~0U, pmovsclr_el0);
	isb();
	gic_write_eoir(iar);
}

static void test_overflow(void)
{
	gic_enable_defaults();
	install_irq_handler(ELxH_IRQ, take_irq);
	gic_enable_irq(PMU_IRQ);
	write_sysreg(BIT(0), pmintenset_el1);
	start(UINT32_MAX);
	local_irq_enable();
	increment(1);
	local_irq_disable();
	write_sysreg(~0U, pmintenclr_el1);
	gic_disable_irq(PMU_IRQ);
	report(taken == 1 && taken_irq == PMU_IRQ,
	       "IRQs after an overflow: expected 1 of INTID %d, found %u of %u", PMU_IRQ, taken,
	       taken_irq);
	check_count("after it", UINT32_MAX + 1UL, 0);
}

static const struct subtest subtests[] = {
	{ "registers", test_registers },
	{ "count", test_count },
	{ "overflow", test_overflow },
};

int main(int argc, char **argv)
{
	if (!pmu_version() || pmu_version() == 0xf || !nr_counters())
		return skip_all("no FEAT_PMUv3 (ID_AA64DFR0_EL1.PMUVer), or no event counter");
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
