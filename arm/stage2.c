/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests behind stage 2: demand paging first of all, then each kind of exit, and the host after it.
 * A subtest by argument; all of them without.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include "stage2.h"

#define VMID 1
#define NR_PAGES 16
/* Far from where the image and its memory are mapped */
#define TEST_IPA 0x100000000UL
#define PATTERN(i) (0xfeed0000UL + (i))

#define check_reason(guest, reason, ...) guest_check_run(guest, EXPECT_REASON(reason), __VA_ARGS__)
#define check_returns(guest, ...) check_reason(guest, GUEST_EXIT_RETURNED, __VA_ARGS__)

/*
 * Demand paging
 */

struct fault {
	u64 esr, far, hpfar, ipa;
	bool ipa_known;
};

/* Pages for TEST_IPA on, and the faults that mapped them. */
struct paging {
	void *pages[NR_PAGES];
	struct fault faults[NR_PAGES + 1];
	unsigned int nr_faults;
	unsigned long map_flags;
	u64 page_size;
};

static enum guest_handler_result map_on_fault(struct guest *guest)
{
	struct paging *paging = guest->data;
	struct fault fault = {
		.esr = guest->esr_el2,
		.far = guest->far_el2,
		.hpfar = guest->hpfar_el2,
	};
	u64 index;

	fault.ipa_known = guest_fault_ipa(guest, &fault.ipa);
	paging->faults[MIN(paging->nr_faults, (unsigned int)NR_PAGES)] = fault;
	paging->nr_faults++;
	index = (fault.ipa - TEST_IPA) / paging->page_size;
	if (ESR_ELx_EC(fault.esr) != ESR_ELx_EC_DABT_LOW || !fault.ipa_known || index >= NR_PAGES ||
	    s2mmu_map(guest->s2mmu, ALIGN_DOWN(fault.ipa, paging->page_size),
		      virt_to_phys(paging->pages[index]), paging->page_size, paging->map_flags))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

/* An offset into each page that is not zero, so that the page offset in FAR and HPFAR counts. */
static u64 page_word(u64 page, u64 page_size)
{
	return TEST_IPA + page * page_size + 8 * (page + 1);
}

static u64 guest_read_pages(u64 page_size)
{
	u64 wrong = 0;

	for (u64 i = 0; i < NR_PAGES; i++)
		wrong += *(volatile u64 *)page_word(i, page_size) != PATTERN(i);
	return wrong;
}

static u64 guest_write_pages(u64 page_size)
{
	for (u64 i = 0; i < NR_PAGES; i++)
		*(volatile u64 *)page_word(i, page_size) = ~PATTERN(i);
	return 0;
}

/* FSC of a translation fault at the last level; while a level-2 table is missing, at level 2. */
static bool translation_fault(const struct fault *fault, bool write)
{
	unsigned int fsc = fault->esr & ESR_ELx_FSC;

	return ESR_ELx_EC(fault->esr) == ESR_ELx_EC_DABT_LOW &&
	       !!(fault->esr & ESR_ELx_WNR) == write &&
	       !(fault->esr & (ESR_ELx_S1PTW | ESR_ELx_CM)) &&
	       (fsc & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_FAULT;
}

static void check_fault(const struct paging *paging, unsigned int i, bool write, int level)
{
	const struct fault *fault = &paging->faults[i];
	u64 ipa = page_word(i, paging->page_size);
	char syndrome[128];

	report(translation_fault(fault, write) && (fault->esr & ESR_ELx_FSC_LEVEL) == (u64)level,
	       "page %u: expected data abort from a lower EL: translation fault, level %d, %s; found "
	       "%s",
	       i, level, write ? "write" : "read",
	       esr_decode(fault->esr, syndrome, sizeof(syndrome)));
	report(fault->far == ipa, "FAR_EL2 of the fault on page %u: expected %#lx, found %#lx", i,
	       ipa, fault->far);
	report(fault->hpfar == ipa >> 12 << 4,
	       "HPFAR_EL2 of the fault on page %u: expected %#lx, found %#lx", i, ipa >> 12 << 4,
	       fault->hpfar);
	report(fault->ipa_known && fault->ipa == ipa,
	       "guest_fault_ipa() of page %u: expected %#lx, found %#lx (%s)", i, ipa, fault->ipa,
	       fault->ipa_known ? "known" : "unknown");
}

static void setup_paging(struct paging *paging, struct guest *guest)
{
	memset(paging, 0, sizeof(*paging));
	paging->page_size = s2_page_size(guest->s2mmu);
	paging->map_flags = S2_MAP_RW;
	for (u64 i = 0; i < NR_PAGES; i++) {
		char *page = memalign_pages(paging->page_size, paging->page_size);

		assert(page);
		*(u64 *)(page + page_word(i, paging->page_size) % paging->page_size) = PATTERN(i);
		paging->pages[i] = page;
	}
	guest->data = paging;
	guest_install_handler(guest, ELx_LOW_SYNC_64, map_on_fault);
}

static void free_paging(struct paging *paging)
{
	for (int i = 0; i < NR_PAGES; i++)
		free_pages(paging->pages[i]);
}

static u64 host_word(struct paging *paging, u64 i)
{
	return *(u64 *)(paging->pages[i] + page_word(i, paging->page_size) % paging->page_size);
}

/* Level of the first fault: with no tables below it, the walk stops at the start level. */
static int first_fault_level(struct guest *guest)
{
	return guest->s2mmu->geometry.start_level;
}

static void demand_paging_one(enum s2_granule granule, bool write)
{
	void *guest_func = write ? (void *)guest_write_pages : (void *)guest_read_pages;
	struct guest *guest = guest_require(guest_create(VMID, guest_func, granule));
	struct paging paging;
	unsigned int right = 0;

	report_prefix_pushf("%s, %s", s2_granule_name(granule), write ? "write" : "read");
	setup_paging(&paging, guest);
	guest->x[0] = paging.page_size;
	check_returns(guest, "guest that accesses %d unmapped pages", NR_PAGES);
	report(paging.nr_faults == NR_PAGES, "faults on %d unmapped pages: expected %u, found %u",
	       NR_PAGES, NR_PAGES, paging.nr_faults);
	report(guest->return_value == 0, "wrong values read by the guest: expected 0, found %lu",
	       guest->return_value);
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		check_fault(&paging, i, write, i ? PT_LEVEL_LAST : first_fault_level(guest));
		right += host_word(&paging, i) == (write ? ~PATTERN(i) : PATTERN(i));
	}
	report(right == NR_PAGES,
	       "pages that the host finds as the guest left them: expected %u, found %u", NR_PAGES,
	       right);

	/* Everything is mapped now: the same accesses again take no fault. */
	guest->elr_el2 = (u64)guest_func;
	guest->x[0] = paging.page_size;
	check_returns(guest, "guest that accesses %d mapped pages", NR_PAGES);
	report(paging.nr_faults == NR_PAGES, "faults on %d mapped pages: expected 0, found %u",
	       NR_PAGES, paging.nr_faults - NR_PAGES);
	guest_destroy(guest);
	free_paging(&paging);
	report_prefix_pop();
}

static void test_demand_paging(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		if (!s2_granule_supported(granule)) {
			report_skip("%s: not in ID_AA64MMFR0_EL1 for stage 2",
				    s2_granule_name(granule));
			continue;
		}
		demand_paging_one(granule, false);
		demand_paging_one(granule, true);
	}
}

