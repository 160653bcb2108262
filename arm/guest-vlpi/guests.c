/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that take virtual LPIs. */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include "vlpi.h"

#define VMID 11
#define DEVICE_ID 2
#define FIRST_VPE_ID 3
#define COLLECTION_ID 1
#define TIMEOUT_MS 4000
#define SHORT_MS 50
#define LOW_PRIORITY 0xe0

struct taken taken;
struct its_device *dev;
struct gicv4_vpe *vpe[NR_VPES];
static volatile bool guest_waits;

static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);

	if (irq == (u32)LPI(MARKER(0)) || irq == (u32)LPI(MARKER(1)))
		taken.marker = true;
	else if (taken.count < MAX_TAKEN)
		taken.ids[taken.count++] = irq;
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

static void guest_take(void)
{
	local_irq_enable();
	wait_for(taken.marker, TIMEOUT_MS);
	local_irq_disable();
}

static void guest_take_first(u64 timeout_ms)
{
	guest_waits = true;
	local_irq_enable();
	wait_for(taken.count, timeout_ms);
	local_irq_disable();
}

static struct guest *create(void *func, bool own_interface)
{
	struct guest *guest = guest_create_4k(VMID, func);

	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	if (own_interface) {
		assert(guest_vgic_enable(guest));
		guest->vgic.vmcr = vgic_vmcr_enabled();
	}
	taken.count = 0;
	taken.marker = false;
	return guest;
}

static unsigned int run_to_marker(struct guest *guest, int nr)
{
	its_send_int_nv(dev, MARKER(nr));
	its_send_vsync(vpe[nr]);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "guest with virtual LPIs");
	report(taken.marker, "virtual LPI %d, sent to vPE %d last: expected taken, found not",
	       LPI(MARKER(nr)), nr);
	guest_destroy(guest);
	return taken.count;
}

unsigned int take(int nr)
{
	return run_to_marker(create(guest_take, true), nr);
}

unsigned int take_by_host_interface(int nr)
{
	return run_to_marker(create(guest_take, false), nr);
}

unsigned int take_with_irq(int nr, u8 priority)
{
	struct guest *guest = create(guest_take, true);
	struct vgic_irq irq = {
		.intid = AN_INTID, .priority = priority, .group = 1, .state = GIC_IRQ_STATE_PENDING
	};

	assert(guest_vgic_inject(guest, &irq) >= 0);
	return run_to_marker(guest, nr);
}

static unsigned int take_first(u64 timeout_ms, struct guest_statistics *statistics)
{
	struct guest *guest = create(guest_take_first, true);

	guest->x[0] = timeout_ms;
	guest_count_exits(guest, statistics);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED),
			"guest that waits for a virtual LPI");
	guest_destroy(guest);
	return taken.count;
}

unsigned int take_signalled(void)
{
	return take_first(SHORT_MS, NULL);
}

static void wait_and_send(void *event)
{
	wait_for(guest_waits, TIMEOUT_MS);
	send_event((uintptr_t)event);
}

unsigned int take_from_other_cpu(u32 event, struct guest_statistics *statistics)
{
	guest_waits = false;
	on_cpu_async(1, wait_and_send, (void *)(uintptr_t)event);
	return take_first(TIMEOUT_MS, statistics);
}

void guest_check_closed(const char *when)
{
	struct guest *guest = create(gic_read_iar, false);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_MRS(3, 0, 12, 12, 0),
			"read of IAR without guest_vgic_enable(), %s", when);
	guest_destroy(guest);
}

void map(u32 event, int nr)
{
	its_send_vmapti(dev, event, vpe[nr]->vpe_id, LPI(event));
	configure(event, LPI_PROP_DEFAULT);
}

void configure(u32 event, u8 config)
{
	gicv4_vlpi_set_config(LPI(event), config);
	its_send_inv_nv(dev, event);
	its_send_vsync(vpe[0]);
	its_send_vsync(vpe[1]);
}

void send_event(u32 event)
{
	its_send_int_nv(dev, event);
	its_send_vsync(vpe[0]);
	its_send_vsync(vpe[1]);
}

void schedule(int nr)
{
	gicv4_schedule_vpe(vpe[nr]);
}

void deschedule(int nr)
{
	gicv4_deschedule_vpe(vpe[nr]);
}

void check_none(int nr, const char *when)
{
	unsigned int found = take(nr);

	report(found == 0,
	       "virtual LPIs that vPE %d takes, %s: expected 0, found %u (the first is %u)", nr,
	       when, found, found ? taken.ids[0] : 0);
}

void check_one(int nr, u32 event, const char *when)
{
	unsigned int found = take(nr);

	report(found == 1 && taken.ids[0] == LPI(event),
	       "virtual LPIs that vPE %d takes, %s: expected 1 (%u), found %u (the first is %u)",
	       nr, when, LPI(event), found, found ? taken.ids[0] : 0);
}

void check_pending_last(int nr, bool expected, const char *when)
{
	bool found = gicv4_deschedule_vpe(vpe[nr]);

	report(found == expected,
	       "GICR_VPENDBASER.PendingLast after vPE %d was descheduled, %s: expected %d, found %d",
	       nr, when, expected, found);
}

void check_doorbell(bool expected, const char *when)
{
	u32 iar, irq;

	its_send_sync_nv(its_get_collection(COLLECTION_ID));
	iar = gic_read_iar();
	irq = gic_iar_irqnr(iar);
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	report(irq == (expected ? (u32)LPI(DOORBELL) : GICC_INT_SPURIOUS),
	       "INTID of the host's IAR after an event, %s: expected %u, found %u", when,
	       expected ? LPI(DOORBELL) : GICC_INT_SPURIOUS, irq);
}

static void start_cpu(void *data)
{
}

static void set_up_cpu(void *data)
{
	gic_enable_defaults();
}

static void set_up_vpe(int nr)
{
	vpe[nr] = gicv4_alloc_vpe(FIRST_VPE_ID + nr);
	assert(vpe[nr]);
	its_send_vmapp(vpe[nr], true);
}

void set_up(void)
{
	gic_enable_defaults();
	on_cpu(1, start_cpu, NULL);
	its_enable_defaults(); /* for a CPU that has not enabled its interface, too */
	on_cpu(1, set_up_cpu, NULL);
	dev = its_create_device(DEVICE_ID,
				MIN(its_data.typer.eventid_bits, (unsigned int)EVENT_BITS));
	its_send_mapd_nv(dev, true);
	its_send_mapc_nv(its_create_collection(COLLECTION_ID, 0), true);
	gicv3_lpi_set_config(LPI(DOORBELL), LPI_PROP_DEFAULT);
	its_send_invall_nv(its_get_collection(COLLECTION_ID));
	for (int nr = 0; nr < NR_VPES; nr++)
		set_up_vpe(nr);
	for (int nr = 0; nr < NR_VPES; nr++) {
		map(MARKER(nr), nr);
		configure(MARKER(nr), LOW_PRIORITY | LPI_PROP_GROUP1 | LPI_PROP_ENABLED);
	}
}
