/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: instruction syndromes. A row is a load or store of kut_model/areas/s2iss.py, of an
 * address that stage 2 does not map; in rows of walks that is the address of a stage-1 table.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s2iss.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/mmu.h>
#include <asm/processor.h>

struct s2iss_row {
	const char *name;
	u32 iss;
	u8 needs, on_walk;
};

#include CONFORM_HEADER

#define IPA 0x80000000UL /* its page has no leaf, the next one has */
#define WALK_VA 0xc0000000UL /* stage 1 has its level-3 table at IPA */
#define TABLES_IPA 0x100000000UL /* those of level 1 and 2 */
#define CODE_BYTES 8 /* an instruction, and a BRK */
#define MAIR_NORMAL 0xffUL

asm(".pushsection .text.conform_s2iss, \"ax\"\n.balign 8\ns2iss_code:\n" S2ISS_CODE
    ".popsection\n");
extern const char s2iss_code[];

static struct s2_mmu *mmu;

/* The image one to one: the code of rows, and that of probes with EL1's vectors. */
static bool create(void)
{
	pteval_t *level1 = alloc_page(), *level2 = alloc_page();

	mmu = conform_stage2();
	if (!mmu)
		return false;
	conform_map_image(mmu, S2_MAP_RO);
	conform_map_page(mmu, TABLES_IPA, level1, S2_MAP_RO);
	conform_map_page(mmu, TABLES_IPA + SZ_4K, level2, S2_MAP_RO);
	conform_map_page(mmu, IPA + SZ_4K, alloc_page(), S2_MAP_RO);
	level1[probe_code() / SZ_1G] = conform_code_block();
	level1[WALK_VA / SZ_1G] = (TABLES_IPA + SZ_4K) | PT_VALID | PT_TABLE;
	level2[0] = IPA | PT_VALID | PT_TABLE;
	return true;
}

static void set_regime(bool stage1)
{
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | HCR_EL2_DC, /* Normal memory, which exclusive accesses need */
		.vtcr = mmu->vtcr,
		.vttbr = mmu->vttbr,
	};

	if (stage1) {
		regime.hcr = HCR_EL2_VM;
		regime.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | SCTLR_EL1_M;
		regime.tcr = PROBE_TCR(CONFORM_IPA_BITS);
		regime.ttbr0 = TABLES_IPA;
		regime.mair = MAIR_NORMAL;
	}
	probe_set(&regime);
}

static enum conform_verdict run(u32 row)
{
	const struct s2iss_row *r = &s2iss_rows[row];
	u64 address = r->on_walk ? WALK_VA : IPA;
	u64 expected = ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_IL | r->iss;
	char expected_text[160], found_text[160];
	struct probe_exit exit;

	if (conform_lacks(s2iss_needs[r->needs]))
		return CONFORM_SKIP;
	set_regime(r->on_walk);
	exit = probe_execute((u64)s2iss_code + row * CODE_BYTES, 1, false, address);
	if (exit.el == 2 && exit.esr == expected && exit.hpfar == IPA >> 8 && exit.far == address)
		return CONFORM_PASS;
	return conform_fail("expected an exception to EL2, ESR %#lx (%s), HPFAR %#lx, FAR %#lx, "
			    "found EL%u, ESR %#lx (%s), HPFAR %#lx, FAR %#lx",
			    expected, esr_decode(expected, expected_text, sizeof(expected_text)),
			    IPA >> 8, address, exit.el, exit.esr,
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

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	return conform_probe_main(&area, probe_code(), argc, argv);
}
