/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of host virtual addresses mapped by pages only, so that a page in it can be left out or
 * taken away without splitting a block that the host itself runs on.
 */
#ifndef VMALLOC_H
#define VMALLOC_H

#include <libcflat.h>
#include <asm/mmu.h>
#include <asm/thread_info.h>

/* An address range is handed out in slots of this many bytes, aligned to them. */
#define VM_SLOT_SIZE (4UL * THREAD_SIZE)

/* True once the MMU is on. */
bool vm_available(void);
/* True for an address in the region: its physical address is in the tables only. */
bool vm_contains(const volatile void *va);
/* A free slot of addresses with nothing mapped in it, NULL when there is none. */
void *vm_slot_alloc(void);
/* Give a slot back: pages mapped in it are freed. */
void vm_slot_free(void *slot);
/*
 * Map new zeroed pages at [@va, @va + @size) in a slot. False, with nothing mapped, when memory is
 * out.
 */
bool vm_populate(void *va, size_t size);

#endif
