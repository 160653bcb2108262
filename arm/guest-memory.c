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

static void take_shares(void)
{
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
	static int next;
	unsigned long before;
	struct guest *guest = NULL;

	for (int i = 0; i <= count && !guest; i++) {
		before = alloc_pages_in_use();
		guest = guest_create(VMID, guest_wait, S2_PAGE_4K);
		*failures += !guest;
		*lost += !guest && alloc_pages_in_use() != before;
		if (!guest && i < count && next < MAX_SINGLES) {
			free_page(singles[2 * next]);
			singles[2 * next++] = NULL;
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

static void test_shortage(void)
{
	void *address = first_free_address();
	int failures = 0, lost = 0;
	struct held_pages *held;
	bool without, with;

	guest_destroy(create_all()); /* what it leaves behind is there from now on */
	take_shares();
	held = hold_all_pages();
	without = create_with(4, &failures, &lost);
	free_pages(root); /* the tree's, and then page by page what the block is made of */
	without |= create_with(MAX_SINGLES, &failures, &lost);
	with = without;
	for (int i = 0; i < MAX_STACKS && !with; i++) {
		free_pages(stacks[i]);
		with = create_with(0, &failures, &lost);
	}
	release_pages(held);
	for (int i = 0; i < 2 * MAX_SINGLES; i++)
		free_pages(singles[i]);
	/* Where pages are as large as stacks, they will do. */
	report((!without || PAGE_SIZE >= GUEST_STACK_SIZE) && with,
	       "a guest without memory for its stack: %s; with it: %s",
	       without ? "created" : "NULL", with ? "created" : "NULL");
	report(failures > 4 && !lost, "guest_create() failed %d times, and lost pages %d times",
	       failures, lost);
	report(first_free_address() == address, "the first free address: expected %p, found %p",
	       address, first_free_address());
}

static const struct subtest subtests[] = {
	{ "leak", test_leak },
	{ "shortage", test_shortage },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
