/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation tags (FEAT_MTE2): tag check faults of the host at its own exception level, and of a
 * guest; a guest that may not use tags has none.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <bitops.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/pgtable.h>
#include <asm/processor.h>

#define MTE2 2
#define MTE3 3 /* and asymmetric faults */

#define TAG_SHIFT 56
#define GRANULE 16
#define UNTAGGED_WORD 0x1111
#define WORD 0x2222

/* SCTLR_ELx.TCF */
enum tcf { TCF_NONE, TCF_SYNC, TCF_ASYNC, TCF_ASYMM };

static struct {
	u64 esr, far;
	unsigned int count;
} fault;

static u64 mte_version(void)
{
	return FIELD(read_sysreg(id_aa64pfr1_el1), ID_AA64PFR1_MTE + 3, ID_AA64PFR1_MTE);
}

static u64 *with_tag(void *p, u64 tag)
{
	return (u64 *)((u64)p | tag << TAG_SHIFT);
}

/* One instruction each, so that a handler can step over it. */
static u64 load(const u64 *p)
{
	u64 value = 0;

	asm volatile("ldr %0, [%1]" : "+r"(value) : "r"(p) : "memory");
	return value;
}

static void store(u64 *p, u64 value)
{
	asm volatile("str %0, [%1]" : : "r"(value), "r"(p) : "memory");
}

/* Encodings, for assemblers whose architecture does not have the instructions */
#define STG_X0_X0 ".inst 0xd9200800" /* stg x0, [x0] */
#define LDG_X0_X0 ".inst 0xd9600000" /* ldg x0, [x0] */

/* Give the granule at @p the tag that @p has. */
static void set_tag(u64 *p)
{
	register u64 *x0 asm("x0") = p;

	asm volatile(STG_X0_X0 : : "r"(x0) : "memory");
}

/* The tag of the granule at @p */
static u64 get_tag(u64 *p)
{
	register u64 *x0 asm("x0") = p;

	asm volatile(LDG_X0_X0 : "+r"(x0) : : "memory");
	return FIELD((u64)x0, TAG_SHIFT + 3, TAG_SHIFT);
}

static void take_fault(struct pt_regs *regs, unsigned int esr)
{
	unsigned long far = 0;

	fault.esr = esr;
	get_far(esr, &far);
	fault.far = far;
	fault.count++;
	regs->pc += 4;
}

/*
 * The host. Its registers are those of EL1, and with HCR_EL2.E2H those of EL2 by the same names.
 */

static void set_tcf(enum tcf tcf)
{
	u64 sctlr = read_sysreg(sctlr_el1) & ~SCTLR_EL1_TCF_MASK;

	write_sysreg(sctlr | (u64)tcf << SCTLR_EL1_TCF_SHIFT, sctlr_el1);
	write_sysreg_s(0, TFSR_EL1);
	isb();
}

static void allow_tags(void)
{
	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_EL1_ATA, sctlr_el1);
	isb();
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, take_fault);
}

/* A leaf: TBI0 changes which bits of a return address hold its authentication code. */
static void set_tcr(u64 tcr)
{
	write_sysreg(tcr, tcr_el1);
	isb();
}

/* A page of memory of type @mt, whose first granule has the tag 1. */
static u64 *map_page(int mt)
{
	void *page = alloc_page(), *va = alloc_vpage();
	phys_addr_t pa = virt_to_phys(page);

	assert(page && va);
	mmu_set_range_ptes(mmu_idmap, (uintptr_t)va, pa, pa + PAGE_SIZE,
			   __pgprot(PTE_ATTRINDX(mt) | PTE_UXN | PTE_PXN));
	store(va, UNTAGGED_WORD);
	set_tag(with_tag(va, 1));
	return va;
}

static u64 take_tfsr(void)
{
	u64 tfsr;

	/* DDI 0487, D10.8: an asynchronous fault is recorded by the end of DSB and ISB. */
	dsb(nsh);
	isb();
	tfsr = read_sysreg_s(TFSR_EL1);
	write_sysreg_s(0, TFSR_EL1);
	return tfsr;
}

struct expected {
	u64 value; /* loaded, or in memory after a store of WORD */
	bool sync, async;
};

static void check(const char *what, u64 value, u64 tfsr, const struct expected *expected)
{
	report(value == expected->value && fault.count == expected->sync &&
		       tfsr == (expected->async ? TFSR_EL1_TF0 : 0),
	       "%s: expected value %#lx, %d faults, TFSR %#lx; found %#lx, %u, %#lx", what,
	       expected->value, expected->sync, expected->async ? TFSR_EL1_TF0 : 0, value,
	       fault.count, tfsr);
}

