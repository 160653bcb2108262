/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt controller: code common to both versions. */
#include <libcflat.h>
#include <boot-fdt.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <asm/spinlock.h>
#include <asm/vgic.h>

/* An interrupt specifier has three cells: type, number, flags. */
#define SPECIFIER_CELLS 3
#define SPECIFIER_PPI 1

struct gic_tree gic_tree;
static const struct gic_ops *ops;
static struct spinlock distributor_lock;
static bool distributor_enabled;

static unsigned int ppi_of(struct fdt_value interrupts)
{
	if (interrupts.len < SPECIFIER_CELLS * 4 || fdt_number(interrupts, 0, 1) != SPECIFIER_PPI)
		return 0;
	return PPI(fdt_number(interrupts, 4, 1));
}

void gic_candidate(int version, const struct fdt_node *node)
{
	struct fdt_value regions = fdt_find_property(node, "#redistributor-regions");

	if (gic_tree.version)
		return;
	gic_tree.version = version;
	gic_tree.nr_redist_regions = regions.data ? fdt_number(regions, 0, 1) : 1;
	gic_tree.maintenance_irq = ppi_of(fdt_find_property(node, "interrupts"));
	while (gic_tree.nr_regions < GIC_MAX_REGIONS &&
	       fdt_reg(node, gic_tree.nr_regions, &gic_tree.regions[gic_tree.nr_regions].base,
		       &gic_tree.regions[gic_tree.nr_regions].size))
		gic_tree.nr_regions++;
}

int gic_init(void)
{
	if (gicv2_init())
		ops = &gicv2_ops;
	else if (gicv3_init())
		ops = &gicv3_ops;
	for (struct its_data *its = _gic_its_start; its < _gic_its_end && ops == &gicv3_ops; its++)
		its->probe();
	return gic_version();
}

const char *gic_unsupported(void)
{
	return gic_init() ? NULL : "no GIC in the device tree";
}

int gic_version(void)
{
	return ops ? gic_tree.version : 0;
}

unsigned int gic_nr_irqs(void)
{
	return gic_version() == 2 ? gicv2_data.irq_nr : gicv3_data.irq_nr;
}

unsigned int gic_maintenance_irq(void)
{
	return gic_tree.maintenance_irq;
}

void gic_irq_defaults(void *base, unsigned int first, unsigned int end)
{
	for (unsigned int i = first; i < end; i += 32)
		writel(UINT32_MAX, base + GICD_IGROUPR + i / 8);
	for (unsigned int i = first; i < end; i += 4)
		writel(GICD_INT_DEF_PRI_X4, base + GICD_IPRIORITYR + i);
}

void gic_enable_defaults(void)
{
	assert_msg(ops || gic_init(), "no GIC in the device tree");
	spin_lock(&distributor_lock);
	if (!distributor_enabled)
		ops->enable_distributor();
	distributor_enabled = true;
	spin_unlock(&distributor_lock);
	ops->enable_redistributor();
	ops->enable_cpu_interface();
	if (host_at_el2 && gic_version() == 3)
		vgic_host_reset();
}

void gicv2_enable_defaults(void)
{
	assert(gic_version() == 2);
	gic_enable_defaults();
}

void gicv3_enable_defaults(void)
{
	assert(gic_version() == 3);
	gic_enable_defaults();
}

void gic_enable_cpu_interface(void)
{
	ops->enable_cpu_interface();
}

u32 gic_read_iar(void)
{
	return ops->read_iar();
}

u32 gic_iar_irqnr(u32 iar)
{
	return ops->iar_irqnr(iar);
}

void gic_write_eoir(u32 iar)
{
	ops->write_eoir(iar);
}

u32 gic_read_iar_group0(void)
{
	return ops->read_iar_group0();
}

void gic_write_eoir_group0(u32 iar)
{
	ops->write_eoir_group0(iar);
}

void gic_set_eoi_split(bool split)
{
	ops->set_eoi_split(split);
}

