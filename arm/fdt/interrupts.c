/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of the timers and of the GIC, and the GIC's regions, as the boot reads them. */
#include <libcflat.h>
#include <boot-fdt.h>
#include <devicetree.h>
#include <string.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>
#include <asm/timer.h>
#include "tree.h"

/* Specifiers (Linux, Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml) */
#define SPECIFIER_BYTES 12
#define AN_SPI 0
#define A_PPI 1
#define FLAGS 4

static void read_node(const struct fdt_node *node, void *unused)
{
	if (!strcmp(node->name, "timer"))
		timer_candidate(node);
	else if (!strncmp(node->name, "intc", 4))
		gic_candidate(gic_tree.version ?: 3, node);
}

/* A tree with a node @name that has @size bytes of interrupts and @regions entries in its reg. */
static void read_tree(const char *name, const u32 *interrupts, u32 size, u32 regions)
{
	u32 be[5 * SPECIFIER_BYTES / 4], reg[2 * (GIC_MAX_REGIONS + 1)];

	for (u32 i = 0; i < ARRAY_SIZE(be) && 4 * i < size; i++)
		be[i] = cpu_to_fdt32(interrupts[i]);
	for (u32 i = 0; i < ARRAY_SIZE(reg); i++)
		reg[i] = 0x1000 * (i + 1);
	begin_tree(17);
	begin_node("");
	cells("#address-cells", 1);
	cells("#size-cells", 1);
	begin_node(name);
	property("interrupts", be, size);
	numbers("reg", reg, 2 * regions);
	end_nodes(2);
	gic_tree = (struct gic_tree){};
	fdt_for_each_node(&tree, read_node, NULL);
}

static void check_maintenance_irq(u32 type, u32 size, unsigned int expected)
{
	const u32 specifier[] = { type, 9, FLAGS };

	read_tree("intc", specifier, size, 1);
	report(gic_maintenance_irq() == expected,
	       "maintenance interrupt, %u bytes of a specifier of type %u: expected %u, found %u",
	       size, type, expected, gic_maintenance_irq());
}

static void check_regions(u32 count, unsigned int expected)
{
	read_tree("intc", NULL, 0, count);
	report(gic_tree.nr_regions == expected &&
		       gic_tree.regions[expected - 1].base == 0x1000 * (2UL * expected - 1),
	       "regions of a GIC, %u of them: expected %u, the last at %#lx; found %u, %#lx", count,
	       expected, 0x1000 * (2UL * expected - 1), gic_tree.nr_regions,
	       gic_tree.regions[expected - 1].base);
}

static void check_redistributor_regions(void)
{
	unsigned int one = gic_tree.nr_redist_regions;

	begin_tree(17);
	begin_node("");
	begin_node("intc");
	cells("#redistributor-regions", 2);
	end_nodes(2);
	gic_tree = (struct gic_tree){};
	fdt_for_each_node(&tree, read_node, NULL);
	report(one == 1 && gic_tree.nr_redist_regions == 2,
	       "regions of redistributors, without the property, and with 2 in it: expected 1, 2; "
	       "found %u, %u",
	       one, gic_tree.nr_redist_regions);
}

void test_gic_node(void)
{
	struct gic_tree machine = gic_tree;

	check_maintenance_irq(A_PPI, SPECIFIER_BYTES, 16 + 9);
	check_maintenance_irq(AN_SPI, SPECIFIER_BYTES, 0);
	for (u32 size = 4; size < SPECIFIER_BYTES; size++)
		check_maintenance_irq(A_PPI, size, 0);
	check_regions(2, 2);
	check_regions(GIC_MAX_REGIONS, GIC_MAX_REGIONS);
	check_regions(GIC_MAX_REGIONS + 1, GIC_MAX_REGIONS);
	check_redistributor_regions();
	gic_tree = machine;
}

/* The timers come in this order; the first is the Secure one. */
static void check_timers(u32 type, u32 size, u32 count)
{
	const u32 specifiers[] = { A_PPI, 1,	FLAGS, type,  2,    FLAGS, type, 3,
				   FLAGS, type, 4,     FLAGS, type, 5,	   FLAGS };
	const struct timer_irq *irqs[] = { &__timer_state.ptimer, &__timer_state.vtimer,
					   &__timer_state.hptimer, &__timer_state.hvtimer };
	unsigned int wrong = 0;

	read_tree("timer", specifiers, size, 0);
	for (u32 i = 0; i < ARRAY_SIZE(irqs); i++)
		wrong += irqs[i]->irq != (i < count ? 16 + 2 + i : 0) ||
			 irqs[i]->irq_flags != (i < count ? FLAGS : 0U);
	report(!wrong,
	       "timers, %u bytes of specifiers of type %u, those not as expected: expected 0 (%u with "
	       "an interrupt), found %u",
	       size, type, count, wrong);
}

void test_timer_node(void)
{
	struct gic_tree gic = gic_tree;
	struct timer_state machine = __timer_state;

	check_timers(A_PPI, 5 * SPECIFIER_BYTES, 4);
	check_timers(AN_SPI, 5 * SPECIFIER_BYTES, 0);
	for (u32 bytes = 1; bytes < SPECIFIER_BYTES; bytes++)
		check_timers(A_PPI, 4 * SPECIFIER_BYTES + bytes, 3);
	fdt_for_each_node(dt_fdt(), read_node, NULL);
	report(!memcmp(&machine, &__timer_state, sizeof(machine)),
	       "interrupts of the machine's timers, read again: expected %u, %u, found %u, %u",
	       machine.ptimer.irq, machine.vtimer.irq, __timer_state.ptimer.irq,
	       __timer_state.vtimer.irq);
	gic_tree = gic;
}
