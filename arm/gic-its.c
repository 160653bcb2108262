/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LPIs and the ITS, at EL2 and at EL1: commands by their effect on two CPUs, which take LPIs when
 * they are asked to (gic-its/). Expected: IHI 0069, 5.1 (LPIs) and 5.3 (commands).
 */
#include <libcflat.h>
#include <migrate.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include "gic-its/its.h"

/* Delivery, and the configuration of LPIs */

static void test_int(void)
{
	map(0, col[0]);
	map(1, col[1]);
	check_none(0, "nothing sent");
	send_event(dev, 0);
	check_none(1, "LPI sent to CPU 0");
	check_one(0, 0, "LPI sent to it");
	send_event(dev, 1);
	check_none(0, "LPI sent to CPU 1");
	check_one(1, 1, "LPI sent to it");
	send_event(dev, 0);
	send_event(dev, 0);
	check_one(0, 0, "LPI sent twice while it is pending");
}

static void test_priority(void)
{
	unsigned int found;

	map(0, col[0]);
	map(1, col[0]);
	configure(1, (LPI_PROP_DEFAULT & ~0xfc) | 0x40);
	send_event(dev, 0);
	send_event(dev, 1);
	found = take_on(0);
	report(found == 2 && taken[0].ids[0] == LPI(1) && taken[0].ids[1] == LPI(0),
	       "LPIs of priorities 0xa0 and 0x40: expected 2, %d first, found %u, %u first", LPI(1),
	       found, found ? taken[0].ids[0] : 0);
	gic_set_priority_mask(0x40);
	send_event(dev, 1);
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	check_one(0, 1, "priority 0x40, masked while it was sent");
}

