/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests with page tables of their own: the MMU stays on while other guests run, faults of both
 * stages have the right address, and memory is Normal while the MMU is off.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <subtest.h>
#include <asm/at.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/processor.h>

#define VMID 20
#define VA_BITS_GUEST 39
/* A page in the guest's stage 1 and in stage 2. TEST_VA is not mapped as an IPA. */
#define TEST_VA 0x2000000000UL
#define TEST_IPA 0x180000000UL
#define WORD 0x123

struct machine {
	struct guest *guest;
	struct guest_stage1 *stage1;
	u64 *page;
};

/* A guest with the image mapped, and a page at TEST_VA with @flags that holds @value. */
static struct machine create(int vmid, u64 (*guest_func)(const struct guest_stage1 *), u64 value,
			     unsigned long flags)
{
	struct machine m = {
		.guest = guest_create_4k(vmid, guest_func),
		.page = alloc_page(),
	};

	assert(m.page);
	m.stage1 = guest_stage1_create(m.guest, VA_BITS_GUEST);
	assert(m.stage1);
	m.page[0] = value;
	assert(!s2mmu_map(m.guest->s2mmu, TEST_IPA, virt_to_phys(m.page), PAGE_SIZE, S2_MAP_RW));
	assert(!guest_stage1_map(m.stage1, TEST_VA, TEST_IPA, PAGE_SIZE, flags));
	assert(!guest_stage1_map_image(m.stage1, 0));
	m.guest->x[0] = (u64)m.stage1;
	return m;
}

static void destroy(struct machine *m)
{
	guest_stage1_destroy(m->stage1);
	guest_destroy(m->guest);
	free_page(m->page);
}

static u64 read_test_page(void)
{
	return *(volatile u64 *)TEST_VA;
}

/*
 * The MMU stays on
 */

/* Turn it on, read, leave the CPU to another guest, read again. */
static u64 guest_turn_on(const struct guest_stage1 *stage1)
{
	u64 first;

	guest_stage1_turn_on(stage1);
	first = read_test_page();
	asm volatile("hvc #0" : : : "memory");
	return first << 32 | read_test_page();
}

#define SCTLR_ON 0x1005UL /* M, C and I (DDI 0487, D24.2.174) */

static void check_mmu_is_on(struct guest *guest, const struct guest_stage1 *stage1)
{
	report((guest->sctlr_el1 & SCTLR_ON) == SCTLR_ON && guest->ttbr0_el1 == stage1->ttbr0 &&
		       guest->tcr_el1 == stage1->tcr && guest->mair_el1 == stage1->mair,
	       "M, C and I of SCTLR_EL1, TTBR0_EL1, TCR_EL1, MAIR_EL1 of a guest with its MMU on: "
	       "expected %#lx, %#lx, %#lx, %#lx, found %#lx, %#lx, %#lx, %#lx",
	       SCTLR_ON, stage1->ttbr0, stage1->tcr, stage1->mair, guest->sctlr_el1 & SCTLR_ON,
	       guest->ttbr0_el1, guest->tcr_el1, guest->mair_el1);
	report(!(guest->hcr_el2 & HCR_EL2_DC),
	       "HCR_EL2.DC of a guest with its MMU on: expected 0, found %d",
	       !!(guest->hcr_el2 & HCR_EL2_DC));
}

