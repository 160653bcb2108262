/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests on several CPUs: one on each, many on one stage 2, one that moves, while page tables and
 * translations change (guest-smp/). Every wait has an end, in guests too.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/deadline.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/smp.h>
#include <asm/spinlock.h>
#include "guest-smp/smp.h"

#define TEST_PAGES 16

static int used_cpus;
struct guest *guests[MAX_CPUS];
enum guest_exit_reason reasons[MAX_CPUS];

bool alone(void)
{
	if (used_cpus == 1)
		report_skip("needs two CPUs");
	return used_cpus == 1;
}

/* Runs on the CPU that is its number. */
static void run_own(void *data)
{
	int cpu = smp_processor_id();

	if (cpu < used_cpus)
		reasons[cpu] = guest_run(guests[cpu]);
}

static void nothing(void *data)
{
}

void start(int cpu)
{
	on_cpu_async(cpu, run_own, NULL);
}

void finish(int cpu)
{
	on_cpu(cpu, nothing, NULL);
}

/* The first guest, and for each further CPU a guest or a vCPU. */
static void create_each(void (*guest_func)(void))
{
	static const enum s2_granule granules[] = { S2_PAGE_4K, S2_PAGE_64K, S2_PAGE_16K };

	for (int i = 0; i < used_cpus; i++) {
		enum s2_granule granule = granules[i % ARRAY_SIZE(granules)];

		if (!s2_granule_supported(granule))
			granule = S2_PAGE_4K;
		guests[i] = guest_require(guest_create(30 + i, guest_func, granule));
		guests[i]->x[0] = i;
	}
}

void create_vcpus(void (*guest_func)(void))
{
	for (int i = 0; i < used_cpus; i++) {
		guests[i] = guest_require(i ? guest_create_vcpu(guests[0], guest_func)
					    : guest_create(40, guest_func, S2_PAGE_4K));
		guests[i]->x[0] = i;
	}
}

void destroy_all(void)
{
	for (int i = 0; i < used_cpus; i++)
		guest_destroy(guests[i]);
}

/* In a guest: true when all have come. */
static int in_guest;

static bool guests_meet(void)
{
	add(&in_guest, 1);
	return wait_for(load(&in_guest) == used_cpus, WAIT_MS);
}

/* A guest per CPU at once. */
static u64 guest_meet_and_call(u64 id)
{
	bool met = guests_meet();

	write_sysreg(id, tpidr_el1);
	for (int i = 0; i < 100; i++)
		asm volatile("hvc #0" : : : "memory");
	return met && read_sysreg(tpidr_el1) == id ? id : ~0UL;
}

/* The handler's CPU is the guest's, found from the handler's own stack. */
static enum guest_handler_result count_call(struct guest *guest)
{
	if (guests[smp_processor_id()] == guest)
		guest->data = (void *)((u64)guest->data + 1);
	return GUEST_ACTION_RESUME;
}

static void test_each(void)
{
	int cpu, right = 0, calls = 0;

	in_guest = 0;
	create_each((void (*)(void))guest_meet_and_call);
	for (int i = 0; i < used_cpus; i++)
		guest_install_handler(guests[i], ELx_LOW_SYNC_64, count_call);
	on_cpus(run_own, NULL);
	for (cpu = 0; cpu < used_cpus; cpu++) {
		right += reasons[cpu] == GUEST_EXIT_RETURNED &&
			 guests[cpu]->return_value == (u64)cpu;
		calls += (u64)guests[cpu]->data == 100;
	}
	report(load(&in_guest) == used_cpus && right == used_cpus,
	       "guests that ran at once, each on its CPU: expected %d that meet and return their "
	       "number, found %d and %d",
	       used_cpus, load(&in_guest), right);
	report(calls == used_cpus,
	       "guests whose 100 exits were all handled on their own CPU: expected %d, found %d",
	       used_cpus, calls);
	destroy_all();
}

/* Many vCPUs on one stage 2: they count in memory that they share, and fault on the same pages. */
static struct spinlock guest_lock;
static volatile int guest_count;
static u64 *pages[TEST_PAGES];
static int mapped, already_mapped, other_errors;

