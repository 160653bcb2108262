/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traps of a guest's instructions to EL2, a row each (guest-traps/trap.h).
 *
 * The accesses that a control traps: DDI 0487, D24.2, the description of its field in HCR_EL2, MDCR_EL2,
 * CPTR_EL2 and CNTHCTL_EL2. Syndromes: D24.2.40, ESR_EL2.
 *
 * Arguments select rows by their control, as it is called on this host: "HCR_EL2.TID2" at EL1,
 * "HCR_EL2.TID2@EL0"; a name with a minus leaves them out.
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest.h>
#include "guest-traps/trap.h"

/* ISS of a trapped FP instruction: CV and COND, which says "always" */
#define ISS_FP (1U << 24 | 0xeU << 20)

/* Instructions beside system registers' */
#define SMC_IMMEDIATE 0x5a5a
#define INSN_SMC (0xd4000003U | SMC_IMMEDIATE << 5)
#define INSN_FMOV_D0 0x1e6e1000U /* fmov d0, #1.0 */
#define INSN_PTRUE_P0 0x2518e3e0U /* ptrue p0.b */

/* clang-format off */

/* The ID register, the field, its lowest bit, and the values that mean that the CPU has it */
#define FEAT_LOR FEATURE(ID_AA64MMFR1_EL1, LO, 16, 1, 15)
#define FEAT_S2FWB FEATURE(ID_AA64MMFR2_EL1, FWB, 40, 1, 15)
#define FEAT_PMUv3 FEATURE(ID_AA64DFR0_EL1, PMUVer, 8, 1, 14)
#define FEAT_DPB FEATURE(ID_AA64ISAR1_EL1, DPB, 0, 1, 15)
#define FEAT_FP FEATURE(ID_AA64PFR0_EL1, FP, 16, 0, 14)
#define FEAT_SVE FEATURE(ID_AA64PFR0_EL1, SVE, 32, 1, 15)

/* Controls */
#define DEFAULT .by_default = true
#define TLOR HCR(TLOR), CONTROL_NEEDS(FEAT_LOR), DEFAULT
#define TVM HCR(TVM), CONTROL_NEEDS(FEAT_S2FWB)	/* without it the library answers these exits */
#define TPM MDCR(TPM), CONTROL_NEEDS(FEAT_PMUv3), DEFAULT
#define TPMCR MDCR(TPMCR), CONTROL_NEEDS(FEAT_PMUv3), DEFAULT
#define TDA MDCR(TDA), DEFAULT
#define TDOSA MDCR(TDOSA), DEFAULT
#define TDRA MDCR(TDRA), DEFAULT
#define TCPAC                                                                                      \
	CONTROLS(CONTROL_SET(CPTR_EL2, cptr_el2, TCPAC), CONTROL_SET(CPTR_EL2, cptr_el2, TCPAC))