/* Bits 63..60 of FAR_ELx are unknown without FEAT_MTE_TAGGED_FAR. */
static void check_syndrome(const u64 *p, u64 wnr)
{
	u64 mask = ESR_ELx_FSC | ESR_ELx_WNR, expected = ESR_ELx_FSC_MTE | wnr;

	report((fault.esr & mask) == expected && FIELD(fault.far, 59, 0) == FIELD((u64)p, 59, 0),
	       "FSC and WnR, FAR[59:0]: expected %#lx, %#lx; found %#lx, %#lx", expected,
	       FIELD((u64)p, 59, 0), fault.esr & mask, FIELD(fault.far, 59, 0));
}

static void check_load(u64 *p, const char *what, const struct expected *expected)
{
	u64 value;

	fault.count = 0;
	value = load(p);
	check(what, value, take_tfsr(), expected);
	if (fault.count)
		check_syndrome(p, 0);
}

static void check_store(u64 *p, u64 *untagged, const char *what, const struct expected *expected)
{
	u64 tfsr;

	fault.count = 0;
	store(p, WORD);
	tfsr = take_tfsr();
	set_tcf(TCF_NONE);
	check(what, load(untagged), tfsr, expected);
	if (fault.count)
		check_syndrome(p, ESR_ELx_WNR);
	store(untagged, UNTAGGED_WORD);
}

static void check_mode(enum tcf tcf, const struct expected *wrong_load,
		       const struct expected *wrong_store)
{
	u64 *page = map_page(MT_NORMAL_TAGGED);

	set_tcf(tcf);
	check_load(with_tag(page, 1), "load, its tag",
		   &(struct expected){ UNTAGGED_WORD, false, false });
	check_load(with_tag(page, 2), "load, another tag", wrong_load);
	check_store(with_tag(page, 1), page, "store, its tag",
		    &(struct expected){ WORD, false, false });
	set_tcf(tcf);
	check_store(with_tag(page, 3), page, "store, another tag", wrong_store);
}

static void test_sync(void)
{
	check_mode(TCF_SYNC, &(struct expected){ 0, true, false },
		   &(struct expected){ UNTAGGED_WORD, true, false });
}

static void test_async(void)
{
	check_mode(TCF_ASYNC, &(struct expected){ UNTAGGED_WORD, false, true },
		   &(struct expected){ WORD, false, true });
}

static void test_asymm(void)
{
	if (mte_version() < MTE3) {
		report_skip("no FEAT_MTE3 (ID_AA64PFR1_EL1.MTE is %lu)", mte_version());
		return;
	}
	check_mode(TCF_ASYMM, &(struct expected){ 0, true, false },
		   &(struct expected){ WORD, false, true });
}

static void test_none(void)
{
	check_mode(TCF_NONE, &(struct expected){ UNTAGGED_WORD, false, false },
		   &(struct expected){ WORD, false, false });
}

static void check_tag(u64 *p, u64 expected, const char *what)
{
	u64 found = get_tag(p);

	report(found == expected, "tag of %s: expected %lu, found %lu", what, expected, found);
}

static void test_memory(void)
{
	u64 *tagged = map_page(MT_NORMAL_TAGGED), *untagged = map_page(MT_NORMAL);

	check_tag(tagged, 1, "the first granule");
	check_tag(tagged + 1, 1, "its second word");
	check_tag(tagged + GRANULE / 8, 0, "the granule behind it");
	check_tag(untagged, 0, "memory that is not tagged");
	set_tcf(TCF_SYNC);
	check_load(with_tag(untagged, 2), "load of memory that is not tagged, any tag",
		   &(struct expected){ UNTAGGED_WORD, false, false });
	check_load(tagged, "load, tag 0", &(struct expected){ 0, true, false });
	write_sysreg(read_sysreg(tcr_el1) | TCR_TCMA0, tcr_el1);
	isb();
	flush_tlb_all();
	check_load(tagged, "load, tag 0, which is not checked (TCMA0)",
		   &(struct expected){ UNTAGGED_WORD, false, false });
	write_sysreg(read_sysreg(tcr_el1) & ~TCR_TCMA0, tcr_el1);
	isb();
	flush_tlb_all();
	set_tcf(TCF_NONE);
}

/*
 * Guests
 */

#define VMID 90
#define VA_BITS_GUEST 39
#define PAGE_VA 0x2000000000UL
#define PAGE_IPA 0x180000000UL

struct guest_page {
	struct guest *guest;
	struct guest_stage1 *stage1;
	u64 *page;
};

