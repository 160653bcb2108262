/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Splitting a block of the host's stage 1. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/processor.h>

void mmu_split_block(pteval_t *entry, int level)
{
	u64 size = pt_level_size(PAGE_SHIFT, level + 1), daif = read_sysreg(daif);
	pteval_t leaf = (*entry & ~pt_leaf_type(level)) | pt_leaf_type(level + 1);
	pteval_t *below = alloc_page();

	assert_msg(below, "no memory for a page table");
	assert_msg(virt_to_phys(entry) - (leaf & PT_ADDR_MASK) >= pt_level_size(PAGE_SHIFT, level),
		   "the table at %p is in the block that it maps: %lx", entry, *entry);
	for (unsigned int i = 0; i < 1U << pt_level_bits(PAGE_SHIFT); i++)
		below[i] = leaf + i * size;
	daif_set(PSR_DAIF); /* a handler may use the block */
	*entry = 0;
	flush_tlb_all();
	*entry = __pa(below) | PT_VALID | PT_TABLE;
	dsb(ishst);
	isb();
	daif_restore(daif);
}
