/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of memory: blocks of 2^order pages, aligned to their own size.
 *
 * Pages come zeroed unless FLAG_DONTZERO is given. NULL when memory is out.
 */
#ifndef ALLOC_PAGE_H
#define ALLOC_PAGE_H

#include <libcflat.h>

#define AREA_ANY_NUMBER 0xff
#define AREA_ANY 0x00000000
#define AREA_NORMAL AREA_ANY
#define FLAG_DONTZERO 0x10000

/*
 * Hand the pages of [@start, @end) to the allocator; partial pages are left
 * out.
 */
void page_alloc_add_area(phys_addr_t start, phys_addr_t end);

void *alloc_pages_flags(unsigned int order, unsigned int flags);
/* At least @size bytes, aligned to @alignment (a power of two). */
void *memalign_pages_flags(size_t alignment, size_t size, unsigned int flags);
/* @mem is what one of the functions here returned; NULL is allowed. */
void free_pages(void *mem);

/*
 * Take the @npages pages from @addr on, wherever they are: 0, or -1, with nothing taken, when one
 * of them is not free. unreserve_pages() gives them back.
 */
int reserve_pages(phys_addr_t addr, size_t npages);
void unreserve_pages(phys_addr_t addr, size_t npages);

static inline void *alloc_pages(unsigned int order)
{
	return alloc_pages_flags(order, AREA_ANY);
}

static inline void *alloc_page(void)
{
	return alloc_pages_flags(0, AREA_ANY);
}

static inline void *memalign_pages(size_t alignment, size_t size)
{
	return memalign_pages_flags(alignment, size, AREA_ANY);
}

static inline void free_page(void *mem)
{
	free_pages(mem);
}

/* Pages handed out and not freed, for leak checks. */
unsigned long alloc_pages_in_use(void);

#endif