static void test_turn_on(void)
{
	struct machine a = create(VMID, guest_turn_on, 0xa, S1_MAP_RW);
	struct machine b = create(VMID + 1, guest_turn_on, 0xb, S1_MAP_RW);

	guest_install_handler(a.guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_install_handler(b.guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(a.guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"first guest, turns its MMU on");
	guest_check_run(b.guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"second guest, turns its MMU on");
	a.page[0] = 0xaa;
	b.page[0] = 0xbb;
	guest_check_run(a.guest, EXPECT_RETURN(0xa000000aaUL),
			"page at its VA before and after another guest ran, first guest");
	guest_check_run(b.guest, EXPECT_RETURN(0xb000000bbUL),
			"page at its VA before and after another guest ran, second guest");
	check_mmu_is_on(a.guest, a.stage1);
	destroy(&a);
	destroy(&b);
}

/* The host turns it on before the guest's first instruction, or in a handler. */
static u64 guest_read(const struct guest_stage1 *stage1)
{
	return read_test_page();
}

static void test_enable(void)
{
	struct machine m = create(VMID, guest_read, 0xe, S1_MAP_RO);

	guest_stage1_enable(m.stage1);
	guest_check_run(m.guest, EXPECT_RETURN(0xe),
			"page at its VA, the MMU turned on before the first instruction");
	destroy(&m);
}

static u64 guest_hvc_and_read(const struct guest_stage1 *stage1)
{
	asm volatile("hvc #0" : : : "memory");
	return read_test_page();
}

static enum guest_handler_result enable_on_hvc(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return GUEST_ACTION_EXIT;
	guest_stage1_enable(guest->data);
	return GUEST_ACTION_RESUME;
}

static void test_enable_in_handler(void)
{
	struct machine m = create(VMID, guest_hvc_and_read, 0xf, S1_MAP_RO);

	m.guest->data = m.stage1;
	guest_install_handler(m.guest, ELx_LOW_SYNC_64, enable_on_hvc);
	guest_check_run(m.guest, EXPECT_RETURN(0xf),
			"page at its VA, the MMU turned on by a handler");
	destroy(&m);
}

/*
 * Permissions of stage 1: the guest's own exceptions
 */

static struct {
	u64 esr, far;
	unsigned int count;
} seen;

static void note_and_skip(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.esr = esr;
	seen.far = read_sysreg(far_el1);
	seen.count++;
	/* After a fetch return to the caller. */
	regs->elr = ESR_ELx_EC(esr) == ESR_ELx_EC_IABT_CUR ? regs->regs[30] : regs->elr + 4;
}

static u64 guest_write(const struct guest_stage1 *stage1)
{
	*(volatile u64 *)TEST_VA = 0xbad;
	return read_test_page();
}

static u64 guest_call(const struct guest_stage1 *stage1)
{
	((void (*)(void))TEST_VA)();
	return read_test_page();
}

static void check_permission(u64 (*guest_func)(const struct guest_stage1 *), unsigned long flags,
			     u64 class)
{
	struct guest *guest = guest_create_4k(VMID, guest_func);
	struct guest_stage1 *stage1;
	u64 *page = alloc_page();
	char syndrome[128];

	assert(page);
	page[0] = 0x600d;
	/* Before map_image(), so that the vectors are mapped too. */
	assert(guest_install_el1_handler(guest, ELxH_SYNC, note_and_skip));
	stage1 = guest_stage1_create(guest, VA_BITS_GUEST);
	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, PAGE_SIZE, flags));
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
	guest_stage1_enable(stage1);
	seen.count = 0;
	guest_check_run(guest, EXPECT_RETURN(0x600d), "word after an access that stage 1 denies");
	report(seen.count == 1 && ESR_ELx_EC(seen.esr) == class &&
		       (seen.esr & ESR_ELx_FSC) == (ESR_ELx_FSC_PERM | 3) && seen.far == TEST_VA,
	       "exception at EL1: expected 1, %s: permission fault, level 3, at %#lx; found %u, %s "
	       "at %#lx",
	       esr_class_name(class << ESR_ELx_EC_SHIFT), TEST_VA, seen.count,
	       esr_decode(seen.esr, syndrome, sizeof(syndrome)), seen.far);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
	free_page(page);
}

