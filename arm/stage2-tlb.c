/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB maintenance: a guest reads or writes, the host changes its stage 2 in a handler, and the
 * guest does it again, without leaving guest_run(), which might invalidate the TLB otherwise.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/stage2-tlb.h>

#define VMID 1
#define IPA 0x100000000UL
#define SPAN 2048 /* pages that are mapped from IPA on, all to one */
#define OLD 0x1111
#define NEW 0x2222

struct test {
	struct guest *guest;
	u64 *page[2]; /* mapped at first, and after a change */
	u64 page_size;
	bool (*change)(struct test *test);
	bool changed;
	u64 argument, argument2;
};

/* Access the first word of @count pages from @address on; again after the host's change. */
static u64 guest_touch(volatile u64 *address, u64 stride, u64 count, bool write)
{
	u64 sum = 0;

	for (int round = 0; round < 2; round++) {
		sum = 0;
		for (u64 i = 0; i < count; i++) {
			volatile u64 *word = address + i * stride / 8;

			if (write)
				*word = OLD;
			sum += *word;
		}
		if (!round)
			asm volatile("hvc #1" : : : "memory");
	}
	return sum;
}

static enum guest_handler_result change_or_exit(struct guest *guest)
{
	struct test *test = guest->data;

	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		return GUEST_ACTION_EXIT;
	test->changed = test->change(test);
	return test->changed ? GUEST_ACTION_RESUME : GUEST_ACTION_EXIT;
}

static void setup_test(struct test *test, enum s2_granule granule, unsigned long flags)
{
	*test = (struct test){
		.guest = guest_require(guest_create(VMID, (void (*)(void))guest_touch, granule)),
	};
	test->page_size = s2_page_size(test->guest->s2mmu);
	for (int i = 0; i < 2; i++) {
		test->page[i] = memalign_pages(test->page_size, test->page_size);
		test->page[i][0] = i ? NEW : OLD;
	}
	for (u64 i = 0; i < SPAN; i++)
		assert(!s2mmu_map(test->guest->s2mmu, IPA + i * test->page_size,
				  virt_to_phys(test->page[0]), test->page_size, flags));
	test->guest->data = test;
	guest_install_handler(test->guest, ELx_LOW_SYNC_64, change_or_exit);
}

static void teardown(struct test *test)
{
	guest_destroy(test->guest);
	free_pages(test->page[0]);
	free_pages(test->page[1]);
}

/* Access @count pages from the one at @first on, before and after @change. */
static void touch(struct test *test, u64 first, u64 count, bool write,
		  bool (*change)(struct test *))
{
	struct guest *guest = test->guest;

	test->change = change;
	guest->elr_el2 = (u64)guest_touch;
	guest->x[0] = IPA + first * test->page_size;
	guest->x[1] = test->page_size;
	guest->x[2] = count;
	guest->x[3] = write;
	guest_run(guest);
}

/*
 * By IPA and by range: unmap pages [first, first + count), map another page there
 */

static bool remap(struct test *test)
{
	struct s2_mmu *mmu = test->guest->s2mmu;
	u64 first = IPA + test->argument * test->page_size;

	if (s2mmu_unmap(mmu, first, test->argument2 * test->page_size))
		return false;
	for (u64 i = 0; i < test->argument2; i++)
		if (s2mmu_map(mmu, first + i * test->page_size, virt_to_phys(test->page[1]),
			      test->page_size, S2_MAP_RW))
			return false;
	return true;
}

static void check_range(enum s2_granule granule, u64 first, u64 count)
{
	struct test test;
	u64 touched = count + 2, expected = 2 * OLD + count * NEW;

	setup_test(&test, granule, S2_MAP_RW);
	test.argument = first;
	test.argument2 = count;
	touch(&test, first - 1, touched, false, remap);
	guest_check_exit(
		test.guest, EXPECT_RETURN(expected),
		"sum of %lu words, on %lu pages of %lu KiB mapped elsewhere from page %lu on",
		touched, count, test.page_size >> 10, first);
	teardown(&test);
}

