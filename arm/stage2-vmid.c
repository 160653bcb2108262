/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs by generation: more trees than VMIDs, none of which two trees have at once, and no
 * translation that outlives its tree's VMID.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>

#define FIRST 100
#define COUNT 3
#define TREES 8
#define TEST_IPA 0x100000000UL
#define WAIT_MS 4000
#define GUESTS 7 /* odd: of two VMIDs each gets the other one the next time */
#define ROUNDS 40
#define HVC_MIDDLE 0
#define HVC_DONE 1

static unsigned int all_dropped;

static void count_all(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	if (!mmu)
		__atomic_add_fetch(&all_dropped, 1, __ATOMIC_RELAXED);
}

/* Once these are used up, a new generation begins. */
static void init_pool(struct s2_vmid_pool *pool, unsigned int count)
{
	if (!s2_vmid_pool_init(pool, FIRST, count))
		assert_msg(false, "no memory");
	all_dropped = 0;
	s2_tlb_observer = count_all;
}

static void destroy_pool(struct s2_vmid_pool *pool)
{
	s2_tlb_observer = NULL;
	s2_vmid_pool_destroy(pool);
}

static struct s2_mmu *create_tree(struct s2_vmid_pool *pool)
{
	const struct s2_config config = {
		.vmid = S2_VMID_AUTO,
		.vmid_pool = pool,
		.granule = S2_PAGE_4K,
	};
	struct s2_mmu *mmu = s2mmu_create(&config);

	assert(mmu);
	return mmu;
}

static void create_trees(struct s2_vmid_pool *pool, struct s2_mmu **trees, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		trees[i] = create_tree(pool);
}

static void destroy_trees(struct s2_mmu **trees, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		s2mmu_destroy(trees[i]);
}

static void get(struct s2_mmu *mmu)
{
	bool ok = s2_vmid_get(mmu);

	assert(ok);
}

static void use(struct s2_mmu *mmu)
{
	get(mmu);
	s2_vmid_put(mmu);
}

static void test_generations(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *trees[TREES];
	bool in_pool = true;

	init_pool(&pool, COUNT);
	create_trees(&pool, trees, TREES);
	for (int i = 0; i < TREES; i++) {
		use(trees[i]);
		in_pool = in_pool && s2_vmid(trees[i]) >= FIRST &&
			  s2_vmid(trees[i]) < FIRST + COUNT;
	}
	report(in_pool, "every VMID is the pool's");
	report(all_dropped == 2 && pool.generation == 3,
	       "%d trees, %d VMIDs: expected 2 new generations, each with all translations "
	       "dropped, found %u, dropped %u times",
	       TREES, COUNT, (unsigned int)pool.generation - 1, all_dropped);
	use(trees[TREES - 1]);
	report(pool.generation == 3, "one of this generation keeps its VMID");
	destroy_trees(trees, TREES);
	destroy_pool(&pool);
}

static void test_in_use(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *trees[TREES];
	unsigned int kept;
	bool clash = false;

	init_pool(&pool, COUNT);
	create_trees(&pool, trees, TREES);
	get(trees[0]);
	get(trees[0]);
	kept = s2_vmid(trees[0]);
	for (int i = 1; i < TREES; i++) {
		use(trees[i]);
		clash = clash || s2_vmid(trees[i]) == kept;
	}
	report(s2_vmid(trees[0]) == kept && !clash,
	       "a tree in use keeps its VMID, %u, and no other gets it", kept);
	s2_vmid_put(trees[0]);
	get(trees[1]);
	get(trees[2]);
	report(s2_vmid(trees[1]) != s2_vmid(trees[2]) && s2_vmid(trees[1]) != kept &&
		       s2_vmid(trees[2]) != kept,
	       "three in use have three: %u, %u, %u", kept, s2_vmid(trees[1]), s2_vmid(trees[2]));
	report(!s2_vmid_get(trees[3]), "a fourth gets none");
	s2_vmid_put(trees[2]);
	report(s2_vmid_get(trees[3]), "until one is given back");
	for (int i = 0; i < 4; i++)
		if (i != 2)
			s2_vmid_put(trees[i]);
	destroy_trees(trees, TREES);
	destroy_pool(&pool);
}

