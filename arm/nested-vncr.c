/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page at VNCR_EL2 in this host's stage 1, while a guest with FEAT_NV2 runs: unmapped, mapped
 * again, moved, read-only. An access of the guest that faults is a data abort with ESR_EL2.VNCR at
 * the host, with the address that VNCR_EL2 and the offset of the register give (DDI 0487, D8.11).
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/guest-check.h>
#include <asm/guest-vncr.h>
#include <asm/io.h>
#include "nested-watch.h"

#define VMID 6
#define OLD 0x1111UL
#define NEW 0x2222UL
#define FSC(type) ((type) | PT_LEVEL_LAST)
#define VNCR_ISS_MASK (ESR_ELx_VNCR | ESR_ELx_WNR | ESR_ELx_FSC)

/* A page-sized mapping of its own for the registers, which the host's other mappings do not share */
static struct {
	char *va;
	pteval_t *entry;
	u64 *pages[2];
} vncr;

static u64 *tpidr(unsigned int page)
{
	return &vncr.pages[page][VNCR_TPIDR_EL2 / sizeof(u64)];
}

/* With break-before-make: @entry may be invalid. */
static void set_entry(pteval_t entry)
{
	WRITE_ONCE(*vncr.entry, 0);
	flush_tlb_page((unsigned long)vncr.va);
	WRITE_ONCE(*vncr.entry, entry);
	dsb(ishst);
	isb();
}

static pteval_t entry_of(unsigned int page, pteval_t base)
{
	return (base & ~PT_ADDR_MASK) | virt_to_phys(vncr.pages[page]);
}

static void map_vncr(void)
{
	vncr.va = alloc_vpage();
	for (int i = 0; i < 2; i++) {
		vncr.pages[i] = alloc_page();
		assert(vncr.pages[i]);
		*tpidr(i) = i ? NEW : OLD;
	}
	vncr.entry = install_page(mmu_idmap, virt_to_phys(vncr.pages[0]), vncr.va);
}

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	assert(guest_vncr_enable(guest));
	guest->vncr_el2 = (u64)vncr.va;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	*tpidr(0) = OLD;
	*tpidr(1) = NEW;
	return guest;
}

static u64 guest_read(void)
{
	return read_sysreg(tpidr_el2);
}

static void guest_write(u64 value)
{
	write_sysreg(value, tpidr_el2);
}

static void check_abort(struct guest *guest, u64 iss, const char *what)
{
	u64 expected = (u64)vncr.va + VNCR_TPIDR_EL2;

	guest_check_run(guest,
			EXPECT_SYNDROME(ESR_ELx_EC_DABT_CUR, ESR_ELx_VNCR | iss, VNCR_ISS_MASK),
			"%s", what);
	report(guest->far_el2 == expected, "%s: expected FAR_EL2 %#lx, found %#lx", what, expected,
	       guest->far_el2);
}

static void test_unmapped(void)
{
	struct guest *guest = create(guest_read);
	pteval_t mapped = *vncr.entry;

	set_entry(0);
	check_abort(guest, FSC(ESR_ELx_FSC_FAULT), "MRS TPIDR_EL2, its page unmapped");
	check_abort(guest, FSC(ESR_ELx_FSC_FAULT), "the same again");
	set_entry(mapped);
	guest_check_run(guest, EXPECT_RETURN(OLD), "MRS TPIDR_EL2, its page mapped again");
	guest_destroy(guest);
}

static void test_unmapped_write(void)
{
	struct guest *guest = create(guest_write);
	pteval_t mapped = *vncr.entry;

	guest->x[0] = NEW;
	set_entry(0);
	check_abort(guest, FSC(ESR_ELx_FSC_FAULT) | ESR_ELx_WNR,
		    "MSR TPIDR_EL2, its page unmapped");
	report_equal(*tpidr(0), OLD, "TPIDR_EL2 in memory after MSR, its page unmapped");
	set_entry(mapped);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED),
			"MSR TPIDR_EL2, its page mapped again");
	report_equal(*tpidr(0), NEW, "TPIDR_EL2 in memory after MSR");
	guest_destroy(guest);
}

static void test_not_accessed(void)
{
	struct guest *guest = create(guest_read);
	pteval_t mapped = *vncr.entry;

	set_entry(mapped & ~PTE_AF);
	check_abort(guest, FSC(ESR_ELx_FSC_ACCESS), "MRS TPIDR_EL2, access flag clear");
	set_entry(mapped);
	guest_check_run(guest, EXPECT_RETURN(OLD), "MRS TPIDR_EL2, access flag set again");
	guest_destroy(guest);
}

