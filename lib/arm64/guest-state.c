/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving and loading the system registers of guests and host. */
#include <libcflat.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-state.h>
#include <asm/processor.h>

/* Cached, as reading ID registers at every entry and exit would take longer. */
static enum {
	HAS_PAUTH = 1 << 0,
	HAS_RAS = 1 << 1,
	HAS_SME = 1 << 2,
	HAS_HCX = 1 << 3,
	HAS_FGT = 1 << 4,
	HAS_FGT_AMU = 1 << 5, /* with HAS_FGT */
	HAS_FGT2 = 1 << 6, /* with HAS_FGT */
	HAS_NV2 = 1 << 7,
} features;

static unsigned int find_el1_features(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
	bool pauth = (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_PAUTH) ||
		     (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_PAUTH);

	return (pauth ? HAS_PAUTH : 0) | (ID_FIELD(pfr0, ID_AA64PFR0_RAS) ? HAS_RAS : 0) |
	       (ID_FIELD(pfr1, ID_AA64PFR1_SME) ? HAS_SME : 0);
}

static unsigned int find_el2_features(void)
{
	unsigned int fgt = ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT);
	bool amu = ID_FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_AMU);
	bool hcx = ID_FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_HCX);

	return (hcx ? HAS_HCX : 0) | (fgt ? HAS_FGT : 0) | (fgt && amu ? HAS_FGT_AMU : 0) |
	       (fgt >= ID_AA64MMFR0_FGT_FGT2 ? HAS_FGT2 : 0) | (el2_has_nv2() ? HAS_NV2 : 0);
}

#define SAVE_NVHE(field, nvhe, vhe) (state->field = read_sysreg(nvhe))
#define SAVE_VHE(field, nvhe, vhe) (state->field = read_sysreg(vhe))
#define LOAD_NVHE(field, nvhe, vhe) ({ write_sysreg(state->field, nvhe); })
#define LOAD_VHE(field, nvhe, vhe) ({ write_sysreg(state->field, vhe); })
#define SAVE_OPTIONAL(field, name) (state->field = read_sysreg(name))
#define LOAD_OPTIONAL(field, name) ({ write_sysreg(state->field, name); })
#define LOAD_IF_DIFFERENT(field, name)                    \
	({                                                \
		if (read_sysreg(name) != state->field)    \
			write_sysreg(state->field, name); \
	})
#define SAVE_EL2(name) (state->name = read_sysreg(name))
#define LOAD_EL2(name) ({ write_sysreg(state->name, name); })

void el1_state_save(struct el1_state *state)
{
	unsigned int has = features;

	if (host_vhe)
		EL1_REGISTERS(SAVE_VHE);
	else
		EL1_REGISTERS(SAVE_NVHE);
	if (has & HAS_PAUTH)
		PAUTH_REGISTERS(SAVE_OPTIONAL);
	if (has & HAS_RAS)
		RAS_REGISTERS(SAVE_OPTIONAL);
	if (has & HAS_SME)
		SME_REGISTERS(SAVE_OPTIONAL);
}

static __always_inline void load_all_but_keys(const struct el1_state *state)
{
	unsigned int has = features;

	if (host_vhe)
		EL1_REGISTERS(LOAD_VHE);
	else
		EL1_REGISTERS(LOAD_NVHE);
	if (has & HAS_RAS)
		RAS_REGISTERS(LOAD_OPTIONAL);
	if (has & HAS_SME)
		SME_REGISTERS(LOAD_OPTIONAL);
}

void el1_state_load_without_keys(const struct el1_state *state)
{
	load_all_but_keys(state);
}

__changes_keys void el1_state_load(const struct el1_state *state)
{
	load_all_but_keys(state);
	if (features & HAS_PAUTH)
		PAUTH_REGISTERS(LOAD_OPTIONAL);
}

void el1_state_reset(struct el1_state *state)
{
	features = find_el1_features() | find_el2_features();
	memset(state, 0, sizeof(*state));
	/* SCTLR_EL1: MMU and caches off, nothing trapped */
	state->sctlr_el1 = SCTLR_EL1_RES1 | SCTLR_EL1_CP15BEN | SCTLR_EL1_nTWI | SCTLR_EL1_nTWE;
	state->cpacr_el1 = CPACR_EL1_FPEN; /* for compiled guest code, at EL1 and EL0 */
}

void el2_state_save(struct el2_state *state)
{
	unsigned int has = features;

	state->hcr_el2 = read_sysreg(hcr_el2);
	EL2_REGISTERS(SAVE_EL2);
	if (has & HAS_HCX)
		HCX_REGISTERS(SAVE_OPTIONAL);
	if (has & HAS_FGT) {
		FGT_REGISTERS(SAVE_OPTIONAL);
		if (has & HAS_FGT_AMU)
			FGT_AMU_REGISTERS(SAVE_OPTIONAL);
		if (has & HAS_FGT2)
			FGT2_REGISTERS(SAVE_OPTIONAL);
	}
	if (has & HAS_NV2)
		NV2_REGISTERS(SAVE_OPTIONAL);
}

void el2_state_load(const struct el2_state *state)
{
	unsigned int has = features;

	EL2_REGISTERS(LOAD_EL2);
	if (has & HAS_HCX)
		HCX_REGISTERS(LOAD_IF_DIFFERENT);
	if (has & HAS_FGT) {
		FGT_REGISTERS(LOAD_IF_DIFFERENT);
		if (has & HAS_FGT_AMU)
			FGT_AMU_REGISTERS(LOAD_IF_DIFFERENT);
		if (has & HAS_FGT2)
			FGT2_REGISTERS(LOAD_IF_DIFFERENT);
	}
	if (has & HAS_NV2)
		NV2_REGISTERS(LOAD_IF_DIFFERENT);
}
