/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: allocation tags. A row of kut_model/areas/mte.py is an instruction with x0, the address
 * in x1, and x2, at EL2, EL1 or EL0, under controls, and a page that stage 1 maps as Tagged memory, as
 * other memory, read-only or not at all. A block of the page has tags and words, which are compared
 * afterwards.
 *
 * EL1 has the host's tables of stage 1. Stage 2, where a row has it, maps memory one to one; of the
 * page it has the leaf of the row.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/mte.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/host-probe.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/pgtable-hwdef.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2-internal.h>
#include <asm/sysreg.h>

enum mte_place { MTE_EL2, MTE_EL1, MTE_EL0, MTE_HOST_EL0 };
/* Stage 1 of the page; MTE_PHYSICAL: it is off. */
enum mte_memory {
	MTE_TAGGED,
	MTE_UNTAGGED,
	MTE_READ_ONLY,
	MTE_UNMAPPED,
	MTE_PHYSICAL,
	MTE_MEMORIES
};
/* Bits of mte_row.tcr */
enum { MTE_NO_TBI = 1, MTE_TCMA0 = 2, MTE_TCMA1 = 4 };
enum { TFSR_OF_EL0, TFSR_OF_EL1, TFSR_OF_EL2, TFSRS };

struct mte_row {
	const char *name;
	u64 sctlr, hcr; /* their fields of SCTLR_ELx of the regime, and HCR_EL2 */
	u64 before, after; /* tags of the granules, 4 bits each */
	u64 x0; /* afterwards */
	u64 x1, x2; /* with generates: x1 is no address */
	u64 gcr, rgsr, rgsr_after;
	u32 changed; /* words that change, by bit */
	u32 esr; /* 0: no exception */
	u16 leaf; /* attributes of the page at stage 2; 0: it is not mapped */
	u16 offset, far[2]; /* in the block: the address, and those that FAR_ELx may have */
	u8 place, insn, memory, tag, tcr, needs;
	u8 el; /* that takes the exception */
	u8 tfsr[TFSRS];
	bool high, tco, has_far, generates;
	bool iss2; /* ESR_ELx[63:32] is compared, too */
};

#include CONFORM_HEADER

#define CODE_BYTES 16
asm(".pushsection .text.conform_mte, \"ax\"\n.balign 16\n"
    "mte_code:\n" MTE_CODE "mte_el2_code:\n" MTE_EL2_CODE ".popsection\n");
extern const char mte_code[], mte_el2_code[];

#define GRANULE 16
#define BLOCK 256
#define WORDS (BLOCK / sizeof(u64))
#define GRANULES (BLOCK / GRANULE)
#define PATTERN 0x1111111111111111UL
#define TAG_SHIFT 56
#define FAR_TAG_CHECK 0x0fffffffffffffffUL /* other bits are UNKNOWN */

#define GCR_EL1 sys_reg(3, 0, 1, 0, 6)
#define RGSR_EL1 sys_reg(3, 0, 1, 0, 5)
#define TFSRE0_EL1 sys_reg(3, 0, 5, 6, 1)
#define TFSR_EL2 sys_reg(3, 4, 5, 6, 0)

#define TCR_TBI1 (UL(1) << 38)
#define TCR_TCMA1 (UL(1) << 58)
#define TCR_UPPER_SHIFT 16
#define TCR_UPPER_MASK (UL(0x3fbf) << TCR_UPPER_SHIFT) /* T1SZ, EPD1, IRGN1, ORGN1, SH1 */
#define TCR_LOWER_MASK 0x3f3fUL
#define TCR_TG0_SHIFT 14
#define TCR_TG1_SHIFT 30
#define TCR_NVHE_TBI (UL(1) << 20)
#define TCR_NVHE_TCMA (UL(1) << 30)

static struct {
	u64 *alias[MTE_MEMORIES]; /* of the block, by stage 1 */
	u64 host_hcr, host_sctlr, host_tcr, el1_sctlr, el1_tcr; /* for rows that change nothing */
	struct s2_mmu *mmu[2]; /* without FWB, and with it; NULL: none */
	pteval_t *leaf[2]; /* of the page */
	u64 tags; /* that the granules have; ~0: not known */
	bool clean; /* words are PATTERN */
} test;

