/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two CPUs that take LPIs of one device when they are asked to, and the tests of registers. */
#ifndef GIC_ITS_ITS_H
#define GIC_ITS_ITS_H

#include <libcflat.h>
#include <asm/gic.h>

#define NR_TEST_CPUS 2
#define MAX_TAKEN 8
#define TIMEOUT_MS 4000
/* A device of 32 events. Event n is LPI(n); the last ones are the markers of the CPUs. */
#define DEVICE_ID 2
#define EVENT_BITS 5
/* The handler of this one sends the next. */
#define CHAINED 10

/* The LPIs that each CPU has taken */
struct taken {
	u32 ids[MAX_TAKEN];
	volatile unsigned int count;
	volatile bool marker;
};
extern struct taken taken[NR_TEST_CPUS];
extern struct its_device *dev;
extern struct its_collection *col[NR_TEST_CPUS]; /* of each CPU */

/* Both CPUs, the device and the collections. */
void set_up(void);
/* Write the configuration of LPI(@event), and have the redistributors read it. */
void configure(u32 event, u8 config);
/* Map @event, enabled. */
void map(u32 event, struct its_collection *to);
void send_event(struct its_device *from, u32 event);

/* Have a CPU take all that is pending; the number of them. */
unsigned int take_on(int cpu);
void check_none(int cpu, const char *when);
void check_one(int cpu, u32 event, const char *when);

/* Pages of [@start, @start + @size) that belong to nobody. */
unsigned int free_pages_in(const char *start, size_t size);

/* registers.c */
void test_registers(void);

#endif
