/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: checks of accesses through a stage 2, and of its leaves. */
#include <libcflat.h>
#include <asm/esr.h>
#include <asm/stage2-check.h>

#define WHAT_BYTES 200
#define RESULT_BYTES 160

/* The caller's message, formatted into @what of WHAT_BYTES. */
#define FORMAT_WHAT(what, fmt)                            \
	do {                                              \
		va_list __va;                             \
		va_start(__va, fmt);                      \
		vsnprintf(what, sizeof(what), fmt, __va); \
		va_end(__va);                             \
	} while (0)

static u64 abort_class(enum s2_access access)
{
	u64 ec = access == S2_EXECUTE ? ESR_ELx_EC_IABT_LOW : ESR_ELx_EC_DABT_LOW;

	return ec << ESR_ELx_EC_SHIFT;
}

static void describe_expected(enum s2_access access, u64 ipa, unsigned int fsc, char *buf, int size)
{
	char fault[128];

	if (fsc == S2_NO_FAULT)
		snprintf(buf, size, "no fault");
	else
		snprintf(buf, size, "%s, IPA %#lx",
			 esr_decode_masked(abort_class(access) | fsc, ESR_ELx_FSC, fault,
					   sizeof(fault)),
			 ipa);
}

static void describe_found(const struct guest *guest, bool done, char *buf, int size)
{
	char fault[128];

	if (done)
		snprintf(buf, size, "no fault");
	else
		snprintf(buf, size, "%s, IPA %#lx (%s)",
			 esr_decode(guest->esr_el2, fault, sizeof(fault)), guest->fault_ipa,
			 guest_exit_reason_name(guest->exit_reason));
}

bool __s2_check_access(const char *place, struct guest *guest, int el, enum s2_access access,
		       u64 ipa, u64 *value, unsigned int fsc, const char *fmt, ...)
{
	static const char *const names[] = { "read", "write", "execution" };
	u64 fault = abort_class(access) | fsc;
	char what[WHAT_BYTES], expected[RESULT_BYTES], found[RESULT_BYTES];
	bool done = s2_probe(guest, el, access, ipa, value), pass;

	FORMAT_WHAT(what, fmt);
	describe_expected(access, ipa, fsc, expected, sizeof(expected));
	describe_found(guest, done, found, sizeof(found));
	pass = done ? fsc == S2_NO_FAULT
		    : ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC(fault) &&
			       (guest->esr_el2 & ESR_ELx_FSC) == fsc && guest->fault_ipa == ipa;
	return __report(place, pass, "%s, %s at EL%d of %#lx: expected %s; found %s", what,
			names[access], el, ipa, expected, found);
}

bool __s2_check_reads(const char *place, struct guest *guest, u64 ipa, u64 value, const char *fmt,
		      ...)
{
	char what[WHAT_BYTES], found[RESULT_BYTES];
	u64 word = ~value;
	bool done = s2_probe(guest, 1, S2_READ, ipa, &word);

	FORMAT_WHAT(what, fmt);
	if (done)
		snprintf(found, sizeof(found), "%#lx", word);
	else
		describe_found(guest, done, found, sizeof(found));
	return __report(place, done && word == value, "%s, read of %#lx: expected %#lx, found %s",
			what, ipa, value, found);
}

bool __s2_check_leaf(const char *place, struct s2_mmu *mmu, u64 ipa, int level, const char *fmt,
		     ...)
{
	char what[WHAT_BYTES];
	int found = S2_NO_LEAF;

	if (!s2mmu_lookup(mmu, ipa, &found))
		found = S2_NO_LEAF;
	FORMAT_WHAT(what, fmt);
	return __report(place, found == level,
			"%s, level of the leaf for %#lx (%d: none): expected %d, found %d", what,
			ipa, S2_NO_LEAF, level, found);
}

bool __s2_check_translates(const char *place, struct s2_mmu *mmu, u64 ipa, phys_addr_t pa,
			   const char *fmt, ...)
{
	phys_addr_t found = s2mmu_translate(mmu, ipa);
	char what[WHAT_BYTES];

	FORMAT_WHAT(what, fmt);
	return __report(place, found == pa, "%s, s2mmu_translate(%#lx): expected %#lx, found %#lx",
			what, ipa, pa, found);
}
