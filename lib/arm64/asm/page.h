/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's pages. The host maps memory one to one: __va(pa) == pa. */
#ifndef ASMARM64_PAGE_H
#define ASMARM64_PAGE_H

/* 12, 14 or 16: a build variant may choose (configs/variants.toml) */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT 12
#endif
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define VA_BITS 48

#ifndef __ASSEMBLY__

#include <libcflat.h>

#define PAGE_ALIGN(addr) ALIGN(addr, PAGE_SIZE)

#define __pa(va) ((phys_addr_t)(uintptr_t)(va))
#define __va(pa) ((void *)(uintptr_t)(pa))

/* Zero @count pages: by cache blocks (DC ZVA) once the MMU is on, by words before. */
void clear_pages(void *mem, unsigned long count);

#endif
#endif
