/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPUs of one stage 2 on one CPU: which of them ran last, and one that cannot be created. */
#include <libcflat.h>
#include <alloc_page.h>
#include <objects.h>
#include <shortage.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/smp.h>

#define VMID 43

static u64 guest_return_7(void)
{
	return 7;
}

static struct guest *create_vcpu(struct guest *guest)
{
	return guest_create_vcpu(guest, (void (*)(void))guest_return_7);
}

static void run_again(struct guest *guest)
{
	u64 link = guest->x[30];

	guest_check_run(guest, EXPECT_RETURN(7), "vCPU %u", guest->vcpu);
	guest->elr_el2 = (u64)guest_return_7;
	guest->x[30] = link;
}

/*
 * A vCPU that follows another one drops its translations. In QEMU they are gone anyway, as TCR_EL1
 * is written: the record shows that the framework did it.
 */
static void test_last(void)
{
	struct guest *vcpus[3] = { guest_create_4k(VMID, guest_return_7) };
	struct s2_mmu *mmu = vcpus[0]->s2mmu;

	report(!mmu->last_vcpu, "record of vCPUs while there is one: expected none, found %p",
	       mmu->last_vcpu);
	for (size_t i = 1; i < ARRAY_SIZE(vcpus); i++)
		vcpus[i] = guest_require(create_vcpu(vcpus[0]));
	for (size_t i = 0; i < 2 * ARRAY_SIZE(vcpus); i++) {
		struct guest *vcpu = vcpus[i % ARRAY_SIZE(vcpus)];
		u32 *last = &mmu->last_vcpu[smp_processor_id()];

		run_again(vcpu);
		report(*last == vcpu->vcpu + 1,
		       "vCPU that ran last on this CPU: expected %u, found %d", vcpu->vcpu,
		       (int)*last - 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(vcpus); i++)
		guest_destroy(vcpus[i]);
}

/* The free objects of the smallest size, as a list. */
static void **hold_objects(void)
{
	void **all = NULL, **object;

	while ((object = object_alloc(sizeof(*object)))) {
		*object = all;
		all = object;
	}
	return all;
}

static void release_objects(void **all)
{
	while (all) {
		void **next = *all;

		object_free(all);
		all = next;
	}
}

/* The others are as before, and go on. */
static void test_shortage(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_return_7), *vcpu;
	struct held_pages *held = hold_all_pages();
	void **objects = hold_objects();
	unsigned long before = alloc_pages_in_use();
	unsigned int users = guest->s2mmu->users;

	vcpu = create_vcpu(guest);
	report(!vcpu && alloc_pages_in_use() == before && guest->s2mmu->users == users,
	       "guest_create_vcpu() without memory: expected NULL, 0 pages lost, %u users of "
	       "stage 2; found %p, %ld, %u",
	       users, vcpu, alloc_pages_in_use() - before, guest->s2mmu->users);
	run_again(guest);
	release_objects(objects);
	release_pages(held);
	vcpu = guest_require(create_vcpu(guest));
	run_again(vcpu);
	guest_destroy(vcpu);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "last", test_last },
	{ "shortage", test_shortage },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
