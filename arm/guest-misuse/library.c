/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misuse of the library: arguments out of their range. */
#include <alloc.h>
#include <alloc_page.h>
#include <asm/gic-internal.h>
#include <asm/gic-v4.h>
#include <asm/gic.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include "misuse.h"

/*
 * Exceptions
 */

static void vector_handler(void)
{
	install_vector_handler(VECTOR_MAX, NULL);
}

static void exception_handler_of_vector_max(void)
{
	install_exception_handler(VECTOR_MAX, ESR_ELx_EC_SVC64, NULL);
}

static void exception_handler_of_irq(void)
{
	install_exception_handler(ELxH_IRQ, ESR_ELx_EC_SVC64, NULL);
}

static void exception_handler_of_class(void)
{
	install_exception_handler(ELxH_SYNC, EC_MAX, NULL);
}

static void irq_handler_of_vector_max(void)
{
	install_irq_handler((enum vector)(VECTOR_MAX + ELxT_IRQ), NULL);
}

static void irq_handler_of_fiq(void)
{
	install_irq_handler(ELxH_FIQ, NULL);
}

/*
 * Memory
 */

static u64 page[2];

static void memalign_3(void)
{
	memalign(3, 1);
}

static void free_of_no_malloc(void)
{
	free(&page[1]);
}

static void memalign_pages_3(void)
{
	memalign_pages(3, PAGE_SIZE);
}

static void map_half_va(void)
{
	mmu_try_map(mmu_idmap, PAGE_SIZE / 2, 0, PAGE_SIZE, MMU_DATA);
}

static void map_half_pa(void)
{
	mmu_try_map(mmu_idmap, 0, PAGE_SIZE / 2, PAGE_SIZE, MMU_DATA);
}

static void map_half_size(void)
{
	mmu_try_map(mmu_idmap, 0, 0, PAGE_SIZE / 2, MMU_DATA);
}

/*
 * CPUs
 */

static void boot_below(void)
{
	smp_boot_secondary_nofail(-1, NULL);
}

static void boot_above(void)
{
	smp_boot_secondary_nofail(nr_cpus, NULL);
}

static void send_below(void)
{
	gic_ipi_send_single(-1, 0);
}

static void send_above(void)
{
	gic_ipi_send_single(16, 0);
}

static void send_to_none(void)
{
	gic_ipi_send_single(0, nr_cpus);
}

static void enable_below(void)
{
	gic_enable_irq(-1);
}

static void create_device(void)
{
	its_create_device(0, 1);
}

static void create_collection(void)
{
	its_create_collection(0, 0);
}

static void get_device(void)
{
	its_get_device(0);
}

static void get_collection(void)
{
	its_get_collection(0);
}

/* What follows the configuration of virtual LPIs, which gicv4_alloc_vpe() allocates */
static u8 lpi_config[LPI_TABLE_INTIDS - LPI_ID_BASE + 1];

static void virtual_lpi_of_no_vpe(void)
{
	gicv3_data.vlpi_prop = NULL;
	gicv4_vlpi_get_config(LPI(0));
}

static void virtual_lpi_below(void)
{
	gicv3_data.vlpi_prop = &lpi_config[1];
	gicv4_vlpi_get_config(LPI_ID_BASE - 1);
}

static void virtual_lpi_above(void)
{
	gicv3_data.vlpi_prop = lpi_config;
	gicv4_vlpi_get_config(LPI_TABLE_INTIDS);
}

void test_library_misuse(void)
{
	static const struct misuse misuses[] = {
		{ "install_vector_handler(VECTOR_MAX)", vector_handler, "v < VECTOR_MAX" },
		{ "install_exception_handler(VECTOR_MAX)", exception_handler_of_vector_max,
		  "v < VECTOR_MAX" },
		{ "install_exception_handler(ELxH_IRQ)", exception_handler_of_irq, "is_sync(v)" },
		{ "install_exception_handler(EC_MAX)", exception_handler_of_class, "ec < EC_MAX" },
		{ "install_irq_handler() above VECTOR_MAX", irq_handler_of_vector_max,
		  "v < VECTOR_MAX" },
		{ "install_irq_handler(ELxH_FIQ)", irq_handler_of_fiq, "ELxT_IRQ" },
		{ "memalign(3)", memalign_3, "is_power_of_2(alignment)" },
		{ "free() of what malloc() did not return", free_of_no_malloc, "not from malloc" },
		{ "memalign_pages(3)", memalign_pages_3, "is_power_of_2(alignment)" },
		{ "mmu_try_map() of half a page's VA", map_half_va, "IS_ALIGNED" },
		{ "mmu_try_map() of half a page's PA", map_half_pa, "IS_ALIGNED" },
		{ "mmu_try_map() of half a page", map_half_size, "IS_ALIGNED" },
		{ "smp_boot_secondary_nofail(-1)", boot_below, "CPU -1 of" },
		{ "smp_boot_secondary_nofail(nr_cpus)", boot_above, "CPU 1 of 1" },
		{ "gic_ipi_send_single() of INTID -1", send_below, "irq >= 0" },
		{ "gic_ipi_send_single() of INTID 16", send_above, "irq < 16" },
		{ "gic_ipi_send_single() to CPU nr_cpus", send_to_none, "cpu < nr_cpus" },
		{ "gic_enable_irq(-1)", enable_below, "irq >= 0" },
		{ "its_create_device() without a table", create_device,
		  "expected an ID below 0, found 0" },
		{ "its_create_collection() without a table", create_collection,
		  "expected an ID below 0, found 0" },
		{ "its_get_device() before there is one", get_device, "no its_create_device(0" },
		{ "its_get_collection() before there is one", get_collection,
		  "no its_create_collection(0" },
		{ "gicv4_vlpi_get_config() before there is a vPE", virtual_lpi_of_no_vpe,
		  "no gicv4_alloc_vpe()" },
		{ "gicv4_vlpi_get_config(8191)", virtual_lpi_below,
		  "virtual LPI: expected 8192.." },
		{ "gicv4_vlpi_get_config() behind the last", virtual_lpi_above,
		  "virtual LPI: expected 8192.." },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}
