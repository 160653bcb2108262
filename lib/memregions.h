/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions of the physical address space. Valid from main() on. */
#ifndef MEMREGIONS_H
#define MEMREGIONS_H

#include <libcflat.h>
#include <bitops.h>

#define MAX_RAM_REGIONS 64
#define MAX_MEM_REGIONS 128

#define MR_F_IO BIT(0) /* the registers of a device */
#define MR_F_CODE BIT(1) /* the image's text */
#define MR_F_RESERVED BIT(2) /* memory that is not handed out */
#define MR_F_PERSISTENT BIT(3)
#define MR_F_UNUSED BIT(4) /* for a test's own use */
#define MR_F_UNKNOWN BIT(31) /* nothing in the device tree */

struct mem_region {
	phys_addr_t start, end; /* [start, end) */
	unsigned int flags; /* MR_F_*; 0: memory */
};

/*
 * The memory of the machine; the one with this image in two parts, the first of which ends with the
 * image's text and has MR_F_CODE. Then the addresses that QEMU's virt machine has for devices, where
 * there is no memory. Then what memregions_add() was given. An entry whose end is 0 comes last.
 */
extern struct mem_region mem_regions[MAX_MEM_REGIONS + 1];

/* The memory of the machine, in the order of the device tree */
extern struct mem_region ram_regions[MAX_RAM_REGIONS];
extern int nr_ram_regions;

/* For the boot: fill mem_regions. */
void memregions_setup(void);
/*
 * For the boot: the start of the memory that is taken as the image's, below it, when the image is at
 * most 2 MiB from the start of memory; else the image's own.
 */
phys_addr_t memregions_image_start(void);

/* The entry of mem_regions that @paddr is in, NULL when none. */
struct mem_region *memregions_find(phys_addr_t paddr);
/*
 * Flags of @paddr: those of the last added region that it is in, else
 *   those of the region of mem_regions that it is in, if it has any;
 *   MR_F_RESERVED  the image's other parts, its stacks, the device tree, the initrd, and what the
 *                  device tree reserves, in its reservation block or below /reserved-memory;
 *   0              other memory;
 *   MR_F_IO        registers: the reg of an enabled node, through the ranges of its parents;
 *   MR_F_UNKNOWN   anything else.
 * The last two look it up in the device tree: about 220,000 instructions on QEMU's virt.
 */
unsigned int memregions_get_flags(phys_addr_t paddr);
/* Append a copy of @region, which is not empty. Aborts the test when the table is full. */
struct mem_region *memregions_add(const struct mem_region *region);

#endif