/*
 * Tags and words of the block
 */

/* Encodings, for assemblers whose architecture does not have the instructions */
#define STG_X0_X0 ".inst 0xd9200800" /* stg x0, [x0] */
#define LDG_X0_X0 ".inst 0xd9600000" /* ldg x0, [x0] */
/* The compiler, which has no vector registers, does not use v0. */
#define CLEAR_V0 ".inst 0x6f00e400" /* movi v0.2d, #0 */

static void set_tags(u64 tags)
{
	for (u32 i = 0; i < GRANULES; i++) {
		register u64 x0 asm("x0") = (u64)test.alias[MTE_TAGGED] + i * GRANULE;

		x0 |= (tags >> i * 4 & 0xf) << TAG_SHIFT;
		asm volatile(STG_X0_X0 : : "r"(x0) : "memory");
	}
	test.tags = tags;
}

static u64 get_tags(void)
{
	u64 tags = 0;

	for (u32 i = 0; i < GRANULES; i++) {
		register u64 x0 asm("x0") = (u64)test.alias[MTE_TAGGED] + i * GRANULE;

		asm volatile(LDG_X0_X0 : "+r"(x0) : : "memory");
		tags |= (x0 >> TAG_SHIFT & 0xf) << i * 4;
	}
	return tags;
}

static u32 changed_words(void)
{
	u32 changed = 0;

	for (u32 i = 0; i < WORDS; i++)
		if (test.alias[MTE_UNTAGGED][i] != PATTERN)
			changed |= 1U << i;
	return changed;
}

static void prepare_block(u64 tags)
{
	if (test.tags != tags)
		set_tags(tags);
	for (u32 i = 0; !test.clean && i < WORDS; i++)
		test.alias[MTE_UNTAGGED][i] = PATTERN;
	test.clean = true;
}

/*
 * Controls
 */

static void set_tfsr(u64 value)
{
	write_sysreg_s(value, TFSRE0_EL1);
	write_sysreg_el1(value, TFSR_EL1, TFSR_EL12);
	write_sysreg_s(value, TFSR_EL2);
	isb();
}

static u64 two_range_tcr(u64 tcr, u8 changes)
{
	tcr |= changes & MTE_NO_TBI ? 0 : TCR_TBI0 | TCR_TBI1;
	return tcr | (changes & MTE_TCMA0 ? TCR_TCMA0 : 0) | (changes & MTE_TCMA1 ? TCR_TCMA1 : 0);
}

static u64 one_range_tcr(u64 tcr, u8 changes)
{
	tcr |= changes & MTE_NO_TBI ? 0 : TCR_NVHE_TBI;
	return tcr | (changes & MTE_TCMA0 ? TCR_NVHE_TCMA : 0);
}

/* Write a TCR that has fields which a TLB may hold. */
static void set_tcr(const struct mte_row *row, u8 changes)
{
	if (row->place == MTE_EL1 || row->place == MTE_EL0) {
		write_sysreg_el1(two_range_tcr(test.el1_tcr, changes), tcr_el1, TCR_EL12);
		asm volatile("isb; dsb nsh; tlbi alle1; dsb nsh; isb" ::: "memory");
	} else {
		write_sysreg(MTE_VHE ? two_range_tcr(test.host_tcr, changes)
				     : one_range_tcr(test.host_tcr, changes),
			     tcr_el2);
		isb();
		flush_tlb_all();
	}
}

/* Stage 2, with the leaf of the row */
static void set_stage2(const struct mte_row *row)
{
	unsigned int fwb = !!(row->hcr & HCR_EL2_FWB);
	const struct s2_mmu *mmu = test.mmu[fwb];
	pteval_t page = __pa(test.alias[MTE_PHYSICAL]) & PAGE_MASK;

	*test.leaf[fwb] = row->leaf ? page | row->leaf | PT_VALID | PT_TABLE : 0;
	write_sysreg(mmu->vtcr, vtcr_el2);
	write_sysreg(mmu->vttbr, vttbr_el2);
	asm volatile("dsb ishst; isb; tlbi alle1; dsb nsh; isb" ::: "memory");
}

