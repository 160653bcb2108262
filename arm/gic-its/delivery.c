/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LPIs of one device, and the CPUs that take them. */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/deadline.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include "its.h"

#define MARKER(cpu) (30 + (cpu))
#define LOW_PRIORITY 0xe0

struct taken taken[NR_TEST_CPUS];
struct its_device *dev;
struct its_collection *col[NR_TEST_CPUS];

static void take_irq(struct pt_regs *regs)
{
	int cpu = smp_processor_id();
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);

	if (irq == (u32)LPI(MARKER(cpu))) {
		taken[cpu].marker = true;
	} else {
		if (irq == (u32)LPI(CHAINED))
			its_send_int_nv(dev, CHAINED + 1);
		if (taken[cpu].count < MAX_TAKEN)
			taken[cpu].ids[taken[cpu].count++] = irq;
	}
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

/* All that is pending: the marker is of the lowest priority, and sent last. */
static void take_pending(void *data)
{
	int cpu = smp_processor_id();

	taken[cpu].count = 0;
	taken[cpu].marker = false;
	its_send_int_nv(dev, MARKER(cpu));
	its_send_sync_nv(col[cpu]);
	local_irq_enable();
	wait_for(taken[cpu].marker, TIMEOUT_MS);
	local_irq_disable();
	report(taken[cpu].marker, "LPI %d, sent to CPU %d last: expected taken, found not",
	       LPI(MARKER(cpu)), cpu);
}

unsigned int take_on(int cpu)
{
	on_cpu(cpu, take_pending, NULL);
	return taken[cpu].count;
}

void check_none(int cpu, const char *when)
{
	unsigned int found = take_on(cpu);

	report(found == 0, "LPIs that CPU %d takes, %s: expected 0, found %u (the first is %u)",
	       cpu, when, found, found ? taken[cpu].ids[0] : 0);
}

void check_one(int cpu, u32 event, const char *when)
{
	unsigned int found = take_on(cpu);

	report(found == 1 && taken[cpu].ids[0] == LPI(event),
	       "LPIs that CPU %d takes, %s: expected 1 (LPI %u), found %u (the first is %u)", cpu,
	       when, LPI(event), found, found ? taken[cpu].ids[0] : 0);
}

void configure(u32 event, u8 config)
{
	gicv3_lpi_set_config(LPI(event), config);
	its_send_inv_nv(dev, event);
	its_send_sync_nv(col[0]);
	its_send_sync_nv(col[1]);
}

void map(u32 event, struct its_collection *to)
{
	its_send_mapti_nv(dev, LPI(event), event, to);
	configure(event, LPI_PROP_DEFAULT);
}

void send_event(struct its_device *from, u32 event)
{
	its_send_int_nv(from, event);
	its_send_sync_nv(col[0]);
	its_send_sync_nv(col[1]);
}

static void set_up_cpu(void *data)
{
	gic_enable_defaults();
}

void set_up(void)
{
	install_irq_handler(ELxH_IRQ, take_irq);
	on_cpus(set_up_cpu, NULL);
	its_enable_defaults();
	dev = its_create_device(DEVICE_ID, EVENT_BITS);
	its_send_mapd(dev, true);
	for (int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		col[cpu] = its_create_collection(cpu + 1, cpu);
		its_send_mapc(col[cpu], true);
	}
	for (int cpu = 0; cpu < NR_TEST_CPUS; cpu++) {
		map(MARKER(cpu), col[cpu]);
		configure(MARKER(cpu), LOW_PRIORITY | LPI_PROP_GROUP1 | LPI_PROP_ENABLED);
	}
}
