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

/* Addresses of @count pages in a row, with nothing mapped there. */
void *alloc_vpages(ulong count);
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
 * Map new zeroed pages at [@va, @va + @size) in a slot. False, with nothing mapped, when memory is
 * out.
 */
bool vm_populate(void *va, size_t size);

#endif
