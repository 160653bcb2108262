/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Normal memory for a guest whose MMU is off, on a CPU without FEAT_S2FWB.
 *
 * HCR_EL2.DC makes it so, but the CPU then behaves as if SCTLR_EL1.M were 0 (DDI 0487, D24.2.53).
 * HCR_EL2.TVM traps the guest's writes to its translation registers, which are emulated here; one
 * that changes M changes DC. So TVM stays set: a guest may turn its MMU off again.
 */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>

/* The fields of MSR's ISS that name the register. MCR's are the same, without op0. */
#define ISS_REGISTER ESR_ELx_SYS64_ISS
#define ISS_CP15_MASK ISS_REGISTER(0, 7, 15, 15, 7)
#define ISS_MCRR(opc1, crm) ((opc1) << 16 | (crm) << 1)
#define ISS_MCRR_MASK ISS_MCRR(15, 15)
#define ISS_RT(iss) FIELD(iss, 9, 5)
#define ISS_RT2(iss) FIELD(iss, 14, 10)

/* clang-format off */
/* Registers whose writes TVM traps. X(field, name with E2H clear, name with E2H set, encoding) */
#define TVM_REGISTERS(X)                                                                           \
	X(sctlr_el1, SCTLR_EL12, ISS_REGISTER(3, 0, 1, 0, 0)),                                     \
	X(ttbr0_el1, TTBR0_EL12, ISS_REGISTER(3, 0, 2, 0, 0)),                                     \
	X(ttbr1_el1, TTBR1_EL12, ISS_REGISTER(3, 0, 2, 0, 1)),                                     \
	X(tcr_el1, TCR_EL12, ISS_REGISTER(3, 0, 2, 0, 2)),                                         \
	X(afsr0_el1, AFSR0_EL12, ISS_REGISTER(3, 0, 5, 1, 0)),                                     \
	X(afsr1_el1, AFSR1_EL12, ISS_REGISTER(3, 0, 5, 1, 1)),                                     \
	X(esr_el1, ESR_EL12, ISS_REGISTER(3, 0, 5, 2, 0)),                                         \
	X(far_el1, FAR_EL12, ISS_REGISTER(3, 0, 6, 0, 0)),                                         \
	X(mair_el1, MAIR_EL12, ISS_REGISTER(3, 0, 10, 2, 0)),                                      \
	X(amair_el1, AMAIR_EL12, ISS_REGISTER(3, 0, 10, 3, 0)),                                    \
	X(contextidr_el1, CONTEXTIDR_EL12, ISS_REGISTER(3, 0, 13, 0, 1))

/*
 * And in AArch32: MCR to the lower or upper half of a register of AArch64's (DDI 0487, G8.2).
 * X(name with E2H clear, name with E2H set, lowest bit, encoding)
 */
#define CP15_REGISTERS(X)                                                                          \
	X(sctlr_el1, SCTLR_EL12, 0, ISS_REGISTER(0, 0, 1, 0, 0)),                                  \
	X(ttbr0_el1, TTBR0_EL12, 0, ISS_REGISTER(0, 0, 2, 0, 0)),                                  \
	X(ttbr1_el1, TTBR1_EL12, 0, ISS_REGISTER(0, 0, 2, 0, 1)),                                  \
	X(tcr_el1, TCR_EL12, 0, ISS_REGISTER(0, 0, 2, 0, 2)), /* TTBCR */                          \
	X(tcr_el1, TCR_EL12, 32, ISS_REGISTER(0, 0, 2, 0, 3)), /* TTBCR2 */                        \
	X(dacr32_el2, dacr32_el2, 0, ISS_REGISTER(0, 0, 3, 0, 0)),                                 \
	X(esr_el1, ESR_EL12, 0, ISS_REGISTER(0, 0, 5, 0, 0)), /* DFSR */                           \
	X(ifsr32_el2, ifsr32_el2, 0, ISS_REGISTER(0, 0, 5, 0, 1)),                                 \
	X(afsr0_el1, AFSR0_EL12, 0, ISS_REGISTER(0, 0, 5, 1, 0)),                                  \
	X(afsr1_el1, AFSR1_EL12, 0, ISS_REGISTER(0, 0, 5, 1, 1)),                                  \
	X(far_el1, FAR_EL12, 0, ISS_REGISTER(0, 0, 6, 0, 0)), /* DFAR */                           \
	X(far_el1, FAR_EL12, 32, ISS_REGISTER(0, 0, 6, 0, 2)), /* IFAR */                          \
	X(mair_el1, MAIR_EL12, 0, ISS_REGISTER(0, 0, 10, 2, 0)), /* PRRR, MAIR0 */                 \
	X(mair_el1, MAIR_EL12, 32, ISS_REGISTER(0, 0, 10, 2, 1)), /* NMRR, MAIR1 */                \
	X(amair_el1, AMAIR_EL12, 0, ISS_REGISTER(0, 0, 10, 3, 0)),                                 \
	X(amair_el1, AMAIR_EL12, 32, ISS_REGISTER(0, 0, 10, 3, 1)),                                \
	X(contextidr_el1, CONTEXTIDR_EL12, 0, ISS_REGISTER(0, 0, 13, 0, 1))

