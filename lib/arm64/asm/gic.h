/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Generic Interrupt Controller, version 2 (IHI 0048) or 3 (IHI 0069), as the device tree
 * describes it.
 *
 * All interrupts are group 1, which is signalled as IRQ, until gic_irq_set_group() makes one
 * group 0, which is signalled as FIQ.
 */
#ifndef ASMARM64_GIC_H
#define ASMARM64_GIC_H

#include <libcflat.h>
#include <cpumask.h>
#include <asm/gic-v2.h>
#include <asm/gic-v3.h>
#include <asm/gic-v3-its.h>

/* Distributor; in version 3 those of SGIs and PPIs are in the redistributor, at the same offsets */
#define GICD_CTLR 0x0000
#define GICD_TYPER 0x0004
#define GICD_IIDR 0x0008
#define GICD_TYPER2 0x000c
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISPENDR 0x0200
#define GICD_ICPENDR 0x0280
#define GICD_ISACTIVER 0x0300
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR 0x0800
#define GICD_ICFGR 0x0c00
#define GICD_SGIR 0x0f00
#define GICD_CPENDSGIR 0x0f10
#define GICD_SPENDSGIR 0x0f20
#define GICD_ICPIDR2 0x0fe8 /* version 2 */
#define GICD_PIDR2 0xffe8 /* version 3 */

#define GICD_TYPER_IRQS(typer) ((((typer) & 0x1f) + 1) * 32)
#define GICD_INT_EN_SET_SGI 0x0000ffff
#define GICD_INT_EN_CLR_X32 0xffffffff
#define GICD_INT_DEF_PRI 0xa0
#define GICD_INT_DEF_PRI_X4 0xa0a0a0a0

#define GIC_NR_PRIVATE_IRQS 32
#define GIC_FIRST_SPI GIC_NR_PRIVATE_IRQS
#define GICC_INT_SPURIOUS 0x3ff
#define GICC_INT_PRI_THRESHOLD 0xf0

/* From the numbers of a device tree to interrupt IDs */
#define PPI(irq) ((irq) + 16)
#define SPI(irq) ((irq) + GIC_FIRST_SPI)

struct fdt_node;
/* For the boot: a GIC of @version in the device tree. Only recorded; gic_init() reads it. */
void gic_candidate(int version, const struct fdt_node *node);

/* Find the GIC and map its registers: its version, or 0 without a GIC. */
int gic_init(void);
/* gic_init(), and the reason for report_skip() if there is no GIC, else NULL. */
const char *gic_unsupported(void);
/* The version, after gic_init(). */
int gic_version(void);
/* Number of the interrupt IDs that the distributor has, SGIs and PPIs included. */
unsigned int gic_nr_irqs(void);
/*
 * PPI of the maintenance interrupt (asm/vgic.h), as an interrupt ID; 0 when the device tree has
 * none.
 */
unsigned int gic_maintenance_irq(void);

/*
 * The distributor once, and the CPU interface of this CPU: all interrupts group 1, of priority
 * 0xa0, SPIs to the CPU that came first; SGIs enabled. Calls gic_init() where nobody did. At EL2
 * also the virtual CPU interface of this CPU (asm/vgic.h).
 */
void gic_enable_defaults(void);
/*
 * Only the CPU interface: groups enabled, priorities above 0xf0 let through. Works in a guest that
 * has a virtual one (asm/vgic.h), as gic_read_iar(), gic_iar_irqnr() and gic_write_eoir() do.
 */
void gic_enable_cpu_interface(void);

/* Acknowledge the highest pending interrupt of group 1; gic_iar_irqnr() is its ID, 1023 if none. */
u32 gic_read_iar(void);
u32 gic_iar_irqnr(u32 iar);
void gic_write_eoir(u32 iar);
/* The same for group 0. */
u32 gic_read_iar_group0(void);
void gic_write_eoir_group0(u32 iar);
/* True: gic_write_eoir() drops the priority only, and gic_write_dir() deactivates. */
void gic_set_eoi_split(bool split);
void gic_write_dir(u32 irq);
/* Interrupts of @priority and below (numerically: and above) are not signalled to this CPU. */
void gic_set_priority_mask(u8 priority);

/* SGI @irq (0..15) to CPU @cpu, an index of cpus[]. */
void gic_ipi_send_single(int irq, int cpu);
/* The same to each CPU of @dest. */
void gic_ipi_send_mask(int irq, const cpumask_t *dest);

enum gic_irq_state {
	GIC_IRQ_STATE_INACTIVE,
	GIC_IRQ_STATE_PENDING,
	GIC_IRQ_STATE_ACTIVE,
	GIC_IRQ_STATE_ACTIVE_PENDING,
};

/* For these an SGI or PPI is that of the calling CPU. */
enum gic_irq_state gic_irq_state(int irq);
const char *gic_irq_state_name(enum gic_irq_state state);
void gic_irq_set_clr_enable(int irq, bool enable);
#define gic_enable_irq(irq) gic_irq_set_clr_enable(irq, true)
#define gic_disable_irq(irq) gic_irq_set_clr_enable(irq, false)
void gic_irq_set_pending(int irq, bool pending);
void gic_irq_set_priority(int irq, u8 priority);
/*
 * @group 0: signalled as FIQ; 1: as IRQ. False when group 0 belongs to a Secure state that this is
 * not.
 */
bool gic_irq_set_group(int irq, int group);

#endif