/*
 * Unmap and fault again
 */

static u64 guest_read_twice(volatile u64 *word)
{
	u64 first = *word;

	asm volatile("hvc #1" : : : "memory");
	return first == PATTERN(0) && *word == PATTERN(1);
}

static enum guest_handler_result fault_or_unmap(struct guest *guest)
{
	struct paging *paging = guest->data;

	if (ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW) {
		/* The second fault brings another page to the same address. */
		u64 ipa = TEST_IPA;

		if (s2mmu_map(guest->s2mmu, ipa, virt_to_phys(paging->pages[paging->nr_faults]),
			      paging->page_size, S2_MAP_RW))
			return GUEST_ACTION_EXIT;
		paging->nr_faults++;
		return GUEST_ACTION_RESUME;
	}
	if (s2mmu_unmap(guest->s2mmu, TEST_IPA, paging->page_size))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static void test_unmap(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_read_twice);
	struct paging paging;
	pteval_t *leaf;
	int err;

	setup_paging(&paging, guest);
	*(u64 *)paging.pages[0] = PATTERN(0);
	*(u64 *)paging.pages[1] = PATTERN(1);
	guest_install_handler(guest, ELx_LOW_SYNC_64, fault_or_unmap);
	guest->x[0] = TEST_IPA;
	check_returns(guest, "guest that reads a page before and after s2mmu_unmap()");
	report(paging.nr_faults == 2,
	       "faults on a page before and after s2mmu_unmap(): expected 2, found %u",
	       paging.nr_faults);
	report(guest->return_value == 1,
	       "reads that find the page mapped at the time: expected all (1), found %lu",
	       guest->return_value);
	err = s2mmu_unmap(guest->s2mmu, TEST_IPA, paging.page_size);
	leaf = s2mmu_lookup(guest->s2mmu, TEST_IPA, NULL);
	report(!err && !leaf, "s2mmu_unmap(): expected 0 and no leaf, found %d and %#lx", err,
	       leaf ? *leaf : 0);
	guest_destroy(guest);
	free_paging(&paging);
}

