/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual interrupts: list registers, and SErrors. */
#include <libcflat.h>
#include <errno.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/vgic.h>

/* A list register's fields, in both versions. */
struct lr_format {
	u8 hw, group, state, priority, priority_shift, hw_irq, eoi_irq;
	u32 intid_mask;
};
/* Version 2 has the upper five bits of a priority. */
static const struct lr_format lr_v2 = { .hw = 31,
					.group = 30,
					.state = 28,
					.priority = 23,
					.hw_irq = 10,
					.eoi_irq = 19,
					.priority_shift = 3,
					.intid_mask = 0x3ff };
static const struct lr_format lr_v3 = { .hw = 61,
					.group = 60,
					.state = 62,
					.priority = 48,
					.hw_irq = 32,
					.eoi_irq = 41,
					.priority_shift = 0,
					.intid_mask = UINT32_MAX };

static const struct lr_format *lr_format(void)
{
	return gic_version() == 2 ? &lr_v2 : &lr_v3;
}

const char *vgic_unsupported(void)
{
	if (!host_at_el2)
		return "the host is not at EL2 (no virtualization=on?)";
	if (gic_unsupported())
		return gic_unsupported();
	if (gic_version() == 2 && !gicv2_data.hyp_base)
		return "the GIC has no virtual CPU interface (no GICH in the device tree)";
	return NULL;
}

unsigned int vgic_nr_lrs(void)
{
	if (gic_version() == 2)
		return gicv2_data.nr_lrs;
	return FIELD(read_sysreg_s(ICH_VTR_EL2), 4, 0) + 1;
}

u64 vgic_vmcr_enabled(void)
{
	u64 enabled = VGIC_VMCR_ENG0 | VGIC_VMCR_ENG1 | VGIC_VMCR_FIQ_EN | VGIC_VMCR_PMR_LOWEST;

	return gic_version() == 2 ? enabled | VGIC_VMCR_ACK_CTL : enabled;
}

u64 vgic_make_lr(const struct vgic_irq *irq)
{
	const struct lr_format *lr = lr_format();
	u64 value = (u64)irq->state << lr->state | (u64)irq->group << lr->group | irq->intid |
		    (u64)(irq->priority >> lr->priority_shift) << lr->priority;

	if (irq->hw_irq)
		return value | 1UL << lr->hw | (u64)irq->hw_irq << lr->hw_irq;
	return value | (u64)irq->eoi_irq << lr->eoi_irq;
}

u32 vgic_lr_intid(u64 lr)
{
	return lr & lr_format()->intid_mask;
}

u64 vgic_lr_active(void)
{
	return (u64)GIC_IRQ_STATE_ACTIVE << lr_format()->state;
}

enum gic_irq_state vgic_lr_state(u64 lr)
{
	return lr >> lr_format()->state & 3;
}

bool vgic_lr_has_hw(u64 lr)
{
	return lr >> lr_format()->hw & 1;
}

int guest_inject_irq(struct guest *guest, u32 intid)
{
	struct vgic_irq irq = { .intid = intid,
				.priority = GICD_INT_DEF_PRI,
				.group = 1,
				.state = GIC_IRQ_STATE_PENDING };

	return guest_vgic_inject(guest, &irq);
}

bool guest_serror_has_syndrome(void)
{
	return FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_RAS + 3, ID_AA64PFR0_RAS);
}

/* The host's interface is not reset by a guest that has its own. */
static void load_v3(struct guest *guest)
{
	vgicv3_save(&guest->host_vgic);
	vgicv3_load(&guest->vgic);
}

static void save_v3(struct guest *guest)
{
	vgicv3_save(&guest->vgic);
	vgicv3_load(&guest->host_vgic);
	isb(); /* no maintenance interrupt of the guest from here on */
}

static void load(struct guest *guest)
{
	if (guest->has_vgic)
		vgic_take_queued(guest);
	if (guest->has_vgic && gic_version() == 2)
		vgicv2_load(&guest->vgic);
	else if (guest->has_vgic)
		load_v3(guest);
	if (guest->has_vserror)
		write_sysreg_s(guest->vsesr_el2, VSESR_EL2);
}

/* Leave in the CPU the state of a guest without them. */
static void save(struct guest *guest)
{
	if (guest->has_vgic && gic_version() == 2)
		vgicv2_save(&guest->vgic);
	else if (guest->has_vgic)
		save_v3(guest);
	if (guest->has_vgic)
		vgic_take_queued(guest);
	if (guest->has_vserror)
		write_sysreg_s(0, VSESR_EL2); /* a guest does not write it: its own is in memory */
}

static const struct guest_optional_state interrupt_state = { load, save };

/*
 * Version 2: the CPU interface that the guest sees is the virtual one. Another vCPU on the same
 * stage 2 may have mapped it: it is banked, each CPU has its own there.
 */
static bool map_interface(struct guest *guest)
{
	u64 ipa = virt_to_phys(gicv2_data.cpu_base);
	int err = s2mmu_map(guest->s2mmu, ipa, gicv2_data.vcpu_base, gicv2_data.vcpu_size,
			    S2_MAP_DEVICE | S2_MAP_XN | S2_MAP_NOREPLACE);

	return !err ||
	       (err == -EEXIST && s2mmu_translate(guest->s2mmu, ipa) == gicv2_data.vcpu_base);
}

/*
 * The registers are in memory from the first write on, so that saving does not overwrite it: the
 * flag is set after it.
 */
bool guest_vgic_enable(struct guest *guest)
{
	if (vgic_unsupported() || guest->has_vgic)
		return guest->has_vgic;
	if (gic_version() == 2 && !map_interface(guest))
		return false;
	memset(&guest->vgic, 0, sizeof(guest->vgic));
	guest->vgic.hcr = VGIC_HCR_EN;
	guest->has_vgic = true;
	guest_set_optional_state(guest, &interrupt_state);
	return true;
}

void guest_inject_serror(struct guest *guest, u32 iss)
{
	assert_msg(!guest->thread || guest->thread == current_thread_info(),
		   "another CPU runs the guest");
	guest->hcr_el2 |= HCR_EL2_VSE;
	guest->vsesr_el2 = iss & ESR_ELx_ISS_MASK;
	if (!guest_serror_has_syndrome())
		return;
	guest->has_vserror = true;
	guest_set_optional_state(guest, &interrupt_state);
}
