/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of host virtual addresses mapped by pages only, so that a page in it can be left out or
 * unmapped without splitting a block that the host itself runs on: slots, which are given back, and
 * behind them pages, which are not.
 */
#ifndef VMALLOC_H
#define VMALLOC_H

#include <libcflat.h>
#include <asm/mmu.h>
#include <asm/thread_info.h>

/* An address range is handed out in slots of this many bytes, aligned to them. */
#define VM_SLOT_SIZE (4UL * THREAD_SIZE)

/*
 * Turn the MMU on in an image that starts with it off (auxinfo.h), with the boot's page tables; in
 * any other it is on already.
 */
void setup_vm(void);
/* True: setup_vm() may be called. */
bool vm_available(void);

/* Addresses of @count pages in a row, with nothing mapped there; aligned to 2^@order pages. */
void *alloc_vpages(ulong count);
void *alloc_vpages_aligned(ulong count, unsigned int order);
static inline void *alloc_vpage(void)
{
	return alloc_vpages(1);
}
/*
 * Map the pages in which [@phys, @phys + @size) lies as memory, at addresses of their own; returns
 * that of @phys.
 */
void *vmap(phys_addr_t phys, size_t size);
/*
 * Map the page in which @phys lies as memory at the page of @virt, in place of what is mapped there
 * by a page; returns the entry. See mmu_set_range_ptes().
 */
pteval_t *install_page(pgd_t *pgtable, phys_addr_t phys, void *virt);
/* The physical address that @virt is mapped to; INVALID_PHYS_ADDR if none. */
phys_addr_t virt_to_pte_phys(pgd_t *pgtable, const volatile void *virt);

/* True for an address in the region: its physical address is in the tables only. */
bool vm_contains(const volatile void *va);
/* A free slot of addresses with nothing mapped in it, NULL when all are in use. */
void *vm_slot_alloc(void);
/* Give a slot back: pages mapped in it are freed. */
void vm_slot_free(void *slot);
/*
 * Map new zeroed pages at [@va, @va + @size) in a slot or a range, as MMU_DATA or @prot. False, with
 * nothing mapped, when memory is out.
 */
bool vm_populate_as(void *va, size_t size, enum mmu_prot prot);
static inline bool vm_populate(void *va, size_t size)
{
	return vm_populate_as(va, size, MMU_DATA);
}
/* Unmap the pages that are mapped there, and free them. */
void vm_unpopulate(void *va, size_t size);

/*
 * Addresses of 2^@order pages, aligned to their size, with nothing mapped there; NULL above order
 * 28. Given back by any page of theirs that was mapped, when none is mapped any more.
 */
void *vm_range_alloc(unsigned int order);
void vm_range_free(void *page, unsigned int order);

#endif