/*
 * A page without write permission
 */

static u64 guest_read_then_write(volatile u64 *word)
{
	u64 value = *word;

	*word = value + 1;
	return value;
}

static enum guest_handler_result grant_write(struct guest *guest)
{
	struct paging *paging = guest->data;
	struct fault *fault = &paging->faults[0];

	fault->esr = guest->esr_el2;
	fault->far = guest->far_el2;
	fault->ipa_known = guest_fault_ipa(guest, &fault->ipa);
	paging->nr_faults++;
	if (paging->nr_faults > 1 ||
	    s2mmu_protect(guest->s2mmu, TEST_IPA, paging->page_size, S2_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static void test_read_only(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_read_then_write);
	struct paging paging;
	const struct fault *fault = &paging.faults[0];
	char syndrome[128];
	u64 word;

	setup_paging(&paging, guest);
	*(u64 *)(paging.pages[0] + 8) = 41;
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(paging.pages[0]), paging.page_size,
			  S2_MAP_RO));
	guest_install_handler(guest, ELx_LOW_SYNC_64, grant_write);
	guest->x[0] = TEST_IPA + 8;
	check_returns(guest, "guest that reads and writes a read-only page");
	report(paging.nr_faults == 1,
	       "faults of a read and a write of a read-only page: expected 1, found %u",
	       paging.nr_faults);
	report(ESR_ELx_EC(fault->esr) == ESR_ELx_EC_DABT_LOW && (fault->esr & ESR_ELx_WNR) &&
		       (fault->esr & ESR_ELx_FSC) == (ESR_ELx_FSC_PERM | PT_LEVEL_LAST),
	       "write of a read-only page: expected data abort from a lower EL: permission fault, "
	       "level %d, write; found %s",
	       PT_LEVEL_LAST, esr_decode(fault->esr, syndrome, sizeof(syndrome)));
	report(fault->far == TEST_IPA + 8,
	       "FAR_EL2 of a write of a read-only page: expected %#lx, found %#lx", TEST_IPA + 8,
	       fault->far);
	report(fault->ipa_known && fault->ipa == TEST_IPA + 8,
	       "guest_fault_ipa() of a permission fault: expected %#lx, found %#lx (%s)",
	       TEST_IPA + 8, fault->ipa, fault->ipa_known ? "known" : "unknown");
	word = *(u64 *)(paging.pages[0] + 8);
	report(guest->return_value == 41 && word == 42,
	       "word read, and written with the permission granted: expected 41 and 42, found %lu "
	       "and %lu",
	       guest->return_value, word);
	guest_destroy(guest);
	free_paging(&paging);
}

/*
 * Exits that end the run
 */

static void guest_hvc_42(void)
{
	asm volatile("hvc #42" : : : "memory");
}

static void guest_touch_nothing(void)
{
	*(volatile u64 *)(TEST_IPA + 0x123000) = 1;
}

static void test_exit(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_42);

	report_prefix_push("handler");
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	check_reason(guest, GUEST_EXIT_HANDLER, "HVC #42 with a handler that exits");
	guest_check_exit(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC64, 42, 0xffff), "HVC #42");
	report(guest->elr_el2 > (u64)guest_hvc_42 && guest->elr_el2 < (u64)guest_hvc_42 + 64,
	       "ELR_EL2 of an HVC in a function at %p: expected behind it, found %#lx",
	       guest_hvc_42, guest->elr_el2);
	check_returns(guest, "guest continued behind its HVC");
	guest_destroy(guest);
	report_prefix_pop();

	report_prefix_push("no handler");
	guest = guest_create_4k(VMID, guest_touch_nothing);
	check_reason(guest, GUEST_EXIT_UNHANDLED, "stage-2 fault without handler");
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW &&
		       guest->far_el2 == TEST_IPA + 0x123000 &&
		       guest->fault_ipa == TEST_IPA + 0x123000,
	       "stage-2 fault without handler: expected data abort from a lower EL, FAR_EL2 and IPA "
	       "%#lx; found %s, %#lx and %#lx",
	       TEST_IPA + 0x123000, esr_class_name(guest->esr_el2), guest->far_el2,
	       guest->fault_ipa);
	guest_destroy(guest);
	report_prefix_pop();
}

/*
 * Hypercalls: every register in both directions
 */

/* stage2.S: the rounds 1..HVC_ROUNDS; returns the number of registers that were wrong */
void guest_all_registers(void);

struct hypercalls {
	unsigned int rounds, wrong;
	unsigned long sp;
};

static enum guest_handler_result complement_registers(struct guest *guest)
{
	struct hypercalls *calls = guest->data;

