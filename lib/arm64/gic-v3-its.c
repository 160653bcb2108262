/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ITS: its tables, devices and collections. Registers: IHI 0069, 12.19. */
#include <libcflat.h>
#include <alloc_page.h>
#include <devicetree.h>
#include <asm/gic.h>
#include <asm/gic-internal.h>

/* GITS_BASER<n> and GITS_CBASER: Normal memory, Inner Shareable, read and write allocate */
#define TABLE_CACHEABLE (7UL << 59 | 1UL << 10)
#define TABLE_SHAREABILITY (3UL << 10)
#define TABLE_ALIGNMENT SZ_64K
#define TABLE_MAX_PHYS_BITS 48
/* For IDs of PCI functions, which have 16 bits, and for collections: a GIC may have 2^32. */
#define MAX_ID_BITS 16U
/* IDs of vPEs may have 16 bits. A page of a table has room for more than these. */
#define VPE_ID_BITS 8
/* An ITT's address (MAPD) has no lower bits. */
#define ITT_ALIGNMENT 256

/* gic_init() goes through this section (image.lds), which images without a user of it do not have. */
struct its_data its_data __attribute__((__section__(".gic_its"))) = { .probe = its_probe };

void its_parse_typer(void)
{
	u64 typer = readq(its_data.base + GITS_TYPER);

	its_data.typer = (struct its_typer){
		.ite_size = FIELD(typer, 7, 4) + 1,
		.eventid_bits = FIELD(typer, 12, 8) + 1,
		.deviceid_bits = FIELD(typer, 17, 13) + 1,
		.collid_bits = typer & GITS_TYPER_CIL ? FIELD(typer, 35, 32) + 1 : 16,
		.pta = typer & GITS_TYPER_PTA,
		.phys_lpi = typer & GITS_TYPER_PLPIS,
		.virt_lpi = typer & GITS_TYPER_VLPIS,
		.virt_sgi = typer & GITS_TYPER_VSGI,
	};
}

static void *baser_register(int index)
{
	return its_data.base + GITS_BASER + 8 * index;
}

int its_baser_lookup(int type, struct its_baser *baser)
{
	for (int i = 0; i < GITS_BASER_NR_REGS; i++) {
		u64 value = readq(baser_register(i));

		if (GITS_BASER_TYPE(value) != (u64)type)
			continue;
		baser->index = i;
		baser->esz = GITS_BASER_ENTRY_SIZE(value);
		baser->indirect = value & GITS_BASER_INDIRECT;
		return 0;
	}
	return -1;
}

static void *alloc_table(size_t size, const char *what)
{
	void *table = memalign_pages(TABLE_ALIGNMENT, size);

	assert_msg(table, "no memory for %s of the ITS: %zu bytes", what, size);
	assert_msg(virt_to_phys(table) >> TABLE_MAX_PHYS_BITS == 0,
		   "memory for %s of the ITS: expected an address of %d bits, found %#lx", what,
		   TABLE_MAX_PHYS_BITS, virt_to_phys(table));
	return table;
}

/* The tables are written through the caches: the ITS has to look there. */
static void write_table_register(void *reg, u64 value, const char *what)
{
	writeq(value | TABLE_CACHEABLE, reg);
	assert_msg(readq(reg) & TABLE_SHAREABILITY,
		   "register of %s: expected Shareability not 0, found %#lx: the ITS does not read "
		   "through the caches",
		   what, (unsigned long)readq(reg));
}

/* The page size may be fixed: the register has what the ITS made of 64 KiB (GITS_BASER<n>). */
static size_t choose_page_size(void *reg)
{
	u64 value = readq(reg) & ~(GITS_BASER_PAGE_SIZE_MASK | GITS_BASER_VALID);

	writeq(value | GITS_BASER_PAGE_SIZE_64K, reg);
	return SZ_4K << 2 * FIELD(readq(reg), 9, 8);
}

/* A table of one level for @bits of IDs, or for as many as its register can have. */
static void set_table(struct its_baser *baser, int type, unsigned int bits, const char *what)
{
	u64 pages, page_size_field;
	void *reg;

	assert_msg(!its_baser_lookup(type, baser), "no GITS_BASER<n> of type %d, for %s", type,
		   what);
	reg = baser_register(baser->index);
	baser->psz = choose_page_size(reg);
	page_size_field = readq(reg) & GITS_BASER_PAGE_SIZE_MASK;
	pages = DIV_ROUND_UP(BIT(MIN(bits, MAX_ID_BITS)) * baser->esz, baser->psz);
	pages = MIN(pages, (u64)GITS_BASER_PAGES_MAX);
	baser->table_addr = alloc_table(pages * baser->psz, what);
	baser->nr_entries = pages * baser->psz / baser->esz;
	write_table_register(reg,
			     GITS_BASER_VALID | virt_to_phys(baser->table_addr) | page_size_field |
				     (pages - 1) << GITS_BASER_PAGES_SHIFT,
			     what);
}

