/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions of the physical address space. */
#include <libcflat.h>
#include <devicetree.h>
#include <memregions.h>
#include <asm/page.h>
#include <asm/setup.h>

struct mem_region mem_regions[MAX_MEM_REGIONS + 1];
struct mem_region ram_regions[MAX_RAM_REGIONS];
int nr_ram_regions;

static int nr_regions; /* of mem_regions */
static int nr_known; /* of them those of the boot */

/* Devices of QEMU's virt machine: below memory, between 256 GiB and memory above, and PCI */
static const struct mem_region virt_devices[] = {
	{ 0, SZ_1G, MR_F_IO },
	{ 256 * SZ_1G, 256 * SZ_1G + SZ_512M, MR_F_IO },
	{ 512 * SZ_1G, SZ_1T, MR_F_IO },
};

static bool contains(const struct mem_region *region, phys_addr_t paddr)
{
	return paddr >= region->start && paddr < region->end;
}

static void add(phys_addr_t start, phys_addr_t end, unsigned int flags)
{
	assert_msg(nr_regions < MAX_MEM_REGIONS, "more than %d regions of memory", MAX_MEM_REGIONS);
	if (start < end)
		mem_regions[nr_regions++] = (struct mem_region){ start, end, flags };
}

static const struct mem_region *ram_of_image(void)
{
	for (int i = 0; i < nr_ram_regions; i++)
		if (contains(&ram_regions[i], __pa(_start)))
			return &ram_regions[i];
	return NULL;
}

phys_addr_t memregions_image_start(void)
{
	const struct mem_region *ram = ram_of_image();
	phys_addr_t image = __pa(_start);

	return ram && image - ram->start <= SZ_2M ? ram->start : image;
}

static void add_ram(const struct mem_region *ram, bool has_image)
{
	if (!has_image) {
		add(ram->start, ram->end, 0);
		return;
	}
	add(ram->start, memregions_image_start(), 0);
	add(memregions_image_start(), __pa(_etext), MR_F_CODE);
	add(__pa(_etext), ram->end, 0);
}

static bool is_ram(const struct mem_region *region)
{
	for (int i = 0; i < nr_ram_regions; i++)
		if (ram_regions[i].start < region->end && ram_regions[i].end > region->start)
			return true;
	return false;
}

void memregions_setup(void)
{
	const struct mem_region *with_image = ram_of_image();

	for (int i = 0; i < nr_ram_regions; i++)
		add_ram(&ram_regions[i], &ram_regions[i] == with_image);
	for (size_t i = 0; i < ARRAY_SIZE(virt_devices); i++)
		if (!is_ram(&virt_devices[i]))
			add(virt_devices[i].start, virt_devices[i].end, virt_devices[i].flags);
	nr_known = nr_regions;
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
	for (int i = nr_regions; i-- > nr_known;)
		if (contains(&mem_regions[i], paddr))
			return &mem_regions[i];
	return NULL;
}

unsigned int memregions_get_flags(phys_addr_t paddr)
{
	const struct mem_region *region = find_added(paddr);

	if (region)
		return region->flags;
	region = memregions_find(paddr);
	if (region && region->flags)
		return region->flags;
	if (memory_is_reserved(paddr))
		return MR_F_RESERVED;
	if (region)
		return 0;
	return dt_node_by_register(paddr) >= 0 ? MR_F_IO : MR_F_UNKNOWN;
}

struct mem_region *memregions_add(const struct mem_region *region)
{
	assert_msg(region->start < region->end, "an empty region: [%#lx, %#lx)", region->start,
		   region->end);
	add(region->start, region->end, region->flags);
	return &mem_regions[nr_regions - 1];
}
