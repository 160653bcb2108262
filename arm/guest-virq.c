/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts by list registers, and the virtual CPU interface. Each guest has its own.
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/timer.h>
#include <asm/vgic.h>

#define VMID 5
#define AN_INTID 40
#define KICK 3 /* an SGI */
#define SPURIOUS GICC_INT_SPURIOUS
#define MAX_SEEN 8

/* What a guest asks of the host, by hvc */
enum { HVC_RAISE = 1, HVC_STOP };
#define hvc(n) asm volatile("hvc %0" : : "i"(n) : "memory")

/* What guests tell; their image is the host's. */
static struct {
	volatile unsigned int irqs, fiqs;
	unsigned int masked; /* of them while PSTATE masked them */
	u32 ids[MAX_SEEN];
} seen;

static void guest_unmask(void)
{
	daif_clear(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
	isb();
	daif_set(PSR_A_BIT | PSR_I_BIT | PSR_F_BIT);
}

static unsigned int guest_total(void)
{
	return seen.irqs + seen.fiqs;
}

/* Have the host raise it, look, and let it in. */
static void guest_raise_and_take(void)
{
	hvc(HVC_RAISE);
	isb();
	seen.masked = guest_total();
	guest_unmask();
	guest_unmask();
}

static struct guest *create(void (*guest_func)(void))
{
	struct guest *guest = guest_create(VMID, guest_func, S2_PAGE_4K);

	assert(guest);
	seen.irqs = seen.fiqs = 0;
	seen.masked = 0;
	for (int i = 0; i < MAX_SEEN; i++)
		seen.ids[i] = SPURIOUS;
	return guest;
}

static enum guest_handler_result stop(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static void check_returned(struct guest *guest)
{
	enum guest_exit_reason reason = guest_run(guest);

	report(reason == GUEST_EXIT_RETURNED, "exit reason: %s", guest_exit_reason_name(reason));
}

static void check_seen(unsigned int irqs, unsigned int fiqs)
{
	report(seen.irqs == irqs && seen.fiqs == fiqs, "the guest took %u IRQs, %u FIQs: %u, %u",
	       irqs, fiqs, seen.irqs, seen.fiqs);
}

/* List registers */

static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (guest_total() < MAX_SEEN)
		seen.ids[guest_total()] = gic_iar_irqnr(iar);
	seen.irqs++;
	if (gic_iar_irqnr(iar) == PPI(TIMER_VTIMER_IRQ))
		write_sysreg(0, cntv_ctl_el0);
	if (gic_iar_irqnr(iar) != SPURIOUS)
		gic_write_eoir(iar);
}

static void guest_on_fiq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	if (guest_total() < MAX_SEEN)
		seen.ids[guest_total()] = gic_iar_irqnr(iar);
	seen.fiqs++;
	gic_write_eoir_group0(iar);
}

/* One more guest, with what was seen kept. */
static struct guest *create_with_vgic_again(void (*guest_func)(void))
{
	struct guest *guest = guest_create(VMID + 1, guest_func, S2_PAGE_4K);

	assert(guest && guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	return guest;
}

static struct guest *create_with_vgic(void (*guest_func)(void))
{
	struct guest *guest = create(guest_func);

	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	assert(guest_install_el1_handler(guest, ELxH_FIQ, guest_on_fiq));
	return guest;
}

static void guest_open_and_take(void)
{
	guest_unmask();
	seen.masked = guest_total();
	gic_enable_cpu_interface();
	guest_unmask();
	guest_unmask();
	guest_unmask();
}

static void check_lr(const struct guest *guest, int lr, enum gic_irq_state expected)
{
	enum gic_irq_state state = vgic_lr_state(guest->vgic.lr[lr]);

	report(state == expected, "list register %d: state expected %d, found %d", lr, expected,
	       state);
}

static void test_lr_irq(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);
	int lr = guest_inject_irq(guest, AN_INTID);