/* A TLBI for a VMID that is another's now would be for nothing; and none is needed. */
static void test_stale(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *trees[2];

	init_pool(&pool, 1);
	create_trees(&pool, trees, 2);
	report(!s2_vmid_hold(trees[0]), "a tree that was never used has no VMID to flush");
	use(trees[0]);
	use(trees[1]);
	report(!s2_vmid_hold(trees[0]), "nor has one of the last generation");
	report(s2_vmid_hold(trees[1]), "the one of this generation has");
	s2_vmid_put(trees[1]);
	destroy_trees(trees, 2);
	destroy_pool(&pool);
}

/* All of the upper half, 8 or 16 bits of it, and the first of the next generation. */
static void test_auto(void)
{
	unsigned int half = 1U << (s2_features()->vmid_bits - 1), wrong = 0;
	struct s2_mmu *mmu[2];

	s2_tlb_observer = count_all;
	create_trees(NULL, mmu, 2);
	all_dropped = 0;
	get(mmu[0]);
	for (unsigned int i = 1; i < half; i++) {
		use(mmu[1]);
		wrong += s2_vmid(mmu[1]) < half || s2_vmid(mmu[1]) == s2_vmid(mmu[0]);
		mmu[1]->vmid_generation = 0; /* as if it were one more tree */
	}
	report(!wrong && !all_dropped,
	       "S2_VMID_AUTO: %u trees share the upper half of %u bits; expected 0 wrong ones and 0 new "
	       "generations, found %u and %u",
	       half, s2_features()->vmid_bits, wrong, all_dropped);
	use(mmu[1]);
	report(all_dropped == 1 && s2_vmid(mmu[1]) >= half && s2_vmid(mmu[1]) != s2_vmid(mmu[0]),
	       "the next begins a generation: %u dropped, VMIDs %u and %u", all_dropped,
	       s2_vmid(mmu[0]), s2_vmid(mmu[1]));
	s2_vmid_put(mmu[0]);
	destroy_trees(mmu, 2);
	s2_tlb_observer = NULL;
}

/*
 * Guests on more trees than there are VMIDs
 */

struct machine {
	struct guest *guest;
	u64 *page; /* at TEST_IPA */
	struct machine *others; /* to be run in the middle of it */
	unsigned int nr_others, nr_right;
};

static struct machine *owners[COUNT]; /* of the VMIDs that are in a CPU */
static unsigned int clashes;

/* What TEST_IPA is, before and after a call; again and again. */
static void guest_look(void)
{
	for (;;) {
		register u64 x0 asm("x0");
		u64 first = *(volatile u64 *)TEST_IPA;

		asm volatile("hvc %0" : : "i"(HVC_MIDDLE) : "memory");
		x0 = first << 32 | *(volatile u64 *)TEST_IPA;
		asm volatile("hvc %0" : : "i"(HVC_DONE), "r"(x0) : "memory");
	}
}

static bool looks(struct machine *m)
{
	u64 value = m->page[0];

	return guest_run(m->guest) == GUEST_EXIT_HANDLER && m->guest->x[0] == (value << 32 | value);
}

static void run_others(struct machine *m)
{
	for (unsigned int i = 0; i < m->nr_others; i++)
		m->nr_right += looks(&m->others[i]);
}

/* No CPU has a VMID that another has, nor a tree that is entered meanwhile in a handler. */
static void run_in_the_middle(struct machine *m, unsigned int vmid)
{
	if (vmid < FIRST || vmid >= FIRST + COUNT || vmid != s2_vmid(m->guest->s2mmu) ||
	    __atomic_exchange_n(&owners[vmid - FIRST], m, __ATOMIC_ACQ_REL)) {
		__atomic_add_fetch(&clashes, 1, __ATOMIC_RELAXED);
		return;
	}
	run_others(m);
	smp_store_release(&owners[vmid - FIRST], NULL);
}

static enum guest_handler_result on_hvc(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64 ||
	    ESR_ELx_ISS(guest->esr_el2) == HVC_DONE)
		return GUEST_ACTION_EXIT;
	run_in_the_middle(guest->data, read_sysreg(vttbr_el2) >> 48);
	return GUEST_ACTION_RESUME;
}

