/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that move between CPUs, vCPUs, and interrupts that another CPU injects. */
#include <libcflat.h>
#include <on-cpus.h>
#include <asm/barrier.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include "virq.h"

#define KICK 3 /* an SGI */

/*
 * A guest that moves to another CPU in the middle of an interrupt, with one of the same priority
 * pending and one of higher priority injected meanwhile: INTIDs taken, and nesting of handlers.
 */
static struct {
	u32 id;
	unsigned int depth;
} taken[MAX_SEEN];
static unsigned int depth;

static u32 guest_note_and_stop(u32 iar)
{
	unsigned int n = seen.irqs++;

	depth++;
	if (n < MAX_SEEN) {
		taken[n].id = gic_iar_irqnr(iar);
		taken[n].depth = depth;
	}
	hvc(HVC_STOP);
	guest_unmask();
	depth--;
	return iar;
}

static void guest_on_irq_move(struct guest_el1_regs *regs, unsigned int esr)
{
	gic_write_eoir(guest_note_and_stop(gic_read_iar()));
}

static void guest_on_fiq_move(struct guest_el1_regs *regs, unsigned int esr)
{
	gic_write_eoir_group0(guest_note_and_stop(gic_read_iar_group0()));
}

static void run_guest(void *guest)
{
	guest_run(guest);
}

static void check_taken(unsigned int n, u32 id, unsigned int expected_depth)
{
	report(seen.irqs > n && taken[n].id == id && taken[n].depth == expected_depth,
	       "interrupt %u of a guest that moves: expected INTID %u in %u handlers, found %u in %u",
	       n, id, expected_depth, taken[n].id, taken[n].depth);
}

/* The CPU that @guest leaves is another guest's next, which has an interrupt of its own. */
static void move_and_run(struct guest *guest, int from)
{
	struct guest *other = create_with_vgic_again(guest_enable_and_take);
	unsigned int irqs = seen.irqs;

	guest_inject_irq(other, AN_INTID + 10);
	on_cpu(from, run_guest, other);
	report(other->exit_reason == GUEST_EXIT_RETURNED && seen.irqs == irqs + 1 &&
		       seen.ids[irqs] == AN_INTID + 10,
	       "another guest on CPU %d, which the first left after %u IRQs: expected 1 IRQ, INTID %u, "
	       "found %u, %u",
	       from, irqs, AN_INTID + 10, seen.irqs - irqs, seen.ids[irqs]);
	seen.irqs = irqs;
	guest_destroy(other);
	on_cpu(!from, run_guest, guest);
}

static int inject(struct guest *guest, int group, u32 intid, u8 priority)
{
	struct vgic_irq irq = {
		.intid = intid, .priority = priority, .group = group, .state = GIC_IRQ_STATE_PENDING
	};

	return guest_vgic_inject(guest, &irq);
}

/* All of its interrupts are of @group. */
static void migrate(int group)
{
	struct guest *guest;
	int first, second;

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guest = create_with_vgic(guest_enable_and_take);
	depth = 0;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_move));
	assert(guest_install_el1_handler(guest, ELxH_FIQ, guest_on_fiq_move));
	first = inject(guest, group, AN_INTID, GICD_INT_DEF_PRI);
	second = inject(guest, group, AN_INTID + 1, GICD_INT_DEF_PRI);
	on_cpu(0, run_guest, guest);
	check_lr(guest, first, GIC_IRQ_STATE_ACTIVE);
	check_lr(guest, second, GIC_IRQ_STATE_PENDING);
	inject(guest, group, AN_INTID, GICD_INT_DEF_PRI); /* active and pending */
	inject(guest, group, AN_INTID + 2, 0x20);
	for (int from = 0; guest->exit_reason == GUEST_EXIT_HANDLER && seen.irqs < MAX_SEEN;
	     from = !from)
		move_and_run(guest, from);
	report(guest->exit_reason == GUEST_EXIT_RETURNED && seen.irqs == 4,
	       "guest that moves in each of its interrupts: expected 4, \"%s\", found %u, \"%s\"",
	       guest_exit_reason_name(GUEST_EXIT_RETURNED), seen.irqs,
	       guest_exit_reason_name(guest->exit_reason));
	check_taken(0, AN_INTID, 1);
	check_taken(1, AN_INTID + 2, 2); /* the active one holds back those of its priority */
	check_taken(2, AN_INTID, 1);
	check_taken(3, AN_INTID + 1, 1);
	check_lr(guest, first, GIC_IRQ_STATE_INACTIVE);
	check_lr(guest, second, GIC_IRQ_STATE_INACTIVE);
	guest_destroy(guest);
}

void test_migrate(void)
{
	migrate(1);
}

void test_migrate_fiq(void)
{
	migrate(0);
}