/* Sizes on both sides of those that take one, two and three range operations. */
static void test_range(void)
{
	static const struct {
		unsigned int first, count;
	} ranges[] = { { 1, 1 },  { 1, 2 },   { 7, 3 },	  { 16, 64 },  { 1, 63 },
		       { 3, 65 }, { 32, 96 }, { 5, 129 }, { 1, 1025 }, { 16, 2000 } };

	for (enum s2_granule granule = S2_PAGE_4K; granule <= S2_PAGE_64K; granule++)
		for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
			if (s2_granule_supported(granule))
				check_range(granule, ranges[i].first, ranges[i].count);
}

/*
 * The operands of these operations. In QEMU those by IPA matter for stage-1 walks only, as the TLBI
 * that follows invalidates all the rest: so they are decoded here.
 */

#define MAX_STEPS 24 /* four ranges, and single pages up to a base in units of 64K */

struct invalidated {
	u64 ipa, pages;
};

/* TLBI IPAS2E1IS and RIPAS2E1IS (DDI 0487, C5.5) */
static struct invalidated decode(const struct s2_geometry *geometry, const struct s2_tlbi *tlbi)
{
	static const unsigned char granules[] = { 0, 12, 14, 16 };
	u64 operand = tlbi->operand, ttl = FIELD(operand, 38, 37);
	unsigned int base_shift = geometry->ds ? 16 : geometry->page_shift;

	if (!tlbi->range)
		return (struct invalidated){ operand << 12, 1 };
	if (granules[FIELD(operand, 47, 46)] != geometry->page_shift || ttl)
		return (struct invalidated){ 0, 0 };
	return (struct invalidated){ FIELD(operand, 36, 0) << base_shift,
				     (FIELD(operand, 43, 39) + 1)
					     << (5 * FIELD(operand, 45, 44) + 1) };
}

/* True when they invalidate the range, in order, and nothing else, in few steps. */
static bool covers(const struct s2_geometry *geometry, u64 ipa, u64 pages)
{
	for (int steps = 0; steps < MAX_STEPS && pages; steps++) {
		struct s2_tlbi tlbi = s2_tlbi_largest(geometry, ipa, pages);
		struct invalidated invalidated = decode(geometry, &tlbi);

		if (invalidated.ipa != ipa || !invalidated.pages ||
		    invalidated.pages != tlbi.pages || invalidated.pages > pages)
			return false;
		ipa += invalidated.pages << geometry->page_shift;
		pages -= invalidated.pages;
	}
	return !pages;
}

static void check_operands(const struct s2_geometry *geometry)
{
	static const unsigned int counts[] = {
		1,
		2,
		3,
		31,
		32,
		63,
		64,
		65,
		2047,
		2048,
		2049,
		65535,
		65536,
		65537,
		131071,
		0x123457,
		S2_TLBI_PAGES_MAX - 1,
		S2_TLBI_PAGES_MAX,
	};
	static const unsigned int firsts[] = { 0, 1, 3, 4, 15, 16, 17, 0x12345 };
	u64 high = (geometry->ds ? 0xfUL : 0) << 48 | 0xabUL << 40;
	unsigned int wrong = 0;

	for (size_t f = 0; f < ARRAY_SIZE(firsts); f++)
		for (size_t c = 0; c < ARRAY_SIZE(counts); c++)
			wrong += !covers(geometry, high + ((u64)firsts[f] << geometry->page_shift),
					 counts[c]);
	report(!wrong,
	       "pages of %lu KiB%s, ranges that are not invalidated exactly: expected 0, found %u",
	       (1UL << geometry->page_shift) >> 10, geometry->ds ? ", FEAT_LPA2" : "", wrong);
}

static void test_operands(void)
{
	for (unsigned int shift = 12; shift <= 16; shift += 2)
		for (int ds = 0; ds <= (shift < 16); ds++)
			check_operands(&(struct s2_geometry){ .page_shift = shift, .ds = ds });
}

/*
 * Permissions and state
 */

static u64 bytes_invalidated;

static void count_invalidated(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	bytes_invalidated += size;
}

/* A TLB may hold that a page is not writable; QEMU's walks again. */
static void check_set_dirty(void)
{
	struct test test;
	int leaves;

	setup_test(&test, S2_PAGE_4K, S2_MAP_RO | S2_MAP_TRACK_DIRTY);
	bytes_invalidated = 0;
	s2_tlb_observer = count_invalidated;
	leaves = s2mmu_set_dirty(test.guest->s2mmu, IPA, 2 * test.page_size);
	report(leaves == 2 && bytes_invalidated == 2 * test.page_size,
	       "s2mmu_set_dirty() of two pages: expected 2 leaves, %#lx bytes invalidated, found %d, "
	       "%#lx",
	       2 * test.page_size, leaves, bytes_invalidated);
	s2_tlb_observer = NULL;
	teardown(&test);
}