static u64 guest_share(u64 id)
{
	volatile u64 *test = (volatile u64 *)TEST_IPA;
	u64 sum = 0;

	if (!guests_meet())
		return ~0UL;
	for (int i = 0; i < TEST_PAGES; i++)
		sum += test[(i + id) % TEST_PAGES * (PAGE_SIZE / sizeof(u64))];
	for (int i = 0; i < 100; i++) {
		__spin_lock(&guest_lock);
		guest_count = guest_count + 1;
		__spin_unlock(&guest_lock);
	}
	return sum << 32 | (read_sysreg(mpidr_el1) & 0xffff);
}

/* Another CPU may have mapped the page already. */
static enum guest_handler_result map_page(struct guest *guest)
{
	u64 ipa;
	int err;

	if (!guest_fault_ipa(guest, &ipa) || ipa < TEST_IPA ||
	    ipa >= TEST_IPA + TEST_PAGES * PAGE_SIZE)
		return GUEST_ACTION_EXIT;
	err = s2mmu_map(guest->s2mmu, ipa & PAGE_MASK,
			virt_to_phys(pages[(ipa - TEST_IPA) / PAGE_SIZE]), PAGE_SIZE,
			S2_MAP_RW | S2_MAP_NOREPLACE);
	add(!err ? &mapped : err == -EEXIST ? &already_mapped : &other_errors, 1);
	return err && err != -EEXIST ? GUEST_ACTION_EXIT : GUEST_ACTION_RESUME;
}

static u64 fill_pages(void)
{
	u64 sum = 0;

	mapped = already_mapped = other_errors = 0;
	for (int i = 0; i < TEST_PAGES; i++) {
		pages[i] = alloc_page();
		assert(pages[i]);
		*pages[i] = i + 1;
		sum += i + 1;
	}
	return sum;
}

static void free_pages_of_test(void)
{
	for (int i = 0; i < TEST_PAGES; i++)
		free_page(pages[i]);
}

static void test_vcpus(void)
{
	u64 sum = fill_pages();
	int right = 0;

	in_guest = guest_count = 0;
	create_vcpus((void (*)(void))guest_share);
	for (int i = 0; i < used_cpus; i++)
		guest_install_handler(guests[i], ELx_LOW_SYNC_64, map_page);
	on_cpus(run_own, NULL);
	for (int i = 0; i < used_cpus; i++)
		right += reasons[i] == GUEST_EXIT_RETURNED &&
			 guests[i]->return_value == (sum << 32 | (u64)i);
	report(right == used_cpus,
	       "vCPUs that ran at once and return their MPIDR_EL1 and the sum of all pages: expected %d, "
	       "found %d",
	       used_cpus, right);
	report(guest_count == 100 * used_cpus,
	       "counter that all vCPUs increment under a lock: expected %d, found %d",
	       100 * used_cpus, guest_count);
	report(mapped == TEST_PAGES && !other_errors,
	       "pages mapped on faults of all vCPUs: expected %d, 0 errors, found %d, %d errors",
	       TEST_PAGES, mapped, other_errors);
	destroy_all();
	free_pages_of_test();
}

/* After sixteen vCPUs MPIDR_EL1.Aff1 is incremented. */
static void test_many_vcpus(void)
{
	struct guest *first = guest_create_4k(1, guest_share);
	u64 expected = 1UL << 31 | 1 << 8 | 2, last = 0;

	for (int i = 1; i <= 18; i++) {
		struct guest *vcpu =
			guest_require(guest_create_vcpu(first, (void (*)(void))guest_share));

		last = vcpu->vmpidr_el2;
		guest_destroy(vcpu);
	}
	report(last == expected, "VMPIDR_EL2 of the nineteenth vCPU: expected %#lx, found %#lx",
	       expected, last);
	guest_destroy(first);
}

/*
 * Two CPUs in the handlers of one fault: both begin to map before either resumes. They map 511
 * pages of a table whose last page is mapped: to check those takes long enough to overlap.
 */
#define REGIONS 8
#define REGION_SIZE (SZ_2M - PAGE_SIZE)
static u64 *region;
static int in_handler;

static enum guest_handler_result meet_and_map(struct guest *guest)
{
	u64 ipa;
	int err;

