/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts under load: many more than there are list registers, which the host fills
 * again at maintenance interrupts. Each of them must reach the guest once.
 */
#include <libcflat.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/deadline.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/vgic.h>

#define VMID 7
/* INTIDs, each once: one that is injected again while it is pending would be one interrupt. */
#define BASE 40
#define TOTAL 300
#define WAIT_MS 20000

/* When the maintenance interrupt comes */
struct cause {
	const char *name;
	u64 hcr; /* enable in ICH_HCR_EL2 */
	u64 misr; /* bit in ICH_MISR_EL2 */
	bool eoi; /* each list register asks for it at its end */
};

/* Of one vCPU, shared with its guest */
struct load {
	struct guest *guest;
	const struct cause *cause;
	u32 next; /* interrupts that were put into list registers */
	unsigned int maintenance, other; /* physical interrupts, without the expected cause */
	int taken, unknown; /* by the guest, of them not in the range */
	unsigned char times[TOTAL]; /* that the guest took each */
};

static struct load loads[2];

static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	struct load *load = (struct load *)read_sysreg(tpidr_el1);
	u32 iar = gic_read_iar(), id = gic_iar_irqnr(iar);

	if (id >= BASE && id < BASE + TOTAL)
		load->times[id - BASE]++;
	else
		load->unknown++;
	if (id == GICC_INT_SPURIOUS)
		return;
	gic_write_eoir(iar);
	smp_store_release(&load->taken, load->taken + 1);
}

static void guest_take_all(struct load *load)
{
	write_sysreg(load, tpidr_el1);
	gic_enable_cpu_interface();
	local_irq_enable();
	wait_for(smp_load_acquire(&load->taken) >= TOTAL, WAIT_MS);
	local_irq_disable();
}

static void fill(struct load *load)
{
	while (load->next < TOTAL) {
		struct vgic_irq irq = {
			.intid = BASE + load->next,
			.priority = 0x80,
			.group = 1,
			.state = GIC_IRQ_STATE_PENDING,
			.eoi_irq = load->cause->eoi,
		};

		if (guest_vgic_inject(load->guest, &irq) < 0)
			break;
		load->next++;
	}
	if (load->next == TOTAL)
		load->guest->vgic.hcr &= ~load->cause->hcr;
}

/* Free those whose end was the cause: until then they are not empty. */
static void free_ended(struct guest *guest)
{
	for (unsigned int i = 0; i < vgic_nr_lrs(); i++)
		if (guest->vgic.eisr & (1UL << i))
			guest->vgic.lr[i] = 0;
}

static enum guest_handler_result on_irq(struct guest *guest)
{
	struct load *load = guest->data;
	u32 iar = gic_read_iar();

	if (gic_iar_irqnr(iar) == gic_maintenance_irq() && (guest->vgic.misr & load->cause->misr))
		load->maintenance++;
	else
		load->other++;
	free_ended(guest);
	fill(load);
	if (gic_iar_irqnr(iar) != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	return GUEST_ACTION_RESUME;
}

static void create(struct load *load, const struct cause *cause, int vmid)
{
	memset(load, 0, sizeof(*load));
	load->cause = cause;
	load->guest = guest_create_4k(vmid, guest_take_all);
	load->guest->data = load;
	load->guest->x[0] = (u64)load;
	assert(guest_vgic_enable(load->guest));
	assert(guest_install_el1_handler(load->guest, ELxH_IRQ, guest_on_irq));
	guest_install_handler(load->guest, ELx_LOW_IRQ_64, on_irq);
	load->guest->vgic.hcr |= cause->hcr;
	fill(load);
}

static void check(const struct load *load, const char *where)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < TOTAL; i++)
		wrong += load->times[i] != 1;
	guest_check_exit(load->guest, EXPECT_REASON(GUEST_EXIT_RETURNED),
			 "guest under load, %s, %s", load->cause->name, where);
	report(load->taken == TOTAL && !wrong && !load->unknown,
	       "%d virtual interrupts by %u list registers, %s, %s: expected each once, "
	       "found %d taken, %u of the INTIDs not once, %d other INTIDs, after %u injected",
	       TOTAL, vgic_nr_lrs(), load->cause->name, where, load->taken, wrong, load->unknown,
	       load->next);
	report(load->maintenance && !load->other,
	       "interrupts of the host under load, %s, %s: expected maintenance interrupts with "
	       "ICH_MISR_EL2 %#lx, 0 others, found %u, %u",
	       load->cause->name, where, load->cause->misr, load->maintenance, load->other);
}

static const struct cause underflow = { "ICH_HCR_EL2.UIE", VGIC_HCR_UIE, VGIC_MISR_U, false };
static const struct cause no_pending = { "ICH_HCR_EL2.NPIE", VGIC_HCR_NPIE, VGIC_MISR_NP, false };
static const struct cause end = { "ICH_LR<n>_EL2.EOI", 0, VGIC_MISR_EOI, true };

static void run_one(const struct cause *cause)
{
	create(&loads[0], cause, VMID);
	gic_enable_irq(gic_maintenance_irq());
	guest_run(loads[0].guest);
	gic_disable_irq(gic_maintenance_irq());
	check(&loads[0], "on one CPU");
	guest_destroy(loads[0].guest);
}

static void test_underflow(void)
{
	run_one(&underflow);
}

static void test_no_pending(void)
{
	run_one(&no_pending);
}

static void test_end(void)
{
	run_one(&end);
}

/* One guest on each CPU, with a cause of its own. */
static void run_own(void *data)
{
	unsigned int cpu = smp_processor_id();

	if (cpu > 1)
		return;
	if (cpu)
		gic_enable_defaults();
	gic_enable_irq(gic_maintenance_irq());
	guest_run(loads[cpu].guest);
	gic_disable_irq(gic_maintenance_irq());
}

static void test_two_cpus(void)
{
	if (nr_cpus == 1) {
		report_skip("needs two CPUs");
		return;
	}
	create(&loads[0], &underflow, VMID);
	create(&loads[1], &end, VMID + 1);
	on_cpus(run_own, NULL);
	for (int i = 0; i < 2; i++) {
		check(&loads[i], "with two CPUs");
		guest_destroy(loads[i].guest);
	}
}

static const struct subtest subtests[] = {
	{ "underflow", test_underflow },
	{ "no-pending", test_no_pending },
	{ "end", test_end },
	{ "two-cpus", test_two_cpus },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: vgic_unsupported();

	if (unsupported)
		return skip_all(unsupported);
	gic_enable_defaults();
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
