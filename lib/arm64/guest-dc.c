/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Normal memory for a guest whose MMU is off, on a CPU without FEAT_S2FWB.
 *
 * HCR_EL2.DC makes it so, but the CPU then behaves as if SCTLR_EL1.M were 0 (DDI 0487, D24.2.53).
 * HCR_EL2.TVM traps the guest's writes to its translation registers, which are done here for it; one
 * that changes M changes DC. So it stays set: a guest may turn its MMU off again.
 */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>

/* The fields of an ISS for MSR that name the register: all but Rt and direction */
#define ISS_REGISTER(op0, op1, crn, crm, op2) \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)
#define ISS_REGISTER_MASK ISS_REGISTER(3, 7, 15, 15, 7)
#define ISS_READ 1

/* clang-format off */
/* What TVM traps. X(field, name with E2H clear, name with E2H set, encoding) */
#define TVM_REGISTERS(X)                                                                           \
	X(sctlr_el1, SCTLR_EL12, ISS_REGISTER(3, 0, 1, 0, 0))                                      \
	X(ttbr0_el1, TTBR0_EL12, ISS_REGISTER(3, 0, 2, 0, 0))                                      \
	X(ttbr1_el1, TTBR1_EL12, ISS_REGISTER(3, 0, 2, 0, 1))                                      \
	X(tcr_el1, TCR_EL12, ISS_REGISTER(3, 0, 2, 0, 2))                                          \
	X(afsr0_el1, AFSR0_EL12, ISS_REGISTER(3, 0, 5, 1, 0))                                      \
	X(afsr1_el1, AFSR1_EL12, ISS_REGISTER(3, 0, 5, 1, 1))                                      \
	X(esr_el1, ESR_EL12, ISS_REGISTER(3, 0, 5, 2, 0))                                          \
	X(far_el1, FAR_EL12, ISS_REGISTER(3, 0, 6, 0, 0))                                          \
	X(mair_el1, MAIR_EL12, ISS_REGISTER(3, 0, 10, 2, 0))                                       \
	X(amair_el1, AMAIR_EL12, ISS_REGISTER(3, 0, 10, 3, 0))                                     \
	X(contextidr_el1, CONTEXTIDR_EL12, ISS_REGISTER(3, 0, 13, 0, 1))

/* clang-format on */
#define WRITE_REGISTER(nvhe, vhe, encoding)        \
	case encoding:                             \
		if (host_vhe)                      \
			write_sysreg(value, vhe);  \
		else                               \
			write_sysreg(value, nvhe); \
		return true;

static bool write_register(unsigned int iss, u64 value)
{
	switch (iss & ISS_REGISTER_MASK) {
		TVM_REGISTERS(WRITE_REGISTER)
	}
	return false;
}

static bool is_sctlr(unsigned int iss)
{
	return (iss & ISS_REGISTER_MASK) == ISS_REGISTER(3, 0, 1, 0, 0);
}

/*
 * HCR_EL2 for a guest whose SCTLR_EL1 is @sctlr. A DC that the host itself changed stays as it is
 * until M changes.
 */
static u64 follow_mmu(struct guest *guest, u64 hcr, u64 sctlr)
{
	bool mmu_on = sctlr & SCTLR_ELx_M;

	if (mmu_on == guest->mmu_was_on)
		return hcr;
	guest->mmu_was_on = mmu_on;
	/* What was cached of the other translation ends here. */
	s2mmu_flush(guest->s2mmu);
	return mmu_on ? hcr & ~HCR_EL2_DC : hcr | HCR_EL2_DC;
}

bool guest_emulate_dc_write(struct guest *guest)
{
	unsigned int iss = ESR_ELx_ISS(guest->esr_el2), rt = FIELD(iss, 9, 5);
	u64 value = rt == 31 ? 0 : guest->x[rt];

	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_SYS64 || (iss & ISS_READ) ||
	    !write_register(iss, value))
		return false;
	guest->elr_el2 += 4;
	if (is_sctlr(iss))
		write_sysreg(follow_mmu(guest, read_sysreg(hcr_el2), value), hcr_el2);
	return true;
}

void guest_check_dc(struct guest *guest)
{
	guest->hcr_el2 = follow_mmu(guest, guest->hcr_el2, guest->sctlr_el1);
}
