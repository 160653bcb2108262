/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual addresses that are mapped by pages only. */
#include <libcflat.h>
#include <alloc_page.h>
#include <vmalloc.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/spinlock.h>

/* Above all physical addresses that a machine of today has, within 48 bits. */
#define VM_START (1UL << 46)
#define VM_SLOTS 1024
#define VM_PAGES_START (VM_START + VM_SLOTS * VM_SLOT_SIZE)
#define VM_END (VM_START + SZ_1T)

static struct spinlock lock;
static u64 used[VM_SLOTS / 64];
static u64 next_page = VM_PAGES_START;

bool vm_available(void)
{
	return true;
}

void setup_vm(void)
{
	if (!mmu_enabled())
		mmu_enable(mmu_idmap);
}

bool vm_contains(const volatile void *va)
{
	return (u64)va >= VM_START && (u64)va < VM_END;
}

void *vm_slot_alloc(void)
{
	int slot = -1;

	spin_lock(&lock);
	for (int word = 0; word < VM_SLOTS / 64 && slot < 0; word++) {
		if (~used[word]) {
			int bit = __builtin_ctzl(~used[word]);

			used[word] |= 1UL << bit;
			slot = word * 64 + bit;
		}
	}
	spin_unlock(&lock);
	if (slot < 0)
		return NULL;
	return (void *)(VM_START + (u64)slot * VM_SLOT_SIZE);
}

/* More TLB entries than this are dropped together. */
#define MAX_SINGLE_FLUSHES 32

/* Two passes: no page is free while a TLB may hold it. */
void vm_unpopulate(void *start, size_t size)
{
	char *first = start, *end = first + size;
	bool all = size / PAGE_SIZE > MAX_SINGLE_FLUSHES;
	pteval_t *pte;

	for (char *va = first; va < end; va += PAGE_SIZE) {
		pte = mmu_page_entry(mmu_idmap, (uintptr_t)va);
		if (!pte || !(*pte & PT_VALID))
			continue;
		*pte &= ~PT_VALID;
		if (!all)
			flush_tlb_page((unsigned long)va);
	}
	if (all)
		flush_tlb_all();
	for (char *va = first; va < end; va += PAGE_SIZE) {
		pte = mmu_page_entry(mmu_idmap, (uintptr_t)va);
		if (!pte || !*pte)
			continue;
		free_page(phys_to_virt(*pte & PT_ADDR_MASK));
		*pte = 0;
	}
}

void vm_slot_free(void *slot)
{
	u64 index = ((u64)slot - VM_START) / VM_SLOT_SIZE;

	vm_unpopulate(slot, VM_SLOT_SIZE);
	spin_lock(&lock);
	used[index / 64] &= ~(1UL << index % 64);
	spin_unlock(&lock);
}

/* From the end, so that a test which takes the pages for contiguous fails. */
bool vm_populate_as(void *start, size_t size, enum mmu_prot prot)
{
	char *end = (char *)start + size;

	for (char *va = end - PAGE_SIZE; va >= (char *)start; va -= PAGE_SIZE) {
		void *page = alloc_page();

		if (!page ||
		    !mmu_try_map(mmu_idmap, (u64)va, virt_to_phys(page), PAGE_SIZE, prot)) {
			free_page(page);
			vm_unpopulate(va + PAGE_SIZE, end - va - PAGE_SIZE);
			return false;
		}
	}
	return true;
}

void *alloc_vpages_aligned(ulong count, unsigned int order)
{
	u64 va;

	spin_lock(&lock);
	va = ALIGN(next_page, PAGE_SIZE << order);
	assert_msg(va <= VM_END && count <= (VM_END - va) / PAGE_SIZE, "no addresses for %lu pages",
		   count);
	next_page = va + count * PAGE_SIZE;
	spin_unlock(&lock);
	return (void *)va;
}

void *alloc_vpages(ulong count)
{
	return alloc_vpages_aligned(count, 0);
}

/*
 * Ranges that were given back, by order: lists of addresses in them, each in the invalid page entry
 * of the one before. Its lowest bits are 0, as those of an address are.
 */
#define MAX_RANGE_ORDER 28
static u64 free_ranges[MAX_RANGE_ORDER + 1];

void *vm_range_alloc(unsigned int order)
{
	pteval_t *link;
	u64 va;

	if (order > MAX_RANGE_ORDER)
		return NULL;
	spin_lock(&lock);
	va = free_ranges[order];
	if (va) {
		link = mmu_page_entry(mmu_idmap, va);
		free_ranges[order] = *link;
		*link = 0;
	}
	spin_unlock(&lock);
	if (!va)
		return alloc_vpages_aligned(1UL << order, order);
	return (void *)ALIGN_DOWN(va, PAGE_SIZE << order);
}

void vm_range_free(void *page, unsigned int order)
{
	pteval_t *link = mmu_page_entry(mmu_idmap, (uintptr_t)page);

	if (!link)
		return; /* never mapped: the addresses are lost */
	spin_lock(&lock);
	*link = free_ranges[order];
	free_ranges[order] = (u64)page;
	spin_unlock(&lock);
}

void *vmap(phys_addr_t phys, size_t size)
{
	phys_addr_t start = phys & PAGE_MASK, end = PAGE_ALIGN(phys + size);
	char *va = alloc_vpages((end - start) / PAGE_SIZE);

	for (phys_addr_t page = start; page < end; page += PAGE_SIZE)
		install_page(mmu_idmap, page, va + (page - start));
	return va + (phys - start);
}
