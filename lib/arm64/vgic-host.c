/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual CPU interface of a CPU while no guest with one of its own runs there (GIC version 3):
 * the host writes list registers itself, or schedules a vPE of GIC version 4.
 */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <asm/vgic.h>

#define HCR_OPEN (VGIC_HCR_EN | VGIC_HCR_UIE)
#define HCR_CLOSED (VGIC_HCR_EN | ICH_HCR_NO_VGIC)

/* Traps by ICH_HCR_EL2: ICC_PMR_EL1, and ICC_* of CRn 12 (IHI 0069, 12.2) */
#define ISS_REGISTER(iss) ((iss) & ESR_ELx_SYS64_ISS_REGISTER)
#define ISS_GROUP_MASK ESR_ELx_SYS64_ISS(3, 7, 15, 8, 0)
#define ISS_GROUP_ICC ESR_ELx_SYS64_ISS(3, 0, 12, 8, 0)
#define ISS_ICC_PMR ESR_ELx_SYS64_ISS(3, 0, 4, 6, 0)

void vgic_host_reset(void)
{
	static const struct vgic_state reset = { .hcr = HCR_CLOSED,
						 .vmcr = VGIC_VMCR_ENG1 | VGIC_VMCR_PMR_LOWEST };

	vgicv3_load(&reset);
	isb();
}

void vgic_host_set_open(bool open)
{
	if (!host_at_el2)
		return;
	write_sysreg_s(open ? HCR_OPEN : HCR_CLOSED, ICH_HCR_EL2);
	isb(); /* before a guest runs */
}

static bool is_access(u64 esr)
{
	u64 iss = ESR_ELx_ISS(esr);

	return ESR_ELx_EC(esr) == ESR_ELx_EC_SYS64 &&
	       (ISS_REGISTER(iss) == ISS_ICC_PMR || (iss & ISS_GROUP_MASK) == ISS_GROUP_ICC);
}

static bool list_register_in_use(void)
{
	u64 all = BIT(FIELD(read_sysreg_s(ICH_VTR_EL2), 4, 0) + 1) - 1;

	return (read_sysreg_s(ICH_ELRSR_EL2) & all) != all;
}

bool vgic_host_opens(const struct guest *guest)
{
	if (guest->has_vgic || !is_access(guest->esr_el2) ||
	    read_sysreg_s(ICH_HCR_EL2) != HCR_CLOSED || !list_register_in_use())
		return false;
	vgic_host_set_open(true);
	return true;
}