	calls->rounds++;
	for (u64 n = 0; n < 31; n++) {
		calls->wrong += guest->x[n] != calls->rounds * 256 + n;
		guest->x[n] = ~guest->x[n];
	}
	return GUEST_ACTION_RESUME;
}

static void test_hvc(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_all_registers);
	struct hypercalls calls = {};

	guest->data = &calls;
	guest_install_handler(guest, ELx_LOW_SYNC_64, complement_registers);
	check_returns(guest, "guest that checks x0..x30 around %d HVCs", HVC_ROUNDS);
	report(calls.rounds == HVC_ROUNDS, "HVCs of the guest: expected %d, found %u", HVC_ROUNDS,
	       calls.rounds);
	report(calls.wrong == 0, "x0..x30 of the guest in the host: expected 0 wrong, found %u",
	       calls.wrong);
	report(guest->return_value == 0,
	       "x0..x30 changed by the host, in the guest: expected 0 wrong, found %lu",
	       guest->return_value);
	guest_destroy(guest);
}

/*
 * The guest's own exceptions
 */

static unsigned int guest_exceptions; /* counted by the guest, read by the host */
static u64 guest_exception_esr, guest_exception_pc;

static void guest_count_and_skip(struct guest_el1_regs *regs, unsigned int esr)
{
	guest_exceptions++;
	guest_exception_esr = esr;
	guest_exception_pc = regs->elr;
	regs->regs[5] += 5;
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_BRK64)
		regs->elr += 4;
}

static u64 guest_brk(void)
{
	register u64 x5 asm("x5") = 100;

	asm volatile("brk #0x123" : "+r"(x5) : : "memory");
	return x5;
}

static void guest_undefined(void)
{
	asm volatile("udf #0");
}

static void test_el1_handler(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_brk);
	char syndrome[128];

	guest_exceptions = 0;
	assert(guest_install_el1_handler(guest, ELxH_SYNC, guest_count_and_skip));
	check_returns(guest, "guest with a handler of its own for BRK");
	report(guest_exceptions == 1, "exceptions at EL1: expected 1, found %u", guest_exceptions);
	report(ESR_ELx_EC(guest_exception_esr) == ESR_ELx_EC_BRK64 &&
		       (guest_exception_esr & 0xffff) == 0x123,
	       "ESR_EL1 of a BRK in the guest's handler: expected BRK: #0x123, found %s",
	       esr_decode(guest_exception_esr, syndrome, sizeof(syndrome)));
	report(guest->return_value == 105,
	       "x5 changed by the guest's handler: expected 105, found %lu", guest->return_value);
	guest_destroy(guest);

	report_prefix_push("no handler");
	guest = guest_create_4k(VMID, guest_undefined);
	check_reason(guest, GUEST_EXIT_EL1_UNHANDLED, "UDF at EL1 without handler there");
	report(ESR_ELx_EC(guest->esr_el1) == ESR_ELx_EC_UNKNOWN &&
		       guest->elr_el1 >= (u64)guest_undefined &&
		       guest->elr_el1 < (u64)guest_undefined + 64,
	       "UDF at EL1 without handler: expected unknown reason, ELR_EL1 %p or a little more; "
	       "found %s, %#lx",
	       guest_undefined, esr_class_name(guest->esr_el1), guest->elr_el1);
	report(guest->esr_el2 == guest->esr_el1 && guest->elr_el2 == guest->elr_el1 &&
		       guest->spsr_el2 == guest->spsr_el1,
	       "exit of an exception at EL1: expected ESR_EL1 %#lx, ELR_EL1 %#lx, SPSR_EL1 %#lx, "
	       "found ESR_EL2 %#lx, ELR_EL2 %#lx, SPSR_EL2 %#lx",
	       guest->esr_el1, guest->elr_el1, guest->spsr_el1, guest->esr_el2, guest->elr_el2,
	       guest->spsr_el2);
	guest_destroy(guest);
	report_prefix_pop();
}

/*
 * Arguments and return
 */

static u64 guest_sum(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g, u64 h)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}

static void test_return(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_sum);

	for (int i = 0; i < 8; i++)
		guest->x[i] = i + 1;
	check_returns(guest, "guest with eight arguments");
	report(guest->return_value == 204, "1*1 + 2*2 + ... + 8*8: expected 204, found %lu",
	       guest->return_value);
	report(guest->sp_el1 == (u64)guest->stack + GUEST_STACK_SIZE,
	       "SP_EL1 of a guest that returned: expected %#lx, found %#lx",
	       (u64)guest->stack + GUEST_STACK_SIZE, guest->sp_el1);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "demand-paging", test_demand_paging },
	{ "unmap", test_unmap },
	{ "read-only", test_read_only },
	{ "exit", test_exit },
	{ "hvc", test_hvc },
	{ "el1-handler", test_el1_handler },
	{ "return", test_return },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