static void test_permissions(void)
{
	report_prefix_push("write");
	check_permission(guest_write, S1_MAP_RO, ESR_ELx_EC_DABT_CUR);
	report_prefix_pop();
	report_prefix_push("execute");
	check_permission(guest_call, S1_MAP_RW | S1_MAP_XN, ESR_ELx_EC_IABT_CUR);
	report_prefix_pop();
}

/*
 * Faults of stage 2 under a stage 1
 */

struct fault {
	u64 esr, ipa;
	unsigned int count;
	u64 pa; /* map this at the faulting page */
};

static enum guest_handler_result map_where_it_faults(struct guest *guest)
{
	struct fault *fault = guest->data;

	fault->esr = guest->esr_el2;
	if (fault->count++ || !guest_fault_ipa(guest, &fault->ipa))
		return GUEST_ACTION_EXIT;
	s2mmu_unmap(guest->s2mmu, ALIGN_DOWN(fault->ipa, SZ_4K), SZ_4K);
	if (s2mmu_map(guest->s2mmu, ALIGN_DOWN(fault->ipa, SZ_4K), fault->pa, SZ_4K, S2_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static u64 guest_write_word(const struct guest_stage1 *stage1)
{
	*(volatile u8 *)(TEST_VA + WORD) = 0x5a;
	return *(volatile u8 *)(TEST_VA + WORD);
}

static void check_fault(struct machine *m, u64 expected_ipa, bool walk, u64 fsc_type)
{
	struct fault *fault = m->guest->data;
	char syndrome[128];

	guest_install_handler(m->guest, ELx_LOW_SYNC_64, map_where_it_faults);
	guest_stage1_enable(m->stage1);
	guest_check_run(m->guest, EXPECT_RETURN(0x5a), "word at an address mapped on a fault");
	report(fault->count == 1 && ESR_ELx_EC(fault->esr) == ESR_ELx_EC_DABT_LOW &&
		       (fault->esr & ESR_ELx_FSC_TYPE) == fsc_type &&
		       !!(fault->esr & ESR_ELx_S1PTW) == walk,
	       "stage-2 faults: expected 1, data abort from a lower EL, of type %#lx, S1PTW %d; "
	       "found %u, %s",
	       fsc_type, walk, fault->count, esr_decode(fault->esr, syndrome, sizeof(syndrome)));
	report(fault->ipa == expected_ipa, "IPA of the stage-2 fault: expected %#lx, found %#lx",
	       expected_ipa, fault->ipa);
}

static void test_fault_ipa(void)
{
	struct machine m = create(VMID, guest_write_word, 0, S1_MAP_RW);
	struct fault fault = { .pa = virt_to_phys(m.page) };

	m.guest->data = &fault;
	report_prefix_push("translation");
	assert(!s2mmu_unmap(m.guest->s2mmu, TEST_IPA, PAGE_SIZE));
	check_fault(&m, TEST_IPA + WORD, false, ESR_ELx_FSC_FAULT);
	report_prefix_pop();
	destroy(&m);

	/* HPFAR_EL2 is not valid for this one. */
	m = create(VMID, guest_write_word, 0, S1_MAP_RW);
	fault = (struct fault){ .pa = virt_to_phys(m.page) };
	m.guest->data = &fault;
	report_prefix_push("permission");
	assert(!s2mmu_protect(m.guest->s2mmu, TEST_IPA, PAGE_SIZE, S2_MAP_RO));
	check_fault(&m, TEST_IPA + WORD, false, ESR_ELx_FSC_PERM);
	report_prefix_pop();
	destroy(&m);
}

/* The guest's last-level table is missing at stage 2. */
static void test_walk_fault(void)
{
	struct machine m = create(VMID, guest_write_word, 0, S1_MAP_RW);
	int level = -1;
	u64 table = ALIGN_DOWN((u64)guest_stage1_lookup(m.stage1, TEST_VA, &level), SZ_4K);
	struct fault fault = { .pa = virt_to_phys((void *)table) };

	m.guest->data = &fault;
	assert(level == 3 && !s2mmu_unmap(m.guest->s2mmu, table, SZ_4K));
	check_fault(&m, table, true, ESR_ELx_FSC_FAULT);
	destroy(&m);
}

/*
 * MMU off
 */

#define NORMAL_WB 0xffUL

/* PAR_EL1 of the guest's stack: the memory type that both stages combine to. */
static enum guest_handler_result note_memory_type(struct guest *guest)
{
	u64 *par = guest->data;

	*par = at_s12e1r((u64)guest->stack);
	return GUEST_ACTION_EXIT;
}

static u64 guest_off(const struct guest_stage1 *stage1)
{
	asm volatile("hvc #0" : : : "memory");
	return 0;
}

static void test_off(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_off);
	u64 par = PAR_EL1_F;

	guest->data = &par;
	guest_install_handler(guest, ELx_LOW_SYNC_64, note_memory_type);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "guest with its MMU off");
	report(!(par & PAR_EL1_F) && PAR_EL1_ATTR(par) == NORMAL_WB,
	       "PAR_EL1.ATTR of memory with the MMU off: expected 0xff (write-back), found %#lx "
	       "(PAR_EL1 %#lx)",
	       PAR_EL1_ATTR(par), par);
	guest_destroy(guest);
}

/* Off again, by the guest itself or by a handler, and on once more. */
#define HVC_TURN_OFF 1
#define HVC_LOOK 2

static u64 guest_off_and_on(const struct guest_stage1 *stage1)
{
	u64 first;

	guest_stage1_turn_on(stage1);
	first = read_test_page();
	write_sysreg(read_sysreg(sctlr_el1) & ~SCTLR_ELx_M, sctlr_el1);
	isb();
	asm volatile("hvc %0" : : "i"(HVC_LOOK) : "memory");
	guest_stage1_turn_on(stage1);
	return first << 32 | read_test_page();
}

static u64 guest_off_by_host(const struct guest_stage1 *stage1)
{
	u64 first;

	guest_stage1_turn_on(stage1);
	first = read_test_page();
	asm volatile("hvc %0" : : "i"(HVC_TURN_OFF) : "memory");
	asm volatile("hvc %0" : : "i"(HVC_LOOK) : "memory");
	guest_stage1_turn_on(stage1);
	return first << 32 | read_test_page();
}

static enum guest_handler_result turn_off_or_look(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return GUEST_ACTION_EXIT;
	if (ESR_ELx_ISS(guest->esr_el2) == HVC_TURN_OFF)
		guest->sctlr_el1 &= ~SCTLR_ELx_M;
	else
		note_memory_type(guest);
	return GUEST_ACTION_RESUME;
}

static void check_off_again(u64 (*guest_func)(const struct guest_stage1 *), const char *by)
{
	struct machine m = create(VMID, guest_func, 0xc, S1_MAP_RW);
	u64 par = PAR_EL1_F;

	m.guest->data = &par;
	guest_install_handler(m.guest, ELx_LOW_SYNC_64, turn_off_or_look);
	guest_check_run(m.guest, EXPECT_RETURN(0xc0000000cUL),
			"page at its VA before and after the MMU was turned off by %s", by);
	report(!(par & PAR_EL1_F) && PAR_EL1_ATTR(par) == NORMAL_WB,
	       "PAR_EL1.ATTR of memory with the MMU turned off by %s: expected 0xff (write-back), "
	       "found %#lx (PAR_EL1 %#lx)",
	       by, PAR_EL1_ATTR(par), par);
	destroy(&m);
}

static void test_off_again(void)
{
	check_off_again(guest_off_and_on, "the guest");
	check_off_again(guest_off_by_host, "the host");
}

/*
 * Arguments of the library
 */

static void check_map(const struct machine *m, u64 va, u64 ipa, u64 size, int expected)
{
	int err = guest_stage1_map(m->stage1, va, ipa, size, 0);

	report(err == expected,
	       "guest_stage1_map() of %#lx bytes from %#lx to %#lx: expected %d, found %d", size,
	       va, ipa, expected, err);
}

static void check_level(const struct machine *m, u64 va, int expected)
{
	int level = -1;
	bool found = guest_stage1_lookup(m->stage1, va, &level);

	report(found && level == expected, "leaf for %#lx: expected level %d, found %d", va,
	       expected, level);
}

static void test_errors(void)
{
	struct machine m = create(VMID, guest_read, 0, S1_MAP_RO);
	unsigned long before;

	check_map(&m, TEST_VA, TEST_IPA, PAGE_SIZE, -EEXIST);
	check_map(&m, TEST_VA + 8, TEST_IPA, PAGE_SIZE, -EINVAL);
	check_map(&m, TEST_VA, TEST_IPA + 8, PAGE_SIZE, -EINVAL);
	check_map(&m, TEST_VA, TEST_IPA, PAGE_SIZE + 8, -EINVAL);
	check_map(&m, TEST_VA, TEST_IPA, 0, -EINVAL);
	check_map(&m, (1UL << VA_BITS_GUEST) - PAGE_SIZE, TEST_IPA, 2 * PAGE_SIZE, -ERANGE);
	check_map(&m, SZ_1G, 1UL << 48, PAGE_SIZE, -ERANGE);
	check_map(&m, SZ_1G, (1UL << 48) - PAGE_SIZE, 2 * PAGE_SIZE, -ERANGE);
	check_map(&m, SZ_1G, (1UL << 48) - PAGE_SIZE, PAGE_SIZE, 0);
	check_map(&m, SZ_1G * 8, 0, SZ_1G, 0);
	check_level(&m, SZ_1G * 8 + 5, 1);
	destroy(&m);

	m = create(VMID, guest_read, 0, S1_MAP_RO);
	destroy(&m);
	before = alloc_pages_in_use();
	m = create(VMID, guest_read, 0, S1_MAP_RO);
	/* More tables than the first chunk has */
	for (u64 i = 0; i < 40; i++)
		assert(!guest_stage1_map(m.stage1, SZ_1G * (200 + i), 0, PAGE_SIZE, 0));
	destroy(&m);
	report(alloc_pages_in_use() == before,
	       "pages lost by tables of a stage 1 that was destroyed: expected 0, found %ld",
	       alloc_pages_in_use() - before);
}

/*
 * Every granule, and both halves of the addresses
 */

#define HIGH_BITS 42
#define HIGH_VA (UINT64_MAX << HIGH_BITS)
#define HIGH_IPA (TEST_IPA + SZ_64K)

/* The high address is its second argument. */
static u64 guest_read_both(const struct guest_stage1 *stage1, u64 high)
{
	guest_stage1_turn_on(stage1);
	return read_test_page() << 32 | *(volatile u64 *)(high + 8);
}

static u64 guest_write_high(u64 high)
{
	*(volatile u8 *)(high + WORD) = 0x5a;
	return *(volatile u8 *)(high + WORD);
}

/* Two pages: at TEST_VA, and at the high address that it also has as x1. */
static struct machine create_halves(enum s2_granule granule, u64 high_va, u64 high_ipa)
{
	const struct guest_stage1_config config = { granule, VA_BITS_GUEST, HIGH_BITS };
	struct machine m = {
		.guest = guest_create_4k(VMID, guest_read_both),
		.page = alloc_pages(1),
	};
	u64 pa = virt_to_phys(m.page), size;
	int err;

