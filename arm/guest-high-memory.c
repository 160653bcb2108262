/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of a host with memory above 4 GiB, which AArch32 does not reach. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/setup.h>

#define VMID 43
#define LARGEST_ORDER 14U
#define SZ_4G (4UL << 30)

/* Not run, and the last that AArch32 reaches */
#define CODE ((const void *)(SZ_4G - 4))

/* Free memory that the test has taken, in blocks that begin with this */
static struct block {
	struct block *next;
} *taken;

static void take_all_memory(void)
{
	for (unsigned int order = LARGEST_ORDER + 1; order--;) {
		struct block *block;

		while ((block = alloc_pages_flags(order, FLAG_DONTZERO))) {
			block->next = taken;
			taken = block;
		}
	}
}

static void free_memory(u64 start, u64 end)
{
	struct block **link = &taken;

	while (*link) {
		struct block *block = *link;

		if (virt_to_phys(block) >= start && virt_to_phys(block) < end) {
			*link = block->next;
			free_pages(block);
		} else {
			link = &block->next;
		}
	}
}

typedef struct guest *(*create_fn)(int vmid, const void *code, enum s2_granule granule);

static void check_32(create_fn create, const char *where, bool expected)
{
	unsigned long before = alloc_pages_in_use(), after;
	struct guest *guest = create(VMID, CODE, S2_PAGE_4K);
	bool found = guest;

	if (guest)
		guest_destroy(guest);
	after = alloc_pages_in_use();
	report(found == expected && after == before,
	       "guest in AArch32 at %s: expected %d, and %lu pages in use after it; found %d, %lu",
	       where, expected, before, found, after);
}

static void check_both(bool expected)
{
	if (guest_aarch32_unsupported())
		report_skip("%s", guest_aarch32_unsupported());
	else
		check_32(guest_create_el0_32, "EL0", expected);
	if (guest_aarch32_el1_unsupported())
		report_skip("%s", guest_aarch32_el1_unsupported());
	else
		check_32(guest_create_el1_32, "EL1", expected);
}

static u64 guest_return_7(void)
{
	return 7;
}

/* In AArch64 wherever its stack is; the first one takes memory for tables of the host, too. */
static void check_64(const char *where)
{
	struct guest *guest = guest_create_4k(VMID, guest_return_7);

	guest_check_run(guest, EXPECT_RETURN(7), "guest in AArch64, all free memory %s", where);
	guest_destroy(guest);
}

static void test_below(void)
{
	take_all_memory();
	free_memory(SZ_2G, SZ_4G);
	check_64("from 2 to 4 GiB");
	check_both(true);
}

static void test_above(void)
{
	take_all_memory();
	free_memory(SZ_4G, UINT64_MAX);
	check_64("above 4 GiB");
	check_both(false);
}

static const struct subtest subtests[] = {
	{ "below", test_below },
	{ "above", test_above },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (PHYS_END <= SZ_4G)
		unsupported = "no memory above 4 GiB";
	return run_subtests_unless(unsupported, subtests, ARRAY_SIZE(subtests), argc, argv);
}