/* Two vCPUs of one stage 2, each with an interface of its own. */
void test_vcpus(void)
{
	struct guest *a = create_with_vgic(guest_enable_and_take);
	struct guest *b = guest_require(guest_create_vcpu(a, guest_enable_and_take));
	bool enabled;

	assert(guest_install_el1_handler(b, ELxH_IRQ, guest_on_irq));
	enabled = guest_vgic_enable(b);
	report(enabled, "guest_vgic_enable() of a second vCPU: expected 1, found %d", enabled);
	if (enabled) {
		guest_inject_irq(b, AN_INTID);
		check_returned(a, "first vCPU, the second has an IRQ pending");
		check_seen("the IRQ another vCPU's", 0, 0);
		check_returned(b, "second vCPU with an IRQ pending");
		check_seen("the IRQ its own", 1, 0);
	}
	guest_destroy(a);
	guest_destroy(b);
}

/*
 * The interrupts of a guest that another CPU runs: injected by this one, which then sends an SGI
 * there.
 */
static struct guest *remote;
static volatile unsigned int remote_ready;

static void take_kick(struct pt_regs *regs)
{
	gic_write_eoir(gic_read_iar());
}

static void nothing(void *data)
{
}

static void run_remote(void *data)
{
	gic_enable_defaults();
	guest_run(remote);
}

static u64 guest_wait_for_two(void)
{
	u64 loops = 0;

	gic_enable_cpu_interface();
	local_irq_enable();
	remote_ready = 1;
	while (seen.irqs < 2 && loops < 200000000)
		loops++;
	local_irq_disable();
	return seen.irqs;
}

void test_other_cpu(void)
{
	int first, second;

	if (nr_cpus < 2) {
		report_skip("needs two CPUs");
		return;
	}
	remote = create_with_vgic(guest_wait_for_two);
	guest_install_handler(remote, ELx_LOW_IRQ_64, guest_take_interrupts);
	install_irq_handler(ELxH_IRQ, take_kick);
	remote_ready = 0;
	on_cpu_async(1, run_remote, NULL);
	while (!remote_ready)
		cpu_relax();
	first = guest_inject_irq(remote, AN_INTID);
	second = guest_inject_irq(remote, AN_INTID + 1);
	gic_ipi_send_single(KICK, 1);
	on_cpu(1, nothing, NULL);
	report(first == VGIC_QUEUED && second == VGIC_QUEUED,
	       "guest_inject_irq() twice while another CPU runs the guest: expected %d and %d, found %d "
	       "and %d",
	       VGIC_QUEUED, VGIC_QUEUED, first, second);
	guest_check_exit(remote, EXPECT_RETURN(2), "IRQs that a guest on another CPU took");
	install_irq_handler(ELxH_IRQ, NULL);
	guest_destroy(remote);
}

/* Without an SGI: what was injected during the run is in list registers after it. */
static u64 guest_wait_for_word(void)
{
	u64 loops = 0;

	remote_ready = 1;
	while (remote_ready == 1 && loops < 200000000)
		loops++;
	return loops;
}

/* Interrupts in the queue that are not the ones that follow those in list registers. */
static unsigned int misplaced(const struct guest *guest)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < guest->vgic_queue.count; i++)
		wrong += vgic_lr_intid(guest->vgic_queue.lr[i]) != AN_INTID + vgic_nr_lrs() + i;
	return wrong;
}

void test_queued(void)
{
	int answer;

	if (nr_cpus < 2) {
		report_skip("needs two CPUs");
		return;
	}
	remote = create_with_vgic(guest_wait_for_word);
	remote_ready = 0;
	on_cpu_async(1, run_remote, NULL);
	while (!remote_ready)
		cpu_relax();
	for (u32 i = 0; i < VGIC_MAX_LRS; i++)
		guest_inject_irq(remote, AN_INTID + i);
	answer = guest_inject_irq(remote, AN_INTID);
	report(answer == VGIC_QUEUED, "guest_inject_irq() of a queued INTID: expected %d, found %d",
	       VGIC_QUEUED, answer);
	answer = guest_inject_irq(remote, AN_INTID + VGIC_MAX_LRS);
	report(answer == -1, "guest_inject_irq() with the queue full: expected -1, found %d",
	       answer);
	remote_ready = 2;
	on_cpu(1, nothing, NULL);
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		check_lr(remote, i, GIC_IRQ_STATE_PENDING);
	report(remote->vgic_queue.count == VGIC_MAX_LRS - vgic_nr_lrs() && !misplaced(remote),
	       "interrupts still queued, without list register: expected %u, those injected last; "
	       "found %u, %u of them others",
	       VGIC_MAX_LRS - vgic_nr_lrs(), remote->vgic_queue.count, misplaced(remote));
	guest_destroy(remote);
}
