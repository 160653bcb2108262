/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: alignment faults. A row is a load or store of kut_model/areas/align.py at an offset in
 * 16 bytes, with stage 1 off, or with memory of some type. HCR_EL2.DC needs a stage 2, which maps the
 * image as Normal memory.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/align.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu-off-probe.h>
#include <asm/mmu.h>
#include <asm/pgtable-hwdef.h>
#include <asm/processor.h>
#include <asm/sysreg.h>

struct align_row {
	u8 insn, needs, control, memory; /* numbers */
	u8 offset, el;
	bool mmu, dc; /* stage 1 is on; HCR_EL2.DC */
	u8 attribute; /* of memory, in MAIR_EL1 */
	bool a, naa; /* SCTLR_ELx */
	u8 suffix; /* of the id: the row is for any CPU, or one with FEAT_LSE2, or one without */
	bool atomic; /* whether it writes is left open */
	u32 esr; /* 0: no exception */
};

#include CONFORM_HEADER

#define CODE_BYTES 8
#define WNR (1U << 6)

asm(".pushsection .text.conform_align, \"ax\"\n.balign 8\n"
    "align_code:\n" ALIGN_CODE "align_el2_code:\n" ALIGN_EL2_CODE ".popsection\n");
extern const char align_code[], align_el2_code[];

static u8 data[64] __aligned(64);

/*
 * Stage 1 of EL1&0, 39 bits of address in 4K granules: the block of 1G with the image, read-only as
 * code has to be for both exception levels, and at ALIAS with the memory type of the row.
 */
#define BLOCK (UL(1) << 30)
#define ALIAS (4 * BLOCK)
#define TCR_39_BITS \
	(25 | TCR_EPD1 | UL(2) << 32) /* T0SZ, IPS of 40 bits; walks are Non-cacheable */
#define PTE_READ_ONLY_EL0 (PTE_USER | PTE_RDONLY)
static u64 table[512] __aligned(4096);

static void create_table(void)
{
	u64 block = __pa(data) & ~(BLOCK - 1);

	assert_msg(block == (__pa(align_code) & ~(BLOCK - 1)), "the image is in 1G");
	table[block / BLOCK] = block | PT_VALID | PTE_AF | PTE_READ_ONLY_EL0 | PTE_ATTRINDX(0);
	table[(ALIAS + block) / BLOCK] = block | PT_VALID | PTE_AF | PTE_USER | PTE_ATTRINDX(1) |
					 PTE_PXN | PTE_UXN;
	dcache_clean_inval_poc(table, sizeof(table));
}

static struct s2_mmu *mmu;

static bool create_stage2(void)
{
	mmu = conform_stage2();
	if (mmu)
		conform_map_image(mmu, S2_MAP_RW);
	return mmu;
}

static u64 sctlr_of(const struct align_row *row)
{
	return (row->a ? SCTLR_ELx_A : 0) | (row->naa ? SCTLR_ELx_nAA : 0);
}

static struct conform_exception run_el2(const struct align_row *row, u64 address)
{
	u64 sctlr = read_sysreg(sctlr_el2) & ~(SCTLR_ELx_A | SCTLR_ELx_nAA);
	struct mmu_off_probe probe = { .address = address };
	u64 daif = read_sysreg(daif);

	probe.pc = (u64)align_el2_code + row->insn * CODE_BYTES;
	probe.sctlr = (row->mmu ? sctlr : sctlr & ~(SCTLR_ELx_M | SCTLR_ELx_C)) | sctlr_of(row);
	daif_set(PSR_DAIF);
	mmu_off_probe_run(&probe);
	daif_restore(daif);
	return (struct conform_exception){ probe.taken ? 2 : 0, probe.esr, probe.far };
}

static struct conform_exception run_below(const struct align_row *row, u64 address)
{
	const struct probe_regime regime = {
		.hcr = row->dc ? HCR_EL2_DC | HCR_EL2_VM : 0,
		.vtcr = mmu->vtcr,
		.vttbr = mmu->vttbr,
		.sctlr = sctlr_of(row) | (row->mmu ? SCTLR_ELx_M | SCTLR_ELx_C : 0),
		.tcr = TCR_39_BITS,
		.ttbr0 = __pa(table),
		.mair = 0xff | (u64)row->attribute << 8,
	};
	struct probe_exit exit;

	probe_set(&regime);
	probe_flush();
	exit = probe_execute((u64)align_code + row->insn * CODE_BYTES, row->el, false, address);
	return (struct conform_exception){ exit.el, exit.esr, exit.far };
}

static enum conform_verdict check(const struct align_row *row,
				  const struct conform_exception *found, u64 address)
{
	u64 open = row->atomic ? WNR : 0;
	unsigned int el = row->esr ? MAX(row->el, 1) : 0;
	const struct conform_exception expected = { el, row->esr, address };

	if (found->el == el &&
	    (!el || (!((found->esr ^ row->esr) & ~open) && found->far == address)))
		return CONFORM_PASS;
	return conform_fail_exception(&expected, found);
}

static enum conform_verdict run(u32 number)
{
	const struct align_row *row = &align_rows[number];
	u64 address = (u64)data + row->offset;
	struct conform_exception taken;

	if (conform_lacks(align_needs[row->needs]))
		return CONFORM_SKIP;
	if (row->el < 2 && row->mmu)
		address += ALIAS;
	taken = row->el == 2 ? run_el2(row, address) : run_below(row, address);
	return check(row, &taken, address);
}

static void id(u32 number, char *buffer, size_t size)
{
	static const char *const suffixes[] = { "", ".lse2", ".without-lse2" };
	const struct align_row *row = &align_rows[number];

	snprintf(buffer, size, "align.%s.%u.%s.el%u.%s%s", align_insns[row->insn], row->offset,
		 align_memory[row->memory], row->el, align_controls[row->control],
		 suffixes[row->suffix]);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);
	u64 sctlr;
	int code;

	if (reason || !create_stage2())
		return skip_all(reason ?: "no 39-bit stage 2");
	create_table();
	sctlr = read_sysreg(sctlr_el2);
	code = conform_probe_main(&area, probe_code(), argc, argv);
	assert_msg(read_sysreg(sctlr_el2) == sctlr,
		   "SCTLR_EL2 after the rows: expected %#lx, found %#lx", sctlr,
		   read_sysreg(sctlr_el2));
	return code;
}
