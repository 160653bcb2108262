/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests behind stage 2: demand paging first of all, then what each kind of exit does and what the
 * host is after it. A subtest by argument; all of them without.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include "stage2.h"

#define VMID 1
#define NR_PAGES 16
/* Far from where the image and its memory are mapped */
#define TEST_IPA 0x100000000UL
#define PATTERN(i) (0xfeed0000UL + (i))

static const char *granule_name(enum s2_granule granule)
{
	static const char *const names[] = { "4K", "16K", "64K" };

	return names[granule];
}

static struct guest *create(void (*guest_func)(void), enum s2_granule granule)
{
	struct guest *guest = guest_create(VMID, guest_func, granule);

	assert_msg(guest, "guest_create() failed");
	return guest;
}

/* Run and expect @reason. */
static bool run(struct guest *guest, enum guest_exit_reason reason)
{
	enum guest_exit_reason got = guest_run(guest);

	return report(got == reason, "guest_run(): expected \"%s\", found \"%s\"",
		      guest_exit_reason_name(reason), guest_exit_reason_name(got));
}

/*
 * Demand paging
 */

struct fault {
	u64 esr, far, hpfar, ipa;
	bool ipa_known;
};

/* What the host knows of the pages at TEST_IPA; the guest is told through x0 and x1. */
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
	char words[128];

	report(translation_fault(fault, write) && (fault->esr & ESR_ELx_FSC_LEVEL) == (u64)level,
	       "page %u: expected a translation fault at level %d on a %s, found %s", i, level,
	       write ? "write" : "read", esr_decode(fault->esr, words, sizeof(words)));
	report(fault->far == ipa, "page %u: FAR_EL2 expected %#lx, found %#lx", i, ipa, fault->far);
	report(fault->hpfar == ipa >> 12 << 4, "page %u: HPFAR_EL2 expected %#lx, found %#lx", i,
	       ipa >> 12 << 4, fault->hpfar);
	report(fault->ipa_known && fault->ipa == ipa,
	       "page %u: faulting IPA expected %#lx, found %#lx", i, ipa, fault->ipa);
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

/* How many tables the first page needs: the deepest level that a walk of an empty tree stops at. */
static int first_fault_level(struct guest *guest)
{
	return guest->s2mmu->geometry.start_level;
}

static void demand_paging_one(enum s2_granule granule, bool write)
{
	void (*guest_func)(void) = (void (*)(void))(write ? guest_write_pages : guest_read_pages);
	struct guest *guest = create(guest_func, granule);
	struct paging paging;
	unsigned int right = 0;

	report_prefix_pushf("%s, %s", granule_name(granule), write ? "write" : "read");
	setup_paging(&paging, guest);
	guest->x[0] = paging.page_size;
	run(guest, GUEST_EXIT_RETURNED);
	report(paging.nr_faults == NR_PAGES, "faults: expected %u, found %u", NR_PAGES,
	       paging.nr_faults);
	report(guest->exit_code == 0, "the guest read %lu wrong values", guest->exit_code);
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		check_fault(&paging, i, write, i ? PT_LEVEL_LAST : first_fault_level(guest));
		right += host_word(&paging, i) == (write ? ~PATTERN(i) : PATTERN(i));
	}
	report(right == NR_PAGES, "the host finds %u of %u pages as the guest left them", right,
	       NR_PAGES);

	/* Everything is mapped now: the same walk again takes no fault. */
	guest->elr_el2 = (u64)guest_func;
	guest->x[0] = paging.page_size;
	run(guest, GUEST_EXIT_RETURNED);
	report(paging.nr_faults == NR_PAGES, "a second walk takes no fault: %u",
	       paging.nr_faults - NR_PAGES);
	guest_destroy(guest);
	free_paging(&paging);
	report_prefix_pop();
}

static void test_demand_paging(void)
{
	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++) {
		if (!s2_granule_supported(granule)) {
			report_skip("%s: not in ID_AA64MMFR0_EL1 for stage 2",
				    granule_name(granule));
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
	struct guest *guest = create((void (*)(void))guest_read_twice, S2_PAGE_4K);
	struct paging paging;

	setup_paging(&paging, guest);
	*(u64 *)paging.pages[0] = PATTERN(0);
	*(u64 *)paging.pages[1] = PATTERN(1);
	guest_install_handler(guest, ELx_LOW_SYNC_64, fault_or_unmap);
	guest->x[0] = TEST_IPA;
	run(guest, GUEST_EXIT_RETURNED);
	report(paging.nr_faults == 2, "one fault before the unmap and one after it: %u",
	       paging.nr_faults);
	report(guest->exit_code == 1, "each read finds the page that is mapped at its time");
	report(!s2mmu_unmap(guest->s2mmu, TEST_IPA, paging.page_size) &&
		       !s2mmu_lookup(guest->s2mmu, TEST_IPA, NULL),
	       "nothing is mapped after the last unmap");
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
	struct guest *guest = create((void (*)(void))guest_read_then_write, S2_PAGE_4K);
	struct paging paging;
	const struct fault *fault = &paging.faults[0];
	char words[128];

	setup_paging(&paging, guest);
	*(u64 *)(paging.pages[0] + 8) = 41;
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(paging.pages[0]), paging.page_size,
			  S2_MAP_RO));
	guest_install_handler(guest, ELx_LOW_SYNC_64, grant_write);
	guest->x[0] = TEST_IPA + 8;
	run(guest, GUEST_EXIT_RETURNED);
	report(paging.nr_faults == 1, "the read passes, the write faults once: %u",
	       paging.nr_faults);
	report(ESR_ELx_EC(fault->esr) == ESR_ELx_EC_DABT_LOW && (fault->esr & ESR_ELx_WNR) &&
		       (fault->esr & ESR_ELx_FSC) == (ESR_ELx_FSC_PERM | PT_LEVEL_LAST),
	       "expected a permission fault at level 3 on a write, found %s",
	       esr_decode(fault->esr, words, sizeof(words)));
	report(fault->far == TEST_IPA + 8, "FAR_EL2 expected %#lx, found %#lx", TEST_IPA + 8,
	       fault->far);
	report(fault->ipa_known && fault->ipa == TEST_IPA + 8,
	       "faulting IPA, where HPFAR_EL2 is not valid: expected %#lx, found %#lx",
	       TEST_IPA + 8, fault->ipa);
	report(guest->exit_code == 41 && *(u64 *)(paging.pages[0] + 8) == 42,
	       "with the right granted the write goes through");
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