/* CPTR_EL2 with HCR_EL2.E2H has the layout of CPACR_EL1: a field of two bits, where 0 traps. */
#define CPTR(nvhe, vhe)                                                                            \
	CONTROLS(CONTROL("CPTR_EL2." #nvhe, cptr_el2, CPTR_NVHE_##nvhe, CPTR_NVHE_##nvhe),         \
		 CONTROL("CPTR_EL2." #vhe, cptr_el2, CPTR_VHE_##vhe, 0))
#define CNTHCTL(nvhe, vhe)                                                                         \
	CONTROLS(CONTROL("CNTHCTL_EL2." #nvhe, cnthctl_el2, CNTHCTL_NVHE_##nvhe, 0),               \
		 CONTROL("CNTHCTL_EL2." #vhe, cnthctl_el2, CNTHCTL_VHE_##vhe, 0))
#define PHYSICAL_COUNTER CNTHCTL(EL1PCTEN, EL1PCTEN)
#define PHYSICAL_TIMER CNTHCTL(EL1PCEN, EL1PTEN)

#define EL0 .at_el0 = true
#define ADDRESS .operand = trap_operand

static const struct trap traps[] = {
	/* LORegions are of physical addresses, and nobody switches them. */
	{ TLOR, MRS(LORSA_EL1, 3, 0, 10, 4, 0) },
	{ TLOR, MSR(LORSA_EL1, 3, 0, 10, 4, 0) },
	{ TLOR, MRS(LOREA_EL1, 3, 0, 10, 4, 1) },
	{ TLOR, MSR(LOREA_EL1, 3, 0, 10, 4, 1) },
	{ TLOR, MRS(LORN_EL1, 3, 0, 10, 4, 2) },
	{ TLOR, MSR(LORN_EL1, 3, 0, 10, 4, 2) },
	{ TLOR, MRS(LORC_EL1, 3, 0, 10, 4, 3) },
	{ TLOR, MSR(LORC_EL1, 3, 0, 10, 4, 3) },
	{ TLOR, MRS(LORID_EL1, 3, 0, 10, 4, 7) },

	/* SMC would be firmware's, which may power the machine off. */
	{ HCR(TSC), DEFAULT, .untrapped = UNTRAPPED_BY_FIRMWARE,
	  INSN("SMC", INSN_SMC, ESR_ELx_EC_SMC64, SMC_IMMEDIATE) },

	/* Identification */
	{ HCR(TID1), MRS(REVIDR_EL1, 3, 0, 0, 0, 6) },
	{ HCR(TID1), MRS(AIDR_EL1, 3, 1, 0, 0, 7) },
	{ HCR(TID2), MRS(CCSIDR_EL1, 3, 1, 0, 0, 0) },
	{ HCR(TID2), MRS(CLIDR_EL1, 3, 1, 0, 0, 1) },
	{ HCR(TID2), MRS(CSSELR_EL1, 3, 2, 0, 0, 0) },
	{ HCR(TID2), MSR(CSSELR_EL1, 3, 2, 0, 0, 0) },
	{ HCR(TID2), MRS(CTR_EL0, 3, 3, 0, 0, 1) },
	{ HCR(TID2), EL0, MRS(CTR_EL0, 3, 3, 0, 0, 1) },
	{ HCR(TID3), MRS(ID_PFR0_EL1, 3, 0, 0, 1, 0) },
	{ HCR(TID3), MRS(ID_PFR1_EL1, 3, 0, 0, 1, 1) },
	{ HCR(TID3), MRS(ID_DFR0_EL1, 3, 0, 0, 1, 2) },
	{ HCR(TID3), MRS(ID_MMFR0_EL1, 3, 0, 0, 1, 4) },
	{ HCR(TID3), MRS(ID_MMFR1_EL1, 3, 0, 0, 1, 5) },
	{ HCR(TID3), MRS(ID_MMFR2_EL1, 3, 0, 0, 1, 6) },
	{ HCR(TID3), MRS(ID_MMFR3_EL1, 3, 0, 0, 1, 7) },
	{ HCR(TID3), MRS(ID_ISAR0_EL1, 3, 0, 0, 2, 0) },
	{ HCR(TID3), MRS(ID_ISAR5_EL1, 3, 0, 0, 2, 5) },
	{ HCR(TID3), MRS(MVFR0_EL1, 3, 0, 0, 3, 0) },
	{ HCR(TID3), MRS(MVFR2_EL1, 3, 0, 0, 3, 2) },
	{ HCR(TID3), MRS(ID_AA64PFR0_EL1, 3, 0, 0, 4, 0) },
	{ HCR(TID3), MRS(ID_AA64PFR1_EL1, 3, 0, 0, 4, 1) },
	{ HCR(TID3), NEEDS(FEAT_SVE), MRS(ID_AA64ZFR0_EL1, 3, 0, 0, 4, 4) },
	{ HCR(TID3), MRS(ID_AA64DFR0_EL1, 3, 0, 0, 5, 0) },
	{ HCR(TID3), MRS(ID_AA64DFR1_EL1, 3, 0, 0, 5, 1) },
	{ HCR(TID3), MRS(ID_AA64AFR0_EL1, 3, 0, 0, 5, 4) },
	{ HCR(TID3), MRS(ID_AA64AFR1_EL1, 3, 0, 0, 5, 5) },
	{ HCR(TID3), MRS(ID_AA64ISAR0_EL1, 3, 0, 0, 6, 0) },
	{ HCR(TID3), MRS(ID_AA64ISAR1_EL1, 3, 0, 0, 6, 1) },
	{ HCR(TID3), MRS(ID_AA64MMFR0_EL1, 3, 0, 0, 7, 0) },
	{ HCR(TID3), MRS(ID_AA64MMFR1_EL1, 3, 0, 0, 7, 1) },
	{ HCR(TID3), MRS(ID_AA64MMFR2_EL1, 3, 0, 0, 7, 2) },
	{ HCR(TACR), MRS(ACTLR_EL1, 3, 0, 1, 0, 1) },
	{ HCR(TACR), MSR(ACTLR_EL1, 3, 0, 1, 0, 1) },

	/* Translation */
	{ TVM, MSR(SCTLR_EL1, 3, 0, 1, 0, 0) },
	{ TVM, MSR(TTBR0_EL1, 3, 0, 2, 0, 0) },
	{ TVM, MSR(TTBR1_EL1, 3, 0, 2, 0, 1) },
	{ TVM, MSR(TCR_EL1, 3, 0, 2, 0, 2) },
	{ TVM, MSR(AFSR0_EL1, 3, 0, 5, 1, 0) },
	{ TVM, MSR(AFSR1_EL1, 3, 0, 5, 1, 1) },
	{ TVM, MSR(ESR_EL1, 3, 0, 5, 2, 0) },
	{ TVM, MSR(FAR_EL1, 3, 0, 6, 0, 0) },
	{ TVM, MSR(MAIR_EL1, 3, 0, 10, 2, 0) },
	{ TVM, MSR(AMAIR_EL1, 3, 0, 10, 3, 0) },
	{ TVM, MSR(CONTEXTIDR_EL1, 3, 0, 13, 0, 1) },
	{ HCR(TRVM), MRS(SCTLR_EL1, 3, 0, 1, 0, 0) },
	{ HCR(TRVM), MRS(TTBR0_EL1, 3, 0, 2, 0, 0) },
	{ HCR(TRVM), MRS(TTBR1_EL1, 3, 0, 2, 0, 1) },
	{ HCR(TRVM), MRS(TCR_EL1, 3, 0, 2, 0, 2) },
	{ HCR(TRVM), MRS(AFSR0_EL1, 3, 0, 5, 1, 0) },
	{ HCR(TRVM), MRS(AFSR1_EL1, 3, 0, 5, 1, 1) },
	{ HCR(TRVM), MRS(ESR_EL1, 3, 0, 5, 2, 0) },
	{ HCR(TRVM), MRS(FAR_EL1, 3, 0, 6, 0, 0) },
	{ HCR(TRVM), MRS(MAIR_EL1, 3, 0, 10, 2, 0) },
	{ HCR(TRVM), MRS(AMAIR_EL1, 3, 0, 10, 3, 0) },
	{ HCR(TRVM), MRS(CONTEXTIDR_EL1, 3, 0, 13, 0, 1) },
	{ HCR(TTLB), SYS_NO_RT("TLBI VMALLE1IS", 1, 0, 8, 3, 0) },
	{ HCR(TTLB), SYS("TLBI VAE1IS", 1, 0, 8, 3, 1) },
	{ HCR(TTLB), SYS("TLBI ASIDE1IS", 1, 0, 8, 3, 2) },
	{ HCR(TTLB), SYS("TLBI VAAE1IS", 1, 0, 8, 3, 3) },
	{ HCR(TTLB), SYS("TLBI VALE1IS", 1, 0, 8, 3, 5) },
	{ HCR(TTLB), SYS("TLBI VAALE1IS", 1, 0, 8, 3, 7) },
	{ HCR(TTLB), SYS_NO_RT("TLBI VMALLE1", 1, 0, 8, 7, 0) },
	{ HCR(TTLB), SYS("TLBI VAE1", 1, 0, 8, 7, 1) },
	{ HCR(TTLB), SYS("TLBI ASIDE1", 1, 0, 8, 7, 2) },
	{ HCR(TTLB), SYS("TLBI VAAE1", 1, 0, 8, 7, 3) },
	{ HCR(TTLB), SYS("TLBI VALE1", 1, 0, 8, 7, 5) },
	{ HCR(TTLB), SYS("TLBI VAALE1", 1, 0, 8, 7, 7) },

	/* Caches */
	{ HCR(TSW), SYS("DC ISW", 1, 0, 7, 6, 2) },
	{ HCR(TSW), SYS("DC CSW", 1, 0, 7, 10, 2) },
	{ HCR(TSW), SYS("DC CISW", 1, 0, 7, 14, 2) },
	{ HCR(TPCP), ADDRESS, SYS("DC IVAC", 1, 0, 7, 6, 1) },
	{ HCR(TPCP), ADDRESS, SYS("DC CVAC", 1, 3, 7, 10, 1) },
	{ HCR(TPCP), ADDRESS, EL0, SYS("DC CVAC", 1, 3, 7, 10, 1) },
	{ HCR(TPCP), ADDRESS, NEEDS(FEAT_DPB), SYS("DC CVAP", 1, 3, 7, 12, 1) },
	{ HCR(TPCP), ADDRESS, SYS("DC CIVAC", 1, 3, 7, 14, 1) },
	{ HCR(TPCP), ADDRESS, EL0, SYS("DC CIVAC", 1, 3, 7, 14, 1) },
	{ HCR(TPU), SYS_NO_RT("IC IALLUIS", 1, 0, 7, 1, 0) },
	{ HCR(TPU), SYS_NO_RT("IC IALLU", 1, 0, 7, 5, 0) },
	{ HCR(TPU), ADDRESS, SYS("IC IVAU", 1, 3, 7, 5, 1) },
	{ HCR(TPU), ADDRESS, EL0, SYS("IC IVAU", 1, 3, 7, 5, 1) },
	{ HCR(TPU), ADDRESS, SYS("DC CVAU", 1, 3, 7, 11, 1) },
	{ HCR(TPU), ADDRESS, EL0, SYS("DC CVAU", 1, 3, 7, 11, 1) },
	{ HCR(TDZ), ADDRESS, SYS("DC ZVA", 1, 3, 7, 4, 1) },
	{ HCR(TDZ), ADDRESS, EL0, SYS("DC ZVA", 1, 3, 7, 4, 1) },

	/* The performance monitors count for the host and for other guests as well. */
	{ TPM, MRS(PMINTENSET_EL1, 3, 0, 9, 14, 1) },
	{ TPM, MSR(PMINTENSET_EL1, 3, 0, 9, 14, 1) },
	{ TPM, MRS(PMINTENCLR_EL1, 3, 0, 9, 14, 2) },
	{ TPM, MSR(PMINTENCLR_EL1, 3, 0, 9, 14, 2) },
	{ TPM, MRS(PMCR_EL0, 3, 3, 9, 12, 0) },
	{ TPM, MSR(PMCR_EL0, 3, 3, 9, 12, 0) },
	{ TPM, MRS(PMCNTENSET_EL0, 3, 3, 9, 12, 1) },
	{ TPM, MSR(PMCNTENSET_EL0, 3, 3, 9, 12, 1) },
	{ TPM, MRS(PMCNTENCLR_EL0, 3, 3, 9, 12, 2) },
	{ TPM, MSR(PMCNTENCLR_EL0, 3, 3, 9, 12, 2) },
	{ TPM, MRS(PMOVSCLR_EL0, 3, 3, 9, 12, 3) },
	{ TPM, MSR(PMOVSCLR_EL0, 3, 3, 9, 12, 3) },
	{ TPM, MRS(PMSELR_EL0, 3, 3, 9, 12, 5) },
	{ TPM, MSR(PMSELR_EL0, 3, 3, 9, 12, 5) },
	{ TPM, MRS(PMCEID0_EL0, 3, 3, 9, 12, 6) },
	{ TPM, MRS(PMCEID1_EL0, 3, 3, 9, 12, 7) },
	{ TPM, MRS(PMCCNTR_EL0, 3, 3, 9, 13, 0) },
	{ TPM, MSR(PMCCNTR_EL0, 3, 3, 9, 13, 0) },
	{ TPM, MRS(PMUSERENR_EL0, 3, 3, 9, 14, 0) },
	{ TPM, MSR(PMUSERENR_EL0, 3, 3, 9, 14, 0) },
	{ TPM, MRS(PMOVSSET_EL0, 3, 3, 9, 14, 3) },
	{ TPM, MSR(PMOVSSET_EL0, 3, 3, 9, 14, 3) },
	{ TPM, MRS(PMCCFILTR_EL0, 3, 3, 14, 15, 7) },
	{ TPM, MSR(PMCCFILTR_EL0, 3, 3, 14, 15, 7) },
	{ TPMCR, MRS(PMCR_EL0, 3, 3, 9, 12, 0) },
	{ TPMCR, MSR(PMCR_EL0, 3, 3, 9, 12, 0) },

	/* Debug registers are a guest's own with guest_enable_debug() only. */
	{ TDA, MRS(DBGBVR0_EL1, 2, 0, 0, 0, 4) },
	{ TDA, MSR(DBGBVR0_EL1, 2, 0, 0, 0, 4) },
	{ TDA, MRS(DBGBCR0_EL1, 2, 0, 0, 0, 5) },
	{ TDA, MSR(DBGBCR0_EL1, 2, 0, 0, 0, 5) },
	{ TDA, MRS(DBGWVR0_EL1, 2, 0, 0, 0, 6) },
	{ TDA, MSR(DBGWVR0_EL1, 2, 0, 0, 0, 6) },
	{ TDA, MRS(DBGWCR0_EL1, 2, 0, 0, 0, 7) },
	{ TDA, MSR(DBGWCR0_EL1, 2, 0, 0, 0, 7) },
	{ TDA, MRS(MDCCINT_EL1, 2, 0, 0, 2, 0) },
	{ TDA, MSR(MDCCINT_EL1, 2, 0, 0, 2, 0) },
	{ TDA, MRS(MDSCR_EL1, 2, 0, 0, 2, 2) },
	{ TDA, MSR(MDSCR_EL1, 2, 0, 0, 2, 2) },
	{ TDA, MRS(MDCCSR_EL0, 2, 3, 0, 1, 0) },
	{ TDOSA, MSR(OSLAR_EL1, 2, 0, 1, 0, 4) },
	{ TDOSA, MRS(OSLSR_EL1, 2, 0, 1, 1, 4) },
	{ TDRA, MRS(MDRAR_EL1, 2, 0, 1, 0, 0) },

	/* FP and SVE. Bits 19:0 of the first one's ISS are RES0, the second one has none. */
	{ TCPAC, MRS(CPACR_EL1, 3, 0, 1, 0, 2) },
	{ TCPAC, MSR(CPACR_EL1, 3, 0, 1, 0, 2) },
	{ CPTR(TFP, FPEN), NEEDS(FEAT_FP),
	  INSN("FMOV D0, #1.0", INSN_FMOV_D0, ESR_ELx_EC_FP_ASIMD, ISS_FP) },
	{ CPTR(TFP, FPEN), NEEDS(FEAT_FP), EL0,
	  INSN("FMOV D0, #1.0", INSN_FMOV_D0, ESR_ELx_EC_FP_ASIMD, ISS_FP) },
	{ CPTR(TZ, ZEN), NEEDS(FEAT_SVE), DEFAULT,
	  INSN("PTRUE P0.B", INSN_PTRUE_P0, ESR_ELx_EC_SVE, 0) },

	/* Physical counter and timer */
	{ PHYSICAL_COUNTER, MRS(CNTPCT_EL0, 3, 3, 14, 0, 1) },
	{ PHYSICAL_COUNTER, EL0, MRS(CNTPCT_EL0, 3, 3, 14, 0, 1) },
	{ PHYSICAL_TIMER, MRS(CNTP_TVAL_EL0, 3, 3, 14, 2, 0) },
	{ PHYSICAL_TIMER, MSR(CNTP_TVAL_EL0, 3, 3, 14, 2, 0) },
	{ PHYSICAL_TIMER, MRS(CNTP_CTL_EL0, 3, 3, 14, 2, 1) },
	{ PHYSICAL_TIMER, MSR(CNTP_CTL_EL0, 3, 3, 14, 2, 1) },
	{ PHYSICAL_TIMER, MRS(CNTP_CVAL_EL0, 3, 3, 14, 2, 2) },
	{ PHYSICAL_TIMER, MSR(CNTP_CVAL_EL0, 3, 3, 14, 2, 2) },
	{ PHYSICAL_TIMER, EL0, MRS(CNTP_CTL_EL0, 3, 3, 14, 2, 1) },
	{ PHYSICAL_TIMER, EL0, MSR(CNTP_CTL_EL0, 3, 3, 14, 2, 1) },
};
/* clang-format on */

/* @argument names the rows of a control at one exception level. */
static bool is_named(const struct trap *trap, const char *argument)
{
	char name[48];

	snprintf(name, sizeof(name), "%s%s", trap_control(trap)->name, trap->at_el0 ? "@EL0" : "");
	return !strcmp(argument, name);
}

/* The controls that @argv[1..] names, or all; without those that are named with a minus. */
static bool is_selected(const struct trap *trap, int argc, char **argv)
{
	bool selected = argc <= 1 || argv[1][0] == '-';

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && is_named(trap, argv[i] + 1))
			return false;
		selected = selected || is_named(trap, argv[i]);
	}
	return selected;
}

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);
	unsigned int selected = 0;

	if (reason)
		return skip_all(reason);
	for (size_t i = 0; i < ARRAY_SIZE(traps); i++) {
		if (!is_selected(&traps[i], argc, argv))
			continue;
		check_trap(&traps[i]);
		selected++;
	}
	assert_msg(selected, "no row has a control of these names");
	return report_summary();
}