	report(lr >= 0 && vgic_lr_intid(guest->vgic.lr[lr]) == AN_INTID, "in list register %d", lr);
	check_returned(guest);
	check_seen(1, 0);
	report(seen.masked == 0, "not before the guest opens its CPU interface: %u", seen.masked);
	report(seen.ids[0] == AN_INTID, "ID: expected %d, found %u", AN_INTID, seen.ids[0]);
	check_lr(guest, lr, GIC_IRQ_STATE_INACTIVE);
	guest_destroy(guest);
}

static void test_lr_fiq(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);
	struct vgic_irq irq = {
		.intid = AN_INTID, .priority = 0x80, .group = 0, .state = GIC_IRQ_STATE_PENDING
	};
	int lr = guest_vgic_inject(guest, &irq);

	check_returned(guest);
	check_seen(0, 1);
	report(seen.ids[0] == AN_INTID, "ID: expected %d, found %u", AN_INTID, seen.ids[0]);
	check_lr(guest, lr, GIC_IRQ_STATE_INACTIVE);
	guest_destroy(guest);
}

static void test_lr_priority(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);
	struct vgic_irq irq = { .group = 1, .state = GIC_IRQ_STATE_PENDING };
	static const u8 priorities[] = { 0x90, 0x20, 0x50 };

	for (u32 i = 0; i < ARRAY_SIZE(priorities); i++) {
		irq.intid = AN_INTID + i;
		irq.priority = priorities[i];
		guest_vgic_inject(guest, &irq);
	}
	check_returned(guest);
	check_seen(3, 0);
	report(seen.ids[0] == AN_INTID + 1 && seen.ids[1] == AN_INTID + 2 &&
		       seen.ids[2] == AN_INTID,
	       "the highest priority first: %u, %u, %u", seen.ids[0], seen.ids[1], seen.ids[2]);
	guest_destroy(guest);
}

static void test_lr_full(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);
	unsigned int nr = vgic_nr_lrs();
	int extra, same;

	for (unsigned int i = 0; i < nr; i++)
		guest_inject_irq(guest, AN_INTID + i);
	extra = guest_inject_irq(guest, AN_INTID + nr);
	same = guest_inject_irq(guest, AN_INTID);
	report(extra == -1, "%u list registers in use: one more is %d", nr, extra);
	report(same == 0, "one that is there already stays in its own: %d", same);
	guest_destroy(guest);
}

/* Injected by a handler, while the state is in the CPU; the second time while it is active. */
static void guest_on_irq_raise(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (!seen.irqs++)
		hvc(HVC_RAISE);
	gic_write_eoir(iar);
}

static enum guest_handler_result inject(struct guest *guest)
{
	int lr = guest_inject_irq(guest, AN_INTID);

	if (seen.irqs)
		check_lr(guest, lr, GIC_IRQ_STATE_ACTIVE_PENDING);
	return GUEST_ACTION_RESUME;
}

static void test_lr_in_handler(void)
{
	struct guest *guest = create_with_vgic(guest_raise_and_take);

	guest->vgic.vmcr = vgic_vmcr_enabled();
	guest_install_handler(guest, ELx_LOW_SYNC_64, inject);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_raise));
	check_returned(guest);
	check_seen(2, 0);
	guest_destroy(guest);
}

/* The host takes the list register of an active interrupt away: its end is counted. */
static enum guest_handler_result take_away(struct guest *guest)
{
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		guest->vgic.lr[i] = 0;
	return GUEST_ACTION_RESUME;
}

static void test_eoi_count(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);

	guest_inject_irq(guest, AN_INTID);
	guest_install_handler(guest, ELx_LOW_SYNC_64, take_away);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_raise));
	check_returned(guest);
	check_seen(1, 0);
	report(VGIC_HCR_EOICOUNT(guest->vgic.hcr) == 1,
	       "an end of interrupt without a list register is counted: expected 1, found %lu",
	       VGIC_HCR_EOICOUNT(guest->vgic.hcr));
	guest_destroy(guest);
}

/* The end of an interrupt that is to be told: PPI 25, in a handler of the guest. */
static struct {
	unsigned int count;
	u32 irq;
	u64 misr, eisr;
} maintenance;