static enum guest_handler_result always_exit(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static void test_exit(void)
{
	struct guest *guest = create(guest_hvc_42, S2_PAGE_4K);

	report_prefix_push("handler");
	guest_install_handler(guest, ELx_LOW_SYNC_64, always_exit);
	run(guest, GUEST_EXIT_HANDLER);
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_HVC64 && (guest->esr_el2 & 0xffff) == 42,
	       "ESR_EL2 expected HVC #42, found %#lx", guest->esr_el2);
	report(guest->elr_el2 > (u64)guest_hvc_42 && guest->elr_el2 < (u64)guest_hvc_42 + 64,
	       "ELR_EL2 is behind the hvc: %#lx", guest->elr_el2);
	run(guest, GUEST_EXIT_RETURNED);
	guest_destroy(guest);
	report_prefix_pop();

	report_prefix_push("no handler");
	guest = create(guest_touch_nothing, S2_PAGE_4K);
	run(guest, GUEST_EXIT_UNHANDLED);
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW &&
		       guest->far_el2 == TEST_IPA + 0x123000 &&
		       guest->fault_ipa == TEST_IPA + 0x123000,
	       "the syndrome is left for the host: FAR_EL2 %#lx, IPA %#lx", guest->far_el2,
	       guest->fault_ipa);
	guest_destroy(guest);
	report_prefix_pop();
}

/*
 * Hypercalls: every register out and in
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
	struct guest *guest = create(guest_all_registers, S2_PAGE_4K);
	struct hypercalls calls = {};

	guest->data = &calls;
	guest_install_handler(guest, ELx_LOW_SYNC_64, complement_registers);
	run(guest, GUEST_EXIT_RETURNED);
	report(calls.rounds == HVC_ROUNDS, "hypercalls: expected %d, found %u", HVC_ROUNDS,
	       calls.rounds);
	report(calls.wrong == 0, "x0..x30 as the host sees them: %u wrong", calls.wrong);
	report(guest->exit_code == 0, "x0..x30 as the host changed them: %lu wrong",
	       guest->exit_code);
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
	guest_exception_pc = regs->pc;
	regs->regs[5] += 5;
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_BRK64)
		regs->pc += 4;
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
	struct guest *guest = create((void (*)(void))guest_brk, S2_PAGE_4K);

	guest_exceptions = 0;
	assert(guest_install_el1_handler(guest, ELxH_SYNC, guest_count_and_skip));
	run(guest, GUEST_EXIT_RETURNED);
	report(guest_exceptions == 1, "exceptions at EL1: expected 1, found %u", guest_exceptions);
	report(ESR_ELx_EC(guest_exception_esr) == ESR_ELx_EC_BRK64 &&
		       (guest_exception_esr & 0xffff) == 0x123,
	       "ESR_EL1 expected BRK #0x123, found %#lx", guest_exception_esr);
	report(guest->exit_code == 105, "the handler changed x5: expected 105, found %lu",
	       guest->exit_code);
	guest_destroy(guest);

	report_prefix_push("no handler");
	guest = create(guest_undefined, S2_PAGE_4K);
	run(guest, GUEST_EXIT_EL1_UNHANDLED);
	report(ESR_ELx_EC(guest->esr_el1) == ESR_ELx_EC_UNKNOWN &&
		       guest->elr_el1 >= (u64)guest_undefined &&
		       guest->elr_el1 < (u64)guest_undefined + 64,
	       "ESR_EL1 and ELR_EL1 are left for the host: %#lx, %#lx", guest->esr_el1,
	       guest->elr_el1);
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
	struct guest *guest = create((void (*)(void))guest_sum, S2_PAGE_4K);

	for (int i = 0; i < 8; i++)
		guest->x[i] = i + 1;
	run(guest, GUEST_EXIT_RETURNED);
	report(guest->exit_code == 204, "1*1 + 2*2 + ... + 8*8: expected 204, found %lu",
	       guest->exit_code);
	report(guest->sp_el1 == (u64)guest->stack + GUEST_STACK_SIZE,
	       "the guest's stack pointer is where it began");
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
