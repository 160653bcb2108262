/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that vCPUs on two CPUs access: its callbacks run one at a time. */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include "mmio.h"

#define ACCESSES 50
#define FIRST_MS 100 /* for the other CPU to come as well, on a host with other work too */
#define POLLS 2000 /* likewise, but the first time */
#define WAIT_MS 4000

static int inside, overlaps, in_guest;

static void stay_a_while(void)
{
	static bool waited;
	int others = __atomic_fetch_add(&inside, 1, __ATOMIC_ACQ_REL);

	if (!__atomic_exchange_n(&waited, true, __ATOMIC_RELAXED))
		wait_for(smp_load_acquire(&inside) != 1, FIRST_MS);
	for (int i = 0; i < POLLS && smp_load_acquire(&inside) == 1; i++)
		;
	if (others || smp_load_acquire(&inside) != 1)
		__atomic_fetch_add(&overlaps, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&inside, 1, __ATOMIC_ACQ_REL);
}

static u64 read_slowly(struct guest *guest, struct mmio_device *device, u64 offset,
		       unsigned int size)
{
	stay_a_while();
	return 0;
}

static void write_slowly(struct guest *guest, struct mmio_device *device, u64 offset,
			 unsigned int size, u64 value)
{
	stay_a_while();
}

static u64 guest_access_often(void)
{
	volatile u32 *device = (volatile u32 *)DEVICE_IPA;

	__atomic_fetch_add(&in_guest, 1, __ATOMIC_ACQ_REL);
	if (!wait_for(smp_load_acquire(&in_guest) == 2, WAIT_MS))
		return 0;
	for (int i = 0; i < ACCESSES; i++)
		*device = *device;
	return 1;
}

static void run_guest(void *guest)
{
	guest_run(guest);
}

static void nothing(void *data)
{
}

void test_two_cpus(void)
{
	static struct mmio_device device = { .name = "slow device",
					     .base = DEVICE_IPA,
					     .size = SZ_4K,
					     .read = read_slowly,
					     .write = write_slowly };
	struct guest *guests[2];

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guests[0] = guest_create_4k(VMID, guest_access_often);
	guests[1] = guest_require(guest_create_vcpu(guests[0], (void (*)(void))guest_access_often));
	for (int i = 0; i < 2; i++)
		assert(!mmio_add_device(guests[i], &device));
	on_cpu_async(1, run_guest, guests[1]);
	guest_run(guests[0]);
	on_cpu(1, nothing, NULL);
	for (int i = 0; i < 2; i++)
		guest_check_exit(guests[i], EXPECT_RETURN(1), "vCPU %d that shares a device", i);
	report(overlaps == 0,
	       "callbacks of a device that ran while another CPU's did, of %d: expected 0, found %d",
	       4 * ACCESSES, overlaps);
	for (int i = 0; i < 2; i++)
		guest_destroy(guests[i]);
}
