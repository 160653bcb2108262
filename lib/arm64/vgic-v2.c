/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual CPU interface of GIC version 2: GICH (IHI 0048, 5.3). */
#include <libcflat.h>
#include <asm/io.h>
#include <asm/vgic.h>

#define GICH_HCR 0x00
#define GICH_VMCR 0x08
#define GICH_MISR 0x10
#define GICH_EISR0 0x20
#define GICH_EISR1 0x24
#define GICH_APR 0xf0
#define GICH_LR(n) (0x100 + 4 * (n))

void vgicv2_load(const struct vgic_state *state)
{
	void *gich = gicv2_data.hyp_base;

	for (unsigned int i = 0; i < gicv2_data.nr_lrs; i++)
		writel(state->lr[i], gich + GICH_LR(i));
	writel(state->ap0r[0], gich + GICH_APR);
	writel(state->vmcr, gich + GICH_VMCR);
	writel(state->hcr, gich + GICH_HCR);
	dsb(sy); /* in effect before the guest */
}

void vgicv2_save(struct vgic_state *state)
{
	void *gich = gicv2_data.hyp_base;

	state->misr = readl(gich + GICH_MISR);
	state->eisr = readl(gich + GICH_EISR0) | (u64)readl(gich + GICH_EISR1) << 32;
	for (unsigned int i = 0; i < gicv2_data.nr_lrs; i++)
		state->lr[i] = readl(gich + GICH_LR(i));
	state->ap0r[0] = readl(gich + GICH_APR);
	state->vmcr = readl(gich + GICH_VMCR);
	state->hcr = readl(gich + GICH_HCR); /* with EOIcount */
	writel(0, gich + GICH_HCR);
	dsb(sy); /* no maintenance interrupt from here on */
}
