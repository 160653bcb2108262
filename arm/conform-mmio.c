/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: emulation. A row is a load or store of kut_model/areas/mmio.py, of an address that
 * stage 2 does not map. The row takes all that it needs from ESR_EL2 and the registers, as a
 * hypervisor does, and resumes EL1 at the HVC behind the instruction.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/mmio.h>
#endif
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/conform-probe.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

struct mmio_row {
	const char *name;
	u64 value; /* stored, or in the register after the load */
	u8 bits, reg;
	bool write;
	u8 needs;
};

#include CONFORM_HEADER

#define CODE_BYTES 8 /* an instruction, and an HVC */
#define XZR 31

asm(".pushsection .text.conform_mmio, \"ax\"\n.balign 8\nmmio_code:\n" MMIO_CODE ".popsection\n");
extern const char mmio_code[];

/* EL1: stage 1 off, the code one to one, and Normal memory (HCR_EL2.DC). */
static bool create(void)
{
	struct s2_mmu *mmu = conform_stage2();

	if (!mmu)
		return false;
	conform_map_image(mmu, S2_MAP_RO);
	probe_setup_el1();
	write_sysreg_el1(SCTLR_EL1_RES1, sctlr_el1, SCTLR_EL12);
	write_sysreg(mmu->vtcr, vtcr_el2);
	write_sysreg(mmu->vttbr, vttbr_el2);
	isb();
	return true;
}

static struct probe new_probe(u64 pc)
{
	struct probe probe = {
		.pc = pc,
		.spsr = PSR_DAIF | PSR_MODE_EL1h,
		.hcr = (host_vhe ? HCR_EL2_E2H : 0) | HCR_EL2_RW | HCR_EL2_VM | HCR_EL2_DC,
	};

	memcpy(probe.x, mmio_registers, sizeof(probe.x));
	return probe;
}

static u64 low_bits(u64 value, unsigned int bits)
{
	return bits == 64 ? value : value & ((UL(1) << bits) - 1);
}

/* Value of the register after a load with this syndrome */
static u64 extended(u64 esr, unsigned int bits)
{
	u64 value = low_bits(MMIO_DEVICE, bits);

	if (esr & ESR_ELx_SSE && value >> (bits - 1))
		value |= ~low_bits(UINT64_MAX, bits);
	return esr & ESR_ELx_SF ? value : (u32)value;
}

/* The access is that of the row, as far as the syndrome has to say it. */
static bool is_described(const struct probe *probe, const struct mmio_row *r, u64 pc)
{
	return probe->el == 2 && ESR_ELx_EC(probe->esr) == ESR_ELx_EC_DABT_LOW &&
	       probe->esr & ESR_ELx_ISV && probe->elr == pc && probe->far == MMIO_IPA &&
	       !!(probe->esr & ESR_ELx_WNR) == r->write &&
	       8U << FIELD(probe->esr, ESR_ELx_SAS_SHIFT + 1, ESR_ELx_SAS_SHIFT) == r->bits;
}

/* A load changes its register, a store none. */
static enum conform_verdict check_registers(const struct probe *probe, const struct mmio_row *r)
{
	for (unsigned int n = 0; n < ARRAY_SIZE(mmio_registers); n++) {
		u64 expected = !r->write && n == r->reg ? r->value : mmio_registers[n];

		if (probe->x[n] != expected)
			return conform_fail("expected x%u to be %#lx at the next instruction, "
					    "found %#lx",
					    n, expected, probe->x[n]);
	}
	return CONFORM_PASS;
}

static enum conform_verdict resume(struct probe *probe, const struct mmio_row *r, u64 pc)
{
	probe->pc = probe->elr + 4;
	probe_run(probe);
	if (probe->el != 2 || ESR_ELx_EC(probe->esr) != ESR_ELx_EC_HVC64 || probe->elr != pc + 8)
		return conform_fail("expected HVC after the emulated access at %#lx, found an "
				    "exception to EL%u, ESR %#lx, ELR %#lx",
				    pc, probe->el, probe->esr, probe->elr);
	return check_registers(probe, r);
}

static enum conform_verdict emulate(const struct mmio_row *r, u64 pc)
{
	struct probe probe = new_probe(pc);
	unsigned int srt;
	char text[160];
	u64 stored;

	probe_run(&probe);
	if (!is_described(&probe, r, pc))
		return conform_fail("expected a data abort to EL2 with ISV, WnR %d, %u bits, ELR "
				    "%#lx, FAR %#lx, found EL%u, ESR %#lx (%s), ELR %#lx, FAR %#lx",
				    r->write, r->bits, pc, MMIO_IPA, probe.el, probe.esr,
				    esr_decode(probe.esr, text, sizeof(text)), probe.elr,
				    probe.far);
	srt = FIELD(probe.esr, ESR_ELx_SRT_SHIFT + 4, ESR_ELx_SRT_SHIFT);
	stored = low_bits(srt == XZR ? 0 : probe.x[srt], r->bits);
	if (r->write && stored != r->value)
		return conform_fail("expected register %u to have %#lx to store, found register %u "
				    "with %#lx",
				    r->reg, r->value, srt, stored);
	if (!r->write && srt != XZR)
		probe.x[srt] = extended(probe.esr, r->bits);
	return resume(&probe, r, pc);
}

static enum conform_verdict run(u32 row)
{
	const struct mmio_row *r = &mmio_rows[row];

	if (conform_lacks(mmio_needs[r->needs]))
		return CONFORM_SKIP;
	return emulate(r, (u64)mmio_code + row * CODE_BYTES);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "mmio.%s", mmio_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	return conform_main(&area, argc, argv);
}
