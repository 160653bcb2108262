/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's device tree: CPUs, memory and devices by node. A node is an offset, as in
 * <libfdt/libfdt.h>; errors are negative FDT_ERR_*.
 *
 * A node with status = "disabled" is no CPU, memory or device (Devicetree Specification v0.4,
 * 2.3.4).
 */
#ifndef DEVICETREE_H
#define DEVICETREE_H

#include <libcflat.h>
#include <libfdt/libfdt.h>

/* The device tree that the functions below read: the one that the boot was passed. */
const void *dt_fdt(void);
/* Read another one from now on, or the machine's again; not checked here. */
void dt_init(const void *fdt);
/* True when the device tree's header is valid. */
bool dt_available(void);
/* False for a node with status = "disabled". */
bool dt_node_available(int fdt_node);

/* One entry of a node's reg, as a CPU addresses it. */
struct dt_pbus_reg {
	phys_addr_t addr;
	phys_addr_t size;
};

/*
 * Entry @regidx of a node's reg, through the ranges of its parents. -FDT_ERR_NOTFOUND when it is
 * missing or the node is disabled; -FDT_ERR_BADVALUE when a parent does not translate it, as /cpus
 * with its CPUs' numbers, or when it does not fit in 64 bits.
 */
int dt_pbus_translate_node(int fdt_node, int regidx, struct dt_pbus_reg *reg);

/* One entry of the ranges of a node that is a bus. */
struct dt_range {
	u32 flags; /* the first cell of an address of three, as on PCI; else 0 */
	u64 child; /* first address on the node's bus */
	phys_addr_t addr; /* the same as a CPU addresses it */
	u64 size;
};

/*
 * Entry @index of a node's ranges, through those of its parents. -FDT_ERR_NOTFOUND when it is
 * missing, or the node is disabled; -FDT_ERR_BADVALUE when a parent does not translate it, or when
 * it does not fit in 64 bits.
 */
int dt_translate_range(int fdt_node, int index, struct dt_range *range);
/* The first entry of the first enabled node that is compatible. */
int dt_pbus_get_base_compatible(const char *compatible, struct dt_pbus_reg *base);
/* The enabled node that has @paddr in its reg; one of memory is none. */
int dt_node_by_register(phys_addr_t paddr);

struct dt_device;

/* Operations of one kind of bus. */
struct dt_bus {
	/* Positive: @fdt_node is of this bus, 0: it is not. */
	int (*match)(const struct dt_device *dev, int fdt_node);
	/* Entry @regidx of the device's reg, in the bus' own form: 0 or an error */
	int (*translate)(const struct dt_device *dev, int regidx, void *reg);
};

struct dt_device {
	int fdt_node; /* -1: not bound */
	const struct dt_bus *bus;
	void *info; /* the driver's own */
};

/* A bus of any node, which translates as dt_pbus_translate(). */
void dt_bus_init_defaults(struct dt_bus *bus);
int dt_bus_match_any(const struct dt_device *dev, int fdt_node);

void dt_device_init(struct dt_device *dev, const struct dt_bus *bus, void *info);
/*
 * -FDT_ERR_NOTFOUND when the bus does not know the node, or it is disabled: then nothing is bound.
 */
int dt_device_bind_node(struct dt_device *dev, int fdt_node);
/* The first enabled node that is compatible and that the bus knows; it is not bound. */
int dt_device_find_compatible(const struct dt_device *dev, const char *compatible);

/* Entry @regidx of the device's reg; @reg is a struct dt_pbus_reg. */
int dt_pbus_translate(const struct dt_device *dev, int regidx, void *reg);
int dt_pbus_get_base(const struct dt_device *dev, struct dt_pbus_reg *base);

/*
 * Call @func with each enabled CPU's reg, which is its MPIDR affinity, in the order of the device
 * tree.
 */
int dt_for_each_cpu_node(void (*func)(int fdtnode, u64 regval, void *info), void *info);
/*
 * Read the regions of memory, at most @nr_regs of them. Returns their number; -FDT_ERR_NOTFOUND
 * without memory.
 */
int dt_get_memory_params(struct dt_pbus_reg *regs, int nr_regs);
/* The kernel's command line, terminated; NULL when it is missing. */
int dt_get_bootargs(const char **bootargs);
/* Start and bytes of the initrd; NULL and 0 without one. */
int dt_get_initrd(const char **initrd, u32 *size);
/*
 * The node that /chosen names in stdout-path, by path or alias; options behind a colon are dropped.
 */
int dt_get_default_console_node(void);

#endif
