/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * List registers that the host writes itself, for guests without guest_vgic_enable(), as asm/vgic.h
 * describes them (GIC version 3).
 */
#include <libcflat.h>
#include <subtest.h>
#include <util.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/vgic.h>

#define VMID 9
#define AN_INTID 40
#define OTHER_INTID 50
#define PRIORITY 0x80
#define MAX_SEEN 4
#define HVC_HOST 1

/* Written by guests, whose image is the host's. */
static struct {
	volatile unsigned int count;
	u32 ids[MAX_SEEN];
} seen;

static void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar();

	if (seen.count < MAX_SEEN)
		seen.ids[seen.count] = gic_iar_irqnr(iar);
	seen.count++;
	gic_write_eoir(iar);
}

static u64 guest_take(void)
{
	local_irq_enable();
	isb(); /* what is pending is taken here */
	local_irq_disable();
	return seen.count;
}

static u64 guest_set_mask_and_take(void)
{
	gic_set_priority_mask(GICC_INT_PRI_THRESHOLD);
	return guest_take();
}

static u64 guest_call_and_take(void)
{
	asm volatile("hvc %0" : : "i"(HVC_HOST) : "memory");
	return guest_take();
}

static u64 list_register(u32 intid)
{
	struct vgic_irq irq = {
		.intid = intid, .priority = PRIORITY, .group = 1, .state = GIC_IRQ_STATE_PENDING
	};

	return vgic_make_lr(&irq);
}

/* By name, as the tests that do it have it */
static void inject(void)
{
	write_sysreg(list_register(AN_INTID), ich_lr0_el2);
}

static struct guest *create(void *func)
{
	struct guest *guest = guest_create_4k(VMID, func);

	gic_enable_defaults(); /* the interface too */
	assert(guest_install_el1_handler(guest, ELxH_IRQ, guest_on_irq));
	seen.count = 0;
	return guest;
}

static void check_seen(unsigned int expected, u32 intid, const char *when)
{
	report(seen.count == expected && (!expected || seen.ids[0] == intid),
	       "IRQs of the guest, %s: expected %u (INTID %u), found %u (the first is %u)", when,
	       expected, intid, seen.count, seen.count ? seen.ids[0] : 0);
}

static void check_hcr(u64 expected, const char *when)
{
	report_equal(read_sysreg_s(ICH_HCR_EL2), expected, "ICH_HCR_EL2 of the host, %s", when);
}

#define TRAPS (ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1)
#define CLOSED (VGIC_HCR_EN | TRAPS)
#define OPEN (VGIC_HCR_EN | VGIC_HCR_UIE)

static u64 hcr_at_boot;

static void test_boot(void)
{
	report_equal(hcr_at_boot, TRAPS, "ICH_HCR_EL2 before gic_enable_defaults()");
}

/* After gic_enable_defaults(), whatever was there before */
static void test_defaults(void)
{
	u64 all = BIT(vgic_nr_lrs()) - 1;

	inject();
	write_sysreg_s(0, ICH_VMCR_EL2);
	write_sysreg_s(1, ICH_AP1R_EL2(0));
	vgic_host_set_open(true);
	gic_enable_defaults();
	check_hcr(CLOSED, "after gic_enable_defaults()");
	report_equal(read_sysreg_s(ICH_VMCR_EL2) & (VGIC_VMCR_PMR_LOWEST | VGIC_VMCR_ENG1),
		     VGIC_VMCR_PMR_LOWEST | VGIC_VMCR_ENG1,
		     "VPMR and VENG1 of ICH_VMCR_EL2 after gic_enable_defaults()");
	report_equal(read_sysreg_s(ICH_ELRSR_EL2) & all, all,
		     "list registers that are free after gic_enable_defaults()");
	report_equal(read_sysreg_s(ICH_AP1R_EL2(0)), 0,
		     "active priorities after gic_enable_defaults()");
}

static void check_irq(void *func, const char *what)
{
	struct guest *guest = create(func);

	inject();
	guest_check_run(guest, EXPECT_RETURN(1), "guest with an IRQ in ICH_LR0_EL2, %s", what);
	check_seen(1, AN_INTID, what);
	report(vgic_lr_state(read_sysreg_s(ICH_LR0_EL2(0))) == GIC_IRQ_STATE_INACTIVE,
	       "state in ICH_LR0_EL2 after the guest's end of interrupt: expected %s, found %s",
	       gic_irq_state_name(GIC_IRQ_STATE_INACTIVE),
	       gic_irq_state_name(vgic_lr_state(read_sysreg_s(ICH_LR0_EL2(0)))));
	check_hcr(OPEN, what);
	guest_destroy(guest);
}

static void test_irq(void)
{
	check_irq(guest_take, "IAR read first");
	check_irq(guest_set_mask_and_take, "PMR written first");
}

static enum guest_handler_result inject_and_resume(struct guest *guest)
{
	inject();
	return GUEST_ACTION_RESUME;
}

