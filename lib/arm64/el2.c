/* SPDX-License-Identifier: GPL-2.0-or-later */
/* EL2's controls after reset. */
#include <libcflat.h>
#include <asm/el2.h>
#include <asm/processor.h>
#include <asm/vgic.h>

/*
 * Without E2H: bits 0..9, 12 and 13 are 1 where they trap nothing that exists, TZ (8) and TSM (12)
 * trap
 */
#define CPTR_EL2_NVHE 0x33ffUL
#define CNTHCTL_EL2_E2H (CNTHCTL_VHE_EL1PCTEN | CNTHCTL_VHE_EL1PTEN | CNTKCTL_EL1_ALL)
#define CNTHCTL_EL2_NVHE (CNTHCTL_NVHE_EL1PCTEN | CNTHCTL_NVHE_EL1PCEN)
/*
 * The host's: user mode may read the counters; without E2H these bits are EL1PCTEN and EL1PCEN. A
 * guest has its own CNTHCTL_EL2.
 */
#define CNTHCTL_EL2_HOST (CNTKCTL_EL1_EL0PCTEN | CNTKCTL_EL1_EL0VCTEN)
#define ICC_SRE_EL2_ENABLE 0xfUL
#define ID_AA64DFR0_PMUVER_IMP_DEF 0xf

u64 cptr_el2_untrapped;

static bool has_feature(u64 id_register, unsigned int lowest_bit)
{
	return ID_FIELD(id_register, lowest_bit) != 0;
}

u64 cptr_el2_default(void)
{
	return host_vhe ? CPTR_VHE_FPEN : CPTR_EL2_NVHE;
}

/* SVE, too: for a guest it is trapped, with its own CPTR_EL2. */
static u64 cptr_el2_host(void)
{
	if (!system_supports_sve())
		return cptr_el2_default();
	return host_vhe ? cptr_el2_default() | CPTR_VHE_ZEN : cptr_el2_default() & ~CPTR_NVHE_TZ;
}

u64 cnthctl_el2_default(void)
{
	return host_vhe ? CNTHCTL_EL2_E2H : CNTHCTL_EL2_NVHE;
}

bool el2_has_pmu(void)
{
	u64 version = FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

	return version && version != ID_AA64DFR0_PMUVER_IMP_DEF;
}

bool el2_has_nv2(void)
{
	return ID_FIELD(read_sysreg_s(ID_AA64MMFR2_EL1), ID_AA64MMFR2_NV) >= ID_AA64MMFR2_NV_NV2 ||
	       ID_FIELD(read_sysreg_s(ID_AA64MMFR4_EL1), ID_AA64MMFR4_NV_FRAC);
}

u64 mdcr_el2_default(void)
{
	return el2_has_pmu() ? FIELD(read_sysreg(pmcr_el0), 15, 11) : 0; /* PMCR_EL0.N */
}

/* They apply to user mode of a host without VHE as well. */
static void clear_fine_grained_traps(void)
{
	u64 fgt = ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT);

	if (!fgt)
		return;
	write_sysreg_s(0, HFGRTR_EL2);
	write_sysreg_s(0, HFGWTR_EL2);
	write_sysreg_s(0, HFGITR_EL2);
	write_sysreg_s(0, HDFGRTR_EL2);
	write_sysreg_s(0, HDFGWTR_EL2);
	if (has_feature(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_AMU))
		write_sysreg_s(0, HAFGRTR_EL2);
	if (fgt < ID_AA64MMFR0_FGT_FGT2)
		return;
	write_sysreg_s(0, HFGRTR2_EL2);
	write_sysreg_s(0, HFGWTR2_EL2);
	write_sysreg_s(0, HFGITR2_EL2);
	write_sysreg_s(0, HDFGRTR2_EL2);
	write_sysreg_s(0, HDFGWTR2_EL2);
}

void el2_setup(void)
{
	cptr_el2_untrapped = cptr_el2_default();
	write_sysreg(cptr_el2_host(), cptr_el2);
	write_sysreg(mdcr_el2_default(), mdcr_el2);
	write_sysreg(0, hstr_el2);
	write_sysreg(CNTHCTL_EL2_HOST, cnthctl_el2);
	write_sysreg(0, cntvoff_el2);
	write_sysreg(0, vttbr_el2);
	write_sysreg(read_sysreg(midr_el1), vpidr_el2);
	write_sysreg(read_sysreg(mpidr_el1), vmpidr_el2);
	clear_fine_grained_traps();
	if (has_feature(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_HCX))
		write_sysreg_s(0, HCRX_EL2);
	if (has_feature(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_GIC)) {
		write_sysreg_s(ICC_SRE_EL2_ENABLE, ICC_SRE_EL2);
		isb();
		write_sysreg_s(ICH_HCR_NO_VGIC, ICH_HCR_EL2);
	}
	isb();
}
