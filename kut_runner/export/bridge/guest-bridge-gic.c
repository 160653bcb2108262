/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What virtual interrupts need of the host's GIC beyond the library: see asm/guest-bridge.h. */
#include <libcflat.h>
#include <asm/gic.h>
#include <asm/guest-bridge.h>
#include <asm/vgic.h>

struct vgic_v2_data vgic_v2_data;

const char *gic_unsupported(void)
{
	return gic_version() || gic_init() ? NULL : "no GIC";
}

/* Not called: vgic_unsupported() has a reason. */
void vgicv2_save(struct vgic_state *state)
{
	assert(false);
}

void vgicv2_load(const struct vgic_state *state)
{
	assert(false);
}

void gic_enable_cpu_interface(void)
{
	write_sysreg(0xf0, GUEST_ICC_PMR_EL1);
	write_sysreg(1, ICC_IGRPEN0_EL1);
	write_sysreg(1, GUEST_ICC_IGRPEN1_EL1);
	isb();
}

void gic_set_priority_mask(u8 priority)
{
	write_sysreg(priority, GUEST_ICC_PMR_EL1);
	isb();
}

void gic_set_eoi_split(bool split)
{
	u64 ctlr = read_sysreg(ICC_CTLR_EL1) & ~2UL;

	write_sysreg(ctlr | split << 1, ICC_CTLR_EL1);
	isb();
}

void gic_write_dir(u32 irq)
{
	write_sysreg(irq, ICC_DIR_EL1);
	isb();
}

u32 gic_read_iar_group0(void)
{
	u32 iar = read_sysreg(ICC_IAR0_EL1);

	dsb(sy);
	return iar;
}

void gic_write_eoir_group0(u32 iar)
{
	write_sysreg(iar, ICC_EOIR0_EL1);
	isb();
}

void gic_irq_set_pending(int irq, bool pending)
{
	char *base = irq < 32 ? gicv3_sgi_base() : gicv3_dist_base();

	writel(1U << irq % 32, base + (pending ? GICD_ISPENDR : GICD_ICPENDR) + irq / 32 * 4);
}

unsigned int gic_maintenance_irq(void)
{
	return 25;
}

const char *gic_irq_state_name(enum gic_irq_state state)
{
	static const char *const names[] = {
		"inactive", "pending", "active", "active and pending",
	};

	return names[state];
}