	if (!guest_fault_ipa(guest, &ipa))
		return GUEST_ACTION_EXIT;
	add(&in_handler, 1);
	if (!wait_for(load(&in_handler) % 2 == 0, WAIT_MS))
		return GUEST_ACTION_EXIT;
	err = s2mmu_map(guest->s2mmu, ALIGN_DOWN(ipa, SZ_2M), virt_to_phys(region), REGION_SIZE,
			S2_MAP_RW | S2_MAP_NOREPLACE);
	add(!err ? &mapped : err == -EEXIST ? &already_mapped : &other_errors, 1);
	return GUEST_ACTION_RESUME;
}

static u64 guest_read_all(void)
{
	volatile u64 *test = (volatile u64 *)TEST_IPA;
	static int at[REGIONS];
	u64 sum = 0;

	for (int i = 0; i < REGIONS; i++) {
		add(&at[i], 1);
		if (!wait_for(load(&at[i]) == 2, WAIT_MS))
			return 0;
		sum += test[i * (SZ_2M / sizeof(u64))];
	}
	return sum;
}

static void test_fault_twice(void)
{
	if (alone())
		return;
	region = memalign_pages(SZ_2M, SZ_2M);
	assert(region);
	*region = 7;
	mapped = already_mapped = other_errors = in_handler = 0;
	create_vcpus((void (*)(void))guest_read_all);
	for (int i = 0; i < 2; i++)
		guest_install_handler(guests[i], ELx_LOW_SYNC_64, meet_and_map);
	for (u64 i = 0; i < REGIONS; i++)
		assert(!s2mmu_map(guests[0]->s2mmu, TEST_IPA + i * SZ_2M + REGION_SIZE,
				  virt_to_phys(region), PAGE_SIZE, S2_MAP_RW));
	start(1);
	run_own(NULL);
	finish(1);
	report(mapped == REGIONS && already_mapped == REGIONS && !other_errors,
	       "s2mmu_map() on faults of two CPUs in the same regions: expected %d successes, %d "
	       "-EEXIST, 0 other errors, found %d, %d, %d",
	       REGIONS, REGIONS, mapped, already_mapped, other_errors);
	for (int i = 0; i < 2; i++)
		guest_check_exit(guests[i], EXPECT_RETURN(7 * REGIONS),
				 "CPU %d, sum of words in the mapped regions", i);
	destroy_all();
	free_pages(region);
}

/* A vCPU that moves: guest-smp.S */
u64 guest_hop(u64 seed, u64 hops);

/* Every other handler accesses the registers, which moves them to memory. */
static enum guest_handler_result look_and_exit(struct guest *guest)
{
	add(&other_errors, guest->tpidr_el1 != 0x10004);
	return GUEST_ACTION_EXIT;
}

static void test_migrate(void)
{
	int hops = 4 * used_cpus, stops = 0;
	struct guest *guest = guest_create_4k(50, guest_hop);

	other_errors = 0;
	guest->x[0] = 0x10000;
	guest->x[1] = hops;
	for (int i = 0; i <= hops; i++) {
		int cpu = i % used_cpus;

		guests[cpu] = guest;
		guest_install_handler(guest, ELx_LOW_SYNC_64,
				      i % 2 ? look_and_exit : guest_exit_always);
		on_cpu(cpu, run_own, NULL);
		stops += reasons[cpu] == GUEST_EXIT_HANDLER;
		other_errors += guest->tpidr_el1 != 0x10004;
	}
	report(stops == hops && reasons[hops % used_cpus] == GUEST_EXIT_RETURNED,
	       "%d moves over %d CPUs: expected %d exits to a handler, then \"%s\", found %d, \"%s\"",
	       hops, used_cpus, hops, guest_exit_reason_name(GUEST_EXIT_RETURNED), stops,
	       guest_exit_reason_name(reasons[hops % used_cpus]));
	report(guest->return_value == 0 && !other_errors,
	       "EL1 and FP registers of a guest that moves: expected 0 wrong in the guest, 0 in the "
	       "host, found %lu, %d",
	       guest->return_value, other_errors);
	guest_destroy(guest);
}

