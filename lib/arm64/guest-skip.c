/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stepping a guest over an instruction that the host has emulated. */
#include <libcflat.h>
#include <asm/guest.h>
#include <asm/sysreg.h>

/* SPSR_EL2 of an exception from AArch32: IT[7:2] at 15:10, IT[1:0] at 26:25 (DDI 0487, C5.2.19) */
#define PSR_IT_HIGH(spsr) FIELD(spsr, 15, 10)
#define PSR_IT_LOW(spsr) FIELD(spsr, 26, 25)
#define PSR_IT_MASK (UL(0x3f) << 10 | UL(3) << 25)
#define PSR_BTYPE_MASK (UL(3) << 10) /* AArch64 */

/* ITAdvance(): the condition and mask of the IT block's next instruction. */
static u64 advance_it(u64 spsr)
{
	u64 it = PSR_IT_HIGH(spsr) << 2 | PSR_IT_LOW(spsr);

	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	return (spsr & ~PSR_IT_MASK) | it >> 2 << 10 | (it & 3) << 25;
}

/* HFGITR_EL2.SVC_EL0 or SVC_EL1: an SVC that they trap was not executed. */
static bool traps_svc(const struct guest *guest)
{
	bool at_el0 = (guest->spsr_el2 & PSR_MODE_MASK) == PSR_MODE_EL0t;

	return guest->hfgitr_el2 & (at_el0 ? HFGITR_EL2_SVC_EL0 : HFGITR_EL2_SVC_EL1);
}

/*
 * Exceptions that return behind their instruction (DDI 0487, D1.3.1, "preferred exception return
 * address"). A trapped SMC is no call: it returns to the SMC.
 */
static bool is_call(const struct guest *guest)
{
	switch (ESR_ELx_EC(guest->esr_el2)) {
	case ESR_ELx_EC_SVC32:
	case ESR_ELx_EC_HVC32:
	case ESR_ELx_EC_HVC64:
	case ESR_ELx_EC_SOFTSTP_LOW:
		return true;
	case ESR_ELx_EC_SVC64:
		return !traps_svc(guest);
	default:
		return false;
	}
}

static bool is_asynchronous(u64 esr)
{
	return !esr || ESR_ELx_EC(esr) == ESR_ELx_EC_SERROR;
}

void guest_skip_instruction(struct guest *guest)
{
	bool is_16_bit = !(guest->esr_el2 & ESR_ELx_IL);

	assert_msg(!is_asynchronous(guest->esr_el2),
		   "the exit is an interrupt or SError: ELR_EL2 is at an instruction that has not "
		   "been executed");
	assert_msg(!is_call(guest),
		   "the exit is %s: ELR_EL2 is behind the instruction, and a skip would leave out "
		   "the next one",
		   esr_class_name(guest->esr_el2));
	guest->elr_el2 += is_16_bit ? 2 : 4;
	if (guest->spsr_el2 & PSR_MODE32_BIT)
		guest->spsr_el2 = advance_it(guest->spsr_el2);
	else
		guest->spsr_el2 &= ~PSR_BTYPE_MASK;
	guest->spsr_el2 &= ~(u64)PSR_SS_BIT; /* the step, if one was active, is complete */
}
