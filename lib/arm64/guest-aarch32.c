/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose EL1 is in AArch32 (HCR_EL2.RW clear): their registers beyond those of EL1. */
#include <libcflat.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/processor.h>

#define ID_AA64PFR0_EL1_AARCH32 2
#define PSR_MODE_SVC32 0x13
#define SP_SVC 19 /* r13 of Supervisor mode (DDI 0487, D1.8.2) */
/*
 * SCTLR: RES1, and CP15BEN, nTWI, nTWE (DDI 0487, G8.2.126). RES1 of SCTLR_EL1 would be TRE, AFE
 * and UWXN.
 */
#define SCTLR_AARCH32_RESET 0x00c50838UL

#define SAVE(name) (state->name = read_sysreg(name))
#define LOAD(name) ({ write_sysreg(state->name, name); })

void aarch32_state_save(struct aarch32_state *state)
{
	AARCH32_REGISTERS(SAVE);
}

void aarch32_state_load(const struct aarch32_state *state)
{
	AARCH32_REGISTERS(LOAD);
}

#define PSR_FLAG(spsr, bit) ((spsr) >> (bit) & 1)
#define ISS_CV (1U << 24)
#define ISS_COND(iss) FIELD(iss, 23, 20)

/*
 * ConditionHolds() for the trapped instruction: a CPU may trap one whose condition fails (DDI 0487,
 * G1.19.2).
 */
bool guest_condition_holds(const struct guest *guest)
{
	unsigned int iss = ESR_ELx_ISS(guest->esr_el2), cond = iss & ISS_CV ? ISS_COND(iss) : 14;
	u64 spsr = guest->spsr_el2;
	bool n = PSR_FLAG(spsr, 31), z = PSR_FLAG(spsr, 30), c = PSR_FLAG(spsr, 29),
	     v = PSR_FLAG(spsr, 28);
	const bool holds[] = { z, c, n, v, c && !z, n == v, n == v && !z, true };

	return cond == 15 || holds[cond >> 1] != (cond & 1);
}

void guest_assert_aarch32_reaches(const void *code)
{
	assert_msg(!((u64)code >> 32), "AArch32 reaches code below 4 GiB, not %p", code);
}

bool guest_aarch32_has_stack(struct guest *guest)
{
	if (((u64)guest->stack + GUEST_STACK_SIZE) >> 32 == 0)
		return true;
	guest_destroy(guest);
	return false;
}

const char *guest_aarch32_el1_unsupported(void)
{
	if (FIELD(read_sysreg(id_aa64pfr0_el1), 7, 4) != ID_AA64PFR0_EL1_AARCH32)
		return "the CPU has no AArch32 at EL1 (ID_AA64PFR0_EL1.EL1)";
	return NULL;
}

struct guest *guest_create_el1_32(int vmid, const void *code, enum s2_granule granule)
{
	u64 pc = (u64)code;
	struct guest *guest;

	guest_assert_aarch32_reaches(code);
	if (guest_aarch32_el1_unsupported())
		return NULL;
	guest = guest_create(vmid, (void (*)(void))(pc & ~1UL), granule);
	if (!guest || !guest_aarch32_has_stack(guest))
		return NULL;
	guest->hcr_el2 &= ~HCR_EL2_RW;
	guest->sctlr_el1 = SCTLR_AARCH32_RESET;
	guest->cpacr_el1 = 0xfUL << 20; /* CPACR.cp10 and cp11 */
	guest->x[SP_SVC] = guest->sp_el1;
	guest->spsr_el2 = PSR_MODE_SVC32 | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;
	if (pc & 1)
		guest->spsr_el2 |= PSR_T32_BIT;
	return guest;
}
