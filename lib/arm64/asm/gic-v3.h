/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GIC version 3: registers that version 2 does not have, and their addresses. */
#ifndef ASMARM64_GIC_V3_H
#define ASMARM64_GIC_V3_H

#include <libcflat.h>
#include <bitops.h>
#include <cpumask.h>
#include <asm/arch_gicv3.h>
#include <asm/delay.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/smp.h>

#define GICD_CTLR_RWP (1U << 31)
#define GICD_CTLR_nASSGIreq (1U << 8) /* GICv4.1: SGIs without an active state */
#define GICD_CTLR_DS (1U << 6) /* one Security state: group 0 is ours */
#define GICD_CTLR_ARE_NS (1U << 4)
#define GICD_CTLR_ENABLE_G1A (1U << 1)
#define GICD_CTLR_ENABLE_G1 (1U << 0)
#define GICD_IROUTER 0x6000
#define GICD_TYPER_LPIS (1U << 17)
#define GICD_TYPER_ID_BITS(typer) (FIELD(typer, 23, 19) + 1)
#define GICD_TYPER2_nASSGIcap (1U << 8)

/*
 * Redistributor: a frame of control registers, then one with those of SGIs and PPIs. Version 4 has
 * a third one with those of virtual LPIs, and a fourth that is reserved.
 */
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
#define GICR_VLPI_BASE (2 * SZ_64K)
#define GICR_VPROPBASER (GICR_VLPI_BASE + 0x0070)
#define GICR_VPENDBASER (GICR_VLPI_BASE + 0x0078)
#define GICR_TYPER_VLPIS (1UL << 1) /* two more frames */
#define GICR_TYPER_LAST (1UL << 4)
#define GICR_TYPER_RVPEID (1UL << 7) /* version 4.1 */
#define GICR_TYPER_PROCESSOR_NUMBER(typer) FIELD(typer, 23, 8)
#define GICR_CTLR_ENABLE_LPIS (1UL << 0)
#define GICR_CTLR_RWP (1U << 3)
#define GICR_CTLR_UWP (1U << 31)
#define GICR_PENDBASER_PTZ BIT(62) /* the pending table is zero */
#define GICR_WAKER_ProcessorSleep (1U << 1)
#define GICR_WAKER_ChildrenAsleep (1U << 2)

/* ICC_SGI1R_EL1: the cluster; bits 15:0 are a list of targets, by affinity 0 */
#define ICC_SGI1R_AFFINITY_1_SHIFT 16
#define ICC_SGI1R_AFFINITY_2_SHIFT 32
#define ICC_SGI1R_AFFINITY_3_SHIFT 48
#define MPIDR_TO_SGI_AFFINITY(mpidr, level) \
	(MPIDR_AFFINITY_LEVEL(mpidr, level) << ICC_SGI1R_AFFINITY_##level##_SHIFT)

/* A byte of the LPI configuration table: priority, group 1 (RES1), enable */
#define LPI_PROP_GROUP1 (1 << 1)
#define LPI_PROP_ENABLED (1 << 0)
#define LPI_PROP_DEFAULT_PRIO 0xa0
#define LPI_PROP_DEFAULT (LPI_PROP_DEFAULT_PRIO | LPI_PROP_GROUP1 | LPI_PROP_ENABLED)

#define LPI_ID_BASE 8192
#define LPI(n) ((n) + LPI_ID_BASE)
#define LPI_OFFSET(intid) ((intid) - LPI_ID_BASE)

#define GICV3_NR_REDISTS 8 /* regions of redistributors */

struct gicv3_data {
	void *dist_base;
	void *redist_bases[GICV3_NR_REDISTS]; /* of the regions, NULL after the last */
	u64 redist_sizes[GICV3_NR_REDISTS];
	void *redist_base[NR_CPUS]; /* of each CPU, after its gic_enable_defaults() */
	u8 *lpi_prop; /* configuration of LPI(0) on, for all CPUs; NULL without LPIs */
	void *lpi_pend[NR_CPUS]; /* pending table of each CPU: bit n of it is INTID n's */
	u8 *vlpi_prop; /* configuration of virtual LPIs from LPI(0) on, of all vPEs (asm/gic-v4.h) */
	unsigned int irq_nr;
};
extern struct gicv3_data gicv3_data;

#define gicv3_dist_base() (gicv3_data.dist_base)
#define gicv3_redist_base() (gicv3_data.redist_base[smp_processor_id()])
#define gicv3_sgi_base() (gicv3_redist_base() + GICR_SGI_BASE)
#define gicv3_vlpi_base() (gicv3_redist_base() + GICR_VLPI_BASE)

/*
 * Wait until a write to GICD_CTLR or to a register that disables has taken effect: GICD_CTLR.RWP,
 * and for this CPU GICR_CTLR.RWP; until the redistributor has sent on what this CPU made it send:
 * GICR_CTLR.UWP.
 */
void gicv3_dist_wait_for_rwp(void);
void gicv3_redist_wait_for_rwp(void);
void gicv3_redist_wait_for_uwp(void);

/* Find this CPU's frames. @stride is not needed: GICR_TYPER has the number of frames. */
void gicv3_set_redist_base(size_t stride);

/* MPIDR's four affinity fields, adjacent, as GICR_TYPER[63:32] has them; and back. */
static inline u32 mpidr_compress(u64 mpidr)
{
	return (mpidr & 0xffffff) | FIELD(mpidr, 39, 32) << 24;
}

static inline u64 mpidr_uncompress(u32 affinity)
{
	return (affinity & 0xffffff) | (u64)(affinity >> 24) << 32;
}

/* As the functions of asm/gic.h. */
int gicv3_init(void);
void gicv3_enable_defaults(void);
u32 gicv3_iar_irqnr(u32 iar);
void gicv3_ipi_send_single(int irq, int cpu);
void gicv3_ipi_send_mask(int irq, const cpumask_t *dest);

/*
 * LPIs (IHI 0069, 5.1). gicv3_lpi_alloc_tables(): the tables, and GICR_PROPBASER and GICR_PENDBASER,
 * of the CPUs that are online and do not have them. its_enable_defaults() calls it.
 */
void gicv3_lpi_alloc_tables(void);
/* LPIs of CPU @cpu. Aborts the run when they cannot be disabled any more (GICR_CTLR.CES). */
void gicv3_lpi_rdist_enable(int cpu);
void gicv3_lpi_rdist_disable(int cpu);
/* An LPI that is pending or not when those of CPU @cpu, which are disabled, are enabled. */
void gicv3_lpi_set_clr_pending(int cpu, int intid, bool set);
/* LPI_PROP_* of an LPI: GICs may see a change at the next INV or INVALL only. */
void gicv3_lpi_set_config(u32 intid, u8 config);
u8 gicv3_lpi_get_config(u32 intid);

#endif
