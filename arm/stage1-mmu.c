/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation tables of a guest's own by the names of stage1_mmu.h, which guest-stage1.h has too. */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <shortage.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <asm/stage1_mmu.h>

#define VMID 0
#define TEST_VA (3 * SZ_1G)
#define TEST_IPA (5 * SZ_1G)
#define UNMAPPED_VA (7 * SZ_1G)
#define OLD 0x1111
#define NEW 0x2222

static const char *const granules[] = { "4K", "16K", "64K" };

static struct guest *create(void (*func)(void))
{
	return guest_require(guest_create(VMID, func, S2_PAGE_4K));
}

/* Written by guests, whose image is the host's. */
static struct {
	unsigned int faults;
	u64 far, regs_0;
} seen;

static u64 guest_read(unsigned long pgd_pa, enum s1_granule granule, volatile u64 *word)
{
	s1mmu_enable(pgd_pa, granule);
	return *word;
}

/* A page with @value, at TEST_IPA of @guest. */
static u64 *map_test_page(struct guest *guest, u64 ipa, u64 value)
{
	u64 *page = memalign_pages(SZ_64K, SZ_64K);

	assert(page && !s2mmu_map(guest->s2mmu, ipa, virt_to_phys(page), SZ_64K, S2_MAP_RW));
	*page = value;
	return page;
}

static void check_members(const struct s1_mmu *mmu, unsigned int page_shift,
			  unsigned int level_shift, int root_level)
{
	report(mmu->page_shift == page_shift && mmu->level_shift == level_shift &&
		       mmu->root_level == root_level && mmu->page_size == 1UL << page_shift &&
		       mmu->block_size == 1UL << (page_shift + level_shift),
	       "page and level shift, root level, page and block size: expected %u, %u, %d, %#lx, "
	       "%#lx, found %u, %u, %d, %#lx, %#lx",
	       page_shift, level_shift, root_level, 1UL << page_shift,
	       1UL << (page_shift + level_shift), mmu->page_shift, mmu->level_shift,
	       mmu->root_level, mmu->page_size, mmu->block_size);
}

/* Tables that the test makes itself, with each granule. They map the image and the stack. */
static void check_granule(enum s1_granule granule)
{
	static const unsigned char page_shifts[] = { 12, 14, 16 }, root_levels[] = { 0, 0, 1 };
	unsigned int shift = page_shifts[granule];
	struct guest *guest = create((void (*)(void))guest_read);
	struct s1_mmu *mmu = s1mmu_init(guest->s2mmu, granule);
	u64 memory = ALIGN_DOWN(__pa(_stext), SZ_1G), *page;
	int err;

	if (!mmu) {
		report_skip(
			"the CPU does not have the granule at stage 1 (ID_AA64MMFR0_EL1.TGran)");
		guest_destroy(guest);
		return;
	}
	check_members(mmu, shift, shift - 3, root_levels[granule]);
	page = map_test_page(guest, TEST_IPA, OLD);
	err = s1mmu_map(mmu, memory, memory, SZ_1G, S1_MAP_RW)
		      ?: s1mmu_map(mmu, TEST_VA, TEST_IPA, SZ_64K, S1_MAP_RW);
	report(!err, "s1mmu_map() of memory and a page: expected 0, found %d (%s)", err,
	       errno_name(err));
	guest->x[0] = virt_to_phys(mmu->pgd);
	guest->x[1] = granule;
	guest->x[2] = TEST_VA;
	guest_check_run(guest, EXPECT_RETURN(OLD), "word read through stage 1");
	s1mmu_destroy(mmu);
	guest_destroy(guest);
	free_pages(page);
}

static void test_granules(void)
{
	for (enum s1_granule granule = S1_GRANULE_4K; granule <= S1_GRANULE_64K; granule++) {
		report_prefix_push(granules[granule]);
		check_granule(granule);
		report_prefix_pop();
	}
}

static void note_and_skip(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.faults++;
	seen.far = read_sysreg(far_el1);
	seen.regs_0 = regs->regs[0];
	regs->regs[0] = NEW;
	regs->elr += 4;
}

static u64 guest_fault(unsigned long pgd_pa, enum s1_granule granule, u64 address)
{
	s1mmu_enable(pgd_pa, granule);
	asm volatile("ldr %0, [%0]" : "+r"(address) : : "memory");
	return address;
}

/* The tables that guest_create() made, and vectors that exist only after it. */
static void test_fault(void)
{
	struct guest *guest = create((void (*)(void))guest_fault);

	seen.faults = 0;
	report(guest->s1mmu && guest->x[0] == virt_to_phys(guest->s1mmu->pgd) &&
		       guest->x[1] == S1_GRANULE_4K,
	       "tables of a new guest, their root in x0 and their granule in x1: expected some, %#lx "
	       "and 0, found %p, %#lx and %lu",
	       guest->s1mmu ? virt_to_phys(guest->s1mmu->pgd) : 0, guest->s1mmu, guest->x[0],
	       guest->x[1]);
	assert(guest_install_el1_handler(guest, ELxH_SYNC, note_and_skip));
	guest->x[2] = UNMAPPED_VA;
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_RETURNED && seen.faults == 1 &&
		       seen.far == UNMAPPED_VA,
	       "faults at an address that stage 1 does not map, and FAR_EL1: expected 1 and %#lx, "
	       "found %u and %#lx (%s)",
	       UNMAPPED_VA, seen.faults, seen.far, guest_exit_reason_name(guest->exit_reason));
	guest_destroy(guest);
}