/* clang-format on */
#define WRITE_REGISTER(nvhe, vhe, encoding)                \
	({                                                 \
		if (written == (encoding)) {               \
			if (host_vhe)                      \
				write_sysreg(value, vhe);  \
			else                               \
				write_sysreg(value, nvhe); \
			known = true;                      \
		}                                          \
	})

static bool write_register(unsigned int iss, u64 value)
{
	unsigned int written = iss & ESR_ELx_SYS64_ISS_REGISTER;
	bool known = false;

	TVM_REGISTERS(WRITE_REGISTER);
	return known;
}

/* @old with @half in place of the bits from @lowest on */
static u64 with_half(u64 old, unsigned int lowest, u64 half)
{
	return (old & ~(0xffffffffUL << lowest)) | (half & 0xffffffff) << lowest;
}

#define WRITE_HALF(nvhe, vhe, lowest, encoding)                                                  \
	({                                                                                       \
		if (written == (encoding)) {                                                     \
			if (host_vhe)                                                            \
				write_sysreg(with_half(read_sysreg(vhe), lowest, value), vhe);   \
			else                                                                     \
				write_sysreg(with_half(read_sysreg(nvhe), lowest, value), nvhe); \
			known = true;                                                            \
		}                                                                                \
	})

static bool write_cp15(unsigned int iss, u64 value)
{
	unsigned int written = iss & ISS_CP15_MASK;
	bool known = false;

	CP15_REGISTERS(WRITE_HALF);
	return known;
}

/* MCRR to TTBR0 or TTBR1: all 64 bits */
static bool write_ttbr(unsigned int iss, u64 value)
{
	switch (iss & ISS_MCRR_MASK) {
	case ISS_MCRR(0, 2):
		return write_register(ISS_REGISTER(3, 0, 2, 0, 0), value);
	case ISS_MCRR(1, 2):
		return write_register(ISS_REGISTER(3, 0, 2, 0, 1), value);
	}
	return false;
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
	/* Nothing cached with the other setting of DC may be used from here on. */
	s2mmu_flush(guest->s2mmu);
	return mmu_on ? hcr & ~HCR_EL2_DC : hcr | HCR_EL2_DC;
}

static u64 operand(const struct guest *guest, unsigned int reg)
{
	return reg == 31 ? 0 : guest->x[reg];
}

static bool emulate_msr(const struct guest *guest, unsigned int iss)
{
	return write_register(iss, operand(guest, ISS_RT(iss)));
}

static bool emulate_mcr(const struct guest *guest, unsigned int iss)
{
	return !guest_condition_holds(guest) || write_cp15(iss, operand(guest, ISS_RT(iss)));
}

static bool emulate_mcrr(const struct guest *guest, unsigned int iss)
{
	u64 low = operand(guest, ISS_RT(iss)), high = operand(guest, ISS_RT2(iss));

	return !guest_condition_holds(guest) || write_ttbr(iss, with_half(low, 32, high));
}

static bool emulate(const struct guest *guest)
{
	unsigned int iss = ESR_ELx_ISS(guest->esr_el2);

	if (iss & ESR_ELx_SYS64_ISS_READ)
		return false;
	switch (ESR_ELx_EC(guest->esr_el2)) {
	case ESR_ELx_EC_SYS64:
		return emulate_msr(guest, iss);
	case ESR_ELx_EC_CP15_32:
		return emulate_mcr(guest, iss);
	case ESR_ELx_EC_CP15_64:
		return emulate_mcrr(guest, iss);
	}
	return false;
}

static u64 read_sctlr(void)
{
	return read_sysreg_el1(sctlr_el1, SCTLR_EL12);
}

int guest_answer_dc(struct guest *guest, enum vector vector)
{
	u64 hcr = read_sysreg(hcr_el2), new;

	if (!emulate(guest))
		return 0;
	guest_count_exit(guest, vector);
	guest_skip_instruction(guest);
	new = follow_mmu(guest, hcr, read_sctlr());
	if (new != hcr)
		write_sysreg(new, hcr_el2);
	return 1;
}

void guest_check_dc(struct guest *guest)
{
	guest->hcr_el2 = follow_mmu(guest, guest->hcr_el2, guest->sctlr_el1);
}
