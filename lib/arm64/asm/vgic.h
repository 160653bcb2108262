/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's virtual interrupts: those that the host injects by list registers (GIC version 3,
 * ICH_*; version 2, GICH_*), by bits of HCR_EL2, and SErrors.
 *
 * By HCR_EL2: `guest->hcr_el2 |= HCR_EL2_VI` (VF for an FIQ) is a level, pending until the host
 * clears it. It needs nothing of this file.
 */
#ifndef ASMARM64_VGIC_H
#define ASMARM64_VGIC_H

#include <libcflat.h>
#include <asm/gic.h>
#include <asm/guest.h>

/* In ICH_HCR_EL2 and GICH_HCR: enable, and the causes of the maintenance interrupt */
#define VGIC_HCR_EN (1UL << 0)
#define VGIC_HCR_UIE (1UL << 1) /* no or one list register in use */
#define VGIC_HCR_LRENPIE (1UL << 2) /* an end of interrupt for none of them: EOIcount */
#define VGIC_HCR_NPIE (1UL << 3) /* no pending interrupt */
#define VGIC_HCR_VGRP0EIE (1UL << 4) /* group 0 is enabled; DIE: disabled */
#define VGIC_HCR_VGRP0DIE (1UL << 5)
#define VGIC_HCR_VGRP1EIE (1UL << 6)
#define VGIC_HCR_VGRP1DIE (1UL << 7)
/* Ends of interrupt without a list register */
#define VGIC_HCR_EOICOUNT(hcr) FIELD(hcr, 31, 27)
/* ICH_HCR_EL2: traps of the guest's accesses */
#define ICH_HCR_TC (1UL << 10) /* registers of both groups */
#define ICH_HCR_TALL0 (1UL << 11)
#define ICH_HCR_TALL1 (1UL << 12)
#define ICH_HCR_TSEI (1UL << 13)
#define ICH_HCR_TDIR (1UL << 14)
/* Virtual SGIs are not in EOIcount (GIC 4.1); directly injected interrupts are masked */
#define ICH_HCR_VSGIEOICOUNT (1UL << 8)
#define ICH_HCR_DVIM (1UL << 15)
/* After boot; with VGIC_HCR_EN after gic_enable_defaults(): vgic_host_set_open() */
#define ICH_HCR_NO_VGIC (ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1)

/* In ICH_MISR_EL2 and GICH_MISR: causes of the maintenance interrupt */
#define VGIC_MISR_EOI (1UL << 0)
#define VGIC_MISR_U (1UL << 1)
#define VGIC_MISR_LRENP (1UL << 2)
#define VGIC_MISR_NP (1UL << 3)
#define VGIC_MISR_VGRP0E (1UL << 4)
#define VGIC_MISR_VGRP0D (1UL << 5)
#define VGIC_MISR_VGRP1E (1UL << 6)
#define VGIC_MISR_VGRP1D (1UL << 7)

/* In ICH_VMCR_EL2 and GICH_VMCR */
#define VGIC_VMCR_ENG0 (1UL << 0)
#define VGIC_VMCR_ENG1 (1UL << 1)
#define VGIC_VMCR_ACK_CTL (1UL << 2) /* version 2: GICC_IAR also acknowledges group 1 */
#define VGIC_VMCR_FIQ_EN (1UL << 3)
#define VGIC_VMCR_PMR_LOWEST (0xf8UL << 24)

/* The reason why guests cannot have a virtual GIC here, for report_skip(), or NULL. */
const char *vgic_unsupported(void);
unsigned int vgic_nr_lrs(void);

/*
 * Give @guest a virtual CPU interface, as after reset: all off until the guest enables it, or the
 * host with `guest->vgic.vmcr = vgic_vmcr_enabled()`. A guest of version 2 has it where the host
 * has its own, so that gic_enable_cpu_interface(), gic_read_iar() and gic_write_eoir() work in
 * either. There is no virtual distributor. False when memory is out or vgic_unsupported().
 */
bool guest_vgic_enable(struct guest *guest);

/* guest->vgic.vmcr of an interface that a guest enabled with gic_enable_cpu_interface() */
u64 vgic_vmcr_enabled(void);

struct vgic_irq {
	u32 intid; /* the guest's */
	u8 priority; /* its upper five bits */
	u8 group; /* 0: virtual FIQ, 1: virtual IRQ */
	enum gic_irq_state state;
	bool eoi_irq; /* maintenance interrupt when the guest ends it; not with hw_irq */
	u32 hw_irq; /* not 0: the physical interrupt that ends with the guest's */
};

u64 vgic_make_lr(const struct vgic_irq *irq);
u32 vgic_lr_intid(u64 lr);
enum gic_irq_state vgic_lr_state(u64 lr);
/* The HW bit: it has a physical interrupt. */
bool vgic_lr_has_hw(u64 lr);

/*
 * Put @irq into a list register: the one that has its INTID already, which stays active if it is,
 * or else a free one. Returns its number, or -1 when all are in use.
 *
 * From any CPU. While another one runs the guest @irq is queued: VGIC_QUEUED, or -1 when
 * VGIC_MAX_LRS wait already. It gets a list register when guest_run() or guest_take_interrupts()
 * ends: an SGI to that CPU ends it.
 *
 * With hw_irq, in @irq or in the list register, an interrupt is not pending and active
 * (UNPREDICTABLE): a pending one is queued until the guest has ended the active one.
 */
#define VGIC_QUEUED VGIC_MAX_LRS
int guest_vgic_inject(struct guest *guest, const struct vgic_irq *irq);
/* A pending interrupt of group 1 and priority 0xa0. */
int guest_inject_irq(struct guest *guest, u32 intid);

/*
 * Version 3: guests without guest_vgic_enable() see the virtual CPU interface of their CPU, which
 * is the host's. gic_enable_defaults() resets it: no list register in use, group 1 enabled, no
 * priority masked, accesses to it trapped. A host may write ICH_LR<n>_EL2 itself; the framework
 * does not move these registers with a guest, and restores them after a guest with its own
 * interface.
 *
 * Open, accesses are not trapped, and the maintenance interrupt (gic_maintenance_irq()) is asserted
 * while no or one list register is in use. An access without a handler, while one is in use, opens
 * it; so does gicv4_schedule_vpe(). A test that handles ELx_LOW_SYNC_64 itself opens it here.
 */
void vgic_host_set_open(bool open);

/*
 * A virtual SError: HCR_EL2.VSE, taken by the guest once PSTATE.A is clear. @iss: ESR_EL1[24:0] of
 * it; without FEAT_RAS the CPU chooses that.
 */
void guest_inject_serror(struct guest *guest, u32 iss);
bool guest_serror_has_syndrome(void);

/*
 * Internal: move the state into the CPU, and out of it, which with version 2 also disables the
 * interface; move what was queued into list registers, with the registers in memory.
 */
u64 vgic_lr_active(void); /* the state's bit */
void vgic_take_queued(struct guest *guest);
void vgicv2_load(const struct vgic_state *state);
void vgicv2_save(struct vgic_state *state);
void vgicv3_load(const struct vgic_state *state);
void vgicv3_save(struct vgic_state *state);

/* Internal: for gic_enable_defaults() at EL2, with version 3 */
void vgic_host_reset(void);
/* Internal: open the interface if the last exit is an access that does so. */
bool vgic_host_opens(const struct guest *guest);

#endif
