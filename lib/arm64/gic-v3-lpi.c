/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LPIs: their tables, which are in memory, and the redistributors that read them (IHI 0069, 5.1). */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>

#define TABLE_SHAREABILITY (3UL << 10)

static unsigned int id_bits(void)
{
	u32 typer = readl(gicv3_data.dist_base + GICD_TYPER);

	assert_msg(typer & GICD_TYPER_LPIS, "GICD_TYPER %#x: expected LPIs, found none", typer);
	return MIN(GICD_TYPER_ID_BITS(typer), LPI_TABLE_ID_BITS);
}

/* The tables are written through the caches: the GIC has to look there. */
static void write_table_register(void *reg, u64 value, const char *name, int cpu)
{
	writeq(value | LPI_TABLE_CACHEABLE, reg);
	assert_msg(readq(reg) & TABLE_SHAREABILITY,
		   "%s of CPU %d: expected Shareability not 0, found %#lx: the GIC does not read "
		   "through the caches",
		   name, cpu, (unsigned long)readq(reg));
}

static void *redistributor(int cpu)
{
	assert_msg(cpu >= 0 && cpu < nr_cpus, "CPU %d of %d", cpu, nr_cpus);
	return gicv3_data.redist_base[cpu] ?: gicv3_redistributor_of(cpu);
}

static void set_tables(int cpu, unsigned int bits)
{
	void *redist = redistributor(cpu), *pending;

	assert_msg(!(readl(redist + GICR_CTLR) & GICR_CTLR_ENABLE_LPIS),
		   "LPIs of CPU %d are enabled, with tables of another program", cpu);
	pending = memalign_pages(LPI_PENDING_TABLE_ALIGNMENT, BIT(bits) / 8);
	assert_msg(pending, "no memory for the pending LPIs of CPU %d", cpu);
	write_table_register(redist + GICR_PROPBASER,
			     virt_to_phys(gicv3_data.lpi_prop) | (bits - 1), "GICR_PROPBASER", cpu);
	write_table_register(redist + GICR_PENDBASER, virt_to_phys(pending), "GICR_PENDBASER", cpu);
	gicv3_data.lpi_pend[cpu] = pending;
}

void gicv3_lpi_alloc_tables(void)
{
	unsigned int bits = id_bits();
	int cpu;

	if (!gicv3_data.lpi_prop)
		gicv3_data.lpi_prop = memalign_pages(SZ_4K, BIT(bits) - LPI_ID_BASE);
	assert_msg(gicv3_data.lpi_prop, "no memory for the configuration of LPIs");
	for_each_online_cpu(cpu)
	{
		if (!gicv3_data.lpi_pend[cpu])
			set_tables(cpu, bits);
	}
}

void gicv3_lpi_rdist_enable(int cpu)
{
	void *ctlr = redistributor(cpu) + GICR_CTLR;

	assert_msg(gicv3_data.lpi_pend[cpu], "CPU %d: no gicv3_lpi_alloc_tables()", cpu);
	writel(readl(ctlr) | GICR_CTLR_ENABLE_LPIS, ctlr);
}

/* GICR_CTLR.RWP: until pending LPIs are in the table (IHI 0069, 5.1.2). */
void gicv3_lpi_rdist_disable(int cpu)
{
	void *ctlr = redistributor(cpu) + GICR_CTLR;

	writel(readl(ctlr) & ~GICR_CTLR_ENABLE_LPIS, ctlr);
	gic_wait_while(ctlr, GICR_CTLR_RWP, "GICR_CTLR.RWP");
	assert_msg(!(readl(ctlr) & GICR_CTLR_ENABLE_LPIS),
		   "GICR_CTLR of CPU %d: expected EnableLPIs 0, found %#x: this GIC cannot disable "
		   "LPIs again",
		   cpu, readl(ctlr));
}

static void check_lpi(u32 intid)
{
	assert_msg(gicv3_data.lpi_prop, "LPI %u: no its_enable_defaults()", intid);
	assert_msg(intid >= LPI_ID_BASE && intid < BIT(id_bits()),
		   "LPI: expected %u..%lu, found %u", LPI_ID_BASE, BIT(id_bits()) - 1, intid);
}

void gicv3_lpi_set_clr_pending(int cpu, int intid, bool set)
{
	u8 *byte, mask = 1 << intid % 8;

	check_lpi(intid);
	assert_msg(cpu >= 0 && cpu < nr_cpus && gicv3_data.lpi_pend[cpu],
		   "CPU %d has no table of pending LPIs", cpu);
	byte = (u8 *)gicv3_data.lpi_pend[cpu] + intid / 8;
	*byte = set ? *byte | mask : *byte & ~mask;
}

void gicv3_lpi_set_config(u32 intid, u8 config)
{
	check_lpi(intid);
	gicv3_data.lpi_prop[LPI_OFFSET(intid)] = config;
}

u8 gicv3_lpi_get_config(u32 intid)
{
	check_lpi(intid);
	return gicv3_data.lpi_prop[LPI_OFFSET(intid)];
}