static void test_in_handler(void)
{
	struct guest *guest = create(guest_call_and_take);

	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, inject_and_resume);
	guest_check_run(guest, EXPECT_RETURN(1), "guest with an IRQ by a handler");
	check_seen(1, AN_INTID, "an IRQ that a handler put into ICH_LR0_EL2");
	guest_destroy(guest);
}

/* Without an interrupt of the host's an access is an exit, whose handler decides. */
static void test_closed(void)
{
	struct guest *guest = create(gic_read_iar);

	guest_run(guest);
	guest_check_exit(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED),
			 "read of IAR, no list register in use");
	check_hcr(CLOSED, "after an access with no list register in use");
	guest_destroy(guest);
}

static u64 guest_read_id(void)
{
	return read_sysreg(id_aa64mmfr0_el1);
}

static void test_other_register(void)
{
	struct guest *guest = create(guest_read_id);

	inject();
	guest->hcr_el2 |= HCR_EL2_TID3;
	guest_run(guest);
	guest_check_exit(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED),
			 "read of ID_AA64MMFR0_EL1, trapped, a list register in use");
	check_hcr(CLOSED, "after an access to another register");
	guest_destroy(guest);
}

static void test_handler(void)
{
	struct guest *guest = create(guest_take);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	inject();
	guest_check_run(guest, EXPECT_MRS(3, 0, 12, 12, 0), "read of IAR, with a handler for it");
	check_hcr(CLOSED, "after an access that has a handler");
	vgic_host_set_open(true);
	guest_check_run(guest, EXPECT_RETURN(1), "guest after vgic_host_set_open(true)");
	check_seen(1, AN_INTID, "interface opened by vgic_host_set_open()");
	guest_destroy(guest);

	guest = create(gic_read_iar);
	vgic_host_set_open(true);
	vgic_host_set_open(false);
	guest_run(guest);
	guest_check_exit(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED),
			 "read of IAR after vgic_host_set_open(false)");
	guest_destroy(guest);
}

/* What the host has written is not for a guest with an interface of its own, and comes back. */
static void test_own_interface(void)
{
	struct guest *guest = create(guest_take);
	u64 vmcr = read_sysreg_s(ICH_VMCR_EL2), hcr = CLOSED | VGIC_HCR_LRENPIE;

	inject();
	write_sysreg_s(hcr, ICH_HCR_EL2);
	write_sysreg_s(1, ICH_AP1R_EL2(0));
	assert(guest_vgic_enable(guest));
	guest->vgic.vmcr = vgic_vmcr_enabled();
	guest_inject_irq(guest, OTHER_INTID);
	guest_check_run(guest, EXPECT_RETURN(1), "guest with guest_vgic_enable()");
	check_seen(1, OTHER_INTID, "guest with guest_vgic_enable(), an IRQ in each interface");
	report_equal(read_sysreg_s(ICH_LR0_EL2(0)), list_register(AN_INTID),
		     "ICH_LR0_EL2 of the host after such a guest");
	report_equal(read_sysreg_s(ICH_VMCR_EL2), vmcr, "ICH_VMCR_EL2 of the host after it");
	report_equal(read_sysreg_s(ICH_AP1R_EL2(0)), 1, "ICH_AP1R0_EL2 of the host after it");
	check_hcr(hcr, "after it");
	guest_destroy(guest);
}

/* Two IRQs, with the maintenance interrupt enabled once both are in list registers */
static void test_maintenance(void)
{
	struct guest *guest = create(guest_take);
	u32 iar, irq;

	inject();
	write_sysreg_s(list_register(OTHER_INTID), ICH_LR0_EL2(1));
	gic_enable_irq(gic_maintenance_irq());
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_INTERRUPT),
			"guest with two IRQs, at its first end of interrupt");
	iar = gic_read_iar();
	irq = gic_iar_irqnr(iar);
	report(irq == gic_maintenance_irq(),
	       "interrupt of the host with one list register in use: expected %u, found %u",
	       gic_maintenance_irq(), irq);
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
	gic_disable_irq(gic_maintenance_irq());
	guest_check_run(guest, EXPECT_RETURN(2), "guest with the second IRQ");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "boot", test_boot },
	{ "defaults", test_defaults },
	{ "irq", test_irq },
	{ "in-handler", test_in_handler },
	{ "closed", test_closed },
	{ "other-register", test_other_register },
	{ "handler", test_handler },
	{ "own-interface", test_own_interface },
	{ "maintenance", test_maintenance },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K) ?: vgic_unsupported();

	if (!unsupported && gic_version() == 2)
		unsupported = "GIC version 2: list registers are not system registers";
	if (!unsupported)
		hcr_at_boot = read_sysreg_s(ICH_HCR_EL2);
	return run_subtests_unless(unsupported, subtests, ARRAY_SIZE(subtests), argc, argv);
}