static enum guest_handler_result take_maintenance(struct guest *guest)
{
	u32 iar = gic_read_iar();

	maintenance.count++;
	maintenance.irq = gic_iar_irqnr(iar);
	maintenance.misr = guest->vgic.misr;
	maintenance.eisr = guest->vgic.eisr;
	guest->vgic.hcr = VGIC_HCR_EN;
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		if (guest->vgic.eisr & (1UL << i))
			guest->vgic.lr[i] = 0;
	if (maintenance.irq != SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_RESUME;
}

static void check_maintenance(u64 misr, u64 eisr)
{
	report(maintenance.count == 1 && maintenance.irq == gic_maintenance_irq(),
	       "one maintenance interrupt, %u: %u times, %u", gic_maintenance_irq(),
	       maintenance.count, maintenance.irq);
	report(maintenance.misr == misr && maintenance.eisr == eisr,
	       "its cause: MISR expected %#lx, found %#lx, EISR %#lx, %#lx", misr, maintenance.misr,
	       eisr, maintenance.eisr);
}

static void test_maintenance(void)
{
	struct guest *guest = create_with_vgic(guest_open_and_take);
	struct vgic_irq irq = { .intid = AN_INTID,
				.priority = 0x80,
				.group = 1,
				.state = GIC_IRQ_STATE_PENDING,
				.eoi_irq = true };
	int lr = guest_vgic_inject(guest, &irq);

	report(gic_maintenance_irq() == PPI(9), "PPI 9, interrupt 25: %u", gic_maintenance_irq());
	gic_enable_irq(gic_maintenance_irq());
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest);
	check_seen(1, 0);
	check_maintenance(VGIC_MISR_EOI, 1UL << lr);
	guest_destroy(guest);

	guest = create_with_vgic(guest_open_and_take);
	guest->vgic.hcr |= VGIC_HCR_UIE;
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest);
	check_maintenance(VGIC_MISR_U, 0);
	guest_destroy(guest);
	gic_disable_irq(gic_maintenance_irq());
}

/* The guest's own timer, whose interrupt the guest's end of interrupt deactivates. */
static void guest_wait_for_timer(void)
{
	gic_enable_cpu_interface();
	local_irq_enable();
	write_sysreg(get_cntvct() + get_cntfrq() / 5000, cntv_cval_el0);
	write_sysreg(ARCH_TIMER_CTL_ENABLE, cntv_ctl_el0);
	while (!seen.irqs)
		;
}

static enum guest_handler_result forward(struct guest *guest)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);
	struct vgic_irq virq = { .intid = irq,
				 .priority = 0x80,
				 .group = 1,
				 .state = GIC_IRQ_STATE_PENDING,
				 .hw_irq = irq };

	if (irq == SPURIOUS)
		return GUEST_ACTION_RESUME;
	gic_write_eoir(iar); /* the priority only: the guest deactivates */
	guest->exit_code++;
	guest_vgic_inject(guest, &virq);
	return GUEST_ACTION_RESUME;
}

static void test_hw(void)
{
	struct guest *guest = create_with_vgic(guest_wait_for_timer);
	u32 irq = PPI(TIMER_VTIMER_IRQ);

	gic_enable_irq(irq);
	gic_set_eoi_split(true);
	guest_install_handler(guest, ELx_LOW_IRQ_64, forward);
	guest->exit_code = 0;
	check_returned(guest);
	check_seen(1, 0);
	report(seen.ids[0] == irq, "the timer's: expected %u, found %u", irq, seen.ids[0]);
	report(gic_irq_state(irq) == GIC_IRQ_STATE_INACTIVE,
	       "inactive by the guest's end of interrupt: state %d", gic_irq_state(irq));
	gic_set_eoi_split(false);
	gic_disable_irq(irq);
	guest_destroy(guest);
}

/* Two guests, each with its own interface, and one without. */
static void guest_set_mask_and_stop(u64 mask)
{
	gic_enable_cpu_interface();
	gic_set_priority_mask(mask);
	hvc(HVC_STOP);
	guest_unmask();
	hvc(HVC_STOP);
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	guest_unmask();
}