static bool unmap(struct test *test)
{
	return !s2mmu_unmap(test->guest->s2mmu, IPA, test->page_size);
}

static bool make_read_only(struct test *test)
{
	return !s2mmu_protect(test->guest->s2mmu, IPA, test->page_size, S2_MAP_RO);
}

static bool clear_accessed(struct test *test)
{
	return s2mmu_clear_accessed(test->guest->s2mmu, IPA, test->page_size) == 1;
}

static bool clear_dirty(struct test *test)
{
	struct s2_mmu *mmu = test->guest->s2mmu;

	return s2mmu_set_dirty(mmu, IPA, test->page_size) == 0 &&
	       s2mmu_clear_dirty(mmu, IPA, test->page_size) == 1;
}

static void check_fault(unsigned long flags, bool write, bool (*change)(struct test *),
			unsigned int type, const char *what)
{
	struct test test;

	setup_test(&test, S2_PAGE_4K, flags);
	if (flags & S2_MAP_TRACK_DIRTY)
		s2mmu_set_dirty(test.guest->s2mmu, IPA, SPAN * test.page_size);
	touch(&test, 0, 1, write, change);
	report(test.changed, "%s: expected the change to succeed 1, found %d", what, test.changed);
	guest_check_exit(test.guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, type, IPA),
			 "%s of a page %s", write ? "write" : "read", what);
	teardown(&test);
}

static void test_state(void)
{
	check_fault(S2_MAP_RW, false, unmap, ESR_ELx_FSC_FAULT, "unmapped");
	check_fault(S2_MAP_RW, true, make_read_only, ESR_ELx_FSC_PERM, "made read-only");
	check_fault(S2_MAP_RW, false, clear_accessed, ESR_ELx_FSC_ACCESS, "access flag cleared");
	check_fault(S2_MAP_RO | S2_MAP_TRACK_DIRTY, true, clear_dirty, ESR_ELx_FSC_PERM,
		    "dirty state cleared");
	check_set_dirty();
}

/*
 * By VMID
 */

/* Raw descriptors: only the test's own call invalidates, between the old one and the new one. */
static bool swap_raw_and_flush(struct test *test)
{
	struct s2_mmu *mmu = test->guest->s2mmu;
	pteval_t *leaf = s2mmu_lookup(mmu, IPA, NULL);
	pteval_t new = (*leaf & ~PT_ADDR_MASK) | virt_to_phys(test->page[1]);

	if (s2mmu_set_raw(mmu, IPA, PT_LEVEL_LAST, 0))
		return false;
	s2_tlb_flush_vmid(test->argument);
	return !s2mmu_set_raw(mmu, IPA, PT_LEVEL_LAST, new);
}

static void test_vmid(void)
{
	struct test test;

	setup_test(&test, S2_PAGE_4K, S2_MAP_RW);
	test.argument = VMID;
	touch(&test, 0, 1, false, swap_raw_and_flush);
	guest_check_exit(test.guest, EXPECT_RETURN(NEW),
			 "word on a page mapped elsewhere and invalidated by VMID");
	teardown(&test);
}

/*
 * The page that holds a stage-1 table: a CPU caches stage-2 translations for its stage-1 walks,
 * which the invalidation of entries combined of both stages does not cover.
 */

#define VA 0x2000000000UL
#define MAX_FAULTS 8

struct walk {
	struct guest_stage1 *stage1;
	u64 table; /* IPA of the last-level table for VA */
	unsigned int before; /* pages in front of the table's, which are unmapped with it */
	unsigned int faults, table_faults; /* on all of them, and on the table's */
	u64 esr; /* of the latter */
};

static u64 guest_touch_with_mmu(const struct guest_stage1 *stage1)
{
	u64 first;

	guest_stage1_turn_on(stage1);
	first = *(volatile u64 *)VA;
	asm volatile("hvc #1" : : : "memory");
	/* Another page of the same table: only the table's page is in a TLB. */
	return first + *(volatile u64 *)(VA + SZ_4K);
}

