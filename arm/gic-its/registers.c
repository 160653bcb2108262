/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the ITS and of the redistributors, and the tables that they lead to. */
#include <libcflat.h>
#include <alloc_page.h>
#include <util.h>
#include <asm/io.h>
#include "its.h"

unsigned int free_pages_in(const char *start, size_t size)
{
	unsigned int nr = 0;

	for (size_t offset = 0; offset < size; offset += PAGE_SIZE)
		if (!reserve_pages(virt_to_phys(start + offset), 1)) {
			unreserve_pages(virt_to_phys(start + offset), 1);
			nr++;
		}
	return nr;
}

/* Tables are Normal, Inner Shareable (bits 11:10), read and write allocate (@cache + 2:@cache). */
static void check_memory(const char *name, u64 value, unsigned int cache, const char *what)
{
	report(FIELD(value, 11, 10) == 1 && FIELD(value, cache + 2, cache) == 7,
	       "%s, for %s: expected Shareability 1, InnerCache 7, found %#lx", name, what, value);
}

static void check_table(const char *name, const struct its_baser *table, unsigned int type,
			unsigned int bits)
{
	u64 value = readq(gicv3_its_base() + GITS_BASER + 8 * table->index);
	u64 entries = GITS_BASER_NR_PAGES(value) * table->psz / table->esz;

	report(value & GITS_BASER_VALID && GITS_BASER_TYPE(value) == type,
	       "GITS_BASER%d, for %s: expected valid, type %u, found %#lx", table->index, name,
	       type, value);
	report_equal(table->psz, (u64)SZ_4K << 2 * FIELD(value, 9, 8),
		     "page size of the table of %s", name);
	report_equal(value & GITS_BASER_PHYS_ADDR_MASK, virt_to_phys(table->table_addr),
		     "address of the table of %s", name);
	check_memory("GITS_BASER<n>", value, 59, name);
	report_equal(free_pages_in(table->table_addr, entries * table->esz), 0,
		     "pages of the table of %s that are not allocated", name);
	report(entries >= 1UL << MIN(bits, 16U),
	       "entries of the table of %s: expected %#lx, found %#lx", name, 1UL << MIN(bits, 16U),
	       entries);
}

static void check_queue(void)
{
	u64 value = readq(gicv3_its_base() + GITS_CBASER);

	report(value & GITS_CBASER_VALID && FIELD(value, 7, 0) == SZ_64K / SZ_4K - 1,
	       "GITS_CBASER: expected valid, size %u, found %#lx", SZ_64K / SZ_4K - 1, value);
	report_equal(value & GENMASK(51, 12), virt_to_phys(its_data.cmd_base),
		     "address of the command queue");
	check_memory("GITS_CBASER", value, 59, "the command queue");
}

/* 2^14 INTIDs, of which the first 8192 are no LPIs */
static void check_redistributor(int cpu)
{
	void *redist = gicv3_data.redist_base[cpu];
	u64 prop = readq(redist + GICR_PROPBASER), pend = readq(redist + GICR_PENDBASER);

	report_equal(readl(redist + GICR_CTLR) & GICR_CTLR_ENABLE_LPIS, GICR_CTLR_ENABLE_LPIS,
		     "GICR_CTLR.EnableLPIs of CPU %d", cpu);
	report_equal(FIELD(prop, 4, 0), 13, "GICR_PROPBASER.IDbits of CPU %d", cpu);
	report_equal(prop & GENMASK(51, 12), virt_to_phys(gicv3_data.lpi_prop),
		     "address of the configuration of LPIs, CPU %d", cpu);
	report_equal(pend & GENMASK(51, 16), virt_to_phys(gicv3_data.lpi_pend[cpu]),
		     "address of the pending table of CPU %d", cpu);
	check_memory("GICR_PROPBASER", prop, 7, "LPIs");
	check_memory("GICR_PENDBASER", pend, 7, "LPIs");
	report_equal(free_pages_in((char *)gicv3_data.lpi_prop, 8192), 0,
		     "pages of the configuration of LPIs that are not allocated");
	report_equal(free_pages_in(gicv3_data.lpi_pend[cpu], 16384 / 8), 0,
		     "pages of the pending table of CPU %d that are not allocated", cpu);
}

void test_registers(void)
{
	const struct its_typer *typer = &its_data.typer;
	u64 raw = readq(gicv3_its_base() + GITS_TYPER);

	report(typer->phys_lpi, "GITS_TYPER %#lx: expected physical LPIs, found none", raw);
	report_equal(typer->ite_size, FIELD(raw, 7, 4) + 1, "bytes of an entry of an ITT");
	report_equal(typer->eventid_bits, FIELD(raw, 12, 8) + 1, "bits of EventIDs");
	report_equal(typer->deviceid_bits, FIELD(raw, 17, 13) + 1, "bits of DeviceIDs");
	report_equal(typer->collid_bits, raw & GITS_TYPER_CIL ? FIELD(raw, 35, 32) + 1 : 16,
		     "bits of collection IDs");
	report_equal(typer->pta, raw >> 19 & 1, "GITS_TYPER.PTA");
	report_equal(typer->virt_lpi, raw >> 1 & 1, "GITS_TYPER.Virtual");
	check_table("devices", &its_data.device_baser, GITS_BASER_TYPE_DEVICE,
		    typer->deviceid_bits);
	check_table("collections", &its_data.coll_baser, GITS_BASER_TYPE_COLLECTION,
		    typer->collid_bits);
	report_equal(readl(gicv3_its_base() + GITS_CTLR) & GITS_CTLR_ENABLE, GITS_CTLR_ENABLE,
		     "GITS_CTLR.Enabled");
	check_queue();
	for (int cpu = 0; cpu < NR_TEST_CPUS; cpu++)
		check_redistributor(cpu);
}
