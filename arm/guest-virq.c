/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual interrupts in list registers, and each guest's own virtual CPU interface; guest-virq/ has
 * physical interrupts behind virtual ones, and several CPUs.
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/io.h>
#include <asm/processor.h>
#include "guest-virq/virq.h"

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

/* Interrupts of the host, which an injection masks for a while */
static void test_mask(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	u64 masked, unmasked;

	guest_inject_irq(guest, AN_INTID);
	masked = read_sysreg(daif);
	daif_clear(PSR_I_BIT | PSR_F_BIT);
	guest_inject_irq(guest, AN_INTID + 1);
	unmasked = read_sysreg(daif);
	daif_set(PSR_I_BIT | PSR_F_BIT);
	report(masked == PSR_DAIF && unmasked == (PSR_DAIF & ~(PSR_I_BIT | PSR_F_BIT)),
	       "DAIF after guest_inject_irq(), where it is %#lx and %#lx: found %#lx and %#lx",
	       (u64)PSR_DAIF, (u64)(PSR_DAIF & ~(PSR_I_BIT | PSR_F_BIT)), masked, unmasked);
	guest_destroy(guest);
}

/* As many list registers as the CPU has, each of which reaches the guest. */
static void test_lr_all(void)
{
	struct guest *guest = create_with_vgic(guest_enable_and_take);
	unsigned int nr = vgic_nr_lrs(), expected;

	if (gic_version() == 2)
		expected = FIELD(readl(gicv2_data.hyp_base + GICH_VTR), 5, 0) + 1;
	else
		expected = FIELD(read_sysreg_s(ICH_VTR_EL2), 4, 0) + 1;
	/* IHI 0069, 12.4.8, and IHI 0048, 5.3.7: VPMR, FIQEn, AckCtl of version 2, both groups */
	report(vgic_vmcr_enabled() == (gic_version() == 2 ? 0xf800000f : 0xf800000b),
	       "vgic_vmcr_enabled() of version %d: expected %#x, found %#lx", gic_version(),
	       gic_version() == 2 ? 0xf800000f : 0xf800000b, vgic_vmcr_enabled());
	report(nr == expected, "vgic_nr_lrs(): expected VTR.ListRegs + 1, %u, found %u", expected,
	       nr);
	for (unsigned int i = 0; i < nr; i++)
		guest_inject_irq(guest, AN_INTID + i);
	check_returned(guest, "guest with an IRQ in each list register");
	check_seen("an IRQ in each list register", nr, 0);
	guest_destroy(guest);
}

/* Injected by a handler, while the state is in the CPU; the second time while it is active. */
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

/* An IRQ that is pending for a guest is not signalled to one without a virtual CPU interface. */
static void guest_stop(void)
{
	hvc(HVC_STOP);
}

static void guest_unmask_only(void)
{
	guest_unmask();
	guest_unmask();
}

static void guest_count_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	seen.irqs++;
	regs->spsr |= PSR_I_BIT; /* it stays pending */
}

static void test_left(void)
{
	struct guest *a = create_with_vgic(guest_stop), *b = create_without_vgic(guest_unmask_only);

	a->vgic.vmcr = vgic_vmcr_enabled();
	guest_install_handler(a, ELx_LOW_SYNC_64, guest_exit_always);
	assert(guest_install_el1_handler(b, ELxH_IRQ, guest_count_irq));
	guest_inject_irq(a, AN_INTID);
	guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER), "guest with an IRQ pending");
	check_returned(b, "guest without a virtual CPU interface");
	check_seen("another guest's IRQ pending", 0, 0);
	guest_destroy(a);
	guest_destroy(b);
}

/* Version 2: what stands in for the host's CPU interface is a device, and not executed. */
static void test_interface_page(void)
{
	static const char expected[] = "rw, never x, Device-";
	struct guest *guest;
	const pteval_t *leaf;
	char found[96] = "not mapped";
	u64 ipa;

	if (gic_version() != 2) {
		report_skip("GIC version %d: the interface is system registers", gic_version());
		return;
	}
	guest = create_with_vgic(guest_stop);
	ipa = virt_to_phys(gicv2_data.cpu_base);
	leaf = s2mmu_lookup(guest->s2mmu, ipa, NULL);
	if (leaf)
		s2mmu_describe_leaf(guest->s2mmu, *leaf, found, sizeof(found));
	report(!strncmp(found, expected, strlen(expected)),
	       "leaf of GICV: expected \"%s...\", found \"%s\"", expected, found);
	report(s2mmu_translate(guest->s2mmu, ipa) == gicv2_data.vcpu_base,
	       "IPA of the host's GICC, %#lx: expected GICV, %#lx, found %#lx", ipa,
	       gicv2_data.vcpu_base, s2mmu_translate(guest->s2mmu, ipa));
	guest_destroy(guest);
}

/* As the boot has set it, and as a guest with an interface has left it */
static void guest_write_pmr(void)
{
	gic_set_priority_mask(0);
}

static void guest_write_dir(void)
{
	gic_write_dir(AN_INTID);
}

static void check_none(const char *when)
{
	static const struct {
		const char *what;
		void *func;
	} accesses[] = {
		{ "read of IAR, group 1", gic_read_iar },
		{ "read of IAR, group 0", gic_read_iar_group0 },
		{ "write of PMR", guest_write_pmr },
		{ "write of DIR", guest_write_dir },
	};
	unsigned int expected = gic_version() == 2 ? ESR_ELx_EC_DABT_LOW : ESR_ELx_EC_SYS64;

	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		struct guest *guest = create_without_vgic(accesses[i].func);

		guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
		guest_check_run(guest, EXPECT_CLASS(expected),
				"%s by a guest without virtual CPU interface, %s", accesses[i].what,
				when);
		guest_destroy(guest);
	}
}

static void test_none(void)
{
	struct guest *guest;

	check_none("after boot");
	guest = create_with_vgic(guest_enable_and_take);
	check_returned(guest, "guest with a virtual CPU interface");
	check_none("after one with it");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	/* Before all that have a virtual CPU interface */
	{ "none", test_none },
	{ "lr-irq", test_lr_irq },
	{ "lr-fiq", test_lr_fiq },
	{ "lr-priority", test_lr_priority },
	{ "lr-full", test_lr_full },
	{ "mask", test_mask },
	{ "lr-all", test_lr_all },
	{ "lr-in-handler", test_lr_in_handler },
	{ "eoi-count", test_eoi_count },
	{ "maintenance", test_maintenance },
	{ "hw", test_hw },
	{ "hw-active", test_hw_active },
	{ "two-guests", test_two_guests },
	{ "migrate", test_migrate },
	{ "migrate-fiq", test_migrate_fiq },
	{ "vcpus", test_vcpus },
	{ "left", test_left },
	{ "interface-page", test_interface_page },
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
