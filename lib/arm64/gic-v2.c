/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GIC version 2: IHI 0048B. */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>
#include <asm/guest-state.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define MAX_CPUS 8
/* The regions of a node: GICD, GICC, and with virtualization GICH and GICV */
#define REGION_DIST 0
#define REGION_CPU 1
#define REGION_HYP 2
#define REGION_VCPU 3
#define SGIR_TARGETS_SHIFT 16

struct gicv2_data gicv2_data;
/* Number of the CPU interface of each CPU, as cpus[] is indexed. */
static u8 interface_of[MAX_CPUS];

static void *map_region(unsigned int i)
{
	return ioremap(gic_tree.regions[i].base, gic_tree.regions[i].size);
}

int gicv2_init(void)
{
	if (gic_tree.version != 2 || gic_tree.nr_regions <= REGION_CPU)
		return 0;
	if (gicv2_data.dist_base)
		return 1;
	gicv2_data.dist_base = map_region(REGION_DIST);
	gicv2_data.cpu_base = map_region(REGION_CPU);
	gicv2_data.irq_nr = gic_irqs_of(readl(gicv2_data.dist_base + GICD_TYPER));
	if (gic_tree.nr_regions > REGION_VCPU) {
		u32 vtr;

		gicv2_data.hyp_base = map_region(REGION_HYP);
		vtr = readl(gicv2_data.hyp_base + GICH_VTR);
		gicv2_data.nr_lrs = MIN(GICH_VTR_NR_LRS(vtr), (u32)VGIC_MAX_LRS);
		gicv2_data.vcpu_base = gic_tree.regions[REGION_VCPU].base;
		gicv2_data.vcpu_size = gic_tree.regions[REGION_VCPU].size;
	}
	return 1;
}

/*
 * The targets of an SGI read as the reading CPU's own interface; as 0 on a machine with one CPU
 * (IHI 0048, 4.3.12).
 */
static u8 own_interface(void)
{
	return readb(gicv2_data.dist_base + GICD_ITARGETSR) ?: 1;
}

static void enable_distributor(void)
{
	void *dist = gicv2_data.dist_base;

	gic_irq_defaults(dist, GIC_FIRST_SPI, gicv2_data.irq_nr);
	for (unsigned int i = GIC_FIRST_SPI; i < gicv2_data.irq_nr; i++)
		writeb(own_interface(), dist + GICD_ITARGETSR + i);
	writel(GICD_CTLR_ENABLE_GRPS, dist + GICD_CTLR);
}

/* The registers of SGIs and PPIs are banked: the distributor has a copy for each CPU. */
static void enable_redistributor(void)
{
	int cpu = smp_processor_id();

	assert_msg(cpu < MAX_CPUS, "GIC version 2 has %d CPU interfaces", MAX_CPUS);
	interface_of[cpu] = own_interface();
	gic_irq_defaults(gicv2_data.dist_base, 0, GIC_NR_PRIVATE_IRQS);
	writel(GICD_INT_EN_SET_SGI, gicv2_data.dist_base + GICD_ISENABLER);
}

/*
 * A Non-secure view has bit 0 only, for group 1. Without a Secure state both groups are the host's:
 * group 0 as FIQ, and GICC_IAR for either.
 */
static void enable_cpu_interface(void)
{
	writel(GICC_INT_PRI_THRESHOLD, gicv2_data.cpu_base + GICC_PMR);
	writel(GICC_CTLR_ENABLE_GRP0 | GICC_CTLR_ENABLE_GRP1 | GICC_CTLR_ACK_CTL | GICC_CTLR_FIQ_EN,
	       gicv2_data.cpu_base + GICC_CTLR);
}

u32 gicv2_read_iar(void)
{
	return readl(gicv2_data.cpu_base + GICC_IAR);
}

u32 gicv2_iar_irqnr(u32 iar)
{
	return iar & GICC_IAR_INT_ID_MASK;
}

/* The interrupt is inactive before what follows. */
void gicv2_write_eoir(u32 iar)
{
	writel(iar, gicv2_data.cpu_base + GICC_EOIR);
	dsb(sy);
}

static void set_eoi_split(bool split)
{
	u32 ctlr = readl(gicv2_data.cpu_base + GICC_CTLR) & ~GICC_CTLR_EOIMODE;

	writel(ctlr | (split ? GICC_CTLR_EOIMODE : 0), gicv2_data.cpu_base + GICC_CTLR);
}

static void write_dir(u32 irq)
{
	writel(irq, gicv2_data.cpu_base + GICC_DIR);
	dsb(sy);
}

static void set_priority_mask(u8 priority)
{
	writel(priority, gicv2_data.cpu_base + GICC_PMR);
	dsb(sy);
}

void gicv2_ipi_send_single(int irq, int cpu)
{
	assert(cpu < MAX_CPUS);
	/*
	 * A CPU that has not called gic_enable_defaults() yet is assumed to have the interface of
	 * its index.
	 */
	u32 target = interface_of[cpu] ?: 1U << cpu;

	writel(target << SGIR_TARGETS_SHIFT | irq, gicv2_data.dist_base + GICD_SGIR);
}

static void *irq_base(int irq)
{
	return gicv2_data.dist_base;
}

static void irq_sync(int irq)
{
	dsb(sy);
}

/* IGROUPR is RAZ/WI in a Non-secure view (IHI 0048, 4.3.4), where enabling made all bits 1. */
static bool group0_is_ours(void)
{
	return readl(gicv2_data.dist_base + GICD_IGROUPR) != 0;
}

const struct gic_ops gicv2_ops = {
	.enable_distributor = enable_distributor,
	.enable_redistributor = enable_redistributor,
	.enable_cpu_interface = enable_cpu_interface,
	.read_iar = gicv2_read_iar,
	.iar_irqnr = gicv2_iar_irqnr,
	.write_eoir = gicv2_write_eoir,
	.read_iar_group0 = gicv2_read_iar,
	.write_eoir_group0 = gicv2_write_eoir,
	.set_eoi_split = set_eoi_split,
	.write_dir = write_dir,
	.set_priority_mask = set_priority_mask,
	.ipi_send_single = gicv2_ipi_send_single,
	.irq_base = irq_base,
	.irq_sync = irq_sync,
	.group0_is_ours = group0_is_ours,
};