static void test_disabled(void)
{
	map(0, col[0]);
	configure(0, LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	send_event(dev, 0);
	check_none(0, "LPI disabled, and INV");
	configure(0, LPI_PROP_DEFAULT);
	check_one(0, 0, "LPI sent while disabled, then enabled, and INV");
	gicv3_lpi_set_config(LPI(0), LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	its_send_invall_nv(col[0]);
	send_event(dev, 0);
	check_none(0, "LPI disabled, and INVALL");
	gicv3_lpi_set_config(LPI(0), LPI_PROP_DEFAULT);
	its_send_invall_nv(col[0]);
	its_send_sync_nv(col[0]);
	check_one(0, 0, "LPI sent while disabled, then enabled, and INVALL");
	report_equal(gicv3_lpi_get_config(LPI(0)), LPI_PROP_DEFAULT, "configuration of LPI %d",
		     LPI(0));
}

/* LPIs have no active state: there is nothing to deactivate (IHI 0069, 4.1.1). */
static void test_eoi_split(void)
{
	map(0, col[0]);
	gic_set_eoi_split(true);
	send_event(dev, 0);
	check_one(0, 0, "EOI split");
	send_event(dev, 0);
	check_one(0, 0, "EOI split, sent again without a write of DIR");
	gic_set_eoi_split(false);
}

/* Pending LPIs that go */

static void test_clear(void)
{
	map(0, col[0]);
	map(1, col[0]);
	send_event(dev, 0);
	send_event(dev, 1);
	its_send_clear_nv(dev, 0);
	its_send_sync_nv(col[0]);
	check_one(0, 1, "two LPIs sent, then CLEAR of the first");
	send_event(dev, 0);
	check_one(0, 0, "LPI sent after CLEAR");
}

static void test_discard(void)
{
	map(0, col[0]);
	send_event(dev, 0);
	its_send_discard_nv(dev, 0);
	its_send_sync_nv(col[0]);
	check_none(0, "LPI sent, then DISCARD");
	send_event(dev, 0);
	check_none(0, "event without a mapping, after DISCARD");
	map(0, col[0]);
	send_event(dev, 0);
	check_one(0, 0, "event mapped again after DISCARD");
}

/* LPIs that move to another CPU, with the pending ones */

static void test_movi(void)
{
	map(0, col[0]);
	send_event(dev, 0);
	its_send_movi_nv(dev, col[1], 0);
	its_send_sync_nv(col[0]);
	its_send_sync_nv(col[1]);
	check_none(0, "LPI pending, then MOVI to CPU 1");
	check_one(1, 0, "LPI pending on CPU 0, then MOVI to it");
	send_event(dev, 0);
	check_none(0, "LPI sent after MOVI to CPU 1");
	check_one(1, 0, "LPI sent after MOVI to it");
}

static void test_movall(void)
{
	unsigned int found;

	map(0, col[0]);
	map(1, col[0]);
	send_event(dev, 0);
	send_event(dev, 1);
	its_send_movall_nv(col[0], col[1]);
	its_send_sync_nv(col[0]);
	its_send_sync_nv(col[1]);
	check_none(0, "two LPIs pending, then MOVALL to CPU 1");
	found = take_on(1);
	report(found == 2,
	       "LPIs that CPU 1 takes, two pending on CPU 0, then MOVALL: expected 2, found %u",
	       found);
}

/* A collection of CPU 0 that is mapped to CPU 1. */
static void test_mapc(void)
{
	struct its_collection *here = its_create_collection(6, 0), there = *here;

	there.target_address = col[1]->target_address;
	its_send_mapc_nv(here, true);
	map(0, here);
	send_event(dev, 0);
	check_one(0, 0, "collection mapped to it");
	its_send_mapc_nv(&there, true);
	configure(0, LPI_PROP_DEFAULT);
	send_event(dev, 0);
	check_none(0, "collection mapped to CPU 1");
	check_one(1, 0, "collection mapped from CPU 0 to it");
}

/* The first of each, and the last, which was created just now */
static void test_lookup(void)
{
	struct its_device *last = its_create_device(DEVICE_ID + 2, EVENT_BITS);
	struct its_collection *last_col = its_create_collection(8, 0), *by_address;
	bool pta = its_data.typer.pta;

	report(its_get_device(DEVICE_ID) == dev && its_get_device(DEVICE_ID + 2) == last,
	       "its_get_device(): expected %p and %p, found %p and %p", dev, last,
	       its_get_device(DEVICE_ID), its_get_device(DEVICE_ID + 2));
	its_data.typer.pta = true;
	by_address = its_create_collection(9, 1);
	its_data.typer.pta = pta;
	report_equal(by_address->target_address, virt_to_phys(gicv3_data.redist_base[1]),
		     "target of a collection of CPU 1 with GITS_TYPER.PTA");
	report(its_get_collection(1) == col[0] && its_get_collection(8) == last_col,
	       "its_get_collection(): expected %p and %p, found %p and %p", col[0], last_col,
	       its_get_collection(1), its_get_collection(8));
}

/* Interrupts, which a command masks while it is sent */
static void test_mask(void)
{
	u64 masked, unmasked;

	its_send_sync_nv(col[0]);
	masked = read_sysreg(daif);
	daif_clear(PSR_I_BIT | PSR_F_BIT);
	its_send_sync_nv(col[0]);
	unmasked = read_sysreg(daif);
	daif_set(PSR_I_BIT | PSR_F_BIT);
	report(masked == PSR_DAIF && unmasked == (PSR_DAIF & ~(PSR_I_BIT | PSR_F_BIT)),
	       "DAIF after a command, where it is %#lx and %#lx: found %#lx and %#lx",
	       (u64)PSR_DAIF, (u64)(PSR_DAIF & ~(PSR_I_BIT | PSR_F_BIT)), masked, unmasked);
}

/* Each command is printed; tests/test_its_commands.py reads the lines. */
static void test_verbose(void)
{
	its_send_mapti(dev, LPI(3), 7, col[0]);
	its_send_inv(dev, 7);
	its_send_int(dev, 7);
	its_send_clear(dev, 7);
	its_send_movi(dev, col[1], 7);
	its_send_movall(col[0], col[1]);
	its_send_invall(col[1]);
	its_send_sync(col[1]);
	its_send_discard(dev, 7);
	check_none(0, "CLEAR and DISCARD");
	check_none(1, "CLEAR and DISCARD");
}

/* What is not mapped is ignored, and the queue goes on. */

static void test_unmapped_collection(void)
{
	struct its_collection *later = its_create_collection(7, 0);

	its_send_mapti_nv(dev, LPI(0), 0, later);
	gicv3_lpi_set_config(LPI(0), LPI_PROP_DEFAULT);
	send_event(dev, 0);
	check_none(0, "collection not mapped");
	check_none(1, "collection not mapped");
	its_send_mapc_nv(later, true);
	its_send_invall_nv(later);
	its_send_sync_nv(later);
	check_none(0, "collection mapped after the LPI");
	send_event(dev, 0);
	check_one(0, 0, "collection mapped before the LPI");
	its_send_mapc_nv(later, false);
	send_event(dev, 0);
	check_none(0, "collection no longer mapped");
}

static void test_unmapped_device(void)
{
	struct its_device *other = its_create_device(DEVICE_ID + 1, EVENT_BITS);

	map(0, col[0]);
	send_event(other, 0);
	check_none(0, "event 0 of a device that is not mapped");
	send_event(dev, 1 << EVENT_BITS);
	check_none(0, "event beyond those of the device");
	its_send_mapd_nv(other, true);
	send_event(other, 0);
	check_none(0, "event of a device with MAPD, without MAPTI");
	its_send_mapti_nv(other, LPI(3), 0, col[0]);
	gicv3_lpi_set_config(LPI(3), LPI_PROP_DEFAULT);
	its_send_inv_nv(other, 0);
	send_event(other, 0);
	check_one(0, 3, "event 0 of a second device");
	its_send_mapd_nv(other, false);
	send_event(other, 0);
	check_none(0, "event of a device after MAPD with V=0");
	send_event(dev, 0);
	check_one(0, 0, "the other device after it");
}

/* The highest IDs that the tables are for */
static void test_limits(void)
{
	u32 bits = MIN(its_data.typer.deviceid_bits, 16U);
	struct its_device *last = its_create_device((1U << bits) - 1, its_data.typer.eventid_bits);
	u32 event = (1U << its_data.typer.eventid_bits) - 1;

	its_send_mapd_nv(last, true);
	its_send_mapti_nv(last, LPI(8191), event, col[0]);
	gicv3_lpi_set_config(LPI(8191), LPI_PROP_DEFAULT);
	its_send_inv_nv(last, event);
	send_event(last, event);
	check_one(0, 8191, "the last LPI, of the last event of the last device");
	report_equal(free_pages_in(last->itt,
				   (size_t)its_data.typer.ite_size << its_data.typer.eventid_bits),
		     0, "pages of its ITT that are not allocated");
}

/* The command queue begins again at its start. */
static void test_queue(void)
{
	map(0, col[0]);
	for (u64 n = 0; n <= SZ_64K / sizeof(struct its_cmd_block); n++)
		its_send_sync_nv(col[0]);
	send_event(dev, 0);
	check_one(0, 0, "sent after more commands than the queue has entries");
}

#define ROUNDS 100

static unsigned int delivered[NR_TEST_CPUS];

static void send_and_take(void *data)
{
	int cpu = smp_processor_id();

	for (int i = 0; i < ROUNDS; i++) {
		its_send_int_nv(dev, cpu);
		its_send_sync_nv(col[cpu]);
		taken[cpu].count = 0;
		local_irq_enable();
		wait_for(taken[cpu].count, TIMEOUT_MS);
		local_irq_disable();
		delivered[cpu] += taken[cpu].count == 1 && taken[cpu].ids[0] == (u32)LPI(cpu);
	}
}

/* Two CPUs send commands at the same time: none is lost. */
static void test_parallel(void)
{
	for (int cpu = 0; cpu < NR_TEST_CPUS; cpu++)
		map(cpu, col[cpu]);
	on_cpus(send_and_take, NULL);
	for (int cpu = 0; cpu < NR_TEST_CPUS; cpu++)
		report_equal_int(delivered[cpu], ROUNDS,
				 "LPIs that CPU %d sends itself and takes, while the other does so",
				 cpu);
}

/* IRQs are not masked: the LPI comes while its command is being sent. */
static void test_handler(void)
{
	map(CHAINED, col[0]);
	map(CHAINED + 1, col[0]);
	taken[0].count = 0;
	local_irq_enable();
	its_send_int_nv(dev, CHAINED);
	wait_for(taken[0].count == 2, TIMEOUT_MS);
	local_irq_disable();
	report(taken[0].count == 2 && taken[0].ids[1] == LPI(CHAINED + 1),
	       "LPIs taken, the second sent by the handler of the first: expected 2, found %u",
	       taken[0].count);
}

/* The pending table */

static void check_pending_bit(u32 event, bool expected, const char *when)
{
	bool found = ((u8 *)gicv3_data.lpi_pend[0])[LPI(event) / 8] >> LPI(event) % 8 & 1;

	report(found == expected, "bit of LPI %u in the pending table, %s: expected %d, found %d",
	       LPI(event), when, expected, found);
}

static bool irq_is_signalled(void)
{
	isb();
	return read_sysreg(isr_el1) & 1UL << 7;
}

static void test_pending_table(void)
{
	map(0, col[0]);
	map(1, col[0]);
	send_event(dev, 0);
	report(wait_for(irq_is_signalled(), TIMEOUT_MS), "IRQ with an LPI pending: expected "
							 "signalled, found not");
	gicv3_lpi_rdist_disable(0);
	report(!irq_is_signalled(), "IRQ with LPIs disabled: expected not signalled, found so");
	check_pending_bit(0, true, "LPI pending when LPIs are disabled");
	check_pending_bit(1, false, "LPI not pending when LPIs are disabled");
	gicv3_lpi_rdist_enable(0);
	check_one(0, 0, "pending when LPIs are disabled, then enabled");
	gicv3_lpi_rdist_disable(0);
	check_pending_bit(0, false, "LPI taken");
	gicv3_lpi_set_clr_pending(0, LPI(1), true);
	gicv3_lpi_rdist_enable(0);
	check_one(0, 1, "made pending in the table while LPIs are disabled");
	send_event(dev, 0);
	send_event(dev, 1);
	gicv3_lpi_rdist_disable(0);
	gicv3_lpi_set_clr_pending(0, LPI(1), false);
	gicv3_lpi_rdist_enable(0);
	check_one(0, 0, "two pending, one of them cleared in the table");
}

/* The machine is migrated with LPIs pending, and one of them disabled. */
static void test_migrate(void)
{
	map(0, col[0]);
	map(1, col[1]);
	map(2, col[0]);
	configure(2, LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	for (u32 event = 0; event < 3; event++)
		send_event(dev, event);
	migrate();
	check_one(0, 0, "sent before a migration");
	check_one(1, 1, "sent before a migration");
	configure(2, LPI_PROP_DEFAULT);
	check_one(0, 2, "sent before a migration, enabled after it");
	send_event(dev, 0);
	its_send_movi_nv(dev, col[1], 0);
	its_send_sync_nv(col[1]);
	check_one(1, 0, "sent and moved after a migration");
}

static const struct subtest subtests[] = {
	{ "registers", test_registers },
	{ "int", test_int },
	{ "priority", test_priority },
	{ "disabled", test_disabled },
	{ "eoi-split", test_eoi_split },
	{ "clear", test_clear },
	{ "discard", test_discard },
	{ "movi", test_movi },
	{ "movall", test_movall },
	{ "mapc", test_mapc },
	{ "lookup", test_lookup },
	{ "mask", test_mask },
	{ "verbose", test_verbose },
	{ "unmapped-collection", test_unmapped_collection },
	{ "unmapped-device", test_unmapped_device },
	{ "limits", test_limits },
	{ "queue", test_queue },
	{ "parallel", test_parallel },
	{ "handler", test_handler },
	{ "pending-table", test_pending_table },
};

int main(int argc, char **argv)
{
	const char *unsupported = its_unsupported()
					  ?: nr_cpus < NR_TEST_CPUS ? "needs two CPUs"
								    : NULL;
	bool migration = argc == 2 && !strcmp(argv[1], "migrate");

	if (unsupported && migration)
		migrate_skip();
	if (unsupported)
		return skip_all(unsupported);
	set_up();
	if (!migration)
		return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
	test_migrate();
	return report_summary();
}
