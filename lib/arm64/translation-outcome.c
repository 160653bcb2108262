/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outcomes of translations as numbers, compared and decoded. */
#include <libcflat.h>
#include <asm/at.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/translation-outcome.h>

#define ISS_MASK 0x3fffU
#define EC_SHIFT 14
#define EL_SHIFT 20
#define PAGE_FIELD 22
#define FAR_IS_ADDRESS (1U << 25)
#define IS_AT (3U << EL_SHIFT)
#define DIRTY_BIT (1U << 31)
#define PAGE_NUMBER(outcome) FIELD(outcome, 24, 22)
#define HPFAR_TO_PAGE(hpfar) (FIELD(hpfar, 43, 4) << 12)
#define PAR_FAULT 0x37fU /* F, FST, PTW and S */

static u32 page_of(const u64 *pages, unsigned int count, u64 address)
{
	for (u32 n = 0; n < count; n++)
		if ((address & ~0xfffUL) == pages[n])
			return (n + 1) << PAGE_FIELD;
	return 0;
}

/* HPFAR_EL2 is not valid for an external abort, nor a permission fault that is not that of a walk. */
static bool has_hpfar(const struct probe_exit *exit)
{
	unsigned int type = exit->esr & ESR_ELx_FSC_TYPE;

	if (type == ESR_ELx_FSC_EXTABT || type == ESR_ELx_FSC_SEA_TTW)
		return false;
	return exit->el == 2 && (exit->esr & ESR_ELx_FSC) != ESR_ELx_FSC_ALIGNMENT &&
	       (type != ESR_ELx_FSC_PERM || exit->esr & ESR_ELx_S1PTW);
}

u32 translation_outcome(const struct probe_exit *exit, enum probe_op op, u64 address,
			const struct translation_pages *pages)
{
	u32 outcome;

	if (!exit->el)
		return op == PROBE_READ ? (u32)(exit->x0 >> 32) << PAGE_FIELD : 0;
	outcome = (exit->esr & ISS_MASK) | ESR_ELx_EC(exit->esr) << EC_SHIFT | exit->el << EL_SHIFT;
	if (has_hpfar(exit))
		outcome |= page_of(pages->ipa, pages->count, HPFAR_TO_PAGE(exit->hpfar));
	if (exit->esr & ESR_ELx_DIRTY_BIT)
		outcome |= DIRTY_BIT;
	return outcome | (exit->far == address ? FAR_IS_ADDRESS : 0);
}

u32 translation_outcome_at(u64 par, bool is_ipa, const struct translation_pages *pages)
{
	const u64 *reached = is_ipa ? pages->ipa : pages->pa;

	if (par & PAR_EL1_F)
		return IS_AT | (par & PAR_FAULT) | (par & PAR_EL1_DIRTY_BIT ? DIRTY_BIT : 0);
	return IS_AT | page_of(reached, pages->count, PAR_EL1_PA(par));
}

bool translation_permits(const u32 *outcomes, struct translation_set set, u32 found)
{
	for (unsigned int n = 0; n < set.count; n++)
		if (outcomes[set.first + n] == found)
			return true;
	return false;
}

/*
 * Decoded
 */

#define TEXT_BYTES 512

struct text {
	char at[TEXT_BYTES];
	int length;
};

static void __printf(2, 3) add(struct text *text, const char *fmt, ...)
{
	va_list va;

	va_start(va, fmt);
	text->length += vsnprintf(text->at + text->length, TEXT_BYTES - text->length, fmt, va);
	va_end(va);
	text->length = MIN(text->length, TEXT_BYTES - 1);
}

static void add_at(struct text *text, u32 outcome)
{
	if (!(outcome & PAR_EL1_F)) {
		add(text, "PAR_EL1 with the address of page %lu", PAGE_NUMBER(outcome));
		return;
	}
	add(text, "PAR_EL1 F=1 FST=%#lx PTW=%d S=%d", PAR_EL1_FST(outcome),
	    !!(outcome & PAR_EL1_PTW), !!(outcome & PAR_EL1_S));
}

static void add_abort(struct text *text, u32 outcome)
{
	u64 esr = (u64)FIELD(outcome, 19, 14) << ESR_ELx_EC_SHIFT | ESR_ELx_IL |
		  (outcome & ISS_MASK);
	char decoded[128];

	add(text, "%s, to EL%lu, ISS %#x", esr_decode(esr, decoded, sizeof(decoded)),
	    FIELD(outcome, 21, 20), outcome & ISS_MASK);
	if (PAGE_NUMBER(outcome))
		add(text, ", HPFAR_EL2 of page %lu", PAGE_NUMBER(outcome));
	if (!(outcome & FAR_IS_ADDRESS))
		add(text, ", FAR of another address");
}

static void add_outcome(struct text *text, u32 outcome)
{
	static const char *const changes[] = {
		"stage-2 access flag set",
		"stage-2 page dirty",
		"stage-1 access flag set",
		"stage-1 page dirty",
	};

	if ((outcome & IS_AT) == IS_AT)
		add_at(text, outcome);
	else if (FIELD(outcome, 21, 20))
		add_abort(text, outcome);
	else if (PAGE_NUMBER(outcome))
		add(text, "the value of page %lu", PAGE_NUMBER(outcome));
	else
		add(text, "no exception");
	if (outcome & DIRTY_BIT)
		add(text, ", DirtyBit");
	for (unsigned int n = 0; n < ARRAY_SIZE(changes); n++)
		if (outcome & TRANSLATION_S2_AF << n)
			add(text, ", %s", changes[n]);
	if (outcome & TRANSLATION_OTHER)
		add(text, ", another descriptor changed");
}

enum conform_verdict translation_fail(const u32 *outcomes, struct translation_set set, u32 found,
				      const char *fmt, ...)
{
	static struct text expected, actual, where;
	va_list va;

	expected.length = actual.length = 0;
	for (unsigned int n = 0; n < set.count; n++) {
		add(&expected, "%s", n ? ", or " : "");
		add_outcome(&expected, outcomes[set.first + n]);
	}
	add_outcome(&actual, found);
	va_start(va, fmt);
	vsnprintf(where.at, TEXT_BYTES, fmt, va);
	va_end(va);
	return conform_fail("expected %s, found %s%s", expected.at, actual.at, where.at);
}

enum conform_verdict translation_check(const u32 *outcomes, struct translation_set set, u32 found)
{
	if (translation_permits(outcomes, set, found))
		return CONFORM_PASS;
	return translation_fail(outcomes, set, found, "%s", "");
}
