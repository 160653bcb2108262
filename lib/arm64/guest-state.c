/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saving and loading the system registers of guests and host. */
#include <libcflat.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/guest-state.h>
#include <asm/processor.h>

/* Cached, as reading ID registers at every entry and exit would take longer. */
static enum { HAS_PAUTH = 1, HAS_RAS = 2, HAS_SME = 4 } features;

static void find_features(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);
	bool pauth = (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_PAUTH) ||
		     (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_PAUTH);

	features = (pauth ? HAS_PAUTH : 0) |
		   (FIELD(pfr0, ID_AA64PFR0_RAS + 3, ID_AA64PFR0_RAS) ? HAS_RAS : 0) |
		   (FIELD(pfr1, 27, 24) ? HAS_SME : 0);
}

#define SAVE_NVHE(field, nvhe, vhe) (state->field = read_sysreg(nvhe))
#define SAVE_VHE(field, nvhe, vhe) (state->field = read_sysreg(vhe))
#define LOAD_NVHE(field, nvhe, vhe) ({ write_sysreg(state->field, nvhe); })
#define LOAD_VHE(field, nvhe, vhe) ({ write_sysreg(state->field, vhe); })
#define SAVE_OPTIONAL(field, name) (state->field = read_sysreg(name))
#define LOAD_OPTIONAL(field, name) ({ write_sysreg(state->field, name); })
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
	find_features();
	memset(state, 0, sizeof(*state));
	/* SCTLR_EL1: MMU and caches off, nothing trapped */
	state->sctlr_el1 = SCTLR_EL1_RES1 | SCTLR_EL1_CP15BEN | SCTLR_EL1_nTWI | SCTLR_EL1_nTWE;
	state->cpacr_el1 = CPACR_EL1_FPEN; /* for compiled guest code, at EL1 and EL0 */
}

void el2_state_save(struct el2_state *state)
{
	state->hcr_el2 = read_sysreg(hcr_el2);
	EL2_REGISTERS(SAVE_EL2);
}

void el2_state_load(const struct el2_state *state)
{
	EL2_REGISTERS(LOAD_EL2);
}