void gic_write_dir(u32 irq)
{
	ops->write_dir(irq);
}

void gic_set_priority_mask(u8 priority)
{
	ops->set_priority_mask(priority);
}

void gic_ipi_send_single(int irq, int cpu)
{
	assert(irq >= 0 && irq < 16 && cpu < nr_cpus);
	ops->ipi_send_single(irq, cpu);
}

void gic_ipi_send_mask(int irq, const cpumask_t *dest)
{
	int cpu;

	for_each_cpu(cpu, dest) gic_ipi_send_single(irq, cpu);
}

void gicv2_ipi_send_mask(int irq, const cpumask_t *dest)
{
	assert(gic_version() == 2);
	gic_ipi_send_mask(irq, dest);
}

void gicv3_ipi_send_mask(int irq, const cpumask_t *dest)
{
	assert(gic_version() == 3);
	gic_ipi_send_mask(irq, dest);
}

/* The word of interrupt @irq in a bitmap of the distributor or redistributor. */
static void *bitmap_word(int irq, unsigned int bitmap)
{
	assert(ops && irq >= 0 && (unsigned int)irq < gic_nr_irqs());
	return ops->irq_base(irq) + bitmap + irq / 32 * 4;
}

static bool irq_bit(int irq, unsigned int bitmap)
{
	return readl(bitmap_word(irq, bitmap)) >> irq % 32 & 1;
}

/* Registers that come in pairs: a 1 in the one sets, in the other clears. */
static void write_irq_bit(int irq, unsigned int bitmap)
{
	void *word = bitmap_word(irq, bitmap); /* checks irq, before the shift */

	writel(1U << irq % 32, word);
	ops->irq_sync(irq);
}

const char *gic_irq_state_name(enum gic_irq_state state)
{
	static const char *const names[] = {
		[GIC_IRQ_STATE_INACTIVE] = "inactive",
		[GIC_IRQ_STATE_PENDING] = "pending",
		[GIC_IRQ_STATE_ACTIVE] = "active",
		[GIC_IRQ_STATE_ACTIVE_PENDING] = "active and pending",
	};

	return names[state];
}

enum gic_irq_state gic_irq_state(int irq)
{
	bool pending = irq_bit(irq, GICD_ISPENDR), active = irq_bit(irq, GICD_ISACTIVER);

	if (active)
		return pending ? GIC_IRQ_STATE_ACTIVE_PENDING : GIC_IRQ_STATE_ACTIVE;
	return pending ? GIC_IRQ_STATE_PENDING : GIC_IRQ_STATE_INACTIVE;
}

void gic_irq_set_clr_enable(int irq, bool enable)
{
	write_irq_bit(irq, enable ? GICD_ISENABLER : GICD_ICENABLER);
}

void gic_irq_set_pending(int irq, bool pending)
{
	/*
	 * GICD_ISPENDR is read-only for the SGIs of version 2 (IHI 0048, 4.3.7). There is a bit for
	 * each CPU that may have sent it.
	 */
	if (gic_version() == 2 && irq < 16)
		writeb(pending ? 1 : 0xff,
		       gicv2_data.dist_base + (pending ? GICD_SPENDSGIR : GICD_CPENDSGIR) + irq);
	else
		write_irq_bit(irq, pending ? GICD_ISPENDR : GICD_ICPENDR);
}

void gic_irq_set_priority(int irq, u8 priority)
{
	writeb(priority, ops->irq_base(irq) + GICD_IPRIORITYR + irq);
	ops->irq_sync(irq);
}

bool gic_irq_set_group(int irq, int group)
{
	void *word = bitmap_word(irq, GICD_IGROUPR);
	u32 bit = 1U << irq % 32;

	if (!ops->group0_is_ours())
		return group == 1;
	writel(group ? readl(word) | bit : readl(word) & ~bit, word);
	ops->irq_sync(irq);
	return true;
}