/* A guest with a page of tagged memory at PAGE_VA */
static struct guest_page create(u64 (*func)(const struct guest_stage1 *))
{
	struct guest_page g = { .guest = guest_create_4k(VMID, func), .page = alloc_page() };
	pteval_t *leaf;

	g.stage1 = guest_stage1_create(g.guest, VA_BITS_GUEST);
	assert(g.page && g.stage1);
	g.stage1->tcr |= TCR_TBI0;
	assert(!s2mmu_map(g.guest->s2mmu, PAGE_IPA, virt_to_phys(g.page), SZ_4K, S2_MAP_RW));
	assert(!guest_stage1_map(g.stage1, PAGE_VA, PAGE_IPA, SZ_4K, S1_MAP_RW));
	leaf = guest_stage1_lookup(g.stage1, PAGE_VA, NULL);
	*leaf = (*leaf & ~PTE_ATTRINDX_MASK) | PTE_ATTRINDX(MT_NORMAL_TAGGED);
	return g;
}

static void destroy(struct guest_page *g)
{
	guest_stage1_destroy(g->stage1);
	guest_destroy(g->guest);
	free_page(g->page);
}

/* Turn on the MMU and tag checks, with synchronous faults; PAGE_VA gets the tag 1. */
static void guest_turn_on(const struct guest_stage1 *stage1)
{
	guest_stage1_turn_on(stage1);
	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_EL1_ATA | (u64)TCF_SYNC << SCTLR_EL1_TCF_SHIFT,
		     sctlr_el1);
	isb();
	set_tag(with_tag((void *)PAGE_VA, 1));
}

/* The tag that is read back, and the word by a pointer with another tag, after a handler */
static u64 guest_check_tags(const struct guest_stage1 *stage1)
{
	guest_turn_on(stage1);
	store(with_tag((void *)PAGE_VA, 1), WORD);
	return get_tag((u64 *)PAGE_VA) << 32 | load(with_tag((void *)PAGE_VA, 2));
}

static void guest_take_fault(struct guest_el1_regs *regs, unsigned int esr)
{
	fault.esr = esr;
	fault.far = read_sysreg(far_el1);
	fault.count++;
	regs->elr += 4;
}

static void test_guest(void)
{
	struct guest_page g = create(guest_check_tags);

	g.guest->hcr_el2 |= HCR_EL2_ATA;
	fault.count = 0;
	assert(guest_install_el1_handler(g.guest, ELxH_SYNC, guest_take_fault));
	assert(!guest_stage1_map_image(g.stage1, 0));
	g.guest->x[0] = (u64)g.stage1;
	guest_check_run(g.guest, EXPECT_RETURN(1UL << 32),
			"tag 1, and a load with tag 2 that faults");
	report(fault.count == 1, "tag check faults of the guest: expected 1, found %u",
	       fault.count);
	check_syndrome(with_tag((void *)PAGE_VA, 2), 0);
	destroy(&g);
}

/* Without HCR_EL2.ATA tags are 0, are not written and not checked. */
static void test_guest_without(void)
{
	struct guest_page g = create(guest_check_tags);

	assert(!guest_stage1_map_image(g.stage1, 0));
	g.guest->x[0] = (u64)g.stage1;
	guest_check_run(g.guest, EXPECT_RETURN(WORD), "tag 0, and a load with tag 2");
	destroy(&g);
}

static u64 guest_read_tfsr(void)
{
	return read_sysreg_s(TFSR_EL1);
}

static void test_guest_registers(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_read_tfsr);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_MRS(3, 0, 5, 6, 0), "TFSR_EL1 in a guest");
	guest_destroy(guest);
}

static void for_guests(void (*test)(void))
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason)
		report_skip("%s", reason);
	else
		test();
}

static void test_guests(void)
{
	for_guests(test_guest);
	for_guests(test_guest_without);
	for_guests(test_guest_registers);
}

static const struct subtest subtests[] = {
	{ "none", test_none },	 { "sync", test_sync },	    { "async", test_async },
	{ "asymm", test_asymm }, { "memory", test_memory }, { "guests", test_guests },
};

int main(int argc, char **argv)
{
	u64 tcr = read_sysreg(tcr_el1);
	int status;

	if (mte_version() < MTE2)
		return skip_all("no FEAT_MTE2 (ID_AA64PFR1_EL1.MTE)");
	allow_tags();
	set_tcr((tcr | TCR_TBI0) & ~TCR_TCMA0);
	flush_tlb_all();
	status = run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
	set_tcr(tcr);
	return status;
}
