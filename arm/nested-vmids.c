/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More stage 2s in turn than a hypervisor below this host keeps shadow tables for: Linux KVM has
 * two for each vCPU of this host. Each stage 2 has its own VMID and maps one address to its own
 * page. "many" has 64 of them, the other tests 16.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/smp.h>
#include <asm/stage2-tlb.h>

#define IPA 0x100000000UL
#define FEW 16
#define MANY 64
#define MAX_CPUS 8
#define FIRST_WORD(machine) ((u64)(machine) << 32)

struct machine {
	struct guest *guest;
	u64 *page; /* at IPA */
	u64 runs; /* so far */
};

static struct machine machines[MANY];

/* Pass the word at IPA to the host and add one to it, forever. */
static void guest_count(void)
{
	for (;;) {
		register u64 x0 asm("x0") = *(volatile u64 *)IPA;

		*(volatile u64 *)IPA = x0 + 1;
		asm volatile("hvc #0" : : "r"(x0) : "memory");
	}
}

static void map_page(struct machine *m, u64 *page)
{
	m->page = page;
	assert(!s2mmu_map(m->guest->s2mmu, IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
}

static void create_machines(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct machine *m = &machines[i];
		u64 *page = alloc_page();

		assert(page);
		*m = (struct machine){ .guest = guest_create_4k(1 + i, guest_count) };
		page[0] = FIRST_WORD(i);
		map_page(m, page);
		guest_install_handler(m->guest, ELx_LOW_SYNC_64, guest_exit_always);
	}
}

static void destroy_machines(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		guest_destroy(machines[i].guest);
		free_page(machines[i].page);
	}
}

/* True when the guest has read and written its own page, which has its number and its runs. */
static bool counts(unsigned int i)
{
	struct machine *m = &machines[i];
	u64 expected = FIRST_WORD(i) + m->runs++;

	return guest_run(m->guest) == GUEST_EXIT_HANDLER && m->guest->x[0] == expected &&
	       m->page[0] == expected + 1;
}

/* Forwards, and backwards: the stage 2s used last come first then. */
static void check_in_turn(unsigned int count, const char *when)
{
	unsigned int right = 0;

	for (unsigned int i = 0; i < count; i++)
		right += counts(i);
	for (unsigned int i = count; i-- > 0;)
		right += counts(i);
	report(right == 2 * count,
	       "%u guests with a VMID each, in turn, %s: expected %u runs that find their own page, "
	       "found %u",
	       count, when, 2 * count, right);
}

static void test_in_turn(void)
{
	create_machines(FEW);
	check_in_turn(FEW, "twice");
	destroy_machines(FEW);
}

static void test_many(void)
{
	create_machines(MANY);
	check_in_turn(MANY, "twice");
	destroy_machines(MANY);
}

/* Each page moves while the guest does not run, and perhaps has no shadow tables. */
static void test_moved(void)
{
	create_machines(FEW);
	check_in_turn(FEW, "before their pages move");
	for (unsigned int i = 0; i < FEW; i++) {
		struct machine *m = &machines[i];
		u64 *old = m->page, *new = alloc_page();

		assert(new);
		new[0] = old[0];
		old[0] = ~0UL;
		map_page(m, new);
		free_page(old);
	}
	check_in_turn(FEW, "after their pages moved");
	destroy_machines(FEW);
}

static void set_leaf(const struct machine *m, pteval_t leaf)
{
	assert(!s2mmu_set_raw(m->guest->s2mmu, IPA, PT_LEVEL_LAST, leaf));
}

/* Two machines exchange their pages, and the words in them. */
static void exchange(struct machine *a, struct machine *b, pteval_t leaf_a, pteval_t leaf_b)
{
	u64 *page = a->page, word = page[0];

	page[0] = b->page[0];
	b->page[0] = word;
	a->page = b->page;
	b->page = page;
	set_leaf(a, leaf_b);
	set_leaf(b, leaf_a);
}

/* All descriptors change, with one TLBI for all VMIDs. */
static void test_moved_at_once(void)
{
	pteval_t leaves[FEW];

	create_machines(FEW);
	check_in_turn(FEW, "before all of their pages move at once");
	for (unsigned int i = 0; i < FEW; i++) {
		leaves[i] = *s2mmu_lookup(machines[i].guest->s2mmu, IPA, NULL);
		set_leaf(&machines[i], 0);
	}
	s2_tlb_flush_all_vmids();
	for (unsigned int i = 0; i < FEW; i += 2)
		exchange(&machines[i], &machines[i + 1], leaves[i], leaves[i + 1]);
	check_in_turn(FEW, "after all of their pages moved at once");
	destroy_machines(FEW);
}

/* CPU n runs every guest whose number modulo the number of CPUs is n. */
static unsigned int right_on[MAX_CPUS];

static void run_share(void *data)
{
	unsigned int cpu = smp_processor_id(), step = *(unsigned int *)data;

	right_on[cpu] = 0;
	if (cpu >= step)
		return;
	for (unsigned int round = 0; round < 2; round++)
		for (unsigned int i = cpu; i < FEW; i += step)
			right_on[cpu] += counts(i);
}

static void test_cpus(void)
{
	unsigned int used = MIN(nr_cpus, MAX_CPUS), right = 0;

	if (used == 1) {
		report_skip("needs two CPUs");
		return;
	}
	create_machines(FEW);
	on_cpus(run_share, &used);
	for (unsigned int i = 0; i < used; i++)
		right += right_on[i];
	report(right == 2 * FEW,
	       "%d guests with a VMID each, on %u CPUs: expected %d runs that find their own page, "
	       "found %u",
	       FEW, used, 2 * FEW, right);
	check_in_turn(FEW, "on one CPU after that");
	destroy_machines(FEW);
}

static const struct subtest subtests[] = {
	{ "in-turn", test_in_turn },
	{ "moved", test_moved },
	{ "moved-at-once", test_moved_at_once },
	{ "cpus", test_cpus },
	{ "many", test_many },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
