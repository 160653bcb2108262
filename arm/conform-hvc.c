/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: HVC, SMC and SVC at EL1 and EL0, with immediates of all kinds. A row is a case of
 * kut_model/areas/hvc.py and an immediate.
 *
 * An exception to EL1 reaches the host too: the guest has no memory at its vectors, at VBAR_EL1 0,
 * so that the fetch there is an abort to EL2. ESR_EL1 and ELR_EL1 are still those of the exception.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/guest.h>

#define VECTORS_BYTES 0x800
#define CODE_BYTES 8 /* an instruction, and a BRK */

extern const char hvc_svc_code[], hvc_hvc_code[], hvc_smc_code[];

struct hvc_case {
	const char *name;
	const char *code; /* of the first immediate */
	unsigned int el;
	u64 hcr; /* set in HCR_EL2 */
	u64 hfgitr; /* in HFGITR_EL2 */
	u64 or_undefined; /* ESR_EL1 where the architecture permits UNDEFINED as well; else 0 */
	const struct conform_feature *needs; /* NULL: none */
};

/* An exception: its syndrome, the EL that takes it, and what is added to the address for ELR. */
struct hvc_expected {
	u32 esr;
	u8 el, elr;
};

#include <conform/hvc.h>

#define HVC_CODE(name, insns) \
	asm(".pushsection .text.conform_hvc, \"ax\"\n.balign 8\n" #name ":\n" insns ".popsection\n")
HVC_CODE(hvc_svc_code, HVC_SVC_CODE);
HVC_CODE(hvc_hvc_code, HVC_HVC_CODE);
HVC_CODE(hvc_smc_code, HVC_SMC_CODE);

static struct guest *guests[2]; /* by exception level */

static enum guest_handler_result end(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static struct guest *create_guest(unsigned int el)
{
	struct guest *guest = el ? guest_create(1, NULL, S2_PAGE_4K)
				 : guest_create_el0(1, NULL, S2_PAGE_4K);

	assert_msg(guest, "no memory");
	guest_install_handler(guest, ELx_LOW_SYNC_64, end);
	guest->vbar_el1 = 0;
	return guest;
}

struct outcome {
	u64 esr, elr;
	unsigned int el;
};

static struct outcome outcome_of(const struct guest *guest)
{
	bool el1 = ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_IABT_LOW &&
		   guest->far_el2 < VECTORS_BYTES;

	return el1 ? (struct outcome){ guest->esr_el1, guest->elr_el1, 1 }
		   : (struct outcome){ guest->esr_el2, guest->elr_el2, 2 };
}

static struct outcome run_instruction(const struct hvc_case *c, u64 pc)
{
	struct guest *guest = guests[c->el];
	u64 hcr = guest->hcr_el2, spsr = guest->spsr_el2;
	struct outcome outcome;

	guest->elr_el2 = pc;
	guest->hcr_el2 |= c->hcr;
	guest->hfgitr_el2 = c->hfgitr;
	guest_run(guest);
	guest->hfgitr_el2 = 0;
	outcome = outcome_of(guest);
	guest->hcr_el2 = hcr;
	guest->spsr_el2 = spsr;
	return outcome;
}

static enum conform_verdict run(u32 row)
{
	const struct hvc_case *c = &hvc_cases[row / HVC_IMMEDIATES];
	const struct hvc_expected *expected = &hvc_expected[row];
	u64 pc = (u64)c->code + row % HVC_IMMEDIATES * CODE_BYTES;
	char expected_text[128], found_text[128];
	struct outcome found;

	if (c->needs && !conform_has(c->needs))
		return conform_skip(c->needs->name, c->needs->field);
	found = run_instruction(c, pc);
	if (found.esr == expected->esr && found.el == expected->el &&
	    found.elr == pc + expected->elr)
		return CONFORM_PASS;
	if (c->or_undefined && found.esr == c->or_undefined && found.el == 1 && found.elr == pc)
		return CONFORM_PASS;
	return conform_fail(
		"expected an exception to EL%u, ESR %#x (%s), ELR %+ld, found EL%u, ESR %#lx (%s), ELR %+ld",
		expected->el, expected->esr,
		esr_decode(expected->esr, expected_text, sizeof(expected_text)),
		(long)expected->elr, found.el, found.esr,
		esr_decode(found.esr, found_text, sizeof(found_text)), found.elr - pc);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s.0x%04x", hvc_cases[row / HVC_IMMEDIATES].name,
		 hvc_immediates[row % HVC_IMMEDIATES]);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason)
		return skip_all(reason);
	for (unsigned int el = 0; el < ARRAY_SIZE(guests); el++)
		guests[el] = create_guest(el);
	return conform_main(&area, argc, argv);
}
