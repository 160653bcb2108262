/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMIDs by generation: more stage 2s than VMIDs, no two of them with one VMID, and no translation
 * that is used after its stage 2 lost the VMID.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <on-cpus.h>
#include <subtest.h>
#include <util.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>

#define FIRST 100
#define COUNT 3
#define STAGE2S 8
#define TEST_IPA 0x100000000UL
#define WAIT_MS 4000
#define GUESTS 7 /* odd: of two VMIDs each gets the other one the next time */
#define ROUNDS 40
#define HVC_MIDDLE 0
#define HVC_DONE 1

static unsigned int all_invalidated;

static void count_all(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	if (!mmu)
		__atomic_add_fetch(&all_invalidated, 1, __ATOMIC_RELAXED);
}

/* Once these are used up, a new generation begins. */
static void init_pool(struct s2_vmid_pool *pool, unsigned int count)
{
	if (!s2_vmid_pool_init(pool, FIRST, count))
		assert_msg(false, "no memory");
	all_invalidated = 0;
	s2_tlb_observer = count_all;
}

static void destroy_pool(struct s2_vmid_pool *pool)
{
	s2_tlb_observer = NULL;
	s2_vmid_pool_destroy(pool);
}

static struct s2_mmu *create_mmu(struct s2_vmid_pool *pool)
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

static void create_mmus(struct s2_vmid_pool *pool, struct s2_mmu **mmus, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		mmus[i] = create_mmu(pool);
}

static void destroy_mmus(struct s2_mmu **mmus, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		s2mmu_destroy(mmus[i]);
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
	struct s2_mmu *mmus[STAGE2S];
	unsigned int outside = 0;

	init_pool(&pool, COUNT);
	create_mmus(&pool, mmus, STAGE2S);
	for (int i = 0; i < STAGE2S; i++) {
		use(mmus[i]);
		outside += s2_vmid(mmus[i]) < FIRST || s2_vmid(mmus[i]) >= FIRST + COUNT;
	}
	report(!outside, "VMIDs outside of %d..%d, the pool: expected 0, found %u", FIRST,
	       FIRST + COUNT - 1, outside);
	report(all_invalidated == 2 && pool.generation == 3,
	       "%d stage 2s, %d VMIDs: expected 2 new generations, 2 invalidations of all, found "
	       "%u, %u",
	       STAGE2S, COUNT, (unsigned int)pool.generation - 1, all_invalidated);
	use(mmus[STAGE2S - 1]);
	report(pool.generation == 3,
	       "generation after use of a stage 2 of this one: expected 3, found %lu",
	       (u64)pool.generation);
	destroy_mmus(mmus, STAGE2S);
	destroy_pool(&pool);
}

static void test_in_use(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *mmus[STAGE2S];
	unsigned int kept;
	unsigned int same = 0;

	init_pool(&pool, COUNT);
	create_mmus(&pool, mmus, STAGE2S);
	get(mmus[0]);
	get(mmus[0]);
	kept = s2_vmid(mmus[0]);
	for (int i = 1; i < STAGE2S; i++) {
		use(mmus[i]);
		same += s2_vmid(mmus[i]) == kept;
	}
	report(s2_vmid(mmus[0]) == kept && !same,
	       "VMID of a stage 2 in use: expected %u, and 0 others with it, found %u, %u", kept,
	       s2_vmid(mmus[0]), same);
	s2_vmid_put(mmus[0]);
	get(mmus[1]);
	get(mmus[2]);
	report(s2_vmid(mmus[1]) != s2_vmid(mmus[2]) && s2_vmid(mmus[1]) != kept &&
		       s2_vmid(mmus[2]) != kept,
	       "VMIDs of three stage 2s in use: expected three, found %u, %u, %u", kept,
	       s2_vmid(mmus[1]), s2_vmid(mmus[2]));
	report_equal(s2_vmid_get(mmus[3]), false, "s2_vmid_get() with all VMIDs in use");
	s2_vmid_put(mmus[2]);
	report_equal(s2_vmid_get(mmus[3]), true, "s2_vmid_get() after one was put");
	for (int i = 0; i < 4; i++)
		if (i != 2)
			s2_vmid_put(mmus[i]);
	destroy_mmus(mmus, STAGE2S);
	destroy_pool(&pool);
}

/* A stage 2 without a VMID of this generation has nothing to invalidate. */
static void test_stale(void)
{
	struct s2_vmid_pool pool;
	struct s2_mmu *mmus[2];

	init_pool(&pool, 1);
	create_mmus(&pool, mmus, 2);
	report_equal(s2_vmid_hold(mmus[0]), false, "s2_vmid_hold() of a stage 2 never used");
	use(mmus[0]);
	use(mmus[1]);
	report_equal(s2_vmid_hold(mmus[0]), false, "s2_vmid_hold() of the last generation");
	report_equal(s2_vmid_hold(mmus[1]), true, "s2_vmid_hold() of this generation");
	s2_vmid_put(mmus[1]);
	destroy_mmus(mmus, 2);
	destroy_pool(&pool);
}

