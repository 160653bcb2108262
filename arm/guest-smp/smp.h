/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest on each CPU, and the tests of guests that run while something changes. */
#ifndef GUEST_SMP_SMP_H
#define GUEST_SMP_SMP_H

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>

#define TEST_IPA 0x100000000UL
#define TEST_VA 0x4000000000UL
#define WAIT_MS 4000
#define MAX_CPUS 8

/* By CPU */
extern struct guest *guests[MAX_CPUS];
extern enum guest_exit_reason reasons[MAX_CPUS];

static inline int load(const int *value)
{
	return smp_load_acquire(value);
}

static inline void add(int *value, int what)
{
	__atomic_add_fetch(value, what, __ATOMIC_ACQ_REL);
}

/* True, and a check that is skipped, with one CPU */
bool alone(void);
/* Start the guest of @cpu there, and wait for its end. */
void start(int cpu);
void finish(int cpu);
/* A guest of CPU 0 that runs @guest_func, and a vCPU of it for each further one */
void create_vcpus(void (*guest_func)(void));
void destroy_all(void);

/* polling.c */
void test_unmap(void);
void test_guest_tlbi(void);

#endif