static void prepare(const struct mte_row *row)
{
	prepare_block(row->before);
	asm volatile(CLEAR_V0);
	if (row->tcr)
		set_tcr(row, row->tcr);
	if (row->hcr & HCR_EL2_VM)
		set_stage2(row);
	if (row->generates) {
		write_sysreg_s(row->gcr, GCR_EL1);
		write_sysreg_s(row->rgsr, RGSR_EL1);
	}
	set_tfsr(0);
}

static void restore(const struct mte_row *row)
{
	if (row->tcr)
		set_tcr(row, 0);
	if (row->hcr & HCR_EL2_VM) {
		write_sysreg(0, vttbr_el2);
		asm volatile("isb; dsb nsh; tlbi alle1; dsb nsh; isb" ::: "memory");
	}
}

/*
 * Rows
 */

struct mte_exit {
	struct conform_exception taken;
	u64 x0;
};

static u64 address_of(const struct mte_row *row)
{
	u64 address = (u64)test.alias[row->memory] + row->offset;

	if (row->high)
		address |= ~0UL << VA_BITS;
	address &= ~(UL(0xf) << TAG_SHIFT);
	return address | (u64)row->tag << TAG_SHIFT;
}

/* EL2 reaches its stack meanwhile, which is not Tagged memory. */
static struct mte_exit run_el2(const struct mte_row *row, u64 x1)
{
	struct host_probe probe = { .x = { MTE_VALUE, x1, row->x2 } };

	write_sysreg((test.host_sctlr & ~SCTLR_EL1_ATA) | row->sctlr, sctlr_el2);
	isb();
	write_sysreg_s(row->tco ? PSR_TCO_BIT : 0, PSTATE_TCO);
	host_probe_run(&probe, (u64)mte_el2_code + row->insn * CODE_BYTES);
	write_sysreg_s(0, PSTATE_TCO);
	write_sysreg(test.host_sctlr, sctlr_el2);
	dsb(nsh);
	isb();
	return (struct mte_exit){ { probe.taken ? 2 : 0, probe.esr, probe.far }, probe.x[0] };
}

static u64 row_hcr(const struct mte_row *row)
{
	u64 hcr = (test.host_hcr & ~HCR_EL2_ATA) | HCR_EL2_RW | row->hcr;

	return row->place == MTE_HOST_EL0 ? hcr | HCR_EL2_TGE : hcr & ~HCR_EL2_TGE;
}

static struct mte_exit run_below(const struct mte_row *row, u64 x1)
{
	struct probe probe = {
		.x = { MTE_VALUE, x1, row->x2 },
		.pc = (u64)mte_code + row->insn * CODE_BYTES,
		.spsr = (row->place == MTE_EL1 ? PSR_MODE_EL1h : PSR_MODE_EL0t) | PSR_DAIF |
			(row->tco ? PSR_TCO_BIT : 0),
		.hcr = row_hcr(row),
	};
	u64 sctlr = row->sctlr | SCTLR_EL1_DZE | SCTLR_EL1_UCI;

	if (row->place == MTE_HOST_EL0)
		write_sysreg((test.host_sctlr & ~SCTLR_EL1_ATA) | sctlr, sctlr_el2);
	else if (row->memory == MTE_PHYSICAL)
		write_sysreg_el1((test.el1_sctlr & ~SCTLR_ELx_M) | sctlr, sctlr_el1, SCTLR_EL12);
	else
		write_sysreg_el1(test.el1_sctlr | sctlr, sctlr_el1, SCTLR_EL12);
	isb();
	probe_run(&probe);
	write_sysreg(test.host_sctlr, sctlr_el2);
	write_sysreg_el1(test.el1_sctlr, sctlr_el1, SCTLR_EL12);
	dsb(nsh);
	isb();
	if (ESR_ELx_EC(probe.esr) == ESR_ELx_EC_SVC64)
		probe.el = 0;
	return (struct mte_exit){ { probe.el, probe.esr, probe.far }, probe.x[0] };
}

/*
 * Checks
 */

static bool is_far(const struct mte_row *row, u64 far, u64 x1)
{
	bool check = row->esr % 0x40 == ESR_ELx_FSC_MTE;

	for (u32 i = 0; i < 2; i++)
		if (!((far ^ (x1 - row->offset + row->far[i])) & (check ? FAR_TAG_CHECK : ~0UL)))
			return true;
	return !row->has_far;
}