static void test_read_only(void)
{
	struct guest *reader = create(guest_read);
	struct guest *writer = create(guest_write);
	pteval_t mapped = *vncr.entry;

	writer->x[0] = NEW;
	set_entry(mapped | PTE_RDONLY);
	guest_check_run(reader, EXPECT_RETURN(OLD), "MRS TPIDR_EL2, its page read-only");
	check_abort(writer, FSC(ESR_ELx_FSC_PERM) | ESR_ELx_WNR,
		    "MSR TPIDR_EL2, its page read-only");
	report_equal(*tpidr(0), OLD, "TPIDR_EL2 in memory after MSR, its page read-only");
	set_entry(mapped);
	guest_check_run(writer, EXPECT_REASON(GUEST_EXIT_RETURNED),
			"MSR TPIDR_EL2, its page writable again");
	report_equal(*tpidr(0), NEW, "TPIDR_EL2 in memory after MSR, its page writable again");
	guest_destroy(reader);
	guest_destroy(writer);
}

/* In the guest: read before and after the host's change, which comes at the HVC. */
static u64 guest_read_twice(void)
{
	u64 first = read_sysreg(tpidr_el2);

	asm volatile("hvc #0" : : : "memory");
	return first << 32 | read_sysreg(tpidr_el2);
}

static enum guest_handler_result move_page(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return GUEST_ACTION_EXIT;
	set_entry(entry_of(1, *vncr.entry));
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result change_register(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return GUEST_ACTION_EXIT;
	guest->vncr_el2 = (u64)vncr.pages[1];
	return GUEST_ACTION_RESUME;
}

static void check_twice(guest_handler_t change, const char *what)
{
	struct guest *guest = create(guest_read_twice);
	pteval_t mapped = *vncr.entry;

	guest_install_handler(guest, ELx_LOW_SYNC_64, change);
	guest_check_run(guest, EXPECT_RETURN(OLD << 32 | NEW), "MRS TPIDR_EL2 twice, %s", what);
	set_entry(mapped);
	guest_destroy(guest);
}

static void test_moved(void)
{
	check_twice(move_page, "its page moved in between");
	check_twice(change_register, "VNCR_EL2 changed in between");
}

/*
 * While a guest on CPU 1 reads it
 */

static u64 guest_watch(void)
{
	while (!is_over())
		note_word(read_sysreg(tpidr_el2));
	return 0;
}

/* The page may be between break and make. */
static enum guest_handler_result retry(struct guest *guest)
{
	return ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_CUR ? GUEST_ACTION_RESUME
								 : GUEST_ACTION_EXIT;
}

/* The old page gets another value once TLBI and DSB are done: the guest must not read it. */
static bool moves(unsigned int to)
{
	pteval_t entry = entry_of(to, *vncr.entry);
	u64 value = *tpidr(to);

	WRITE_ONCE(*vncr.entry, 0);
	flush_tlb_page((unsigned long)vncr.va);
	*(volatile u64 *)tpidr(!to) = POISON;
	WRITE_ONCE(*vncr.entry, entry);
	dsb(ishst);
	return goes_on() && watch.last == value;
}

static void test_other_cpu(void)
{
	struct guest *guest;
	pteval_t mapped = *vncr.entry;
	unsigned int right;

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guest = create(guest_watch);
	guest_install_handler(guest, ELx_LOW_SYNC_64, retry);
	start_watcher(guest);
	right = goes_on();
	for (unsigned int i = 1; i <= CHANGES && right == i; i++) {
		*tpidr(i % 2) = NEW + i;
		right += moves(i % 2);
	}
	stop_watcher();
	report(right == CHANGES + 1 && !watch.poisoned,
	       "page of TPIDR_EL2 that moves %d times under a guest on another CPU: expected %d values "
	       "of the page mapped last, 0 of the old page after TLBI and DSB, found %u, %lu of %lu "
	       "reads, the last %#lx",
	       CHANGES, CHANGES + 1, right, watch.poisoned, (u64)watch.rounds, watch.last);
	guest_check_exit(guest, EXPECT_RETURN(0), "guest whose page of registers moves");
	set_entry(mapped);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "unmapped", test_unmapped },
	{ "unmapped-write", test_unmapped_write },
	{ "not-accessed", test_not_accessed },
	{ "read-only", test_read_only },
	{ "moved", test_moved },
	{ "other-cpu", test_other_cpu },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: guest_vncr_unsupported();

	if (!unsupported)
		map_vncr();
	return run_subtests_unless(unsupported, subtests, ARRAY_SIZE(subtests), argc, argv);
}