/* To stay where they are: the guests point at them. */
static void create_machines(struct s2_vmid_pool *pool, struct machine *machines,
			    void (*guest_func)(void))
{
	clashes = 0;
	for (unsigned int i = 0; i < GUESTS; i++) {
		struct machine *m = &machines[i];
		int err;

		*m = (struct machine){ .page = alloc_page() };
		m->guest = guest_create_on(create_tree(pool), guest_func);
		assert(m->guest && m->page);
		m->page[0] = 0x100 + i;
		m->guest->data = m;
		guest_install_handler(m->guest, ELx_LOW_SYNC_64, on_hvc);
		err = s2mmu_map(m->guest->s2mmu, TEST_IPA, virt_to_phys(m->page), PAGE_SIZE,
				S2_MAP_RW);
		assert(!err);
	}
}

static void destroy_machines(struct machine *machines)
{
	for (unsigned int i = 0; i < GUESTS; i++) {
		guest_destroy(machines[i].guest);
		free_page(machines[i].page);
	}
}

static void test_rollover(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];
	unsigned int right = 0;

	init_pool(&pool, 2);
	create_machines(&pool, machines, guest_look);
	for (unsigned int i = 0; i < 3 * GUESTS; i++)
		right += looks(&machines[i % GUESTS]);
	report(right == 3 * GUESTS && !clashes,
	       "%d guests take turns with 2 VMIDs: expected %d right runs and 0 VMIDs of others, "
	       "found %u and %u",
	       GUESTS, 3 * GUESTS, right, clashes);
	report(all_dropped == (3 * GUESTS - 1) / 2,
	       "new generations: expected one for two runs, %d, found %u", (3 * GUESTS - 1) / 2,
	       all_dropped);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static void test_live(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];

	init_pool(&pool, 2);
	create_machines(&pool, machines, guest_look);
	machines[0].others = &machines[1];
	machines[0].nr_others = GUESTS - 1;
	report(looks(&machines[0]) && machines[0].nr_right == GUESTS - 1 && !clashes,
	       "a guest in whose handler %d others run: expected as many right runs and 0 VMIDs of "
	       "others, found %u and %u",
	       GUESTS - 1, machines[0].nr_right, clashes);
	report(all_dropped == GUESTS - 2 && machines[0].guest->vttbr_el2 >> 48 == FIRST,
	       "it keeps its VMID, %d, through %d generations: found %lu, %u", FIRST, GUESTS - 2,
	       machines[0].guest->vttbr_el2 >> 48, all_dropped);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static void test_none(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];
	enum guest_exit_reason reason;

	init_pool(&pool, 1);
	create_machines(&pool, machines, guest_look);
	machines[0].others = &machines[1];
	machines[0].nr_others = 1;
	report(looks(&machines[0]) && !machines[0].nr_right,
	       "the only VMID is in use: guest 0 runs");
	reason = machines[1].guest->exit_reason;
	report(reason == GUEST_EXIT_NO_VMID, "guest 1 does not: expected \"%s\", found \"%s\"",
	       guest_exit_reason_name(GUEST_EXIT_NO_VMID), guest_exit_reason_name(reason));
	report(looks(&machines[1]), "until the VMID is free");
	destroy_machines(machines);
	destroy_pool(&pool);
}

/*
 * Two CPUs
 */

static int in_guest, go;

static void run_first(void *data)
{
	struct machine *m = data;

	m->nr_right = guest_run(m->guest) == GUEST_EXIT_RETURNED;
}

static u64 guest_wait(void)
{
	u64 first = *(volatile u64 *)TEST_IPA;

	smp_store_release(&in_guest, 1);
	if (!wait_for(smp_load_acquire(&go), WAIT_MS))
		return 0;
	return first << 32 | *(volatile u64 *)TEST_IPA;
}

static void nothing(void *data)
{
}

static bool alone(void)
{
	if (nr_cpus == 1)
		report_skip("needs two CPUs");
	return nr_cpus == 1;
}

