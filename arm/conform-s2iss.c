/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: instruction syndromes. A row is a load or store of kut_model/areas/s2iss.py, of an
 * address that stage 2 does not map.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2iss.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <asm/stage2_mmu.h>

struct s2iss_row {
	const char *name;
	u32 iss;
	u8 needs;
};

#include CONFORM_HEADER

#define IPA 0x80000000UL /* its page has no leaf, the next one has */
#define CODE_BYTES 8 /* an instruction, and a BRK */

asm(".pushsection .text.conform_s2iss, \"ax\"\n.balign 8\ns2iss_code:\n" S2ISS_CODE
    ".popsection\n");
extern const char s2iss_code[];

static struct s2_mmu *mmu;

/* The image one to one: the code of rows, and that of probes with EL1's vectors. */
static bool create(void)
{
	u64 start = __pa(_stext), size = __pa(_etext) - start;

	mmu = s2mmu_init_ipa(1, S2_PAGE_4K, false, 39);
	if (!mmu)
		return false;
	mmu->fwb = false; /* HCR_EL2.FWB stays clear */
	return !s2mmu_map(mmu, start & PAGE_MASK, start & PAGE_MASK,
			  ALIGN(size, PAGE_SIZE) + PAGE_SIZE, S2_MAP_RO) &&
	       !s2mmu_map(mmu, IPA + SZ_4K, start & PAGE_MASK, SZ_4K, S2_MAP_RO);
}

static enum conform_verdict run(u32 row)
{
	const struct s2iss_row *r = &s2iss_rows[row];
	const struct conform_feature *missing = conform_missing(s2iss_needs[r->needs]);
	const struct probe_regime regime = {
		.hcr = HCR_EL2_VM | HCR_EL2_DC, /* Normal memory, which exclusive accesses need */
		.vtcr = mmu->vtcr,
		.vttbr = mmu->vttbr,
	};
	u64 expected = ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_IL | r->iss;
	char expected_text[160], found_text[160];
	struct probe_exit exit;

	if (missing)
		return conform_skip(missing->name, missing->field);
	probe_set(&regime);
	exit = probe_execute((u64)s2iss_code + row * CODE_BYTES, 1, false, IPA);
	if (exit.el == 2 && exit.esr == expected && exit.hpfar == IPA >> 8 && exit.far == IPA)
		return CONFORM_PASS;
	return conform_fail("expected an exception to EL2, ESR %#lx (%s), HPFAR %#lx, FAR %#lx, "
			    "found EL%u, ESR %#lx (%s), HPFAR %#lx, FAR %#lx",
			    expected, esr_decode(expected, expected_text, sizeof(expected_text)),
			    IPA >> 8, IPA, exit.el, exit.esr,
			    esr_decode(exit.esr, found_text, sizeof(found_text)), exit.hpfar,
			    exit.far);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "s2iss.%s", s2iss_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);
	int code;

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	probe_begin(probe_code());
	code = conform_main(&area, argc, argv);
	probe_end();
	return code;
}
