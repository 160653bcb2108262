/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GIC version 3 with system registers: IHI 0069. */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define FRAMES_SIZE (2 * SZ_64K)
#define FRAMES_SIZE_VLPIS (4 * SZ_64K)
#define IAR_INTID 0xffffff
#define ICC_CTLR_EOIMODE (1U << 1)
#define ICC_SRE_SRE 1U

struct gicv3_data gicv3_data;

/* A bound for the waits, more than any implementation needs. */
#define POLLS 1000000

static void wait_for_bits(const void *reg, u32 bits, u32 value, const char *what)
{
	for (int i = 0; i < POLLS; i++)
		if ((readl(reg) & bits) == value)
			return;
	assert_msg(false, "GIC: %s: expected %d, found %#x", what, value != 0, readl(reg));
}

void gic_wait_while(const void *reg, u32 bit, const char *what)
{
	wait_for_bits(reg, bit, 0, what);
}

void gic_wait_until(const void *reg, u32 bit, const char *what)
{
	wait_for_bits(reg, bit, bit, what);
}

void gicv3_dist_wait_for_rwp(void)
{
	gic_wait_while(gicv3_data.dist_base + GICD_CTLR, GICD_CTLR_RWP, "GICD_CTLR.RWP");
}

void gicv3_redist_wait_for_rwp(void)
{
	gic_wait_while(gicv3_redist_base() + GICR_CTLR, GICR_CTLR_RWP, "GICR_CTLR.RWP");
}

void gicv3_redist_wait_for_uwp(void)
{
	gic_wait_while(gicv3_redist_base() + GICR_CTLR, GICR_CTLR_UWP, "GICR_CTLR.UWP");
}

static void map_redistributors(void)
{
	unsigned int nr = MIN(gic_tree.nr_redist_regions, (unsigned int)GICV3_NR_REDISTS);

	for (unsigned int i = 0; i < nr && i + 1 < gic_tree.nr_regions; i++) {
		gicv3_data.redist_bases[i] =
			ioremap(gic_tree.regions[i + 1].base, gic_tree.regions[i + 1].size);
		gicv3_data.redist_sizes[i] = gic_tree.regions[i + 1].size;
	}
}

int gicv3_init(void)
{
	if (gic_tree.version != 3 || gic_tree.nr_regions < 2)
		return 0;
	if (gicv3_data.dist_base)
		return 1;
	gicv3_data.dist_base = ioremap(gic_tree.regions[0].base, gic_tree.regions[0].size);
	gicv3_data.irq_nr = gic_irqs_of(readl(gicv3_data.dist_base + GICD_TYPER));
	map_redistributors();
	return 1;
}

static void *find_in_region(void *base, u64 size, u32 aff)
{
	void *end = base + size;

	while (base < end) {
		u64 typer = readq(base + GICR_TYPER);

		if (typer >> 32 == aff)
			return base;
		if (typer & GICR_TYPER_LAST)
			return NULL;
		base += typer & GICR_TYPER_VLPIS ? FRAMES_SIZE_VLPIS : FRAMES_SIZE;
	}
	return NULL;
}

void *gicv3_redistributor_of(int cpu)
{
	u32 aff = mpidr_compress(cpus[cpu]);
	void *base = NULL;

	for (int i = 0; i < GICV3_NR_REDISTS && gicv3_data.redist_bases[i] && !base; i++)
		base = find_in_region(gicv3_data.redist_bases[i], gicv3_data.redist_sizes[i], aff);
	assert_msg(base, "no redistributor for CPU %d, of affinity %#x", cpu, aff);
	return base;
}

void gicv3_set_redist_base(size_t stride)
{
	gicv3_redist_base() = gicv3_redistributor_of(smp_processor_id());
}

static void enable_distributor(void)
{
	void *dist = gicv3_data.dist_base;

	writel(0, dist + GICD_CTLR);
	gicv3_dist_wait_for_rwp();
	writel(GICD_CTLR_ARE_NS, dist + GICD_CTLR); /* before the groups (IHI 0069, 12.9.4) */
	gicv3_dist_wait_for_rwp();
	gic_irq_defaults(dist, GIC_FIRST_SPI, gicv3_data.irq_nr);
	for (unsigned int i = GIC_FIRST_SPI; i < gicv3_data.irq_nr; i++)
		writeq(get_mpidr() & MPIDR_HWID_BITMASK, dist + GICD_IROUTER + 8 * i);
	/* With one Security state or in the Non-secure view: both enable every group. */
	writel(GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_G1A | GICD_CTLR_ENABLE_G1, dist + GICD_CTLR);
	gicv3_dist_wait_for_rwp();
}

