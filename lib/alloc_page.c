/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page allocator: a buddy system that costs nothing at boot, whatever the size of memory.
 *
 * Each area is [start, wild): pages that were handed out at least once, kept by the buddy system,
 * and [wild, end): pages that were never touched. A request is served from the free lists, else
 * from there. The state of a page (a byte each, at the area's start) is written when the page first
 * leaves that part, so nothing is initialised before it is needed.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <bitops.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/spinlock.h>

#define MAX_ORDER 20

/* State of a page: the head of a block carries the block's order. */
#define PAGE_INNER 0x00
#define PAGE_FREE 0x40
#define PAGE_USED 0x80
#define PAGE_ORDER 0x3f

struct free_block {
	struct free_block *next, *prev;
};

/* At the start of its own memory, followed by the states. */
struct area {
	struct area *next;
	u8 *state; /* of page i at state[i - start] */
	unsigned long start, wild, end; /* page frame numbers */
	struct free_block free[MAX_ORDER + 1]; /* list heads */
};

static struct spinlock lock;
static struct area *areas, **last_area = &areas;
static unsigned long in_use;

static void list_init(struct free_block *head)
{
	head->next = head->prev = head;
}

static void list_add(struct free_block *head, struct free_block *block)
{
	block->next = head->next;
	block->prev = head;
	head->next->prev = block;
	head->next = block;
}

static void list_del(struct free_block *block)
{
	block->prev->next = block->next;
	block->next->prev = block->prev;
}

static struct free_block *pfn_to_block(unsigned long pfn)
{
	return phys_to_virt(pfn << PAGE_SHIFT);
}

static unsigned long virt_to_pfn(const void *mem)
{
	return virt_to_phys((void *)mem) >> PAGE_SHIFT;
}

static u8 *state_of(struct area *area, unsigned long pfn)
{
	return &area->state[pfn - area->start];
}

void page_alloc_add_area(phys_addr_t start, phys_addr_t end)
{
	unsigned long first = DIV_ROUND_UP(start, PAGE_SIZE), last = end >> PAGE_SHIFT, own_pages;
	struct area *area = phys_to_virt(first << PAGE_SHIFT);

	if (last <= first)
		return;
	own_pages = DIV_ROUND_UP(sizeof(*area) + (last - first), PAGE_SIZE);
	if (last - first <= own_pages)
		return;
	area->next = NULL;
	area->state = (u8 *)(area + 1);
	area->start = area->wild = first + own_pages;
	area->end = last;
	for (int order = 0; order <= MAX_ORDER; order++)
		list_init(&area->free[order]);
	*last_area = area;
	last_area = &area->next;
}

static void make_free(struct area *area, unsigned long pfn, unsigned int order)
{
	*state_of(area, pfn) = PAGE_FREE | order;
	list_add(&area->free[order], pfn_to_block(pfn));
}

/* Free a block; one that has a free buddy becomes one block with it. */
static void merge_free(struct area *area, unsigned long pfn, unsigned int order)
{
	for (; order < MAX_ORDER; order++) {
		unsigned long buddy = pfn ^ (1UL << order);

		if (buddy < area->start || buddy >= area->wild ||
		    *state_of(area, buddy) != (PAGE_FREE | order))
			break;
		list_del(pfn_to_block(buddy));
		*state_of(area, MAX(pfn, buddy)) = PAGE_INNER;
		pfn = MIN(pfn, buddy);
	}
	make_free(area, pfn, order);
}

/*
 * Take a block from the free lists and give back the halves that are not needed; 0 if none is large
 * enough.
 */
static unsigned long take_free(struct area *area, unsigned int order)
{
	for (unsigned int o = order; o <= MAX_ORDER; o++) {
		struct free_block *block = area->free[o].next;
		unsigned long pfn;

		if (block == &area->free[o])
			continue;
		list_del(block);
		pfn = virt_to_pfn(block);
		while (o-- > order)
			make_free(area, pfn + (1UL << o), o);
		return pfn;
	}
	return 0;
}

/*
 * Take a block from [wild, end); the pages skipped to align it become free. 0 if it does not fit.
 */
static unsigned long carve(struct area *area, unsigned int order)
{
	unsigned long pfn = ALIGN(area->wild, 1UL << order), next = pfn + (1UL << order);
	unsigned long skipped = area->wild;

	if (next > area->end)
		return 0;
	for (unsigned long p = area->wild; p < next; p++)
		*state_of(area, p) = PAGE_INNER;
	area->wild = next;
	/* The block itself is not free yet: no skipped page can merge with it. */
	*state_of(area, pfn) = PAGE_USED | order;
	while (skipped < pfn) {
		unsigned int o = MIN(__builtin_ctzl(skipped), MAX_ORDER);

		merge_free(area, skipped, o);
		skipped += 1UL << o;
	}
	return pfn;
}

static unsigned long take(unsigned int order)
{
	unsigned long pfn;

	if (order > MAX_ORDER)
		return 0;
	for (struct area *area = areas; area; area = area->next) {
		pfn = take_free(area, order) ?: carve(area, order);
		if (pfn) {
			*state_of(area, pfn) = PAGE_USED | order;
			in_use += 1UL << order;
			return pfn;
		}
	}
	return 0;
}

void *alloc_pages_flags(unsigned int order, unsigned int flags)
{
	unsigned long pfn;
	void *mem;

	spin_lock(&lock);
	pfn = take(order);
	spin_unlock(&lock);
	if (!pfn)
		return NULL;
	mem = phys_to_virt(pfn << PAGE_SHIFT);
	if (!(flags & FLAG_DONTZERO))
		clear_pages(mem, 1UL << order);
	return mem;
}

void *memalign_pages_flags(size_t alignment, size_t size, unsigned int flags)
{
	assert(is_power_of_2(alignment));
	if (size > SIZE_MAX - PAGE_SIZE)
		return NULL;
	return alloc_pages_flags(get_order(DIV_ROUND_UP(MAX(alignment, size), PAGE_SIZE)), flags);
}

static struct area *area_of(unsigned long pfn)
{
	for (struct area *area = areas; area; area = area->next)
		if (pfn >= area->start && pfn < area->end)
			return area;
	return NULL;
}

/* False when @pfn heads no block in use. */
static bool release(unsigned long pfn)
{
	struct area *area = area_of(pfn);
	bool used;

	spin_lock(&lock);
	used = area && pfn < area->wild && (*state_of(area, pfn) & ~PAGE_ORDER) == PAGE_USED;
	if (used) {
		unsigned int order = *state_of(area, pfn) & PAGE_ORDER;

		in_use -= 1UL << order;
		merge_free(area, pfn, order);
	}
	spin_unlock(&lock);
	return used;
}

void free_pages(void *mem)
{
	bool released;

	if (!mem)
		return;
	released = IS_ALIGNED((uintptr_t)mem, PAGE_SIZE) && release(virt_to_pfn(mem));
	/* The lock is free again: an assertion ends the run, which may need memory itself. */
	assert_msg(released, "%p is no allocated page (freed twice?)", mem);
}

/* The order of the free block that @pfn lies in, with the block's start in @head; -1 for none. */
static int free_block_of(struct area *area, unsigned long pfn, unsigned long *head)
{
	for (int order = 0; order <= MAX_ORDER; order++) {
		*head = ALIGN_DOWN(pfn, 1UL << order);
		if (*head < area->start)
			break;
		if (*state_of(area, *head) == (PAGE_FREE | order))
			return order;
	}
	return -1;
}

static bool is_free(unsigned long pfn)
{
	struct area *area = area_of(pfn);
	unsigned long head;

	if (!area)
		return false;
	return pfn >= area->wild || free_block_of(area, pfn, &head) >= 0;
}

/* Take a page that is free: out of the block it lies in, or out of [wild, end). */
static void take_page(unsigned long pfn)
{
	struct area *area = area_of(pfn);
	unsigned long head;
	int order;

	in_use++;
	while (pfn > area->wild)
		merge_free(area, carve(area, 0), 0);
	if (pfn == area->wild) {
		carve(area, 0);
		return;
	}
	order = free_block_of(area, pfn, &head);
	list_del(pfn_to_block(head));
	while (order-- > 0) {
		unsigned long upper = head + (1UL << order);

		make_free(area, pfn < upper ? upper : head, order);
		head = pfn < upper ? head : upper;
	}
	*state_of(area, pfn) = PAGE_USED;
}

int reserve_pages(phys_addr_t addr, size_t npages)
{
	unsigned long first = addr >> PAGE_SHIFT;
	size_t found = 0;

	assert_msg(IS_ALIGNED(addr, PAGE_SIZE), "pages begin at %#lx?", addr);
	spin_lock(&lock);
	while (found < npages && is_free(first + found))
		found++;
	for (size_t i = 0; found == npages && i < npages; i++)
		take_page(first + i);
	spin_unlock(&lock);
	return found == npages ? 0 : -1;
}

void unreserve_pages(phys_addr_t addr, size_t npages)
{
	for (size_t i = 0; i < npages; i++)
		free_page(phys_to_virt(addr + i * PAGE_SIZE));
}

unsigned long alloc_pages_in_use(void)
{
	return in_use;
}
