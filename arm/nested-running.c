/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of a stage 2 while a guest runs on it on another CPU. After TLBI and DSB no access of the
 * guest may reach the old page: the host then writes a word there that the guest must never read.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/stage2-tlb.h>
#include "nested-watch.h"

#define VMID 5
#define IPA 0x100000000UL

static struct guest *guest;
static u64 faults;

static enum guest_handler_result retry(struct guest *running)
{
	if (ESR_ELx_EC(running->esr_el2) != ESR_ELx_EC_DABT_LOW)
		return GUEST_ACTION_EXIT;
	__atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED);
	return GUEST_ACTION_RESUME;
}

static void start(u64 (*func)(void), const u64 *page)
{
	faults = 0;
	guest = guest_create_4k(VMID, func);
	guest_install_handler(guest, ELx_LOW_SYNC_64, retry);
	assert(!s2mmu_map(guest->s2mmu, IPA, virt_to_phys((void *)page), PAGE_SIZE, S2_MAP_RW));
	start_watcher(guest);
}

static void stop(const char *what)
{
	stop_watcher();
	guest_check_exit(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "%s", what);
	guest_destroy(guest);
}

/* In the guest: read the word at IPA over and over. */
static u64 guest_read(void)
{
	while (!is_over())
		note_word(*(volatile u64 *)IPA);
	return 0;
}

/* In the guest: count in the word at IPA. */
static u64 guest_count(void)
{
	while (!is_over()) {
		++*(volatile u64 *)IPA;
		end_round();
	}
	return 0;
}

/* TLB maintenance for the page at IPA */
static void by_ipa(void)
{
	s2_tlb_flush_range(guest->s2mmu, IPA, PAGE_SIZE);
}

static void by_range(void)
{
	s2_tlb_flush_range(guest->s2mmu, IPA - 16 * PAGE_SIZE, 64 * PAGE_SIZE);
}

static void by_vmid(void)
{
	s2_tlb_flush_all(guest->s2mmu);
}

static void of_all(void)
{
	s2_tlb_flush_all_vmids();
}

/* Break-before-make, with @flush; the old page is not read after it. */
static bool moves(const u64 *new, u64 *old, void (*flush)(void))
{
	pteval_t leaf = *s2mmu_lookup(guest->s2mmu, IPA, NULL);

	assert(!s2mmu_set_raw(guest->s2mmu, IPA, PT_LEVEL_LAST, 0));
	flush();
	*(volatile u64 *)old = POISON;
	leaf = (leaf & ~PT_ADDR_MASK) | virt_to_phys((void *)new);
	assert(!s2mmu_set_raw(guest->s2mmu, IPA, PT_LEVEL_LAST, leaf));
	dsb(ishst);
	return goes_on() && watch.last == new[0];
}

static void check_moves(void (*flush)(void), const char *how)
{
	u64 *pages[2] = { alloc_page(), alloc_page() };
	unsigned int right = 0;

	assert(pages[0] && pages[1]);
	pages[0][0] = 1;
	start(guest_read, pages[0]);
	right = goes_on();
	for (u64 i = 1; i <= CHANGES && right == i; i++) {
		u64 *new = pages[i % 2];

		new[0] = i + 1;
		right += moves(new, pages[(i + 1) % 2], flush);
	}
	report(right == CHANGES + 1,
	       "a page that moves %d times under a guest on another CPU, TLBI %s: expected %d words "
	       "of the page mapped last, found %u, then %#lx after %lu reads and %lu faults",
	       CHANGES, how, CHANGES + 1, right, watch.last, (u64)watch.rounds, faults);
	report(!watch.poisoned,
	       "reads of the old page after TLBI %s and DSB: expected 0, found %lu of %lu", how,
	       watch.poisoned, (u64)watch.rounds);
	stop("guest whose page moves");
	free_page(pages[0]);
	free_page(pages[1]);
}

static void test_ipa(void)
{
	check_moves(by_ipa, "by IPA");
}

static void test_range(void)
{
	check_moves(by_range, "by range of IPA");
}

static void test_vmid(void)
{
	check_moves(by_vmid, "by VMID");
}

static void test_all(void)
{
	check_moves(of_all, "of all VMIDs");
}

/* A word that the guest counts in stands still once its page is read-only. */
static void test_read_only(void)
{
	u64 *page = alloc_page();
	unsigned int still = 0, went_on;

	assert(page);
	page[0] = 0;
	start(guest_count, page);
	went_on = goes_on();
	for (unsigned int i = 0; i < CHANGES && went_on == i + 1; i++) {
		u64 before, old_faults, old_rounds;

		assert(!s2mmu_protect(guest->s2mmu, IPA, PAGE_SIZE, S2_MAP_RO));
		before = *(volatile u64 *)page;
		old_faults = smp_load_acquire(&faults);
		old_rounds = smp_load_acquire(&watch.rounds);
		wait_for(smp_load_acquire(&faults) >= old_faults + 2 ||
				 smp_load_acquire(&watch.rounds) >= old_rounds + 2,
			 WAIT_MS);
		still += *(volatile u64 *)page == before;
		assert(!s2mmu_protect(guest->s2mmu, IPA, PAGE_SIZE, S2_MAP_RW));
		went_on += goes_on();
	}
	report(still == CHANGES && went_on == CHANGES + 1,
	       "a page made read-only and writable %d times under a guest that writes it on another "
	       "CPU: expected it unchanged %d times while read-only, written %d times, found %u, %u",
	       CHANGES, CHANGES, CHANGES + 1, still, went_on);
	stop("guest whose page is made read-only");
	free_page(page);
}

static const struct subtest subtests[] = {
	{ "ipa", test_ipa }, { "range", test_range },	      { "vmid", test_vmid },
	{ "all", test_all }, { "read-only", test_read_only },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (!unsupported && nr_cpus == 1)
		unsupported = "needs two CPUs";
	return run_subtests_unless(unsupported, subtests, ARRAY_SIZE(subtests), argc, argv);
}
