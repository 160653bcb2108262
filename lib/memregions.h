/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions of the physical address space. Valid from main() on. */
#ifndef MEMREGIONS_H
#define MEMREGIONS_H

#include <libcflat.h>
#include <bitops.h>

#define MAX_MEM_REGIONS 64

#define MR_F_IO BIT(0) /* the registers of a device */
#define MR_F_CODE BIT(1) /* the image's text */
#define MR_F_RESERVED BIT(2) /* memory that is not handed out */
#define MR_F_PERSISTENT BIT(3)
#define MR_F_UNKNOWN BIT(31) /* nothing in the device tree */

struct mem_region {
	phys_addr_t start, end; /* [start, end) */
	unsigned int flags; /* MR_F_*; 0: memory */
};

/*
 * The memory of the machine, in the order of the device tree, and then what memregions_add() was
 * given. An entry whose end is 0 comes last.
 */
extern struct mem_region mem_regions[MAX_MEM_REGIONS + 1];
/* Those of the device tree */
extern int nr_mem_regions;

/* The entry of mem_regions that @paddr is in, NULL when none. */
struct mem_region *memregions_find(phys_addr_t paddr);
/*
 * Flags of @paddr: those of the last added region that it is in, else
 *   MR_F_CODE      text of this image;
 *   MR_F_RESERVED  the image's other parts, its stacks, the device tree, the initrd, and what the
 *                  device tree reserves, in its reservation block or below /reserved-memory;
 *   0              other memory;
 *   MR_F_IO        registers: the reg of an enabled node, through the ranges of its parents;
 *   MR_F_UNKNOWN   anything else.
 * Each address outside memory is looked up in the device tree: about 220,000 instructions on QEMU's
 * virt.
 */
unsigned int memregions_get_flags(phys_addr_t paddr);
/* Append a copy of @region, which is not empty. Aborts the test when the table is full. */
void memregions_add(const struct mem_region *region);

#endif