/* The upper half of all VMIDs, of 8 or 16 bits, and the first of the next generation. */
static void test_auto(void)
{
	unsigned int half = 1U << (s2_features()->vmid_bits - 1), wrong = 0;
	struct s2_mmu *mmu[2];

	s2_tlb_observer = count_all;
	create_mmus(NULL, mmu, 2);
	all_invalidated = 0;
	get(mmu[0]);
	for (unsigned int i = 1; i < half; i++) {
		use(mmu[1]);
		wrong += s2_vmid(mmu[1]) < half || s2_vmid(mmu[1]) == s2_vmid(mmu[0]);
		mmu[1]->vmid_generation = 0; /* as if it were another stage 2 */
	}
	report(!wrong && !all_invalidated,
	       "S2_VMID_AUTO, %u stage 2s in the upper half of %u bits: expected 0 wrong VMIDs, 0 new "
	       "generations, found %u, %u",
	       half, s2_features()->vmid_bits, wrong, all_invalidated);
	use(mmu[1]);
	report(all_invalidated == 1 && s2_vmid(mmu[1]) >= half &&
		       s2_vmid(mmu[1]) != s2_vmid(mmu[0]),
	       "S2_VMID_AUTO, one stage 2 more: expected 1 new generation, a VMID from %u on other "
	       "than %u, found %u, %u",
	       half, s2_vmid(mmu[0]), all_invalidated, s2_vmid(mmu[1]));
	s2_vmid_put(mmu[0]);
	destroy_mmus(mmu, 2);
	s2_tlb_observer = NULL;
}

/*
 * More guests than VMIDs
 */

struct machine {
	struct guest *guest;
	u64 *page; /* at TEST_IPA */
	struct machine *others; /* to run in its handler */
	unsigned int nr_others, nr_right;
};

static struct machine *owners[COUNT]; /* of the VMIDs in use by a CPU */
static unsigned int clashes;

/* Read TEST_IPA before and after an HVC, forever. */
static void guest_read(void)
{
	for (;;) {
		register u64 x0 asm("x0");
		u64 first = *(volatile u64 *)TEST_IPA;

		asm volatile("hvc %0" : : "i"(HVC_MIDDLE) : "memory");
		x0 = first << 32 | *(volatile u64 *)TEST_IPA;
		asm volatile("hvc %0" : : "i"(HVC_DONE), "r"(x0) : "memory");
	}
}

static bool reads_own(struct machine *m)
{
	u64 value = m->page[0];

	return guest_run(m->guest) == GUEST_EXIT_HANDLER && m->guest->x[0] == (value << 32 | value);
}

static void run_others(struct machine *m)
{
	for (unsigned int i = 0; i < m->nr_others; i++)
		m->nr_right += reads_own(&m->others[i]);
}

/* No other CPU has this VMID, nor a guest that is entered meanwhile in a handler. */
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

