/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual interrupts in list registers, and each guest's own virtual CPU interface. */
#include <libcflat.h>
#include <on-cpus.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/timer.h>
#include <asm/vgic.h>

#define VMID 5
#define AN_INTID 40
#define KICK 3 /* an SGI */
#define SPURIOUS GICC_INT_SPURIOUS
#define MAX_SEEN 8

/* Calls of the host, by immediate of HVC */
enum { HVC_RAISE = 1, HVC_STOP };
#define hvc(n) asm volatile("hvc %0" : : "i"(n) : "memory")

/* Written by guests, whose image is the host's. */
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

/* Have the host raise the interrupt, see that it is masked, unmask it. */
static void guest_raise_and_take(void)
{
	hvc(HVC_RAISE);
	isb();
	seen.masked = guest_total();
	guest_unmask();
	guest_unmask();
}

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	seen.irqs = seen.fiqs = 0;
	seen.masked = 0;
	for (int i = 0; i < MAX_SEEN; i++)
		seen.ids[i] = SPURIOUS;
	return guest;
}

#define check_returned(guest, what) guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), what)

static void check_seen(const char *when, unsigned int irqs, unsigned int fiqs)
{
	report(seen.irqs == irqs && seen.fiqs == fiqs,
	       "taken by the guest, %s: expected %u IRQs, %u FIQs, found %u, %u", when, irqs, fiqs,
	       seen.irqs, seen.fiqs);
}

static void check_id(const char *which, u32 expected)
{
	report(seen.ids[0] == expected, "INTID of %s: expected %u, found %u", which, expected,
	       seen.ids[0]);
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

/* Another guest, without a reset of @seen. */
static struct guest *create_with_vgic_again(void *func)
{
	struct guest *guest = guest_create_4k(VMID + 1, func);

	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	return guest;
}

static struct guest *create_with_vgic(void *func)
{
	struct guest *guest = create(func);

	assert(guest_vgic_enable(guest));
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	assert(guest_install_el1_handler(guest, ELxH_FIQ, guest_on_fiq));
	return guest;
}

static void guest_enable_and_take(void)
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

	report(state == expected, "state in list register %d, INTID %u: expected %s, found %s", lr,
	       vgic_lr_intid(guest->vgic.lr[lr]), gic_irq_state_name(expected),
	       gic_irq_state_name(state));
}

static void test_lr_irq(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	int lr = guest_inject_irq(guest, AN_INTID);

	u32 intid = lr >= 0 ? vgic_lr_intid(guest->vgic.lr[lr]) : SPURIOUS;

	report(intid == AN_INTID, "INTID in list register %d: expected %u, found %u", lr, AN_INTID,
	       intid);
	check_returned(guest, "guest with an IRQ in a list register");
	check_seen("an IRQ in a list register", 1, 0);
	report(seen.masked == 0,
	       "interrupts taken before the guest enables its CPU interface: expected 0, found %u",
	       seen.masked);
	check_id("the guest's IRQ", AN_INTID);
	check_lr(guest, lr, GIC_IRQ_STATE_INACTIVE);
	guest_destroy(guest);
}

static void test_lr_fiq(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	struct vgic_irq irq = {
		.intid = AN_INTID, .priority = 0x80, .group = 0, .state = GIC_IRQ_STATE_PENDING
	};
	int lr = guest_vgic_inject(guest, &irq);

	check_returned(guest, "guest with an interrupt of group 0 in a list register");
	check_seen("an interrupt of group 0 in a list register", 0, 1);
	check_id("the guest's FIQ", AN_INTID);
	check_lr(guest, lr, GIC_IRQ_STATE_INACTIVE);
	guest_destroy(guest);
}

static void test_lr_priority(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	struct vgic_irq irq = { .group = 1, .state = GIC_IRQ_STATE_PENDING };
	static const u8 priorities[] = { 0x90, 0x20, 0x50 };

	for (u32 i = 0; i < ARRAY_SIZE(priorities); i++) {
		irq.intid = AN_INTID + i;
		irq.priority = priorities[i];
		guest_vgic_inject(guest, &irq);
	}
	check_returned(guest, "guest with three IRQs in list registers");
	check_seen("three IRQs in list registers", 3, 0);
	report(seen.ids[0] == AN_INTID + 1 && seen.ids[1] == AN_INTID + 2 &&
		       seen.ids[2] == AN_INTID,
	       "INTIDs in order of priority: expected %u, %u, %u, found %u, %u, %u", AN_INTID + 1,
	       AN_INTID + 2, AN_INTID, seen.ids[0], seen.ids[1], seen.ids[2]);
	guest_destroy(guest);
}

static void test_lr_full(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	unsigned int nr = vgic_nr_lrs();
	int extra, same;

	for (unsigned int i = 0; i < nr; i++)
		guest_inject_irq(guest, AN_INTID + i);
	extra = guest_inject_irq(guest, AN_INTID + nr);
	same = guest_inject_irq(guest, AN_INTID);
	report(extra == -1,
	       "guest_inject_irq() with all %u list registers in use: expected -1, found %d", nr,
	       extra);
	report(same == 0, "list register of an INTID injected again: expected 0, found %d", same);
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
	check_returned(guest, "guest with an IRQ injected by handlers");
	check_seen("an IRQ injected twice, pending and while active", 2, 0);
	guest_destroy(guest);
}

/* The host clears the list register of an active interrupt, whose EOI is then counted. */
static enum guest_handler_result clear_list_registers(struct guest *guest)
{
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		guest->vgic.lr[i] = 0;
	return GUEST_ACTION_RESUME;
}