static void enable_redistributor(void)
{
	void *waker;

	if (!gicv3_redist_base())
		gicv3_set_redist_base(FRAMES_SIZE);
	waker = gicv3_redist_base() + GICR_WAKER;
	writel(readl(waker) & ~GICR_WAKER_ProcessorSleep, waker);
	gic_wait_while(waker, GICR_WAKER_ChildrenAsleep, "GICR_WAKER.ChildrenAsleep");
	gic_irq_defaults(gicv3_sgi_base(), 0, GIC_NR_PRIVATE_IRQS);
	writel(GICD_INT_EN_SET_SGI, gicv3_sgi_base() + GICR_ISENABLER0);
	gicv3_redist_wait_for_rwp();
}

static void enable_cpu_interface(void)
{
	write_sysreg_s(read_sysreg_s(ICC_SRE_EL1) | ICC_SRE_SRE, ICC_SRE_EL1);
	isb(); /* the other registers are accessible from here on */
	write_sysreg_s(GICC_INT_PRI_THRESHOLD, ICC_PMR_EL1);
	/* Group 1 first: erratum qemu-vgrp0d */
	write_sysreg_s(1, ICC_IGRPEN1_EL1);
	write_sysreg_s(1, ICC_IGRPEN0_EL1);
	isb();
}

u32 gicv3_iar_irqnr(u32 iar)
{
	return iar & IAR_INTID;
}

/* The acknowledgement is complete before the device is asked. */
static u32 read_iar_group0(void)
{
	u64 iar = read_sysreg_s(ICC_IAR0_EL1);

	dsb(sy);
	return iar;
}

static void write_eoir_group0(u32 iar)
{
	write_sysreg_s(iar, ICC_EOIR0_EL1);
	isb();
}

static void set_eoi_split(bool split)
{
	u64 ctlr = read_sysreg_s(ICC_CTLR_EL1) & ~(u64)ICC_CTLR_EOIMODE;

	write_sysreg_s(ctlr | (split ? ICC_CTLR_EOIMODE : 0), ICC_CTLR_EL1);
	isb();
}

static void write_dir(u32 irq)
{
	write_sysreg_s(irq, ICC_DIR_EL1);
	isb();
}

static void set_priority_mask(u8 priority)
{
	write_sysreg_s(priority, ICC_PMR_EL1);
	isb();
}

/* ICC_SGI1R_EL1: the cluster, and a bit of one of 16 ranges of affinity 0 */
void gicv3_ipi_send_single(int irq, int cpu)
{
	u64 mpidr = cpus[cpu], aff0 = MPIDR_AFFINITY_LEVEL(mpidr, 0);
	u64 target = MPIDR_TO_SGI_AFFINITY(mpidr, 3) | (aff0 >> 4) << 44 |
		     MPIDR_TO_SGI_AFFINITY(mpidr, 2) | MPIDR_TO_SGI_AFFINITY(mpidr, 1) |
		     1UL << (aff0 & 0xf);

	dsb(ishst); /* earlier writes, before the target takes it */
	gicv3_write_sgi1r(target | (u64)irq << 24);
	isb();
}

static void *irq_base(int irq)
{
	return irq < GIC_NR_PRIVATE_IRQS ? gicv3_sgi_base() : gicv3_data.dist_base;
}

static void irq_sync(int irq)
{
	if (irq < GIC_NR_PRIVATE_IRQS)
		gicv3_redist_wait_for_rwp();
	else
		gicv3_dist_wait_for_rwp();
}

static bool group0_is_ours(void)
{
	return readl(gicv3_data.dist_base + GICD_CTLR) & GICD_CTLR_DS;
}

const struct gic_ops gicv3_ops = {
	.enable_distributor = enable_distributor,
	.enable_redistributor = enable_redistributor,
	.enable_cpu_interface = enable_cpu_interface,
	.read_iar = gicv3_read_iar,
	.iar_irqnr = gicv3_iar_irqnr,
	.write_eoir = gicv3_write_eoir,
	.read_iar_group0 = read_iar_group0,
	.write_eoir_group0 = write_eoir_group0,
	.set_eoi_split = set_eoi_split,
	.write_dir = write_dir,
	.set_priority_mask = set_priority_mask,
	.ipi_send_single = gicv3_ipi_send_single,
	.irq_base = irq_base,
	.irq_sync = irq_sync,
	.group0_is_ours = group0_is_ours,
};