	assert(m.page);
	m.stage1 = guest_stage1_create_config(m.guest, &config);
	assert(m.stage1);
	size = 1UL << m.stage1->page_shift;
	m.page[0] = 0x10;
	m.page[PAGE_SIZE / 8 + 1] = 0x41;
	err = s2mmu_map(m.guest->s2mmu, TEST_IPA, pa, SZ_4K, S2_MAP_RW) ?:
	      s2mmu_map(m.guest->s2mmu, high_ipa, pa + PAGE_SIZE, SZ_4K, S2_MAP_RW) ?:
	      guest_stage1_map(m.stage1, TEST_VA, TEST_IPA, size, S1_MAP_RW) ?:
	      guest_stage1_map(m.stage1, high_va, high_ipa, size, S1_MAP_RW) ?:
	      guest_stage1_map_image(m.stage1, 0);
	assert(!err);
	m.guest->x[0] = (u64)m.stage1;
	m.guest->x[1] = high_va;
	return m;
}

static void check_halves(enum s2_granule granule)
{
	u64 size = 4096UL << 2 * granule, last = -size;
	u64 high[] = { HIGH_VA, last };

	for (size_t i = 0; i < ARRAY_SIZE(high); i++) {
		struct machine m = create_halves(granule, high[i], HIGH_IPA);

		guest_check_run(m.guest, EXPECT_RETURN(0x1000000041UL),
				"words on pages at %#lx and %#lx", TEST_VA, high[i]);
		check_level(&m, high[i], 3);
		destroy(&m);
	}
}

/* The IPA of a fault in the high half, resolved by the CPU's own walk. */
static void check_high_fault(enum s2_granule granule)
{
	struct machine m = create_halves(granule, HIGH_VA, HIGH_IPA);
	struct fault fault = { .pa = virt_to_phys(m.page) };

	m.guest->data = &fault;
	m.guest->elr_el2 = (u64)guest_write_high;
	m.guest->x[0] = HIGH_VA;
	assert(!s2mmu_protect(m.guest->s2mmu, HIGH_IPA, SZ_4K, S2_MAP_RO));
	check_fault(&m, HIGH_IPA + WORD, false, ESR_ELx_FSC_PERM);
	destroy(&m);
}

static void check_not_mapped(const struct machine *m, u64 va)
{
	pteval_t *leaf = guest_stage1_lookup(m->stage1, va, NULL);

	report(!leaf, "leaf for %#lx, which is not mapped: expected none, found %#lx", va,
	       leaf ? *leaf : 0);
}

/* One block at level 2, and nothing behind it or below the half. */
static void check_blocks(enum s2_granule granule)
{
	static const unsigned int block_shift[] = { 21, 25, 29 };
	u64 size = 1UL << block_shift[granule], va = HIGH_VA + 4 * size;
	struct machine m = create_halves(granule, HIGH_VA, HIGH_IPA);

	check_map(&m, va, size, size, 0);
	check_level(&m, va + size - 1, 2);
	check_not_mapped(&m, va + size);
	check_not_mapped(&m, HIGH_VA - 1);
	check_map(&m, HIGH_VA - SZ_64K, 0, SZ_64K, -ERANGE);
	check_map(&m, -(u64)SZ_64K, 0, 2 * SZ_64K, -ERANGE);
	check_map(&m, HIGH_VA, 1UL << (granule == S2_PAGE_64K ? 52 : 48), SZ_64K, -ERANGE);
	destroy(&m);
}

static void test_granules(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		report_prefix_push(s2_granule_name(granule));
		if (guest_stage1_granule_supported(granule)) {
			check_halves(granule);
			check_high_fault(granule);
			check_blocks(granule);
		} else {
			report_skip("not at stage 1 (ID_AA64MMFR0_EL1.TGran*)");
		}
		report_prefix_pop();
	}
}

static const struct subtest subtests[] = {
	{ "turn-on", test_turn_on },
	{ "enable", test_enable },
	{ "enable-in-handler", test_enable_in_handler },
	{ "permissions", test_permissions },
	{ "fault-ipa", test_fault_ipa },
	{ "walk-fault", test_walk_fault },
	{ "off", test_off },
	{ "off-again", test_off_again },
	{ "granules", test_granules },
	{ "errors", test_errors },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
