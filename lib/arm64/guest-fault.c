/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address of a stage-2 fault. */
#include <libcflat.h>
#include <asm/at.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>

/* FIPA is IPA[55:12]; bits above the CPU's address size read as 0 (DDI 0487, D24.2.70). */
#define HPFAR_FIPA(hpfar) (FIELD(hpfar, 47, 4) << 12)
#define PAGE_OFFSET 0xfffUL

static bool is_guest_abort(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW || ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_LOW;
}

/* Fault status codes of level -1, FEAT_LPA2 */
#define FSC_ADDRSZ_MINUS_1 0x29
#define FSC_FAULT_MINUS_1 0x2b

/*
 * HPFAR_EL2 is valid for translation, access flag and address size faults, and for every fault on a
 * stage-1 walk (DDI 0487, D24.2.70).
 */
static bool hpfar_valid(u64 esr)
{
	unsigned int fsc = esr & ESR_ELx_FSC;

	if (esr & ESR_ELx_S1PTW)
		return true;
	switch (esr & ESR_ELx_FSC_TYPE) {
	case ESR_ELx_FSC_ADDRSZ:
	case ESR_ELx_FSC_FAULT:
	case ESR_ELx_FSC_ACCESS:
		return true;
	default:
		return fsc == FSC_ADDRSZ_MINUS_1 || fsc == FSC_FAULT_MINUS_1;
	}
}

/* A permission fault leaves only the virtual address; external aborts and others leave none. */
static bool far_resolves(u64 esr)
{
	return (esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM;
}

/* Translate through the guest's stage 1, which must be the CPU's. */
static bool translate_stage1(u64 va, u64 *ipa)
{
	u64 par = at_s1e1r(va);

	if (par & PAR_EL1_F)
		return false;
	*ipa = PAR_EL1_PA(par) | (va & PAGE_OFFSET);
	return true;
}

bool guest_fault_ipa(struct guest *guest, u64 *ipa)
{
	u64 esr = guest->esr_el2;

	/* A fault taken to EL1 and routed to the host is one of stage 1, without an IPA. */
	if (!is_guest_abort(esr) || guest->hpfar_el2 == UINT64_MAX)
		return false;
	if (hpfar_valid(esr)) {
		u64 offset = esr & ESR_ELx_S1PTW ? 0 : guest->far_el2 & PAGE_OFFSET;

		*ipa = HPFAR_FIPA(guest->hpfar_el2) | offset;
		return true;
	}
	if (!far_resolves(esr))
		return false;
	if (!guest->thread) {
		*ipa = guest->fault_ipa;
		return guest->fault_ipa != INVALID_PHYS_ADDR;
	}
	if (guest->regs_in_memory)
		guest_registers_for_at(guest);
	return translate_stage1(guest->far_el2, ipa);
}

void guest_record_fault_ipa(struct guest *guest)
{
	guest->fault_ipa = INVALID_PHYS_ADDR;
	if (guest->exit_reason == GUEST_EXIT_HANDLER || guest->exit_reason == GUEST_EXIT_UNHANDLED)
		guest_fault_ipa(guest, &guest->fault_ipa);
}