static enum conform_verdict check_exception(const struct mte_row *row,
					    const struct conform_exception *found, u64 x1)
{
	const struct conform_exception expected = {
		.el = row->el,
		.esr = row->esr,
		.far = row->has_far ? x1 - row->offset + row->far[0] : 0,
	};
	u64 compared = row->iss2 ? ~0UL : ~0U;

	if (found->el == row->el &&
	    (!row->el || ((found->esr & compared) == row->esr && is_far(row, found->far, x1))))
		return CONFORM_PASS;
	return conform_fail_exception(&expected, found);
}

static enum conform_verdict check_tfsr(const struct mte_row *row, const u64 found[TFSRS])
{
	for (u32 i = 0; i < TFSRS; i++)
		if (found[i] != row->tfsr[i])
			return conform_fail("expected TFSRE0_EL1 %#x, TFSR_EL1 %#x, TFSR_EL2 %#x, "
					    "found %#lx, %#lx, %#lx",
					    row->tfsr[0], row->tfsr[1], row->tfsr[2], found[0],
					    found[1], found[2]);
	return CONFORM_PASS;
}

static enum conform_verdict check_values(const struct mte_row *row, const struct mte_exit *exit)
{
	u64 tags, rgsr = row->generates ? read_sysreg_s(RGSR_EL1) : 0;
	u32 changed;

	if (exit->x0 != row->x0)
		return conform_fail("expected x0 %#lx, found %#lx", row->x0, exit->x0);
	if (rgsr != row->rgsr_after)
		return conform_fail("expected RGSR_EL1 %#lx, found %#lx", row->rgsr_after, rgsr);
	if (row->generates)
		return CONFORM_PASS;
	tags = get_tags();
	changed = changed_words();
	if (tags != row->before)
		test.tags = ~0UL;
	test.clean = !changed;
	if (tags != row->after || changed != row->changed)
		return conform_fail("expected tags %#lx and changed words %#x, found %#lx and %#x",
				    row->after, row->changed, tags, changed);
	return CONFORM_PASS;
}

static enum conform_verdict check(const struct mte_row *row, const struct mte_exit *exit, u64 x1,
				  const u64 tfsr[TFSRS])
{
	enum conform_verdict verdict = check_exception(row, &exit->taken, x1);

	if (verdict == CONFORM_PASS)
		verdict = check_tfsr(row, tfsr);
	if (verdict == CONFORM_PASS)
		return check_values(row, exit);
	test.tags = ~0UL;
	test.clean = false;
	return verdict;
}

static enum conform_verdict run(u32 number)
{
	const struct mte_row *row = &mte_rows[number];
	u64 daif = read_sysreg(daif), tfsr[TFSRS], x1;
	struct mte_exit exit;