static void set_command_queue(void)
{
	its_data.cmd_base = alloc_table(ITS_QUEUE_SIZE, "the command queue");
	its_data.cmd_write = its_data.cmd_base;
	write_table_register(its_data.base + GITS_CBASER,
			     GITS_CBASER_VALID | virt_to_phys(its_data.cmd_base) |
				     (ITS_QUEUE_SIZE / SZ_4K - 1),
			     "the command queue");
	writeq(0, its_data.base + GITS_CWRITER);
}

/* Tables change while the ITS is disabled and quiescent only (GITS_CTLR). */
static void disable(void)
{
	void *ctlr = its_data.base + GITS_CTLR;

	writel(readl(ctlr) & ~GITS_CTLR_ENABLE, ctlr);
	gic_wait_until(ctlr, GITS_CTLR_QUIESCENT, "GITS_CTLR.Quiescent");
}

void its_init(void)
{
	if (!its_data.base)
		return;
	disable();
	its_parse_typer();
	set_table(&its_data.device_baser, GITS_BASER_TYPE_DEVICE, its_data.typer.deviceid_bits,
		  "devices");
	set_table(&its_data.coll_baser, GITS_BASER_TYPE_COLLECTION, its_data.typer.collid_bits,
		  "collections");
	if (its_data.typer.virt_lpi)
		set_table(&its_data.vpe_baser, GITS_BASER_TYPE_VPE, VPE_ID_BITS, "vPEs");
	set_command_queue();
}

void its_probe(void)
{
	struct dt_pbus_reg reg;

	if (its_data.base || dt_pbus_get_base_compatible("arm,gic-v3-its", &reg))
		return;
	its_data.base = ioremap(reg.addr, reg.size);
	its_init();
}

const char *its_unsupported(void)
{
	if (gic_unsupported())
		return gic_unsupported();
	if (gic_version() == 2)
		return "GIC version 2 has no ITS";
	return its_data.base ? NULL : "no ITS in the device tree (its=off?)";
}

void its_enable_defaults(void)
{
	int cpu;

	assert_msg(!its_unsupported(), "%s", its_unsupported());
	gicv3_lpi_alloc_tables();
	for_each_online_cpu(cpu) gicv3_lpi_rdist_enable(cpu);
	writel(readl(its_data.base + GITS_CTLR) | GITS_CTLR_ENABLE, its_data.base + GITS_CTLR);
}

/* The size of an ITT is a power of two of entries (MAPD). */
struct its_device *its_create_device(u32 device_id, int nr_ites)
{
	struct its_device *dev = &its_data.devices[its_data.nr_devices];

	assert_msg(its_data.nr_devices < GITS_MAX_DEVICES, "more than %d devices",
		   GITS_MAX_DEVICES);
	assert_msg(device_id < its_data.device_baser.nr_entries,
		   "device: expected an ID below %lu, found %u",
		   (unsigned long)its_data.device_baser.nr_entries, device_id);
	assert_msg(nr_ites >= 1 && nr_ites <= (int)its_data.typer.eventid_bits,
		   "bits of EventIDs of device %u: expected 1..%u, found %d", device_id,
		   its_data.typer.eventid_bits, nr_ites);
	dev->device_id = device_id;
	dev->nr_ites = nr_ites;
	dev->itt = memalign_pages(ITT_ALIGNMENT, its_data.typer.ite_size << nr_ites);
	assert_msg(dev->itt, "no memory for the ITT of device %u", device_id);
	its_data.nr_devices++;
	return dev;
}

u64 its_target_of(u32 cpu)
{
	void *redist = gicv3_redistributor_of(cpu);

	if (its_data.typer.pta)
		return virt_to_phys(redist);
	return GICR_TYPER_PROCESSOR_NUMBER(readq(redist + GICR_TYPER)) << 16;
}

struct its_collection *its_create_collection(u16 col_id, u32 cpu)
{
	struct its_collection *col = &its_data.collections[its_data.nr_collections];

	assert_msg(its_data.nr_collections < GITS_MAX_COLLECTIONS, "more than %d collections",
		   GITS_MAX_COLLECTIONS);
	assert_msg(col_id < its_data.coll_baser.nr_entries,
		   "collection: expected an ID below %lu, found %u",
		   (unsigned long)its_data.coll_baser.nr_entries, col_id);
	assert_msg(cpu < (u32)nr_cpus, "target of collection %u: CPU %u of %d", col_id, cpu,
		   nr_cpus);
	col->col_id = col_id;
	col->target_address = its_target_of(cpu);
	its_data.nr_collections++;
	return col;
}

struct its_device *its_get_device(u32 device_id)
{
	for (u32 i = 0; i < its_data.nr_devices; i++)
		if (its_data.devices[i].device_id == device_id)
			return &its_data.devices[i];
	report_abort("no its_create_device(%u, ...)", device_id);
}

struct its_collection *its_get_collection(u32 col_id)
{
	for (u32 i = 0; i < its_data.nr_collections; i++)
		if (its_data.collections[i].col_id == col_id)
			return &its_data.collections[i];
	report_abort("no its_create_collection(%u, ...)", col_id);
}
