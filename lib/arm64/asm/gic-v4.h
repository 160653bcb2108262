/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual LPIs of GIC version 4 (IHI 0069, 5.4): events of devices become LPIs of a vPE, a virtual
 * CPU. While a CPU has scheduled the vPE, a guest takes them there without an exit; else they become
 * pending in the vPE's table, and a doorbell, a physical LPI, may tell the host.
 *
 *	its_enable_defaults();			as for physical LPIs (asm/gic-v3-its.h)
 *	vpe = gicv4_alloc_vpe(id);		its_send_vmapp(vpe, true);
 *	its_send_mapd(dev, true);		its_send_vmapti(dev, event, id, LPI(n));
 *	gicv4_vlpi_set_config(LPI(n), LPI_PROP_DEFAULT);
 *	its_send_vinvall(vpe);			and its_send_vsync(vpe)
 *	gicv4_schedule_vpe(vpe);		guest_run(guest);
 *
 * Version 4.1 (GICR_TYPER.RVPEID), which has other registers, is not supported.
 */
#ifndef ASMARM64_GIC_V4_H
#define ASMARM64_GIC_V4_H

#include <libcflat.h>
#include <asm/gic.h>

#define GICR_VPENDBASER_VALID BIT(63)
#define GICR_VPENDBASER_IDAI BIT(62)
#define GICR_VPENDBASER_PENDINGLAST BIT(61)
#define GICR_VPENDBASER_DIRTY BIT(60)

/* Commands (IHI 0069, 5.3) */
#define GITS_CMD_VMOVI 0x21
#define GITS_CMD_VMOVP 0x22
#define GITS_CMD_VSYNC 0x25
#define GITS_CMD_VMAPP 0x29
#define GITS_CMD_VMAPTI 0x2a
#define GITS_CMD_VMAPI 0x2b
#define GITS_CMD_VINVALL 0x2d

#define GICV4_NO_DOORBELL GICC_INT_SPURIOUS

struct gicv4_vpe {
	u16 vpe_id;
	void *vpt_page; /* pending table: bit n of it is INTID n's */
	void *conf_table; /* configuration, from LPI(0) on: gicv3_data.vlpi_prop */
	bool resident; /* scheduled on a CPU */
	int cpu; /* that it is mapped to */
	bool idai; /* the tables alone do not have all that is pending (GICR_VPENDBASER.IDAI) */
};

/* its_unsupported(), and the reason for report_skip() if there are no virtual LPIs, else NULL. */
const char *gicv4_unsupported(void);

/*
 * A vPE that is to be mapped to the calling CPU, with tables for 8192 virtual LPIs, all disabled and
 * none pending. @vpe_id: at most its_data.vpe_baser.nr_entries - 1. NULL when memory is out.
 */
struct gicv4_vpe *gicv4_alloc_vpe(u16 vpe_id);
/* Not while it is mapped. */
void gicv4_free_vpe(struct gicv4_vpe *vpe);

/*
 * Make @vpe resident on the calling CPU, where no other is, and where it is mapped to. Its virtual
 * LPIs are signalled to the guests that run there; to those without guest_vgic_enable() as
 * asm/vgic.h says.
 */
void gicv4_schedule_vpe(struct gicv4_vpe *vpe);
/* The opposite: true when interrupts are pending that are enabled (GICR_VPENDBASER.PendingLast). */
bool gicv4_deschedule_vpe(struct gicv4_vpe *vpe);

/* LPI_PROP_* of a virtual LPI, of every vPE: GICs may see a change at the next INV or VINVALL only. */
void gicv4_vlpi_set_config(u32 vintid, u8 config);
u8 gicv4_vlpi_get_config(u32 vintid);

/*
 * One command each, as those of asm/gic-v3-its.h, and not verbose. Effects at the redistributor are
 * complete after its_send_vsync().
 */
/* Map @vpe to its CPU; or @valid false: unmap it. */
void its_send_vmapp(struct gicv4_vpe *vpe, bool valid);
/* Event @id of @dev is virtual LPI @vlpi_id of the vPE. */
void its_send_vmapti(struct its_device *dev, u32 id, u32 vpe_id, u32 vlpi_id);
/* With a physical LPI that is sent while the vPE is not scheduled, or GICV4_NO_DOORBELL */
void its_send_vmapti_doorbell(struct its_device *dev, u32 id, u32 vpe_id, u32 vlpi_id,
			      u32 doorbell);
/* The same where the event's number is that of the LPI */
void its_send_vmapi(struct its_device *dev, u32 vlpi_id, u32 vpe_id, u32 doorbell);
/* The event, and the LPI if it is pending, move to another vPE; the doorbell stays the same. */
void its_send_vmovi(struct its_device *dev, u32 id, u32 vpe_id);
/* Move @vpe, which is not scheduled, to CPU @cpu. */
void its_send_vmovp(struct gicv4_vpe *vpe, int cpu);
void its_send_vsync(struct gicv4_vpe *vpe);
void its_send_vinvall(struct gicv4_vpe *vpe);

#endif