	if (conform_lacks(mte_needs[row->needs]))
		return CONFORM_SKIP;
	if (row->hcr & HCR_EL2_VM && !test.mmu[0])
		return conform_skip("39-bit-stage-2", "ID_AA64MMFR0_EL1.TGran4_2");
	x1 = row->generates ? row->x1 : address_of(row);
	daif_set(PSR_DAIF);
	prepare(row);
	exit = row->place == MTE_EL2 ? run_el2(row, x1) : run_below(row, x1);
	tfsr[TFSR_OF_EL0] = read_sysreg_s(TFSRE0_EL1);
	tfsr[TFSR_OF_EL1] = read_sysreg_el1(TFSR_EL1, TFSR_EL12);
	tfsr[TFSR_OF_EL2] = read_sysreg_s(TFSR_EL2);
	restore(row);
	daif_restore(daif);
	return check(row, &exit, x1, tfsr);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "mte.%s", mte_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

/*
 * Set-up
 */

static u64 *map_block(phys_addr_t page, u64 attributes)
{
	void *va = alloc_vpage();

	assert(va);
	if (attributes)
		mmu_set_range_ptes(mmu_idmap, (uintptr_t)va, page, page + PAGE_SIZE,
				   __pgprot(attributes | PTE_UXN | (host_vhe ? PTE_PXN : 0)));
	return va;
}

static void create_block(void)
{
	u64 *page = alloc_page();
	phys_addr_t pa = virt_to_phys(page);

	assert(page);
	test.alias[MTE_PHYSICAL] = page;
	test.alias[MTE_TAGGED] = map_block(pa, PTE_ATTRINDX(MT_NORMAL_TAGGED) | PTE_USER);
	test.alias[MTE_UNTAGGED] = map_block(pa, PTE_ATTRINDX(MT_NORMAL) | PTE_USER);
	test.alias[MTE_READ_ONLY] =
		map_block(pa, PTE_ATTRINDX(MT_NORMAL_TAGGED) | PTE_USER | PTE_RDONLY);
	test.alias[MTE_UNMAPPED] = map_block(pa, 0);
}

static void create_stage2(bool fwb)
{
	static const struct s2_config config = {
		.vmid = 1,
		.ipa_bits = 39,
		.start = S2_START_LEVEL(1),
		.allow_block = true,
	};
	struct s2_mmu *mmu = s2mmu_create(&config);
	phys_addr_t page = __pa(test.alias[MTE_PHYSICAL]);

	if (!mmu)
		return;
	mmu->fwb = fwb;
	assert(!s2mmu_map(mmu, phys_offset, phys_offset, phys_end - phys_offset, S2_MAP_RW));
	assert(!s2mmu_map(mmu, page, page, SZ_4K, S2_MAP_RW));
	test.leaf[fwb] = s2mmu_entry(mmu, page, PT_LEVEL_LAST);
	test.mmu[fwb] = mmu;
}

/* TCR with the fields of the lower range for the upper one, which is mapped like it */
static u64 with_upper_range(u64 tcr)
{
	static const u64 tg1_of_tg0[] = { 2, 3, 1, 0 };
	u64 tg1 = tg1_of_tg0[tcr >> TCR_TG0_SHIFT & 3];

	tcr &= ~(TCR_UPPER_MASK | UL(3) << TCR_TG1_SHIFT);
	return tcr | (tcr & TCR_LOWER_MASK) << TCR_UPPER_SHIFT | tg1 << TCR_TG1_SHIFT;
}

/* A leaf function: it changes which bits of a return address hold its authentication code. */
static void set_host_tcr(u64 tcr)
{
	if (MTE_VHE)
		write_sysreg(read_sysreg(ttbr0_el2), ttbr1_el1);
	write_sysreg(tcr, tcr_el2);
	isb();
}

static void set_up(void)
{
	test.host_hcr = read_sysreg(hcr_el2);
	test.host_sctlr = read_sysreg(sctlr_el2) | SCTLR_EL1_ATA;
	write_sysreg(test.host_sctlr, sctlr_el2);
	probe_setup_el1();
	test.el1_sctlr = read_sysreg_el1(sctlr_el1, SCTLR_EL12);
	test.el1_tcr = with_upper_range(read_sysreg_el1(tcr_el1, TCR_EL12));
	write_sysreg_el1(read_sysreg(ttbr0_el2), ttbr1_el1, TTBR1_EL12);
	write_sysreg_el1(CPACR_EL1_FPEN, cpacr_el1, CPACR_EL12);
	write_sysreg_el1(two_range_tcr(test.el1_tcr, 0), tcr_el1, TCR_EL12);
	create_block();
	create_stage2(false);
	if (s2_features()->fwb)
		create_stage2(true);
	test.tags = ~0UL;
	isb();
}

static u64 mte_version(void)
{
	return FIELD(read_sysreg(id_aa64pfr1_el1), ID_AA64PFR1_MTE + 3, ID_AA64PFR1_MTE);
}

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(MTE_VHE);
	u64 tcr = read_sysreg(tcr_el2);
	int status;

	if (reason)
		return skip_all(reason);
	if (mte_version() < 2)
		return conform_main(&area, argc, argv); /* all rows need it */
	test.host_tcr = MTE_VHE ? with_upper_range(tcr) : tcr;
	set_host_tcr(MTE_VHE ? two_range_tcr(test.host_tcr, 0) : one_range_tcr(test.host_tcr, 0));
	flush_tlb_all();
	set_up();
	status = conform_main(&area, argc, argv);
	set_host_tcr(tcr);
	flush_tlb_all();
	return status;
}
