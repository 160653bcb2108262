/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LPIs that the host takes while a guest runs, and forwards to it in list registers. They have no
 * active state: the host ends them at once, and no list register has HW set (IHI 0069, 4.1.1).
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <subtest.h>
#include <util.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/vgic.h>

#define VMID 7
#define DEVICE_ID 2
#define EVENT_BITS 5
#define NR_LPIS 2
#define LPI_PRIORITY 0xfc
/* Of LPI(n): those that are pending together come in this order. */
#define PRIORITY(n) (0x80 + 0x10 * (n))

static struct its_device *dev;
static struct its_collection *col;

/* Written by the guest, whose image is the host's. */
static struct {
	volatile unsigned int count;
	u32 ids[NR_LPIS];
} seen;
static unsigned int nr_forwarded;

static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (seen.count < NR_LPIS)
		seen.ids[seen.count] = gic_iar_irqnr(iar);
	seen.count++;
	gic_write_eoir(iar);
}

static u64 guest_wait_for_all(void)
{
	gic_enable_cpu_interface();
	daif_clear(PSR_I_BIT);
	while (seen.count < NR_LPIS)
		cpu_relax();
	daif_set(PSR_I_BIT);
	return seen.count;
}

/* The end of interrupt ends an LPI in a list register too (IHI 0069, VirtualWriteEOIR1()). */
static u64 guest_wait_with_eoi_split(void)
{
	gic_set_eoi_split(true);
	return guest_wait_for_all();
}

static enum guest_handler_result forward(struct guest *guest)
{
	struct vgic_irq virtual = { .group = 1, .state = GIC_IRQ_STATE_PENDING };
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);

	if (irq == GICC_INT_SPURIOUS)
		return GUEST_ACTION_RESUME;
	gic_write_eoir(iar);
	nr_forwarded++;
	virtual.intid = irq;
	virtual.priority = gicv3_lpi_get_config(irq) & LPI_PRIORITY;
	return guest_vgic_inject(guest, &virtual) < 0 ? GUEST_ACTION_EXIT : GUEST_ACTION_RESUME;
}

static void send_all(void *data)
{
	for (u32 event = 0; event < NR_LPIS; event++)
		its_send_int_nv(dev, event);
	its_send_sync_nv(col);
}

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	seen.count = nr_forwarded = 0;
	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	guest_install_handler(guest, ELx_LOW_IRQ_64, forward);
	return guest;
}

static void check(struct guest *guest, const char *when)
{
	guest_check_run(guest, EXPECT_RETURN(NR_LPIS), "guest with LPIs, %s", when);
	report_equal_int(nr_forwarded, NR_LPIS, "LPIs that the host took, %s", when);
	for (u32 i = 0; i < NR_LPIS; i++) {
		report_equal_int(seen.ids[i], LPI(i), "INTID of IRQ %u of the guest, LPIs %s",
				 i + 1, when);
		report(vgic_lr_state(guest->vgic.lr[i]) == GIC_IRQ_STATE_INACTIVE,
		       "state of list register %u after the guest's end of interrupt, LPIs %s: "
		       "expected %s, found %s",
		       i, when, gic_irq_state_name(GIC_IRQ_STATE_INACTIVE),
		       gic_irq_state_name(vgic_lr_state(guest->vgic.lr[i])));
	}
	guest_destroy(guest);
}

static void test_pending(void)
{
	struct guest *guest = create(guest_wait_for_all);

	send_all(NULL);
	check(guest, "pending before it runs");
}

static void test_running(void)
{
	struct guest *guest;

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guest = create(guest_wait_for_all);
	on_cpu_async(1, send_all, NULL);
	check(guest, "sent by another CPU");
}

static void test_eoi_split(void)
{
	struct guest *guest = create(guest_wait_with_eoi_split);

	send_all(NULL);
	check(guest, "with EOI split");
}

static const struct subtest subtests[] = {
	{ "pending", test_pending },
	{ "eoi-split", test_eoi_split },
	{ "running", test_running },
};

static void set_up(void)
{
	gic_enable_defaults();
	its_enable_defaults();
	dev = its_create_device(DEVICE_ID, EVENT_BITS);
	col = its_create_collection(1, 0);
	its_send_mapd_nv(dev, true);
	its_send_mapc_nv(col, true);
	for (u32 event = 0; event < NR_LPIS; event++) {
		gicv3_lpi_set_config(LPI(event),
				     PRIORITY(event) | LPI_PROP_GROUP1 | LPI_PROP_ENABLED);
		its_send_mapti_nv(dev, LPI(event), event, col);
	}
	its_send_invall_nv(col);
	its_send_sync_nv(col);
}

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: vgic_unsupported()
								?: its_unsupported();

	if (!unsupported)
		set_up();
	return run_subtests_unless(unsupported, subtests, ARRAY_SIZE(subtests), argc, argv);
}
