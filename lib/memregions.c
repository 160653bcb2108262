/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions of the physical address space. The boot records memory only; the rest is looked up on
 * demand.
 */
#include <libcflat.h>
#include <devicetree.h>
#include <memregions.h>
#include <asm/page.h>
#include <asm/setup.h>

static bool contains(const struct mem_region *region, phys_addr_t paddr)
{
	return paddr >= region->start && paddr < region->end;
}

struct mem_region *memregions_find(phys_addr_t paddr)
{
	for (struct mem_region *region = mem_regions; region->end; region++)
		if (contains(region, paddr))
			return region;
	return NULL;
}

static const struct mem_region *find_added(phys_addr_t paddr)
{
	const struct mem_region *found = NULL;

	for (const struct mem_region *region = &mem_regions[nr_mem_regions]; region->end; region++)
		if (contains(region, paddr))
			found = region;
	return found;
}

unsigned int memregions_get_flags(phys_addr_t paddr)
{
	const struct mem_region *added = find_added(paddr);

	if (added)
		return added->flags;
	if (paddr >= __pa(_stext) && paddr < __pa(_etext))
		return MR_F_CODE;
	if (memory_is_reserved(paddr))
		return MR_F_RESERVED;
	if (memregions_find(paddr))
		return 0;
	return dt_node_by_register(paddr) >= 0 ? MR_F_IO : MR_F_UNKNOWN;
}

void memregions_add(const struct mem_region *region)
{
	struct mem_region *end = &mem_regions[nr_mem_regions];

	assert_msg(region->start < region->end, "an empty region: [%#lx, %#lx)", region->start,
		   region->end);
	while (end->end)
		end++;
	assert_msg(end < &mem_regions[MAX_MEM_REGIONS], "more than %d regions of memory",
		   MAX_MEM_REGIONS);
	*end = *region;
}