/* They must not move: guests point to them. */
static void create_machines(struct s2_vmid_pool *pool, struct machine *machines,
			    void (*guest_func)(void))
{
	clashes = 0;
	for (unsigned int i = 0; i < GUESTS; i++) {
		struct machine *m = &machines[i];
		int err;

		*m = (struct machine){ .page = alloc_page() };
		m->guest = guest_create_on(create_mmu(pool), guest_func);
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
	create_machines(&pool, machines, guest_read);
	for (unsigned int i = 0; i < 3 * GUESTS; i++)
		right += reads_own(&machines[i % GUESTS]);
	report(right == 3 * GUESTS && !clashes,
	       "%d guests in turn with 2 VMIDs: expected %d runs that read their own memory, 0 VMIDs "
	       "used twice, found %u, %u",
	       GUESTS, 3 * GUESTS, right, clashes);
	report(all_invalidated == (3 * GUESTS - 1) / 2,
	       "new generations, one for two runs: expected %d, found %u", (3 * GUESTS - 1) / 2,
	       all_invalidated);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static void test_live(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];
	bool right;

	init_pool(&pool, 2);
	create_machines(&pool, machines, guest_read);
	machines[0].others = &machines[1];
	machines[0].nr_others = GUESTS - 1;
	right = reads_own(&machines[0]);
	report(right && machines[0].nr_right == GUESTS - 1 && !clashes,
	       "a guest whose handler runs %d others: expected 1 run that reads its own memory, %d of "
	       "others, 0 VMIDs used twice, found %d, %u, %u",
	       GUESTS - 1, GUESTS - 1, right, machines[0].nr_right, clashes);
	report(all_invalidated == GUESTS - 2 && machines[0].guest->vttbr_el2 >> 48 == FIRST,
	       "a guest whose handler runs %d others: expected VMID %d, %d new generations, found "
	       "%lu, %u",
	       GUESTS - 1, FIRST, GUESTS - 2, machines[0].guest->vttbr_el2 >> 48, all_invalidated);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static void test_none(void)
{
	struct s2_vmid_pool pool;
	struct machine machines[GUESTS];

	init_pool(&pool, 1);
	create_machines(&pool, machines, guest_read);
	machines[0].others = &machines[1];
	machines[0].nr_others = 1;
	report_equal(reads_own(&machines[0]), true,
		     "guest with the only VMID reads its own memory");
	guest_check_exit(machines[1].guest, EXPECT_REASON(GUEST_EXIT_NO_VMID),
			 "guest run while the only VMID is in use");
	report_equal(reads_own(&machines[1]), true,
		     "guest run after the only VMID was put reads its own memory");
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
	create_machines(&pool, machines, guest_read);
	machines[0].guest->elr_el2 = (u64)guest_wait;
	in_guest = go = 0;
	on_cpu_async(1, run_first, &machines[0]);
	wait_for(smp_load_acquire(&in_guest), WAIT_MS);
	report_equal_int(smp_load_acquire(&in_guest), 1, "guest runs on CPU 1");
	owners[0] = &machines[0]; /* VMID FIRST is in use by CPU 1 */
	for (int i = 1; i < GUESTS; i++)
		right += reads_own(&machines[i]);
	owners[0] = NULL;
	smp_store_release(&go, 1);
	on_cpu(1, nothing, NULL);
	report(right == GUESTS - 1 && !clashes && all_invalidated == GUESTS - 2,
	       "guests on CPU 0 while CPU 1 runs one: expected %d that read their own memory, %d new "
	       "generations, 0 with its VMID, found %u, %u, %u",
	       GUESTS - 1, GUESTS - 2, right, all_invalidated, clashes);
	report(machines[0].nr_right && machines[0].guest->return_value == 0x10000000100UL &&
		       machines[0].guest->vttbr_el2 >> 48 == FIRST &&
		       s2_vmid(machines[0].guest->s2mmu) == FIRST,
	       "the guest on CPU 1: expected VMID %d, words 0x10000000100, found %u, %#lx", FIRST,
	       s2_vmid(machines[0].guest->s2mmu), machines[0].guest->return_value);
	destroy_machines(machines);
	destroy_pool(&pool);
}

/* Each CPU runs half of the guests. */
static void run_half(void *data)
{
	unsigned int cpu = smp_processor_id(), half = GUESTS / 2;
	struct machine *machines = data;

	for (unsigned int i = 0; cpu < 2 && i < ROUNDS; i++) {
		struct machine *m = &machines[cpu * half + i % half];

		m->nr_right += reads_own(m);
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
	create_machines(&pool, machines, guest_read);
	on_cpus(run_half, machines);
	for (int i = 0; i < GUESTS; i++)
		right += machines[i].nr_right;
	report(right == 2 * ROUNDS && !clashes && all_invalidated,
	       "%d guests on two CPUs with 3 VMIDs: expected %d runs that read their own memory, 0 "
	       "VMIDs used twice, a new generation or more, found %u, %u, %u",
	       GUESTS, 2 * ROUNDS, right, clashes, all_invalidated);
	destroy_machines(machines);
	destroy_pool(&pool);
}

static u64 guest_answer(void)
{
	return 42;
}

/* With an automatic VMID guest_run() changes only the VMID in VTTBR_EL2, not the rest. */
static void test_rest(void)
{
	struct guest *guest = guest_create_4k(S2_VMID_AUTO, guest_answer);
	struct s2_mmu *empty = s2mmu_init(1, S2_PAGE_4K, false);
	u64 root = (1UL << 48) - 1, expected;

	assert(empty);
	guest->vttbr_el2 = empty->vttbr;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED), "guest with an empty stage 2");
	expected = (empty->vttbr & root) | (u64)s2_vmid(guest->s2mmu) << 48;
	report(ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_IABT_LOW && guest->vttbr_el2 == expected,
	       "an empty stage 2 with an automatic VMID: expected instruction abort from a lower EL, "
	       "VTTBR_EL2 %#lx; found %s, %#lx",
	       expected, esr_class_name(guest->esr_el2), guest->vttbr_el2);
	s2mmu_destroy(empty);
	guest_destroy(guest);
}

/* A guest with a VMID of more than 8 bits, where the CPU has them. */
static void test_wide(void)
{
	unsigned int vmid = (1U << s2_features()->vmid_bits) - 1;
	struct guest *guest = guest_create_4k(vmid, guest_answer);

	guest_check_run(guest, EXPECT_RETURN(42), "guest with the highest VMID, %#x", vmid);
	report_equal(guest->vttbr_el2 >> 48, vmid, "VMID in VTTBR_EL2");
	/* Without VTCR_EL2.VS the upper half of a VMID does not count; in QEMU it does. */
	report_equal(FIELD(guest->vtcr_el2, 19, 19), s2_features()->vmid_bits == 16,
		     "VTCR_EL2.VS with VMIDs of %u bits", s2_features()->vmid_bits);
	guest_destroy(guest);
}

/* ID_AA64MMFR1_EL1.VMIDBits */
static void test_width(void)
{
	u64 bits = FIELD(read_sysreg(id_aa64mmfr1_el1), 7, 4) == 2 ? 16 : 8;

	report_equal(s2_features()->vmid_bits, bits, "bits of a VMID");
}

static const struct subtest subtests[] = {
	{ "width", test_width },
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
