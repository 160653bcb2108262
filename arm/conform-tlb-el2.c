/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: TLB maintenance of EL2 itself. A row of kut_model/areas/tlb_el2.py accesses a page of
 * the host, changes its descriptor, executes a TLBI, and accesses it again.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/tlb-el2.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/host-probe.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/pgtable-hwdef.h>
#include <asm/processor.h>
#include <asm/setup.h>

enum tlb_change { TLB_UNMAP, TLB_REMAP, TLB_PROTECT };

struct tlb_el2_row {
	const char *name;
	u64 operand; /* of the TLBI, without the address and the granule */
	u32 esr; /* 0: no exception */
	u8 tlbi, change, needs;
	bool address, range, ttl; /* the operand has an address, is a range, has the level */
	bool ng; /* the page is not global */
};

#include CONFORM_HEADER

#define CODE_BYTES 8
#define LDR_X0_X1 ".inst 0xf9400020\n"
#define STR_X0_X1 ".inst 0xf9000020\n"
#define RET_INSN ".inst 0xd65f03c0\n"
asm(".pushsection .text.conform_tlb_el2, \"ax\"\n.balign 8\n"
    "tlb_el2_code:\n" TLB_EL2_CODE "tlb_el2_load:\n" LDR_X0_X1 RET_INSN
    "tlb_el2_store:\n" STR_X0_X1 RET_INSN ".popsection\n");
extern const char tlb_el2_code[], tlb_el2_load[], tlb_el2_store[];

#define LEAF (PT_VALID | PT_TABLE | PTE_AF | PTE_SHARED | PTE_ATTRINDX(MT_NORMAL) | PTE_UXN)
#define PAGE_BITS 44 /* of an operand that is no range; bits 55:12 of the address */
#define BASE_BITS 37
#define RANGE_TG_SHIFT 46
#define TTL_TG_SHIFT 46
#define TTL_GRANULE (UL(3) << TTL_TG_SHIFT)

#define ESR_COMPARED 0xfc00007fU /* EC, WnR and DFSC: the rest is that of area el2 */

static u64 *pages[2]; /* the page, and the one that replaces it; each has its number in it */
static u64 va;
static pteval_t *entry;

static u64 granule(void)
{
	return (PAGE_SHIFT - 10) / 2; /* 1, 2, 3: 4K, 16K, 64K */
}

static pteval_t leaf(const struct tlb_el2_row *row, unsigned int page)
{
	return virt_to_phys(pages[page]) | LEAF | (TLB_EL2_VHE ? PTE_PXN : PTE_USER) |
	       (row->ng ? PTE_NG : 0);
}

/* Without TLBI */
static void write_entry(pteval_t value)
{
	WRITE_ONCE(*entry, value);
	dsb(ish);
	isb();
}

static u64 operand(const struct tlb_el2_row *row)
{
	u64 value = row->operand;

	if (!row->address)
		return value;
	if (row->range)
		return value | granule() << RANGE_TG_SHIFT |
		       FIELD(va >> PAGE_SHIFT, BASE_BITS - 1, 0);
	if (row->ttl)
		value = (value & ~TTL_GRANULE) | granule() << TTL_TG_SHIFT;
	return value | FIELD(va >> 12, PAGE_BITS - 1, 0);
}

static void maintain(const struct tlb_el2_row *row)
{
	struct host_probe probe = { .x = { 0, operand(row) } };

	host_probe_run(&probe, (u64)tlb_el2_code + row->tlbi * CODE_BYTES);
	dsb(ish);
	isb();
	assert_msg(!probe.taken, "the TLBI is an exception: ESR %#lx", probe.esr);
}

static void change(const struct tlb_el2_row *row)
{
	write_entry(row->change == TLB_PROTECT ? leaf(row, 0) | PTE_RDONLY : 0);
	maintain(row);
	if (row->change == TLB_REMAP)
		write_entry(leaf(row, 1)); /* from invalid: without TLBI */
}

static struct host_probe access(const char *code)
{
	struct host_probe probe = { .x = { 0, va } };

	host_probe_run(&probe, (u64)code);
	return probe;
}

static enum conform_verdict check(const struct tlb_el2_row *row, const struct host_probe *probe)
{
	char expected[96] = "no exception", found[96] = "no exception";
	u64 esr = probe->taken ? probe->esr : 0;
	bool wrong_exception = (esr ^ row->esr) & ESR_COMPARED;
	bool wrong_page = row->change == TLB_REMAP && probe->x[0] != 1;

	if (!wrong_exception && !wrong_page)
		return CONFORM_PASS;
	if (row->esr)
		esr_decode(row->esr, expected, sizeof(expected));
	if (esr)
		esr_decode(esr, found, sizeof(found));
	return conform_fail("expected ESR %#x (%s)%s, found ESR %#lx (%s), page %lu", row->esr,
			    expected, row->change == TLB_REMAP ? ", page 1" : "", esr, found,
			    probe->x[0]);
}

static enum conform_verdict run(u32 number)
{
	const struct tlb_el2_row *row = &tlb_el2_rows[number];
	struct host_probe probe;

	if (conform_lacks(tlb_el2_needs[row->needs]))
		return CONFORM_SKIP;
	write_entry(leaf(row, 0));
	access(tlb_el2_store);
	access(tlb_el2_load);
	change(row);
	probe = access(row->change == TLB_PROTECT ? tlb_el2_store : tlb_el2_load);
	write_entry(0);
	flush_tlb_all();
	return check(row, &probe);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "tlb-el2.%s", tlb_el2_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

static void create_pages(void)
{
	void *page = alloc_vpage();

	pages[0] = alloc_page();
	pages[1] = alloc_page();
	assert(page && pages[0] && pages[1]);
	pages[1][0] = 1;
	va = (u64)page;
	mmu_set_range_ptes(mmu_idmap, va, virt_to_phys(pages[0]),
			   virt_to_phys(pages[0]) + PAGE_SIZE,
			   __pgprot(PTE_ATTRINDX(MT_NORMAL) | PTE_UXN));
	entry = mmu_page_entry(mmu_idmap, va);
	assert(entry);
	write_entry(0);
	flush_tlb_all();
}

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(TLB_EL2_VHE);

	if (reason)
		return skip_all(reason);
	create_pages();
	return conform_main(&area, argc, argv);
}
