/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual LPIs of GIC version 4: commands by their effect on guests, which take the LPIs of the vPE
 * that is scheduled without an exit. Expected: IHI 0069, 5.4 (vLPIs), 5.3 (commands) and 12.11
 * (GICR_VPENDBASER).
 */
#include <libcflat.h>
#include <migrate.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include "guest-vlpi/vlpi.h"

/* Delivery, and the configuration of virtual LPIs */

static void test_resident(void)
{
	map(0, 0);
	schedule(0);
	check_none(0, "nothing sent");
	send_event(0);
	check_one(0, 0, "sent while its vPE is scheduled");
	send_event(0);
	send_event(0);
	check_one(0, 0, "sent twice while it is pending");
	deschedule(0);
}

static void test_not_resident(void)
{
	map(0, 0);
	send_event(0);
	schedule(1);
	check_none(1, "sent to a vPE that is not scheduled");
	deschedule(1);
	schedule(0);
	check_one(0, 0, "sent before its vPE is scheduled");
	deschedule(0);
}

static void test_priority(void)
{
	unsigned int found;

	map(0, 0);
	map(1, 0);
	configure(1, 0x40 | LPI_PROP_GROUP1 | LPI_PROP_ENABLED);
	schedule(0);
	send_event(0);
	send_event(1);
	found = take(0);
	report(found == 2 && taken.ids[0] == LPI(1) && taken.ids[1] == LPI(0),
	       "virtual LPIs of priorities 0xa0 and 0x40: expected 2, %u first, found %u, %u first",
	       LPI(1), found, found ? taken.ids[0] : 0);
	deschedule(0);
}

/* As for list registers, the highest priority of all comes first. */
static void test_list_register(void)
{
	static const u8 priorities[] = { 0x20, 0xc0 };

	for (size_t i = 0; i < ARRAY_SIZE(priorities); i++) {
		u32 first = priorities[i] < LPI_PROP_DEFAULT_PRIO ? AN_INTID : LPI(0);
		unsigned int found;

		map(0, 0);
		schedule(0);
		send_event(0);
		found = take_with_irq(0, priorities[i]);
		report(found == 2 && taken.ids[0] == first,
		       "taken with an IRQ of priority %#x in a list register, and a virtual LPI of "
		       "0xa0: expected 2, %u first, found %u, %u first",
		       priorities[i], first, found, found ? taken.ids[0] : 0);
		deschedule(0);
	}
}

/* No command follows that made the redistributor look at the tables anyway. */
static void check_signalled(const char *when)
{
	unsigned int found = take_signalled();

	report(found == 1 && taken.ids[0] == LPI(0),
	       "virtual LPIs signalled, %s: expected 1 (%u), found %u (the first is %u)", when,
	       LPI(0), found, found ? taken.ids[0] : 0);
}

