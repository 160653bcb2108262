/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the GIC's driver; not for tests. */
#ifndef ASMARM64_GIC_INTERNAL_H
#define ASMARM64_GIC_INTERNAL_H

#include <asm/gic.h>

#define GIC_MAX_REGIONS 12

/* The GIC's node of the device tree. */
struct gic_tree {
	int version; /* 0: no GIC */
	unsigned int nr_redist_regions; /* version 3; those are regions[1..] */
	unsigned int nr_regions;
	unsigned int maintenance_irq; /* 0: none */
	struct {
		phys_addr_t base;
		u64 size;
	} regions[GIC_MAX_REGIONS];
};
extern struct gic_tree gic_tree;

/* Operations that differ between the versions; asm/gic.h describes the functions. */
struct gic_ops {
	void (*enable_distributor)(void);
	void (*enable_redistributor)(void); /* of this CPU */
	void (*enable_cpu_interface)(void);
	u32 (*read_iar)(void);
	u32 (*iar_irqnr)(u32 iar);
	void (*write_eoir)(u32 iar);
	u32 (*read_iar_group0)(void);
	void (*write_eoir_group0)(u32 iar);
	void (*set_eoi_split)(bool split);
	void (*write_dir)(u32 irq);
	void (*set_priority_mask)(u8 priority);
	void (*ipi_send_single)(int irq, int cpu);
	/* The GICD_* registers of interrupt @irq are at offsets from here. */
	void *(*irq_base)(int irq);
	/* Wait until a write to them has taken effect. */
	void (*irq_sync)(int irq);
	bool (*group0_is_ours)(void);
};
extern const struct gic_ops gicv2_ops, gicv3_ops;

/* Interrupts of a distributor; INTIDs from 1020 on are special (IHI 0069, 2.2). */
static inline unsigned int gic_irqs_of(u32 typer)
{
	return MIN(GICD_TYPER_IRQS(typer), 1020U);
}

/* GICD_IGROUPR and GICD_IPRIORITYR of interrupts [@first, @end), at @base, to the defaults. */
void gic_irq_defaults(void *base, unsigned int first, unsigned int end);

/* Wait, at most as long as any implementation needs, for a bit of register @what to be 0, or 1. */
void gic_wait_while(const void *reg, u32 bit, const char *what);
void gic_wait_until(const void *reg, u32 bit, const char *what);

/* Version 3: the frames of CPU @cpu, which may be off. Aborts the run when there are none. */
void *gicv3_redistributor_of(int cpu);

/*
 * Tables of LPIs, physical and virtual ones: 8192 of them. A GIC may have 2^24, and QEMU searches the
 * whole table when it signals one.
 */
#define LPI_TABLE_ID_BITS 14UL
#define LPI_TABLE_INTIDS BIT(LPI_TABLE_ID_BITS)
/*
 * GICR_PROPBASER, GICR_PENDBASER, and those of virtual LPIs: Normal memory, Inner Shareable, read and
 * write allocate
 */
#define LPI_TABLE_CACHEABLE (7UL << 7 | 1UL << 10)
#define LPI_PENDING_TABLE_ALIGNMENT SZ_64K

#define ITS_QUEUE_SIZE SZ_64K
/* Find and set up the ITS; once. */
void its_probe(void);
/*
 * RDbase of commands: bits 51:16 of the address of CPU @cpu's redistributor, or its processor number
 * there, by GITS_TYPER.PTA.
 */
u64 its_target_of(u32 cpu);
#define ITS_RDBASE_MASK GENMASK(51, 16)
#define ITS_CMD_VALID BIT(63)
/* Send a command and wait until the ITS has taken it; one after the other, from any CPU. */
void its_send(struct its_cmd_block cmd, bool verbose);
/* its_data in an image that uses it, and none in one that does not (image.lds) */
extern struct its_data _gic_its_start[], _gic_its_end[];

#endif
