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

static void unmap_page(char *va)
{
	pteval_t *pte = follow_pte(mmu_idmap, (uintptr_t)va);

	if (!pte)
		return;
	pteval_t old = *pte;

	*pte = 0;
	flush_tlb_page((unsigned long)va);
	free_page(phys_to_virt(old & PT_ADDR_MASK));
}

void vm_slot_free(void *slot)
{
	u64 index = ((u64)slot - VM_START) / VM_SLOT_SIZE;

	for (char *va = slot; va < (char *)slot + VM_SLOT_SIZE; va += PAGE_SIZE)
		unmap_page(va);
	spin_lock(&lock);
	used[index / 64] &= ~(1UL << index % 64);
	spin_unlock(&lock);
}

bool vm_populate(void *start, size_t size)
{
	for (char *va = start; va < (char *)start + size; va += PAGE_SIZE) {
		void *page = alloc_page();

		if (!page ||
		    !mmu_try_map(mmu_idmap, (u64)va, virt_to_phys(page), PAGE_SIZE, MMU_DATA)) {
			free_page(page);
			while (va > (char *)start)
				unmap_page(va -= PAGE_SIZE);
			return false;
		}
	}
	return true;
}

void *alloc_vpages(ulong count)
{
	u64 va;

	spin_lock(&lock);
	va = next_page;
	assert_msg(count <= (VM_END - va) / PAGE_SIZE, "no addresses for %lu pages", count);
	next_page += count * PAGE_SIZE;
	spin_unlock(&lock);
	return (void *)va;
}

void *vmap(phys_addr_t phys, size_t size)
{
	phys_addr_t start = phys & PAGE_MASK, end = PAGE_ALIGN(phys + size);
	char *va = alloc_vpages((end - start) / PAGE_SIZE);

	for (phys_addr_t page = start; page < end; page += PAGE_SIZE)
		install_page(mmu_idmap, page, va + (page - start));
	return va + (phys - start);
}
