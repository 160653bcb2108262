/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of guests: freed when they are destroyed, and when creating them runs out of it. */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/io.h>
#include <asm/setup.h>

#define VMID 11
#define ROUNDS 140 /* more than a page has of the smallest chunks of object_alloc() */
#define MAX_SINGLES 32
#define MAX_STACKS 2

static void guest_wait(void)
{
	asm volatile("wfi" : : : "memory");
}

static void ignore(struct guest_el1_regs *regs, unsigned int esr)
{
}

/* A guest with all optional state. */
static struct guest *create_all(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_wait);

	assert(guest_install_el1_handler(guest, ELxH_SYNC, ignore));
	assert(guest_enable_debug(guest));
	guest_enable_sve(guest); /* false without SVE */
	return guest;
}

static void test_leak(void)
{
	unsigned long before = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct guest *guest = create_all();
		struct guest *other = guest_require(guest_create_vcpu(guest, guest_wait));

		guest_destroy(guest);
		guest_destroy(other);
		/*
		 * The first round leaves tables of the vmalloc region and malloc's chunks behind.
		 */
		if (!i)
			before = alloc_pages_in_use();
	}
	report(alloc_pages_in_use() == before,
	       "pages lost by %d machines of two vCPUs, created and destroyed: expected 0, found %ld",
	       ROUNDS, alloc_pages_in_use() - before);
}

/*
 * Too little memory, by single pages and by stacks
 */

/* Of each two neighbours one: those that are freed stay single pages. */
static void *singles[2 * MAX_SINGLES], *stacks[MAX_STACKS], *root;

static int next_single;

static void take_shares(void)
{
	next_single = 0;
	for (int i = 0; i < 2 * MAX_SINGLES; i++)
		singles[i] = alloc_page();
	for (int i = 0; i < MAX_STACKS; i++)
		stacks[i] = memalign_pages(GUEST_STACK_SIZE, GUEST_STACK_GUARD + GUEST_STACK_SIZE);
	root = alloc_pages(1);
	assert(singles[2 * MAX_SINGLES - 1] && stacks[MAX_STACKS - 1] && root);
}

/*
 * Up to @count single pages more: failures until there are enough, none of which loses a page.
 */
static bool create_with(int count, int *failures, int *lost)
{
	unsigned long before;
	struct guest *guest = NULL;

	for (int i = 0; i <= count && !guest; i++) {
		before = alloc_pages_in_use();
		guest = guest_create(VMID, guest_wait, S2_PAGE_4K);
		*failures += !guest;
		*lost += !guest && alloc_pages_in_use() != before;
		if (!guest && i < count && next_single < MAX_SINGLES) {
			free_page(singles[2 * next_single]);
			singles[2 * next_single++] = NULL;
		}
	}
	if (guest)
		guest_destroy(guest);
	return guest;
}

static void *first_free_address(void)
{
	void *slot = vm_slot_alloc();

	vm_slot_free(slot);
	return slot;
}

/* Give a guest its memory page by page, and then the stack. */
static void starve(int *failures, int *lost, const char *when)
{
	struct held_pages *held;
	bool without, with;

	take_shares();
	held = hold_all_pages();
	without = create_with(4, failures, lost);
	free_pages(root); /* of stage 2 */
	without |= create_with(MAX_SINGLES, failures, lost);
	with = without;
	for (int i = 0; i < MAX_STACKS && !with; i++) {
		free_pages(stacks[i]);
		with = create_with(0, failures, lost);
	}
	release_pages(held);
	for (int i = 0; i < 2 * MAX_SINGLES; i++)
		free_pages(singles[i]);
	/* Two pages as large as a stack are enough, and those of 64 KiB may follow each other. */
	report((!without || PAGE_SIZE >= GUEST_STACK_SIZE) && with,
	       "guest_create() without and with memory for a stack, %s: expected NULL and a guest, "
	       "found %s and %s",
	       when, without ? "a guest" : "NULL", with ? "a guest" : "NULL");
}

static void test_shortage(void)
{
	void *address = first_free_address();
	int failures = 0, lost = 0, tables = 0;

	/* The first time the host's own tables for its addresses are missing too. They stay. */
	starve(&failures, &tables, "first time");
	report_info("%d failures, %d with tables that stay", failures, tables);
	failures = 0;
	guest_destroy(create_all()); /* the tables that it leaves behind stay */
	starve(&failures, &lost, "again");
	report(failures > 4 && !lost,
	       "guest_create() without enough memory: expected more than 4 failures, 0 of them that "
	       "lose pages, found %d and %d",
	       failures, lost);
	report(first_free_address() == address,
	       "first free virtual address after failures of guest_create(): expected %p, found %p",
	       address, first_free_address());
}

/*
 * Guests on a stage 2 that has memory mapped already
 */

