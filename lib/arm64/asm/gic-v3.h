/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GIC version 3: registers that version 2 does not have, and their addresses. */
#ifndef ASMARM64_GIC_V3_H
#define ASMARM64_GIC_V3_H

#include <libcflat.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

#define GICD_CTLR_RWP (1U << 31)
#define GICD_CTLR_DS (1U << 6) /* one Security state: group 0 is ours */
#define GICD_CTLR_ARE_NS (1U << 4)
#define GICD_CTLR_ENABLE_G1A (1U << 1)
#define GICD_CTLR_ENABLE_G1 (1U << 0)
#define GICD_IROUTER 0x6000

/* Redistributor: a frame of control registers, then one with those of SGIs and PPIs */
#define GICR_CTLR 0x0000
#define GICR_IIDR 0x0004
#define GICR_TYPER 0x0008
#define GICR_WAKER 0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_SGI_BASE SZ_64K
#define GICR_IGROUPR0 GICD_IGROUPR
#define GICR_ISENABLER0 GICD_ISENABLER
#define GICR_ICENABLER0 GICD_ICENABLER
#define GICR_ISPENDR0 GICD_ISPENDR
#define GICR_ICPENDR0 GICD_ICPENDR
#define GICR_ISACTIVER0 GICD_ISACTIVER
#define GICR_ICACTIVER0 GICD_ICACTIVER
#define GICR_IPRIORITYR0 GICD_IPRIORITYR
#define GICR_TYPER_VLPIS (1UL << 1) /* two more frames */
#define GICR_TYPER_LAST (1UL << 4)
#define GICR_CTLR_RWP (1U << 3)
#define GICR_WAKER_ProcessorSleep (1U << 1)
#define GICR_WAKER_ChildrenAsleep (1U << 2)

#define GICV3_NR_REDISTS 8 /* regions of redistributors */

struct gicv3_data {
	void *dist_base;
	void *redist_bases[GICV3_NR_REDISTS]; /* of the regions, NULL after the last */
	u64 redist_sizes[GICV3_NR_REDISTS];
	void *redist_base[NR_CPUS]; /* of each CPU, after its gic_enable_defaults() */
	unsigned int irq_nr;
};
extern struct gicv3_data gicv3_data;

#define gicv3_dist_base() (gicv3_data.dist_base)
#define gicv3_redist_base() (gicv3_data.redist_base[smp_processor_id()])
#define gicv3_sgi_base() (gicv3_redist_base() + GICR_SGI_BASE)

/* As the functions of asm/gic.h. */
int gicv3_init(void);
void gicv3_enable_defaults(void);
u32 gicv3_read_iar(void);
u32 gicv3_iar_irqnr(u32 iar);
void gicv3_write_eoir(u32 iar);
void gicv3_ipi_send_single(int irq, int cpu);

#endif
