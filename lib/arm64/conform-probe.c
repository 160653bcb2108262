/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions at EL1 and EL0 for rows of the conformance suite (asm/conform-probe.h). */
#include <libcflat.h>
#include <asm/conform-probe.h>
#include <asm/esr.h>
#include <asm/mmu.h>
#include <asm/pgtable-hwdef.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

extern char probe_el1_vectors[], probe_el1_vectors_end[];

void probe_enter(struct probe *probe);

static bool is_from_el1_vectors(const struct probe *probe)
{
	return probe->vector == ELx_LOW_SYNC_64 * VECTOR_SLOT_SIZE &&
	       ESR_ELx_EC(probe->esr) == ESR_ELx_EC_HVC64 && probe->elr >= (u64)probe_el1_vectors &&
	       probe->elr < (u64)probe_el1_vectors_end;
}

void probe_run(struct probe *probe)
{
	probe_enter(probe);
	probe->el = is_from_el1_vectors(probe) ? 1 : 2;
	if (probe->el == 2)
		return;
	probe->el1_vector = (probe->elr - (u64)probe_el1_vectors) & ~(VECTOR_SLOT_SIZE - 1UL);
	probe->esr = read_sysreg_el1(esr_el1, ESR_EL12);
	probe->elr = read_sysreg_el1(elr_el1, ELR_EL12);
	probe->out_spsr = read_sysreg_el1(spsr_el1, SPSR_EL12);
	probe->far = read_sysreg_el1(far_el1, FAR_EL12);
}

void probe_setup_el1(void)
{
	u64 value = SCTLR_EL1_HOST | SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I;

	write_sysreg_el1(MAIR_VALUE, mair_el1, MAIR_EL12);
	write_sysreg_el1(mmu_tcr_el1(), tcr_el1, TCR_EL12);
	write_sysreg_el1(read_sysreg(ttbr0_el2), ttbr0_el1, TTBR0_EL12);
	write_sysreg_el1(0, ttbr1_el1, TTBR1_EL12);
	write_sysreg_el1((u64)probe_el1_vectors, vbar_el1, VBAR_EL12);
	write_sysreg_el1(value, sctlr_el1, SCTLR_EL12);
	asm volatile("dsb ish; isb; tlbi alle1; dsb ish; isb" ::: "memory");
}