/* All of memory, the image as well, so that a new guest's stack is in it. */
static struct s2_mmu *map_memory(u64 offset)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 start = ram_regions[0].start, size = ram_regions[0].end - start;

	assert(mmu && !s2mmu_map(mmu, start, start + offset, size, S2_MAP_RW));
	return mmu;
}

static u64 add_leaf(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	return (*leaf + ipa + level) * 0x9e3779b97f4a7c15UL;
}

static u64 hash(struct s2_mmu *mmu)
{
	return s2mmu_walk(mmu, 0, 1UL << mmu->geometry.ipa_bits, add_leaf, NULL);
}

static u64 guest_add(u64 a, u64 b)
{
	return a + b;
}

static void check_adds(struct guest *guest, const char *what)
{
	report(guest, "creating %s: expected a guest, found %p", what, guest);
	if (!guest)
		return;
	guest->x[0] = 40;
	guest->x[1] = 2;
	guest_check_run(guest, EXPECT_RETURN(42), "40 + 2 in %s", what);
	guest_destroy(guest);
}

/* Stage 2 stays the caller's: what was mapped before is mapped after. */
static void test_one_to_one(void)
{
	struct s2_mmu *mmu = map_memory(0);
	u64 before = hash(mmu), after;
	bool installed;
	struct guest *guest = guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add);

	if (guest)
		check_adds(guest_create_vcpu(guest, (void (*)(void))guest_add),
			   "another vCPU where all memory is mapped one to one");
	installed = !guest || guest_install_el1_handler(guest, ELxH_SYNC, ignore);
	report(installed,
	       "guest_install_el1_handler() where all memory is mapped: expected 1, found %d",
	       installed);
	check_adds(guest, "a guest where all memory is mapped one to one");
	after = hash(mmu);
	report(after == before,
	       "hash of stage-2 leaves after a guest on it was destroyed: expected %#lx, found %#lx",
	       before, after);
	s2mmu_destroy(mmu);
}

static void test_in_the_way(void)
{
	struct s2_mmu *mmu = map_memory(SZ_1G);
	struct guest *guest, *vcpu;
	u64 before = hash(mmu), after;

	guest = guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add);
	after = hash(mmu);
	report(!guest && after == before,
	       "guest_create_on() where its addresses map other memory: expected NULL, hash of "
	       "leaves %#lx, found %p, %#lx",
	       before, guest, after);
	s2mmu_destroy(mmu);

	guest = guest_create_4k(VMID, guest_add);
	for (u64 ipa = ram_regions[0].start; ipa < ram_regions[0].end; ipa += SZ_64K)
		/* but its stack */
		s2mmu_map(guest->s2mmu, ipa, ipa + SZ_1G, SZ_64K, S2_MAP_RW | S2_MAP_NOREPLACE);
	before = hash(guest->s2mmu);
	vcpu = guest_create_vcpu(guest, (void (*)(void))guest_add);
	after = hash(guest->s2mmu);
	report(!vcpu && after == before,
	       "guest_create_vcpu() where its stack maps other memory: expected NULL, hash of "
	       "leaves %#lx, found %p, %#lx",
	       before, vcpu, after);
	check_adds(guest, "a guest for which another vCPU could not be created");
}

/* Data of the image, so that it must be mapped */
static u64 data_of_image[2] = { 40, 2 };

static u64 guest_add_data(void)
{
	data_of_image[0]++;
	return data_of_image[0]-- + data_of_image[1] - 1;
}

/* In the way of the image's code or data: nothing is left mapped, and later guests find it whole. */
static void check_image_in_the_way(const char *what, u64 ipa)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, false);
	struct guest *guest;
	u64 before, after;

	report_prefix_push(what);
	assert(mmu && !s2mmu_map(mmu, ipa, ipa + SZ_1G, SZ_4K, S2_MAP_RW));
	before = hash(mmu);
	guest = guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add_data);
	after = hash(mmu);
	report(!guest && after == before,
	       "guest_create_on() where a page of it maps other memory: expected NULL, hash of "
	       "leaves %#lx, found %p, %#lx",
	       before, guest, after);
	assert(!s2mmu_unmap(mmu, ipa, SZ_4K));
	check_adds(guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add_data),
		   "a guest once that page is unmapped");
	s2mmu_destroy(mmu);
	report_prefix_pop();
}

static void test_image_in_the_way(void)
{
	check_image_in_the_way("code", ALIGN_DOWN(__pa(guest_add_data), SZ_4K));
	check_image_in_the_way("data", ALIGN_DOWN(__pa(data_of_image), SZ_4K));
}

static const struct subtest subtests[] = {
	{ "shortage", test_shortage }, /* first: no guest has been there before */
	{ "leak", test_leak },
	{ "in-the-way", test_in_the_way },
	{ "image-in-the-way", test_image_in_the_way },
	{ "one-to-one", test_one_to_one },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
