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
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2_mmu.h>

struct s2iss_row {
	const char *name;
	u32 iss;
	u8 needs, on_walk;
};

#include CONFORM_HEADER

#define IPA 0x80000000UL /* its page has no leaf, the next one has */
#define WALK_VA 0xc0000000UL /* stage 1 has its level-3 table at IPA */
#define TABLES_IPA 0x100000000UL /* those of level 1 and 2 */
#define PTRS (SZ_4K / sizeof(pteval_t))
#define CODE_BYTES 8 /* an instruction, and a BRK */
#define S1_LEAF (PTE_AF | PTE_SHARED | PTE_RDONLY | PT_VALID)
#define MAIR_NORMAL 0xffUL

asm(".pushsection .text.conform_s2iss, \"ax\"\n.balign 8\ns2iss_code:\n" S2ISS_CODE
    ".popsection\n");
extern const char s2iss_code[];

static struct s2_mmu *mmu;

/* The image one to one: the code of rows, and that of probes with EL1's vectors. */
static bool create(void)
{
	u64 start = __pa(_stext), size = __pa(_etext) - start;
	pteval_t *tables = memalign_pages(SZ_4K, 2 * SZ_4K), *level2 = tables + PTRS;

	assert_msg(tables, "no memory");
	level2[0] = IPA | PT_VALID | PT_TABLE;
	tables[start / SZ_1G] = (start & ~(SZ_1G - 1UL)) | S1_LEAF;
	tables[WALK_VA / SZ_1G] = (TABLES_IPA + SZ_4K) | PT_VALID | PT_TABLE;
	mmu = s2mmu_init_ipa(1, S2_PAGE_4K, false, 39);
	if (!mmu)
		return false;
	mmu->fwb = false; /* HCR_EL2.FWB stays clear */
	return !s2mmu_map(mmu, start & PAGE_MASK, start & PAGE_MASK,
			  ALIGN(size, PAGE_SIZE) + PAGE_SIZE, S2_MAP_RO) &&
	       !s2mmu_map(mmu, TABLES_IPA, virt_to_phys(tables), 2 * SZ_4K, S2_MAP_RO) &&
	       !s2mmu_map(mmu, IPA + SZ_4K, start & PAGE_MASK, SZ_4K, S2_MAP_RO);
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
		regime.tcr = PROBE_TCR(39);
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
	int code;

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	probe_begin(probe_code());
	code = conform_main(&area, argc, argv);
	probe_end();
	return code;
}
