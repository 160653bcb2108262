/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zeroing pages. */
#include <libcflat.h>
#include <string.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/sysreg.h>

#define DCZID_EL0_DZP (1UL << 4) /* DC ZVA is prohibited */

void clear_pages_zva(void *mem, unsigned long bytes, unsigned long block);

void clear_pages(void *mem, unsigned long count)
{
	u64 dczid = read_sysreg(dczid_el0);

	/*
	 * DC ZVA on Device memory, which everything is while the MMU is off, is an alignment fault.
	 */
	if (mmu_enabled() && !(dczid & DCZID_EL0_DZP))
		clear_pages_zva(mem, count * PAGE_SIZE, 4UL << FIELD(dczid, 3, 0));
	else
		memset(mem, 0, count * PAGE_SIZE);
}
