/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * malloc: whole pages at addresses of their own (vmalloc.h), so that no two blocks share a page, and
 * an access to what is freed faults. While the MMU is off they are pages of physical memory.
 *
 * A header in front of the caller's memory describes it: in the same page for a block that fits one,
 * else in a page of its own.
 */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <bitops.h>
#include <vmalloc.h>
#include <asm/mmu.h>
#include <asm/page.h>

#define MAGIC 0x6b757421

struct header {
	char *first; /* page of the block */
	u64 pages;
	u32 order; /* of the range of addresses; first is in its lower half */
	u32 magic;
	bool mapped; /* else physical memory */
};

/* Room for the header, a multiple of @alignment */
static size_t room_for_header(size_t alignment, size_t size)
{
	size_t room = MAX(alignment, ALIGN(sizeof(struct header), 16UL));

	return room + size <= PAGE_SIZE ? room : MAX(alignment, PAGE_SIZE);
}

/* The @block's memory from @skipped bytes into a range of @order on; false when memory is out. */
static bool take_memory(struct header *block, size_t skipped)
{
	char *range;

	block->mapped = mmu_enabled();
	range = block->mapped ? vm_range_alloc(block->order) : alloc_pages(block->order);
	if (!range)
		return false;
	block->first = range + skipped;
	if (!block->mapped || vm_populate_as(block->first, block->pages * PAGE_SIZE, MMU_HEAP))
		return true;
	vm_range_free(block->first, block->order);
	return false;
}

static void *block_alloc(size_t alignment, size_t size)
{
	struct header block = { .magic = MAGIC };
	size_t room, skipped;
	char *mem;

	assert(is_power_of_2(alignment));
	if (!size || size > SIZE_MAX / 4 || alignment > SIZE_MAX / 4)
		return NULL;
	room = room_for_header(alignment, size);
	/* Of a large alignment the last page is enough. */
	skipped = ALIGN_DOWN(room - 1, PAGE_SIZE);
	block.pages = DIV_ROUND_UP(room - skipped + size, PAGE_SIZE);
	block.order = get_order(DIV_ROUND_UP(room + size, PAGE_SIZE));
	if (!take_memory(&block, skipped))
		return NULL;
	mem = block.first - skipped + room;
	((struct header *)mem)[-1] = block;
	return mem;
}

static bool has_header(const char *mem)
{
	const struct header *header = (const struct header *)mem - 1;

	if (mmu_enabled() && virt_to_pte_phys(mmu_idmap, header) == INVALID_PHYS_ADDR)
		return false;
	return IS_ALIGNED((uintptr_t)mem, 16) && header->magic == MAGIC;
}

static void block_free(void *mem)
{
	struct header block;

	assert_msg(has_header(mem), "free(%p): not from malloc, freed twice, or overwritten", mem);
	block = ((struct header *)mem)[-1];
	((struct header *)mem)[-1].magic = 0;
	if (block.mapped) {
		vm_unpopulate(block.first, block.pages * PAGE_SIZE);
		vm_range_free(block.first, block.order);
	} else {
		free_pages((void *)ALIGN_DOWN((uintptr_t)block.first, PAGE_SIZE << block.order));
	}
}

static struct alloc_ops block_ops = { .memalign = block_alloc, .free = block_free };
struct alloc_ops *alloc_ops = &block_ops;

void *memalign(size_t alignment, size_t size)
{
	return alloc_ops->memalign(alignment, size);
}

void *malloc(size_t size)
{
	return memalign(16, size);
}

void *calloc(size_t count, size_t size)
{
	size_t bytes;
	void *mem;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	mem = malloc(bytes);
	return mem ? memset(mem, 0, bytes) : NULL;
}

void free(void *mem)
{
	if (mem)
		alloc_ops->free(mem);
}
