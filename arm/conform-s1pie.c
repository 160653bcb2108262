/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: permissions of stage 1 by index (FEAT_S1PIE). A row of kut_model/areas/s1pie.py has
 * PIR_EL1, PIRE0_EL1 and the descriptor of a block, which EL1 or EL0 accesses.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/s1pie.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/at.h>
#include <asm/barrier.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/io.h>
#include <asm/pgtable-hwdef.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

struct s1pie_row {
	const char *name;
	u64 pir, pire0; /* PIR_EL1, PIRE0_EL1 */
	u64 descriptor; /* PIIndex and nDirty of the block */
	u64 esr; /* ESR_EL1; 0: no exception */
	u8 op; /* PROBE_*, of accesses or of AT at EL2 */
	u8 el, needs;
	bool is_at, pan, ha, hd;
	bool direct; /* HCRX_EL2.TCR2En is 0: without indirection */
	bool denied; /* of AT: a permission fault in PAR_EL1 */
	bool becomes_dirty; /* hardware clears nDirty */
};

#include CONFORM_HEADER

/*
 * 39 bits of address in 4K granules: the block of 1G with the image and its code, and at ALIAS the
 * block of the row, which is the same memory.
 */
#define BLOCK (UL(1) << 30)
#define ALIAS (4 * BLOCK)
#define LEAF (PTE_AF | PTE_SHARED | PT_VALID | PTE_ATTRINDX(0))
#define CODE_INDEX (PTE_UXN | PTE_PXN | UL(1) << 51 | PTE_USER) /* 15 */
#define NDIRTY (UL(1) << 7)
#define TCR_EL1_HA (UL(1) << 39)
#define TCR_EL1_HD (UL(1) << 40)
#define TCR2_PIE (UL(1) << 1)
#define TCR2_EL1 sys_reg(3, 0, 2, 0, 3)
#define TCR2_EL12 sys_reg(3, 5, 2, 0, 3)
#define PIR_EL1 sys_reg(3, 0, 10, 2, 3)
#define PIR_EL12 sys_reg(3, 5, 10, 2, 3)
#define PIRE0_EL1 sys_reg(3, 0, 10, 2, 2)
#define PIRE0_EL12 sys_reg(3, 5, 10, 2, 2)
#define FST_PERMISSION_1 0xd
#define PAR_FST(par) FIELD(par, 6, 1)

static u64 table[512] __aligned(4096);
static u64 data[2] = { PROBE_CODE }; /* what is executed, and what is accessed */

static u64 block_of(const void *memory)
{
	return __pa(memory) & ~(BLOCK - 1);
}

static u64 *entry(void)
{
	return &table[(ALIAS + block_of(data)) / BLOCK];
}

static void prepare(const struct s1pie_row *row)
{
	const struct probe_regime regime = {
		.sctlr = SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I,
		.tcr = PROBE_TCR(39) | (row->ha ? TCR_EL1_HA : 0) | (row->hd ? TCR_EL1_HD : 0),
		.ttbr0 = __pa(table),
		.mair = 0xff,
	};
	u64 code = row->direct ? PTE_USER | PTE_RDONLY : CODE_INDEX;

	table[block_of(table) / BLOCK] = block_of(table) | LEAF | code;
	*entry() = block_of(data) | LEAF | row->descriptor;
	write_sysreg_s(row->direct ? 0 : HCRX_EL2_TCR2En, HCRX_EL2);
	write_sysreg_el1(row->pir, PIR_EL1, PIR_EL12);
	write_sysreg_el1(row->pire0, PIRE0_EL1, PIRE0_EL12);
	probe_set(&regime);
	probe_flush();
}

static enum conform_verdict check_dirty(const struct s1pie_row *row)
{
	u64 expected = row->becomes_dirty ? 0 : row->descriptor & NDIRTY;

	if ((*entry() & NDIRTY) == expected)
		return CONFORM_PASS;
	return conform_fail("expected nDirty %d, found %d", !!expected, !expected);
}

static enum conform_verdict run_at(const struct s1pie_row *row, u64 address)
{
	u64 par = probe_at(row->op, address);
	bool denied = par & 1 && PAR_FST(par) == FST_PERMISSION_1;

	if (denied == row->denied && (denied || !(par & 1)))
		return check_dirty(row);
	return conform_fail("expected %s, found PAR_EL1 %#lx",
			    row->denied ? "a permission fault, level 1, in PAR_EL1" : "no fault",
			    par);
}

static enum conform_verdict run_access(const struct s1pie_row *row, u64 address)
{
	struct probe_exit exit = probe_access(row->op, row->el, row->pan, address);
	const struct conform_exception expected = { row->esr ? 1 : 0, row->esr, address };
	const struct conform_exception found = { exit.el, exit.esr, exit.far };

	if (found.el == expected.el &&
	    (!found.el || (found.esr == expected.esr && found.far == address)))
		return check_dirty(row);
	return conform_fail_exception(&expected, &found);
}

static enum conform_verdict run(u32 number)
{
	const struct s1pie_row *row = &s1pie_rows[number];
	const u64 *accessed = !row->is_at && row->op == PROBE_EXECUTE ? &data[0] : &data[1];
	u64 address = ALIAS + (u64)accessed;

	if (conform_lacks(s1pie_needs[row->needs]))
		return CONFORM_SKIP;
	prepare(row);
	return row->is_at ? run_at(row, address) : run_access(row, address);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "s1pie.%s", s1pie_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

/* What all rows have: the field S1PIE of the ID register decides about them. */
static bool has_indirection(void)
{
	return conform_has(&conform_features[CONFORM_FEAT_S1PIE]);
}

int main(int argc, char **argv)
{
	u64 hcrx, tcr2;
	int status;

	if (!host_at_el2)
		return skip_all("the host is not at EL2 (no virtualization=on?)");
	assert_msg(block_of(table) == block_of(data) &&
			   block_of(data) == probe_code() / BLOCK * BLOCK,
		   "the image is in 1G");
	if (!has_indirection())
		return conform_main(&area, argc, argv); /* all rows need it */
	hcrx = read_sysreg_s(HCRX_EL2);
	tcr2 = read_sysreg_el1(TCR2_EL1, TCR2_EL12);
	write_sysreg_el1(tcr2 | TCR2_PIE, TCR2_EL1, TCR2_EL12);
	status = conform_probe_main(&area, probe_code(), argc, argv);
	write_sysreg_el1(tcr2, TCR2_EL1, TCR2_EL12);
	write_sysreg_s(hcrx, HCRX_EL2);
	return status;
}