/* Reads a word, has the host change the tables, and reads it again. */
static u64 guest_read_twice(unsigned long pgd_pa, enum s1_granule granule, volatile u64 *word)
{
	u64 first;

	s1mmu_enable(pgd_pa, granule);
	first = *word;
	asm volatile("hvc #1" : : : "memory");
	return first << 32 | *word;
}

static enum guest_handler_result replace_page(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64 ||
	    s1mmu_map(guest->s1mmu, TEST_VA, TEST_IPA + SZ_64K, PAGE_SIZE, S1_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static void test_replace(void)
{
	struct guest *guest = create((void (*)(void))guest_read_twice);
	u64 *pages[2] = { map_test_page(guest, TEST_IPA, OLD),
			  map_test_page(guest, TEST_IPA + SZ_64K, NEW) };
	int err;

	assert(!s1mmu_map(guest->s1mmu, TEST_VA, TEST_IPA, PAGE_SIZE, S1_MAP_RW));
	guest->x[2] = TEST_VA;
	guest_install_handler(guest, ELx_LOW_SYNC_64, replace_page);
	guest_check_run(guest, EXPECT_RETURN((u64)OLD << 32 | NEW),
			"words read before and after s1mmu_map() of the page");
	assert(!s1mmu_map(guest->s1mmu, 2 * TEST_VA, 0, SZ_2M, S1_MAP_RW));
	err = s1mmu_map(guest->s1mmu, 2 * TEST_VA, 0, SZ_4K, S1_MAP_RW);
	report(err == -EEXIST && !s1mmu_verify_mapping(guest->s1mmu, 2 * TEST_VA, SZ_2M, SZ_2M),
	       "s1mmu_map() of a part of a block: expected -EEXIST and the block, found %d (%s) and "
	       "%d",
	       err, errno_name(err), s1mmu_verify_mapping(guest->s1mmu, 2 * TEST_VA, SZ_2M, SZ_2M));
	guest_destroy(guest);
	free_pages(pages[0]);
	free_pages(pages[1]);
}

/* From a page that is mapped to one that needs a table for which no memory is left */
static void test_replace_shortage(void)
{
	struct guest *guest = create((void (*)(void))guest_read);
	u64 va = TEST_VA + SZ_2M - SZ_4K;
	struct held_pages *held;
	int err;

	assert(!s1mmu_map(guest->s1mmu, va, 0, SZ_4K, S1_MAP_RW));
	held = hold_all_pages();
	err = s1mmu_map(guest->s1mmu, va, 0, SZ_32M, S1_MAP_RW);
	release_pages(held);
	report(err == -ENOMEM,
	       "s1mmu_map() over a page without memory for the next table: expected -ENOMEM, found "
	       "%d (%s)",
	       err, errno_name(err));
	guest_destroy(guest);
}

#define check_verify(expected, mmu, va, size, leaf_size)                                          \
	report(s1mmu_verify_mapping(mmu, va, size, leaf_size) == (expected),                      \
	       "s1mmu_verify_mapping(" #va ", " #size ", " #leaf_size "): expected %d, found %d", \
	       expected, s1mmu_verify_mapping(mmu, va, size, leaf_size))

static void test_verify(void)
{
	struct guest *guest = create((void (*)(void))guest_read);
	struct s1_mmu *mmu = guest->s1mmu;

	assert(!s1mmu_map(mmu, TEST_VA, TEST_IPA, SZ_4M, S1_MAP_RW) &&
	       !s1mmu_map(mmu, TEST_VA + SZ_4M, TEST_IPA, 2 * SZ_4K, S1_MAP_RW));
	check_verify(0, mmu, TEST_VA, SZ_4M, SZ_2M);
	check_verify(0, mmu, TEST_VA + SZ_4M, 2 * SZ_4K, SZ_4K);
	check_verify(-1, mmu, TEST_VA + SZ_4M, 3 * SZ_4K, SZ_4K);
	check_verify(-2, mmu, TEST_VA, SZ_4K, SZ_4K);
	check_verify(-2, mmu, TEST_VA, SZ_4M + SZ_2M, SZ_2M);
	guest_destroy(guest);
}

static void test_leak(void)
{
	unsigned long before;

	guest_destroy(create((void (*)(void))guest_read)); /* malloc's pages stay */
	before = alloc_pages_in_use();
	guest_destroy(create((void (*)(void))guest_read));
	report(alloc_pages_in_use() == before,
	       "pages lost by a guest with tables: expected 0, found %ld",
	       alloc_pages_in_use() - before);
}

static const struct subtest subtests[] = {
	{ "granules", test_granules }, { "fault", test_fault },
	{ "replace", test_replace },   { "shortage", test_replace_shortage },
	{ "verify", test_verify },     { "leak", test_leak },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
