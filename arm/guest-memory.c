/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests take they give back: when they are destroyed, and when there is not enough of it. */
#include <libcflat.h>
#include <alloc_page.h>
#include <shortage.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/guest.h>
#include <asm/setup.h>

#define VMID 11
#define ROUNDS 140 /* more than a page has of the smallest chunks of malloc() */
#define MAX_SINGLES 32
#define MAX_STACKS 2

static void guest_wait(void)
{
	asm volatile("wfi" : : : "memory");
}

static void ignore(struct guest_el1_regs *regs, unsigned int esr)
{
}

/* All that a guest may have. */
static struct guest *create_all(void)
{
	struct guest *guest = guest_create(VMID, guest_wait, S2_PAGE_4K);

	assert(guest && guest_install_el1_handler(guest, ELxH_SYNC, ignore));
	assert(guest_enable_debug(guest));
	guest_enable_sve(guest); /* where there is SVE */
	return guest;
}

static void test_leak(void)
{
	unsigned long before = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct guest *guest = create_all();
		struct guest *other = guest_create_vcpu(guest, guest_wait);

		assert(other);
		guest_destroy(guest);
		guest_destroy(other);
		/*
		 * The first round leaves tables of the vmalloc region and malloc's chunks behind.
		 */
		if (!i)
			before = alloc_pages_in_use();
	}
	report(alloc_pages_in_use() == before,
	       "%d machines of two vCPUs created and destroyed: %ld pages lost", ROUNDS,
	       alloc_pages_in_use() - before);
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
		stacks[i] = memalign_pages(GUEST_STACK_SIZE, GUEST_STACK_SIZE);
	root = alloc_pages(1);
	assert(singles[2 * MAX_SINGLES - 1] && stacks[MAX_STACKS - 1] && root);
}

/*
 * Up to @count single pages more: failures until there is enough, each of which leaves as much as
 * there was.
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

/* Page by page what a guest is made of, and then the stack. */
static void starve(int *failures, int *lost)
{
	struct held_pages *held;
	bool without, with;

	take_shares();
	held = hold_all_pages();
	without = create_with(4, failures, lost);
	free_pages(root); /* the tree's */
	without |= create_with(MAX_SINGLES, failures, lost);
	with = without;
	for (int i = 0; i < MAX_STACKS && !with; i++) {
		free_pages(stacks[i]);
		with = create_with(0, failures, lost);
	}
	release_pages(held);
	for (int i = 0; i < 2 * MAX_SINGLES; i++)
		free_pages(singles[i]);
	/* Where pages are as large as stacks, they will do. */
	report((!without || PAGE_SIZE >= GUEST_STACK_SIZE) && with,
	       "a guest without memory for its stack: %s; with it: %s",
	       without ? "created" : "NULL", with ? "created" : "NULL");
}

static void test_shortage(void)
{
	void *address = first_free_address();
	int failures = 0, lost = 0, tables = 0;

	/* The first time the host's own tables for its addresses are missing too. They stay. */
	starve(&failures, &tables);
	report_info("%d failures, %d with tables that stay", failures, tables);
	failures = 0;
	guest_destroy(create_all()); /* what it leaves behind is there from now on */
	starve(&failures, &lost);
	report(failures > 4 && !lost, "guest_create() failed %d times, and lost pages %d times",
	       failures, lost);
	report(first_free_address() == address, "the first free address: expected %p, found %p",
	       address, first_free_address());
}

/*
 * Guests on trees that have memory mapped already
 */

/* All of memory, the image as well, so that a new guest's stack is in it. */
static struct s2_mmu *map_memory(u64 offset)
{
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, true);
	u64 start = mem_regions[0].start, size = mem_regions[0].end - start;

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
	enum guest_exit_reason reason;

	report(guest, "%s is created", what);
	if (!guest)
		return;
	guest->x[0] = 40;
	guest->x[1] = 2;
	reason = guest_run(guest);
	report(reason == GUEST_EXIT_RETURNED && guest->exit_code == 42,
	       "%s runs: expected 42, found %lu (%s)", what, guest->exit_code,
	       guest_exit_reason_name(reason));
	guest_destroy(guest);
}

/* The tree stays the caller's: what is mapped there before is mapped there after. */
static void test_one_to_one(void)
{
	struct s2_mmu *mmu = map_memory(0);
	u64 before = hash(mmu);
	struct guest *guest = guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add);

	if (guest)
		check_adds(guest_create_vcpu(guest, (void (*)(void))guest_add), "another vCPU");
	report(!guest || guest_install_el1_handler(guest, ELxH_SYNC, ignore),
	       "it may have handlers of its own");
	check_adds(guest, "a guest where all memory is mapped one to one");
	report(hash(mmu) == before, "the tree is as it was");
	s2mmu_destroy(mmu);
}

static void test_in_the_way(void)
{
	struct s2_mmu *mmu = map_memory(SZ_1G);
	struct guest *guest;
	u64 before = hash(mmu), own;

	report(!guest_create_on(s2mmu_share(mmu), (void (*)(void))guest_add) && hash(mmu) == before,
	       "no guest where other memory stands at its addresses, and no change");
	s2mmu_destroy(mmu);

	guest = guest_create(VMID, (void (*)(void))guest_add, S2_PAGE_4K);
	assert(guest);
	for (u64 ipa = mem_regions[0].start; ipa < mem_regions[0].end; ipa += SZ_64K)
		s2mmu_map(guest->s2mmu, ipa, ipa + SZ_1G, SZ_64K, S2_MAP_RW); /* but its stack */
	own = hash(guest->s2mmu);
	report(!guest_create_vcpu(guest, (void (*)(void))guest_add) && hash(guest->s2mmu) == own,
	       "no vCPU where other memory stands at its stack, and no change for the first");
	check_adds(guest, "the first");
}

static const struct subtest subtests[] = {
	{ "shortage", test_shortage }, /* first: no guest has been there before */
	{ "leak", test_leak },
	{ "in-the-way", test_in_the_way },
	{ "one-to-one", test_one_to_one },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
