/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stepping a guest over an instruction that the host has emulated. */
#include <libcflat.h>
#include <asm/guest.h>

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

/* HVC and SVC: their exceptions return behind the instruction. */
static bool is_call(u64 esr)
{
	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_SVC32:
	case ESR_ELx_EC_HVC32:
	case ESR_ELx_EC_SVC64:
	case ESR_ELx_EC_HVC64:
		return true;
	default:
		return false;
	}
}

void guest_skip_instruction(struct guest *guest)
{
	bool is_16_bit = !(guest->esr_el2 & ESR_ELx_IL);

	assert_msg(!is_call(guest->esr_el2),
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
