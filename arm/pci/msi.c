/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device's MSI, as an SPI: the frame of a GICv2m (Arm DEN0029, "GICv2m architecture"). */
#include <libcflat.h>
#include <devicetree.h>
#include <pci.h>
#include <linux/pci_regs.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/pci.h>
#include <asm/processor.h>
#include "pci.h"

#define V2M_MSI_TYPER 0x008
#define V2M_MSI_TYPER_BASE(typer) ((typer) >> 16 & 0x3ff) /* the first SPI's INTID */
#define V2M_MSI_SETSPI_NS 0x040

/* edu: writing bits raises an interrupt, acknowledging them lowers it */
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK 0x64

static volatile unsigned int taken, last_irq;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	last_irq = gic_iar_irqnr(iar);
	if (last_irq == GICC_INT_SPURIOUS)
		return;
	taken++;
	gic_write_eoir(iar);
}

/* A message is no level, so it would be lost. */
static void make_edge_triggered(u32 irq)
{
	char *config = (char *)gicv2_dist_base() + GICD_ICFGR + irq / 16 * 4;

	writel(readl(config) | 2U << irq % 16 * 2, config);
}

static void check_raise(char *edu, const char *when, unsigned int expected, u32 irq)
{
	taken = 0;
	local_irq_enable();
	writel(1, edu + EDU_IRQ_RAISE);
	readl(edu + EDU_IRQ_RAISE); /* the MSI was sent before */
	isb();
	local_irq_disable();
	writel(1, edu + EDU_IRQ_ACK);
	report(taken == expected && (!taken || last_irq == irq),
	       "IRQs after edu's interrupt, %s: expected %u of INTID %u, found %u of %u", when,
	       expected, irq, taken, last_irq);
}

void test_msi(void)
{
	struct dt_pbus_reg frame;
	struct pci_dev dev;
	char *edu;
	u32 irq;

	if (dt_pbus_get_base_compatible("arm,gic-v2m-frame", &frame)) {
		report_skip("no GICv2m frame in the device tree");
		return;
	}
	irq = V2M_MSI_TYPER_BASE(readl(ioremap(frame.addr, frame.size) + V2M_MSI_TYPER));
	pci_dev_init(&dev, EDU);
	edu = ioremap(pci_bar_get_addr(&dev, 0), pci_bar_size(&dev, 0));
	gic_enable_defaults();
	make_edge_triggered(irq);
	install_irq_handler(EL1H_IRQ, take_irq);
	gic_enable_irq(irq);

	pci_enable_defaults(&dev);
	report(pci_setup_msi(&dev, frame.addr + V2M_MSI_SETSPI_NS, irq),
	       "pci_setup_msi() of edu: expected 1");
	check_raise(edu, "with MSI", 1, irq);
	pci_msi_set_enable(&dev, false);
	check_raise(edu, "without MSI", 0, irq);
	pci_msi_set_enable(&dev, true);
	check_raise(edu, "with MSI again", 1, irq);
	pci_cmd_set_clr(&dev, 0, PCI_COMMAND_MASTER);
	check_raise(edu, "that may not send requests", 0, irq);
	gic_disable_irq(irq);
}