static void test_disabled(void)
{
	map(0, 0);
	configure(0, LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	schedule(0);
	send_event(0);
	check_none(0, "virtual LPI disabled, and INV");
	configure(0, LPI_PROP_DEFAULT);
	check_signalled("sent while disabled, then enabled, and INV");
	gicv4_vlpi_set_config(LPI(0), LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	its_send_vinvall(vpe[0]);
	send_event(0);
	check_none(0, "virtual LPI disabled, and VINVALL");
	gicv4_vlpi_set_config(LPI(0), LPI_PROP_DEFAULT);
	its_send_vinvall(vpe[0]);
	its_send_vsync(vpe[0]);
	check_signalled("sent while disabled, then enabled, and VINVALL");
	report_equal(gicv4_vlpi_get_config(LPI(0)), LPI_PROP_DEFAULT,
		     "configuration of virtual LPI %d", LPI(0));
	deschedule(0);
}

/* GICR_VPENDBASER.PendingLast */
static void test_pending_last(void)
{
	map(0, 0);
	schedule(0);
	check_pending_last(0, false, "nothing sent");
	schedule(0);
	send_event(0);
	check_pending_last(0, true, "one sent");
	schedule(0);
	check_one(0, 0, "pending when its vPE was descheduled");
	configure(0, LPI_PROP_DEFAULT & ~LPI_PROP_ENABLED);
	send_event(0);
	check_pending_last(0, false, "one sent that is disabled");
}

static void check_pending_bit(u32 event, bool expected, const char *when)
{
	bool found = ((u8 *)vpe[0]->vpt_page)[LPI(event) / 8] >> LPI(event) % 8 & 1;

	report(found == expected,
	       "bit of virtual LPI %u in the vPE's table, %s: expected %d, found %d", LPI(event),
	       when, expected, found);
}

static void test_pending_table(void)
{
	map(0, 0);
	map(1, 0);
	schedule(0);
	send_event(0);
	deschedule(0);
	check_pending_bit(0, true, "sent");
	check_pending_bit(1, false, "not sent");
	schedule(0);
	check_one(0, 0, "pending in the table");
	deschedule(0);
	check_pending_bit(0, false, "taken");
}

/* The host's doorbell: a physical LPI that is sent while the vPE is not scheduled. */
static void test_doorbell(void)
{
	its_send_vmapti_doorbell(dev, 0, vpe[0]->vpe_id, LPI(0), LPI(DOORBELL));
	configure(0, LPI_PROP_DEFAULT);
	schedule(0);
	send_event(0);
	check_doorbell(false, "vPE scheduled");
	check_one(0, 0, "with a doorbell, sent while its vPE is scheduled");
	deschedule(0);
	send_event(0);
	check_doorbell(true, "vPE not scheduled");
	schedule(0);
	check_one(0, 0, "after its doorbell");
	deschedule(0);
	map(0, 0);
	send_event(0);
	check_doorbell(false, "mapped without a doorbell");
	schedule(0);
	check_one(0, 0, "without a doorbell");
	deschedule(0);
}

/* Without guest_vgic_enable() it is the interface of the CPU that signals them (asm/vgic.h). */
static void test_host_interface(void)
{
	map(0, 0);
	schedule(0);
	send_event(0);
	report(take_by_host_interface(0) == 1 && taken.ids[0] == LPI(0),
	       "virtual LPIs taken without guest_vgic_enable(): expected 1, %u, found %u, %u",
	       LPI(0), taken.count, taken.count ? taken.ids[0] : 0);
	deschedule(0);
	guest_check_closed("after its vPE was descheduled");
}

/* Commands */

static void test_vmapi(void)
{
	u32 event = BIT(EVENT_BITS) - 1;

	if (event < LPI_ID_BASE) {
		report_skip("EventIDs have %u bits: none is an LPI's", EVENT_BITS);
		return;
	}
	its_send_vmapi(dev, LPI(2), vpe[0]->vpe_id, GICV4_NO_DOORBELL);
	gicv4_vlpi_set_config(LPI(2), LPI_PROP_DEFAULT);
	its_send_inv_nv(dev, LPI(2));
	schedule(0);
	its_send_int_nv(dev, LPI(2));
	check_one(0, 2, "mapped by VMAPI");
	its_send_discard_nv(dev, LPI(2));
	deschedule(0);
}

static void test_clear(void)
{
	map(0, 0);
	map(1, 0);
	schedule(0);
	send_event(0);
	send_event(1);
	its_send_clear_nv(dev, 0);
	its_send_vsync(vpe[0]);
	check_one(0, 1, "two sent, then CLEAR of the first");
	send_event(0);
	its_send_discard_nv(dev, 0);
	its_send_vsync(vpe[0]);
	check_none(0, "sent, then DISCARD");
	send_event(0);
	check_none(0, "event without a mapping, after DISCARD");
	deschedule(0);
}

static void test_vmovi(void)
{
	map(0, 0);
	send_event(0);
	its_send_vmovi(dev, 0, vpe[1]->vpe_id);
	its_send_vsync(vpe[0]);
	its_send_vsync(vpe[1]);
	schedule(0);
	check_none(0, "pending, then VMOVI to another vPE");
	deschedule(0);
	schedule(1);
	check_one(1, 0, "pending, then VMOVI to it");
	send_event(0);
	check_one(1, 0, "sent after VMOVI to it");
	deschedule(1);
}

static void test_unmapped(void)
{
	map(0, 0);
	its_send_vmapp(vpe[0], false);
	send_event(0);
	its_send_vmapp(vpe[0], true);
	schedule(0);
	check_none(0, "sent while its vPE was not mapped");
	send_event(0);
	check_one(0, 0, "vPE mapped again");
	deschedule(0);
}

/* Several CPUs */

/* The guest waits: no exit brings it the interrupt. */
static void test_running(void)
{
	struct guest_statistics statistics;
	unsigned int found;

	map(0, 0);
	schedule(0);
	found = take_from_other_cpu(0, &statistics);
	report(found == 1 && taken.ids[0] == LPI(0),
	       "virtual LPIs that a guest takes, sent by another CPU: expected 1, %u, found %u, %u",
	       LPI(0), found, found ? taken.ids[0] : 0);
	report_equal(statistics.vectors[ELx_LOW_IRQ_64] + statistics.vectors[ELx_LOW_SYNC_64], 0,
		     "exits of the guest meanwhile");
	deschedule(0);
}

static void take_on_this_cpu(void *data)
{
	schedule(0);
	check_one(0, 0, "pending, then VMOVP to another CPU");
	send_event(0);
	check_one(0, 0, "sent after VMOVP to another CPU");
	deschedule(0);
}

static void test_vmovp(void)
{
	map(0, 0);
	send_event(0);
	its_send_vmovp(vpe[0], 1);
	its_send_vsync(vpe[0]);
	on_cpu(1, take_on_this_cpu, NULL);
	its_send_vmovp(vpe[0], 0);
	its_send_vsync(vpe[0]);
	schedule(0);
	send_event(0);
	check_one(0, 0, "vPE moved to another CPU and back");
	deschedule(0);
}

/* Registers */

static void test_registers(void)
{
	u64 raw = readq(gicv3_its_base() + GITS_BASER + 8 * its_data.vpe_baser.index), prop, pend;

	report_equal(readl(gicv3_data.redist_base[1] + GICR_CTLR) & GICR_CTLR_ENABLE_LPIS,
		     GICR_CTLR_ENABLE_LPIS,
		     "GICR_CTLR.EnableLPIs of CPU 1, which enabled its interface later");
	report(GITS_BASER_TYPE(raw) == GITS_BASER_TYPE_VPE && raw & GITS_BASER_VALID,
	       "GITS_BASER%d, of vPEs: expected valid, type %d, found %#lx",
	       its_data.vpe_baser.index, GITS_BASER_TYPE_VPE, raw);
	schedule(1);
	prop = readq(gicv3_vlpi_base() + 0x70);
	pend = readq(gicv3_vlpi_base() + 0x78);
	report_equal(prop & GENMASK(51, 12), virt_to_phys(gicv3_data.vlpi_prop),
		     "address in GICR_VPROPBASER");
	report_equal(FIELD(prop, 4, 0), 13, "GICR_VPROPBASER.IDbits");
	report(FIELD(prop, 11, 10) == 1 && FIELD(prop, 9, 7) == 7,
	       "GICR_VPROPBASER: expected Shareability 1, InnerCache 7, found %#lx", prop);
	report_equal(pend & GENMASK(51, 16), virt_to_phys(vpe[1]->vpt_page),
		     "address in GICR_VPENDBASER");
	report(pend & GICR_VPENDBASER_VALID && FIELD(pend, 11, 10) == 1 && FIELD(pend, 9, 7) == 7,
	       "GICR_VPENDBASER of a vPE that is scheduled: expected Valid 1, Shareability 1, "
	       "InnerCache 7, found %#lx",
	       pend);
	deschedule(1);
	report_equal(readq(gicv3_vlpi_base() + 0x78) & GICR_VPENDBASER_VALID, 0,
		     "GICR_VPENDBASER.Valid after gicv4_deschedule_vpe()");
}

/* The machine is migrated with virtual LPIs pending, one vPE scheduled and one not. */
static void test_migrate(void)
{
	unsigned int found;

	map(0, 0);
	map(1, 1);
	schedule(0);
	send_event(0);
	send_event(1);
	migrate();
	found = take_signalled();
	/* QEMU finds it when it handles the next event of the vPE: docs/errata.md */
	report_kfail(true, found == 1,
		     "virtual LPIs signalled to vPE 0, scheduled, after a migration, one sent "
		     "before: expected 1, found %u",
		     found);
	send_event(0);
	check_one(0, 0, "sent before a migration, and again after it");
	deschedule(0);
	schedule(1);
	check_one(1, 1, "sent before a migration, its vPE not scheduled");
	deschedule(1);
}

static const struct subtest subtests[] = {
	{ "registers", test_registers },
	{ "resident", test_resident },
	{ "not-resident", test_not_resident },
	{ "priority", test_priority },
	{ "list-register", test_list_register },
	{ "disabled", test_disabled },
	{ "pending-last", test_pending_last },
	{ "pending-table", test_pending_table },
	{ "doorbell", test_doorbell },
	{ "host-interface", test_host_interface },
	{ "vmapi", test_vmapi },
	{ "clear", test_clear },
	{ "vmovi", test_vmovi },
	{ "unmapped", test_unmapped },
	{ "running", test_running },
	{ "vmovp", test_vmovp },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: gicv4_unsupported();
	bool migration = argc == 2 && !strcmp(argv[1], "migrate");

	if (!unsupported && nr_cpus < 2)
		unsupported = "needs two CPUs";
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