static void test_eoi_count(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);

	guest_inject_irq(guest, AN_INTID);
	guest_install_handler(guest, ELx_LOW_SYNC_64, clear_list_registers);
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq_raise));
	check_returned(guest, "guest whose list register is cleared while active");
	check_seen("a list register cleared while active", 1, 0);
	report(VGIC_HCR_EOICOUNT(guest->vgic.hcr) == 1,
	       "ICH_HCR_EL2.EOIcount after an EOI without list register: expected 1, found %lu",
	       VGIC_HCR_EOICOUNT(guest->vgic.hcr));
	guest_destroy(guest);
}

/* EOI maintenance interrupt: PPI 25, taken in a handler of the guest. */
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

static void check_maintenance(const char *what, u64 misr, u64 eisr)
{
	report(maintenance.count == 1 && maintenance.irq == gic_maintenance_irq(),
	       "maintenance interrupts, %s: expected 1 of INTID %u, found %u of %u", what,
	       gic_maintenance_irq(), maintenance.count, maintenance.irq);
	report(maintenance.misr == misr && maintenance.eisr == eisr,
	       "cause of the maintenance interrupt, %s: expected MISR %#lx, EISR %#lx, found %#lx, "
	       "%#lx",
	       what, misr, eisr, maintenance.misr, maintenance.eisr);
}

static void test_maintenance(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	struct vgic_irq irq = { .intid = AN_INTID,
				.priority = 0x80,
				.group = 1,
				.state = GIC_IRQ_STATE_PENDING,
				.eoi_irq = true };
	int lr = guest_vgic_inject(guest, &irq);

	report(gic_maintenance_irq() == PPI(9),
	       "INTID of the maintenance interrupt: expected %u (PPI 9), found %u", PPI(9),
	       gic_maintenance_irq());
	gic_enable_irq(gic_maintenance_irq());
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest, "guest with an IRQ whose EOI raises a maintenance interrupt");
	check_seen("an IRQ whose EOI raises a maintenance interrupt", 1, 0);
	check_maintenance("EOI", VGIC_MISR_EOI, 1UL << lr);
	guest_destroy(guest);

	guest = create_with_vgic(guest_enable_and_take);
	guest->vgic.hcr |= VGIC_HCR_UIE;
	guest_install_handler(guest, ELx_LOW_IRQ_64, take_maintenance);
	maintenance.count = 0;
	check_returned(guest, "guest with ICH_HCR_EL2.UIE and no list register in use");
	check_maintenance("underflow", VGIC_MISR_U, 0);
	guest_destroy(guest);
	gic_disable_irq(gic_maintenance_irq());
}

/* The guest's own timer, whose physical interrupt the guest's EOI deactivates. */
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
	guest_vgic_inject(guest, &virq);
	return GUEST_ACTION_RESUME;
}

static void test_hw(void)
{
	struct guest *guest = create_with_vgic(guest_wait_for_timer);
	u32 irq = PPI(TIMER_VTIMER_IRQ);
	enum gic_irq_state state;

	gic_enable_irq(irq);
	gic_set_eoi_split(true);
	guest_install_handler(guest, ELx_LOW_IRQ_64, forward);
	check_returned(guest, "guest that waits for its timer");
	check_seen("its timer's interrupt forwarded", 1, 0);
	check_id("the guest's timer", irq);
	state = gic_irq_state(irq);
	report(state == GIC_IRQ_STATE_INACTIVE,
	       "state of physical interrupt %u after the guest's EOI: expected %s, found %s", irq,
	       gic_irq_state_name(GIC_IRQ_STATE_INACTIVE), gic_irq_state_name(state));
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
	struct guest *a = create_with_vgic(guest_set_mask_and_stop);
	struct guest *b = create_with_vgic(guest_enable_and_take);

	a->x[0] = 0x50;
	guest_install_handler(a, ELx_LOW_SYNC_64, guest_exit_always);
	guest_inject_irq(a, AN_INTID);
	guest_run(a);
	check_returned(b, "second guest, while the first has an IRQ pending");
	check_seen("the IRQ another guest's", 0, 0);
	guest_run(a);
	report(seen.irqs == 0,
	       "IRQs below the first guest's priority mask, after another guest ran: expected 0, "
	       "found %u",
	       seen.irqs);
	check_returned(a, "first guest, its priority mask lowered");
	check_seen("its priority mask lowered", 1, 0);
	check_id("the IRQ that was below the priority mask", AN_INTID);
	guest_destroy(a);
	guest_destroy(b);
}

/*
 * A guest that moves to another CPU in the middle of an interrupt, with one of the same priority
 * pending and one of higher priority injected meanwhile: INTIDs taken, and nesting of handlers.
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
	       "IRQ %u of a guest that moves: expected INTID %u in %u handlers, found %u in %u", n,
	       id, expected_depth, taken[n].id, taken[n].depth);
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
	guest = create_with_vgic(guest_enable_and_take);
	depth = 0;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
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
	       "guest that moves in each of its IRQs: expected 4 IRQs, \"%s\", found %u, \"%s\"",
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

/* Two vCPUs of one stage 2, each with an interface of its own. */
static void test_vcpus(void)
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

static void test_other_cpu(void)
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

static void test_queued(void)
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
	report(remote->vgic_queue.count == VGIC_MAX_LRS - vgic_nr_lrs(),
	       "interrupts still queued, without list register: expected %u, found %u",
	       VGIC_MAX_LRS - vgic_nr_lrs(), remote->vgic_queue.count);
	guest_destroy(remote);
}

static void test_none(void)
{
	struct guest *guest = create(gic_read_iar);
	unsigned int expected = gic_version() == 2 ? ESR_ELx_EC_DABT_LOW : ESR_ELx_EC_SYS64;

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_CLASS(expected),
			"read of the GIC by a guest without virtual CPU interface");
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
