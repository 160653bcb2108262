/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of registers of a guest with FEAT_NV2. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/el2.h>
#include <asm/guest-vncr.h>
#include <asm/guest.h>
#include <asm/sysreg.h>

const char *guest_vncr_unsupported(void)
{
	return el2_has_nv2() ? NULL
			     : "the CPU does not have FEAT_NV2 (ID_AA64MMFR2_EL1.NV, "
			       "ID_AA64MMFR4_EL1.NV_frac)";
}

bool guest_vncr_enable(struct guest *guest)
{
	if (guest_vncr_unsupported())
		return false;
	if (!guest->vncr_page)
		guest->vncr_page = memalign_pages(VNCR_SIZE, VNCR_SIZE);
	if (!guest->vncr_page)
		return false;
	guest->vncr_el2 = (u64)guest->vncr_page;
	guest->hcr_el2 |= HCR_EL2_NV | HCR_EL2_NV2;
	return true;
}