/* vCPUs in turn on one CPU, with one VMID and the same virtual address for different pages. */
static u64 guest_read_stage1(const struct guest_stage1 *stage1)
{
	volatile u64 *word = (volatile u64 *)TEST_VA;
	u64 wrong = 0, first;

	guest_stage1_turn_on(stage1);
	first = *word;
	for (int i = 0; i < 10; i++) {
		asm volatile("hvc #0" : : : "memory");
		wrong += *word != first;
	}
	return wrong << 32 | first;
}

static void test_in_turn(void)
{
	struct guest *vcpu[2];
	struct guest_stage1 *stage1[2];

	fill_pages();
	vcpu[0] = guest_create_4k(70, guest_read_stage1);
	vcpu[1] = guest_require(guest_create_vcpu(vcpu[0], (void (*)(void))guest_read_stage1));
	for (int i = 0; i < 2; i++) {
		u64 ipa = TEST_IPA + i * PAGE_SIZE;

		stage1[i] = guest_stage1_create(vcpu[i], 39);
		assert(stage1[i]);
		assert(!s2mmu_map(vcpu[0]->s2mmu, ipa, virt_to_phys(pages[i]), PAGE_SIZE,
				  S2_MAP_RW));
		assert(!guest_stage1_map_image(stage1[i], 0));
		assert(!guest_stage1_map(stage1[i], TEST_VA, ipa, PAGE_SIZE, S1_MAP_RW));
		guest_install_handler(vcpu[i], ELx_LOW_SYNC_64, guest_exit_always);
		vcpu[i]->x[0] = (u64)stage1[i];
	}
	for (int i = 0; i < 2 * 11; i++)
		guest_run(vcpu[i % 2]);
	for (u64 i = 0; i < 2; i++)
		guest_check_exit(vcpu[i], EXPECT_RETURN(i + 1), "word in vCPU %lu's own stage 1",
				 i);
	for (int i = 0; i < 2; i++) {
		guest_stage1_destroy(stage1[i]);
		guest_destroy(vcpu[i]);
	}
	free_pages_of_test();
}

/* One vCPU is destroyed: the other goes on without seeing its memory, and no page is lost. */
static u64 guest_answer(void)
{
	return 42;
}

static void never_called(struct guest_el1_regs *regs, unsigned int esr)
{
}

static void check_unmapped(const struct guest *guest, u64 ipa, const char *what)
{
	pteval_t *leaf = s2mmu_lookup(guest->s2mmu, ipa, NULL);

	report(!leaf, "stage-2 descriptor of a destroyed vCPU's %s: expected none, found %#lx",
	       what, leaf ? *leaf : 0);
}

static void test_destroy(void)
{
	unsigned long before = 0;
	struct guest *first, *second;
	u64 stack, vectors;

	for (int i = 0; i < 3; i++) {
		/* The first round leaves tables of the vmalloc region behind. */
		if (i == 1)
			before = alloc_pages_in_use();
		first = guest_create_4k(80, guest_answer);
		second = guest_require(guest_create_vcpu(first, (void (*)(void))guest_answer));
		assert(guest_install_el1_handler(first, ELxH_SYNC, never_called));
		stack = virt_to_phys(first->stack);
		vectors = virt_to_phys(first->el1_page);
		guest_destroy(first);
		if (!i) {
			check_unmapped(second, stack, "stack");
			check_unmapped(second, vectors, "vectors");
			guest_check_run(second, EXPECT_RETURN(42),
					"vCPU after another was destroyed");
		}
		guest_destroy(second);
	}
	report(alloc_pages_in_use() == before,
	       "pages lost by two vCPUs, created and destroyed: expected 0, found %ld",
	       alloc_pages_in_use() - before);
}

/* CPUs are started by their first call, and then slow the others: tests of few CPUs come first. */
static const struct subtest subtests[] = {
	{ "in-turn", test_in_turn },
	{ "destroy", test_destroy },
	{ "fault-twice", test_fault_twice },
	{ "unmap", test_unmap },
	{ "guest-tlbi", test_guest_tlbi },
	{ "each", test_each },
	{ "vcpus", test_vcpus },
	{ "many-vcpus", test_many_vcpus },
	{ "migrate", test_migrate },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	if (unsupported)
		return skip_all(unsupported);
	used_cpus = MIN(nr_cpus, MAX_CPUS);
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
