/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GIC version 2: registers of the CPU interface and of its virtual one, and their addresses. */
#ifndef ASMARM64_GIC_V2_H
#define ASMARM64_GIC_V2_H

#include <libcflat.h>
#include <cpumask.h>

#define GICC_CTLR 0x0000
#define GICC_PMR 0x0004
#define GICC_BPR 0x0008
#define GICC_IAR 0x000c
#define GICC_EOIR 0x0010
#define GICC_RPR 0x0014
#define GICC_HPPIR 0x0018
#define GICC_IIDR 0x00fc
#define GICC_DIR 0x1000

#define GICC_CTLR_ENABLE_GRP0 (1U << 0) /* the only group's, in a Non-secure view */
#define GICC_CTLR_ENABLE_GRP1 (1U << 1)
#define GICC_CTLR_ACK_CTL (1U << 2) /* GICC_IAR also acknowledges group 1 */
#define GICC_CTLR_FIQ_EN (1U << 3) /* group 0 is signalled as FIQ */
#define GICC_CTLR_EOIMODE (1U << 9)
#define GICC_ENABLE GICC_CTLR_ENABLE_GRP0
#define GICC_IAR_INT_ID_MASK 0x3ff

#define GICH_VTR 0x0004
#define GICH_VTR_NR_LRS(vtr) (FIELD(vtr, 5, 0) + 1)

#define GICD_ENABLE 0x1
#define GICD_CTLR_ENABLE_GRPS 0x3

struct gicv2_data {
	void *dist_base; /* GICD */
	void *cpu_base; /* GICC */
	void *hyp_base; /* GICH, NULL without virtualization */
	unsigned int nr_lrs; /* list registers, as GICH_VTR says: at most VGIC_MAX_LRS are used */
	phys_addr_t vcpu_base; /* GICV, for guests; its size in bytes */
	u64 vcpu_size;
	unsigned int irq_nr;
};
extern struct gicv2_data gicv2_data;

#define gicv2_dist_base() (gicv2_data.dist_base)
#define gicv2_cpu_base() (gicv2_data.cpu_base)

/* As the functions of asm/gic.h. */
int gicv2_init(void);
void gicv2_enable_defaults(void);
u32 gicv2_read_iar(void);
u32 gicv2_iar_irqnr(u32 iar);
void gicv2_write_eoir(u32 iar);
void gicv2_ipi_send_single(int irq, int cpu);
void gicv2_ipi_send_mask(int irq, const cpumask_t *dest);

#endif