static void test_two_guests(void)
{
	struct guest *a = create_with_vgic((void (*)(void))guest_set_mask_and_stop);
	struct guest *b = create_with_vgic(guest_open_and_take);

	a->x[0] = 0x50;
	guest_install_handler(a, ELx_LOW_SYNC_64, stop);
	guest_inject_irq(a, AN_INTID);
	guest_run(a);
	check_returned(b);
	check_seen(0, 0);
	guest_run(a);
	report(seen.irqs == 0, "the first has kept its priority mask: %u IRQs", seen.irqs);
	check_returned(a);
	check_seen(1, 0);
	report(seen.ids[0] == AN_INTID, "and its interrupt: %u", seen.ids[0]);
	guest_destroy(a);
	guest_destroy(b);
}

/*
 * A guest that moves to another CPU in the middle of an interrupt, with one of the same priority
 * pending and a more urgent one injected meanwhile. What it has taken, and how deep in handlers:
 */
static struct {
	u32 id;
	unsigned int depth;
} taken[MAX_SEEN];
static unsigned int depth;

static void guest_on_irq_move(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();
	unsigned int n = seen.irqs++;

	depth++;
	if (n < MAX_SEEN) {
		taken[n].id = gic_iar_irqnr(iar);
		taken[n].depth = depth;
	}
	hvc(HVC_STOP);
	guest_unmask();
	depth--;
	gic_write_eoir(iar);
}

static void run_guest(void *guest)
{
	guest_run(guest);
}

static void check_taken(unsigned int n, u32 id, unsigned int expected_depth)
{
	report(seen.irqs > n && taken[n].id == id && taken[n].depth == expected_depth,
	       "interrupt %u: expected %u in %u handlers, found %u in %u", n, id, expected_depth,
	       taken[n].id, taken[n].depth);
}

/* The CPU that @guest leaves is another guest's next, which has an interrupt of its own. */
static void move_and_run(struct guest *guest, int from)
{
	struct guest *other = create_with_vgic_again(guest_open_and_take);
	unsigned int irqs = seen.irqs;

	guest_inject_irq(other, AN_INTID + 10);
	on_cpu(from, run_guest, other);
	report(other->exit_reason == GUEST_EXIT_RETURNED && seen.irqs == irqs + 1 &&
		       seen.ids[irqs] == AN_INTID + 10,
	       "CPU %d, which it left: another guest takes %u IRQs, %u", from, seen.irqs - irqs,
	       seen.ids[irqs]);
	seen.irqs = irqs;
	guest_destroy(other);
	on_cpu(!from, run_guest, guest);
}

