/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the GIC's driver; not for tests. */
#ifndef ASMARM64_GIC_INTERNAL_H
#define ASMARM64_GIC_INTERNAL_H

#include <libcflat.h>

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

/* GICD_IGROUPR and GICD_IPRIORITYR of interrupts [@first, @last + 1), at @base, to the defaults. */
void gic_irq_defaults(void *base, unsigned int first, unsigned int end);

#endif