static void test_live_elsewhere(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];
	unsigned int right = 0;

	if (alone())
		return;
	init_pool(&pool, 2);
	create_machines(&pool, machines, guest_look);
	machines[0].guest->elr_el2 = (u64)guest_wait;
	in_guest = go = 0;
	on_cpu_async(1, run_first, &machines[0]);
	report(wait_for(smp_load_acquire(&in_guest), WAIT_MS), "a guest runs on CPU 1");
	owners[0] = &machines[0]; /* VMID FIRST is in CPU 1 */
	for (int i = 1; i < GUESTS; i++)
		right += looks(&machines[i]);
	owners[0] = NULL;
	smp_store_release(&go, 1);
	on_cpu(1, nothing, NULL);
	report(right == GUESTS - 1 && !clashes && all_dropped == GUESTS - 2,
	       "%d guests on CPU 0 meanwhile, %d generations: found %u right, %u, %u with its VMID",
	       GUESTS - 1, GUESTS - 2, right, all_dropped, clashes);
	report(machines[0].nr_right && machines[0].guest->exit_code == 0x10000000100UL &&
		       machines[0].guest->vttbr_el2 >> 48 == FIRST &&
		       s2_vmid(machines[0].guest->s2mmu) == FIRST,
	       "the guest on CPU 1 keeps VMID %d and its memory: found %u, %#lx", FIRST,
	       s2_vmid(machines[0].guest->s2mmu), machines[0].guest->exit_code);
	destroy_machines(machines);
	destroy_pool(&pool);
}

/* Each CPU its half of the guests. */
static void run_half(void *data)
{
	unsigned int cpu = smp_processor_id(), half = GUESTS / 2;
	struct machine *machines = data;

	for (unsigned int i = 0; cpu < 2 && i < ROUNDS; i++) {
		struct machine *m = &machines[cpu * half + i % half];

		m->nr_right += looks(m);
	}
}

static void test_two_cpus(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];
	unsigned int right = 0;

	if (alone())
		return;
	init_pool(&pool, 3);
	create_machines(&pool, machines, guest_look);
	on_cpus(run_half, machines);
	for (int i = 0; i < GUESTS; i++)
		right += machines[i].nr_right;
	report(right == 2 * ROUNDS && !clashes && all_dropped,
	       "two CPUs, %d guests, 3 VMIDs, %u generations: expected %d right runs and 0 VMIDs of "
	       "others, found %u and %u",
	       GUESTS, all_dropped, 2 * ROUNDS, right, clashes);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static u64 guest_answer(void)
{
	return 42;
}

/* Of VTTBR_EL2 an automatic VMID is all that guest_run() changes: the rest is the host's to choose. */
static void test_rest(void)
{
	struct guest *guest = guest_create(S2_VMID_AUTO, (void (*)(void))guest_answer, S2_PAGE_4K);
	struct s2_mmu *empty = s2mmu_init(1, S2_PAGE_4K, false);
	u64 root = (1UL << 48) - 1;

	assert(guest && empty);
	guest->vttbr_el2 = empty->vttbr;
	report(guest_run(guest) == GUEST_EXIT_UNHANDLED &&
		       ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_IABT_LOW &&
		       (guest->vttbr_el2 & root) == (empty->vttbr & root) &&
		       guest->vttbr_el2 >> 48 == s2_vmid(guest->s2mmu),
	       "another root, an automatic VMID: VTTBR_EL2 %#lx, ESR_EL2 %#lx", guest->vttbr_el2,
	       guest->esr_el2);
	s2mmu_destroy(empty);
	guest_destroy(guest);
}

/* A guest with a VMID of more than 8 bits, where the CPU has them. */
static void test_wide(void)
{
	unsigned int vmid = (1U << s2_features()->vmid_bits) - 1;
	struct guest *guest = guest_create(vmid, (void (*)(void))guest_answer, S2_PAGE_4K);

	report(guest && guest_run(guest) == GUEST_EXIT_RETURNED && guest->exit_code == 42 &&
		       guest->vttbr_el2 >> 48 == vmid,
	       "a guest with the highest VMID, %#x", vmid);
	/* Without VTCR_EL2.VS the upper half of a VMID does not count; in QEMU it does. */
	report(guest && FIELD(guest->vtcr_el2, 19, 19) == (s2_features()->vmid_bits == 16),
	       "VMIDs of %u bits: VTCR_EL2 %#lx", s2_features()->vmid_bits,
	       guest ? guest->vtcr_el2 : 0);
	if (guest)
		guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "generations", test_generations },
	{ "in-use", test_in_use },
	{ "stale", test_stale },
	{ "auto", test_auto },
	{ "rest", test_rest },
	{ "wide", test_wide },
	{ "rollover", test_rollover },
	{ "live", test_live },
	{ "none", test_none },
	{ "live-elsewhere", test_live_elsewhere },
	{ "two-cpus", test_two_cpus },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
