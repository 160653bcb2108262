/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's own stage 1: memory mapped one to one with blocks, the image by its parts, devices on
 * request, and a region of virtual addresses (vmalloc.h) that is always mapped by pages.
 */
#ifndef ASMARM64_MMU_H
#define ASMARM64_MMU_H

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/pgtable.h>

/* The page tables that the boot built, shared by all CPUs. */
extern pgd_t *mmu_idmap;

/* Build mmu_idmap; memory and image as in <asm/setup.h>. */
void mmu_setup(void);
/* Load what the MMU of this CPU needs, with @pgtable, and leave it off. */
void mmu_prepare(pgd_t *pgtable);
/* Turn MMU and caches on for this CPU, with @pgtable. */
void mmu_enable(pgd_t *pgtable);
/* Turn them off, without cleaning caches: for tests of just that. */
void mmu_disable(void);
bool mmu_enabled(void);
/* TCR_EL1 for the host's tables, also when the host itself is at EL2. */
u64 mmu_tcr_el1(void);
/* For tests that turn the MMU on or off themselves: mmu_enabled() reads SCTLR_ELx. */
static inline void mmu_mark_enabled(int cpu)
{
}
static inline void mmu_mark_disabled(int cpu)
{
}

/*
 * Leaf attributes without type bits and address. Memory that tests allocate, MMU_HEAP, can be
 * executed: by user mode, and by the host once mmu_clear_user() has made it the host's alone (DDI
 * 0487, D8.4.1: what EL0 may write, EL1 and EL2 cannot execute; EL2 without E2H, which has no EL0,
 * can from the start). MMU_DATA_PRIVILEGED is the host's alone from the start.
 */
enum mmu_prot { MMU_TEXT, MMU_RODATA, MMU_DATA, MMU_DATA_PRIVILEGED, MMU_HEAP, MMU_DEVICE };

/*
 * Map [@va, @va + @size) to @pa with the largest leaves that fit; everything is page-aligned. An
 * assertion fails when a part is mapped to something else, or memory is out.
 */
void mmu_map(pgd_t *pgtable, u64 va, phys_addr_t pa, u64 size, enum mmu_prot prot);
/*
 * The same; false when memory for a table is out. The part before it stays mapped, and tables stay
 * for later use.
 */
bool mmu_try_map(pgd_t *pgtable, u64 va, phys_addr_t pa, u64 size, enum mmu_prot prot);

/*
 * Map [@start, @end) from @va on with pages, or with blocks (of 2 MiB where pages have 4 KiB),
 * whose attributes are @prot, AF and inner shareable. The range is rounded outwards to whole
 * leaves. An existing leaf is replaced, by break-before-make; so is a larger block, whose rest is
 * mapped as before: no other CPU may use it meanwhile. An assertion fails when a table is in the way,
 * or memory is out.
 */
void mmu_set_range_ptes(pgd_t *pgtable, uintptr_t va, phys_addr_t start, phys_addr_t end,
			pgprot_t prot);
void mmu_set_range_sect(pgd_t *pgtable, uintptr_t va, phys_addr_t start, phys_addr_t end,
			pgprot_t prot);

/* The leaf that maps @va, NULL when none does. */
pteval_t *follow_pte(pgd_t *pgtable, uintptr_t va);
/* The page entry of @va, valid or not; NULL when no table has one, as in a block. */
pteval_t *mmu_page_entry(pgd_t *pgtable, uintptr_t va);

/*
 * Deny the page, or the block, that maps @va to the host's user mode (asm/user.h), which may access
 * everything from the start. The vmalloc region is mapped by pages.
 */
void mmu_clear_user(pgd_t *pgtable, unsigned long va);

/*
 * Internal: replace the block @entry of @level by a table of leaves that map the same, by
 * break-before-make.
 */
void mmu_split_block(pteval_t *entry, int level);

/* Unmap a page that is mapped by a page entry, for this CPU, and map it again (see guest.c). */
void mmu_page_hide(pteval_t *pte, const void *va);
void mmu_page_show(pteval_t *pte);

/* Drop host translations on all CPUs: all, or those of the page at @va. */
void flush_tlb_all(void);
void flush_tlb_page(unsigned long va);

/* Make instructions written to [@start, @start + @size) visible to fetches on all CPUs. */
void sync_icache(const void *start, size_t size);

/* Write the cache line of @va back to memory and drop it. */
void flush_dcache_addr(unsigned long va);

/*
 * Write [@start, @start + @size) back to memory and drop it from all caches, for a CPU that
 * accesses it with its MMU off.
 */
void dcache_clean_inval_poc(const void *start, size_t size);

#endif