static enum guest_handler_result unmap_tables(struct guest *guest, const struct walk *walk)
{
	u64 size = walk->before * SZ_4K;

	return s2mmu_unmap(guest->s2mmu, walk->table - size, size + SZ_4K) ? GUEST_ACTION_EXIT
									   : GUEST_ACTION_RESUME;
}

/* Map the page on which a walk of stage 1 has faulted, and no other. */
static enum guest_handler_result walk_handler(struct guest *guest)
{
	struct walk *walk = guest->data;
	u64 ipa;

	if (ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_HVC64)
		return unmap_tables(guest, walk);
	if (++walk->faults > MAX_FAULTS || !(guest->esr_el2 & ESR_ELx_S1PTW) ||
	    !guest_fault_ipa(guest, &ipa))
		return GUEST_ACTION_EXIT;
	ipa &= ~(SZ_4K - 1UL);
	if (ipa == walk->table) {
		walk->table_faults++;
		walk->esr = guest->esr_el2;
	}
	return s2mmu_map(guest->s2mmu, ipa, ipa, SZ_4K, S2_MAP_RW) ? GUEST_ACTION_EXIT
								   : GUEST_ACTION_RESUME;
}

/* With FEAT_LPA2, where a range begins at a multiple of 64K, pages before one go one by one. */
static struct guest *create_with_mmu(bool lpa2)
{
	const struct s2_config config = { .vmid = VMID, .granule = S2_PAGE_4K, .lpa2 = lpa2 };
	struct s2_mmu *mmu = s2mmu_create(&config);

	assert(mmu);
	return guest_require(guest_create_on(mmu, (void (*)(void))guest_touch_with_mmu));
}

/* The table's page is unmapped, with pages in front of it, in more than one step if @several. */
static void check_stage1_table(bool lpa2, bool several)
{
	struct walk walk = {};
	struct guest *guest = create_with_mmu(lpa2);
	u64 *page = alloc_page();
	char syndrome[128];
	int level;

	page[0] = OLD;
	walk.stage1 = guest_stage1_create(guest, 39);
	assert(walk.stage1 && !s2mmu_map(guest->s2mmu, IPA, virt_to_phys(page), SZ_4K, S2_MAP_RW));
	assert(!guest_stage1_map(walk.stage1, VA, IPA, SZ_4K, S1_MAP_RO) &&
	       !guest_stage1_map(walk.stage1, VA + SZ_4K, IPA, SZ_4K, S1_MAP_RO) &&
	       !guest_stage1_map_image(walk.stage1, 0));
	walk.table = (u64)guest_stage1_lookup(walk.stage1, VA, &level) & ~(SZ_4K - 1UL);
	if (several)
		walk.before = IS_ALIGNED(walk.table - SZ_4K, SZ_64K) ? 2 : 1;
	guest->data = &walk;
	guest->x[0] = (u64)walk.stage1;
	guest_install_handler(guest, ELx_LOW_SYNC_64, walk_handler);
	guest_check_run(guest, EXPECT_RETURN(2 * OLD),
			"words through a stage-1 table whose page is unmapped, with %u before it",
			walk.before);
	report(walk.table_faults == 1 &&
		       (walk.esr & ESR_ELx_FSC) == (ESR_ELx_FSC_FAULT | PT_LEVEL_LAST),
	       "page of a stage-1 table unmapped, with %u before it: expected 1 translation fault, "
	       "level 3, on a walk; found %u, %s",
	       walk.before, walk.table_faults, esr_decode(walk.esr, syndrome, sizeof(syndrome)));
	guest_stage1_destroy(walk.stage1);
	guest_destroy(guest);
	free_page(page);
}

static void test_stage1_table(void)
{
	for (int lpa2 = 0; lpa2 <= s2_granule_lpa2(S2_PAGE_4K); lpa2++) {
		check_stage1_table(lpa2, false);
		check_stage1_table(lpa2, true);
	}
}

static const struct subtest subtests[] = {
	{ "range", test_range }, { "operands", test_operands },		{ "state", test_state },
	{ "vmid", test_vmid },	 { "stage1-table", test_stage1_table },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
