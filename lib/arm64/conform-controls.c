/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers with controls, for rows of the conformance suite (asm/conform-controls.h). */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/conform-controls.h>
#include <asm/el2.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

static bool always(void)
{
	return true;
}

static bool has_fgt(void)
{
	return ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT);
}

static bool has_hcx(void)
{
	return ID_FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_HCX);
}

static bool has_gic(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_GIC);
}

static bool has_amu(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_AMU);
}

static bool has_fgt_and_amu(void)
{
	return has_fgt() && has_amu();
}

static bool has_gcs(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr1_el1), ID_AA64PFR1_GCS);
}

static bool has_mpam(void)
{
	return ID_FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_MPAM);
}

static u64 hcr; /* HCR_EL2 of the next instruction */

/* clang-format off */
/* Name, the register for the assembler, its name for a host with VHE, whether the CPU has it */
#define REGISTERS(X)                                                                               \
	X(HCRX_EL2, HCRX_EL2, HCRX_EL2, has_hcx)                                                   \
	X(MDCR_EL2, mdcr_el2, mdcr_el2, always)                                                    \
	X(CPTR_EL2, cptr_el2, cptr_el2, always)                                                    \
	X(CNTHCTL_EL2, cnthctl_el2, cnthctl_el2, always)                                           \
	X(HSTR_EL2, hstr_el2, hstr_el2, always)                                                    \
	X(ICH_HCR_EL2, ICH_HCR_EL2, ICH_HCR_EL2, has_gic)                                          \
	X(ICC_SRE_EL2, ICC_SRE_EL2, ICC_SRE_EL2, has_gic)                                          \
	X(ICC_SRE_EL1, ICC_SRE_EL1, ICC_SRE_EL1, has_gic)                                          \
	X(MPAM2_EL2, sys_reg(3, 4, 10, 5, 0), sys_reg(3, 4, 10, 5, 0), has_mpam)                   \
	X(MPAMHCR_EL2, sys_reg(3, 4, 10, 4, 0), sys_reg(3, 4, 10, 4, 0), has_mpam)                 \
	X(HFGRTR_EL2, HFGRTR_EL2, HFGRTR_EL2, has_fgt)                                             \
	X(HFGWTR_EL2, HFGWTR_EL2, HFGWTR_EL2, has_fgt)                                             \
	X(HFGITR_EL2, HFGITR_EL2, HFGITR_EL2, has_fgt)                                             \
	X(HDFGRTR_EL2, HDFGRTR_EL2, HDFGRTR_EL2, has_fgt)                                          \
	X(HDFGWTR_EL2, HDFGWTR_EL2, HDFGWTR_EL2, has_fgt)                                          \
	X(HAFGRTR_EL2, HAFGRTR_EL2, HAFGRTR_EL2, has_fgt_and_amu)                                  \
	X(SCTLR_EL2, sctlr_el2, sctlr_el2, always)                                                 \
	X(SCTLR_EL1, sctlr_el1, SCTLR_EL12, always)                                                \
	X(CPACR_EL1, cpacr_el1, CPACR_EL12, always)                                                \
	X(CNTKCTL_EL1, cntkctl_el1, CNTKCTL_EL12, always)                                          \
	X(MDSCR_EL1, mdscr_el1, mdscr_el1, always)                                                 \
	X(PMUSERENR_EL0, pmuserenr_el0, pmuserenr_el0, el2_has_pmu)                                \
	X(AMUSERENR_EL0, sys_reg(3, 3, 13, 2, 3), sys_reg(3, 3, 13, 2, 3), has_amu)                \
	X(GCSCRE0_EL1, sys_reg(3, 0, 2, 5, 2), sys_reg(3, 0, 2, 5, 2), has_gcs)

#define FUNCTIONS(name, nvhe, vhe, present)                                                        \
	static u64 read_##name(void)                                                               \
	{                                                                                          \
		return read_sysreg_el1(nvhe, vhe);                                                 \
	}                                                                                          \
	static void write_##name(u64 value)                                                        \
	{                                                                                          \
		write_sysreg_el1(value, nvhe, vhe);                                                \
	}
REGISTERS(FUNCTIONS)

static u64 read_hcr(void)
{
	return hcr;
}

static void write_hcr(u64 value)
{
	hcr = value;
}

static const struct {
	u64 (*read)(void);
	void (*write)(u64 value);
	bool (*present)(void);
} controls[NR_CONTROLS] = {
	[CONTROL_HCR_EL2] = { read_hcr, write_hcr, always },
#define ROW(name, nvhe, vhe, present) [CONTROL_##name] = { read_##name, write_##name, present },
	REGISTERS(ROW)
};
/* clang-format on */

static u64 base[NR_CONTROLS];
static bool present[NR_CONTROLS];

void controls_set_base(const struct control_change *changes, unsigned int count)
{
	/* SWIO: an invalidation by set and way, which rows may make, cleans too. */
	hcr = (read_sysreg(hcr_el2) & HCR_EL2_E2H) | HCR_EL2_SWIO;
	for (unsigned int i = 0; i < NR_CONTROLS; i++) {
		present[i] = controls[i].present();
		base[i] = present[i] ? controls[i].read() : 0;
	}
	for (const struct control_change *change = changes; change < changes + count; change++)
		base[change->control] = (base[change->control] & ~change->mask) | change->value;
	for (unsigned int i = 0; i < NR_CONTROLS; i++) {
		if (present[i])
			controls[i].write(base[i]);
	}
	isb();
}

bool controls_apply(const struct control_change *changes, unsigned int count)
{
	bool applied = true;

	for (const struct control_change *change = changes; change < changes + count; change++) {
		u64 value;

		if (!present[change->control])
			continue;
		value = (base[change->control] & ~change->mask) | change->value;
		controls[change->control].write(value);
		if (change->may_be_fixed) {
			isb();
			applied &= !((controls[change->control].read() ^ value) & change->mask);
		}
	}
	return applied;
}

void controls_restore(const struct control_change *changes, unsigned int count)
{
	for (const struct control_change *change = changes; change < changes + count; change++) {
		if (present[change->control])
			controls[change->control].write(base[change->control]);
	}
}

u64 controls_hcr(void)
{
	return hcr;
}