static void test_migrate(void)
{
	struct vgic_irq urgent = {
		.intid = AN_INTID + 2, .priority = 0x20, .group = 1, .state = GIC_IRQ_STATE_PENDING
	};
	struct guest *guest;
	int first, second;

	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	guest = create_with_vgic(guest_open_and_take);
	depth = 0;
	guest_install_handler(guest, ELx_LOW_SYNC_64, stop);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_move));
	first = guest_inject_irq(guest, AN_INTID);
	second = guest_inject_irq(guest, AN_INTID + 1);
	on_cpu(0, run_guest, guest);
	check_lr(guest, first, GIC_IRQ_STATE_ACTIVE);
	check_lr(guest, second, GIC_IRQ_STATE_PENDING);
	guest_inject_irq(guest, AN_INTID); /* active and pending */
	guest_vgic_inject(guest, &urgent);
	for (int from = 0; guest->exit_reason == GUEST_EXIT_HANDLER && seen.irqs < MAX_SEEN;
	     from = !from)
		move_and_run(guest, from);
	report(guest->exit_reason == GUEST_EXIT_RETURNED && seen.irqs == 4,
	       "expected 4 interrupts, a move in each, then \"%s\"; found %u, \"%s\"",
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

/* Two vCPUs of one stage 2: each has an interface of its own too. */
static void test_vcpus(void)
{
	struct guest *a = create_with_vgic(guest_open_and_take);
	struct guest *b = guest_create_vcpu(a, guest_open_and_take);
	bool enabled;

	assert(b && guest_install_el1_handler(b, ELxH_IRQ, guest_on_irq));
	enabled = guest_vgic_enable(b);
	report(enabled, "another vCPU gets a virtual CPU interface");
	if (enabled) {
		guest_inject_irq(b, AN_INTID);
		check_returned(a);
		check_seen(0, 0);
		check_returned(b);
		check_seen(1, 0);
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

static void test_other_cpu(void)
{
	int first, second;

	if (nr_cpus < 2) {
		report_skip("needs two CPUs");
		return;
	}
	remote = create_with_vgic((void (*)(void))guest_wait_for_two);
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
	       "another CPU runs the guest: expected %d and %d, found %d and %d", VGIC_QUEUED,
	       VGIC_QUEUED, first, second);
	report(remote->exit_reason == GUEST_EXIT_RETURNED && remote->exit_code == 2,
	       "the guest took both: expected 2, found %lu (%s)", remote->exit_code,
	       guest_exit_reason_name(remote->exit_reason));
	install_irq_handler(ELxH_IRQ, NULL);
	guest_destroy(remote);
}

/* No kick: what came while it ran is there when it has. */
static u64 guest_wait_for_word(void)
{
	u64 loops = 0;

	remote_ready = 1;
	while (remote_ready == 1 && loops < 200000000)
		loops++;
	return loops;
}

static void test_queued(void)
{
	int answer;

	if (nr_cpus < 2) {
		report_skip("needs two CPUs");
		return;
	}
	remote = create_with_vgic((void (*)(void))guest_wait_for_word);
	remote_ready = 0;
	on_cpu_async(1, run_remote, NULL);
	while (!remote_ready)
		cpu_relax();
	for (u32 i = 0; i < VGIC_MAX_LRS; i++)
		guest_inject_irq(remote, AN_INTID + i);
	answer = guest_inject_irq(remote, AN_INTID);
	report(answer == VGIC_QUEUED, "one that waits already: expected %d, found %d", VGIC_QUEUED,
	       answer);
	answer = guest_inject_irq(remote, AN_INTID + VGIC_MAX_LRS);
	report(answer == -1, "one more than can wait: expected -1, found %d", answer);
	remote_ready = 2;
	on_cpu(1, nothing, NULL);
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		check_lr(remote, i, GIC_IRQ_STATE_PENDING);
	report(remote->vgic_queue.count == VGIC_MAX_LRS - vgic_nr_lrs(),
	       "those without a list register wait on: expected %u, found %u",
	       VGIC_MAX_LRS - vgic_nr_lrs(), remote->vgic_queue.count);
	guest_destroy(remote);
}

static void test_none(void)
{
	struct guest *guest = create((void (*)(void))gic_read_iar);
	unsigned int expected = gic_version() == 2 ? ESR_ELx_EC_DABT_LOW : ESR_ELx_EC_SYS64;

	guest_install_handler(guest, ELx_LOW_SYNC_64, stop);
	report(guest_run(guest) == GUEST_EXIT_HANDLER && ESR_ELx_EC(guest->esr_el2) == expected,
	       "an access of a guest without virtual GIC is an exit: class %#lx",
	       ESR_ELx_EC(guest->esr_el2));
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "lr-irq", test_lr_irq },
	{ "lr-fiq", test_lr_fiq },
	{ "lr-priority", test_lr_priority },
	{ "lr-full", test_lr_full },
	{ "lr-in-handler", test_lr_in_handler },
	{ "eoi-count", test_eoi_count },
	{ "maintenance", test_maintenance },
	{ "hw", test_hw },
	{ "two-guests", test_two_guests },
	{ "migrate", test_migrate },
	{ "vcpus", test_vcpus },
	{ "none", test_none },
	{ "other-cpu", test_other_cpu },
	{ "queued", test_queued },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: vgic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
