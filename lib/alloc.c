/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * malloc: chunks of a power of two, from 32 bytes to half a page, in free lists that are refilled
 * by single pages; anything larger is whole pages. A header in front of the caller's memory says
 * where its chunk begins.
 */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <bitops.h>
#include <string.h>
#include <asm/page.h>
#include <asm/spinlock.h>

#define MIN_SHIFT 5U
#define MAX_SHIFT (PAGE_SHIFT - 1)
#define PAGES 0 /* header.shift of memory that is whole pages */
#define MAGIC 0x6b757421

struct header {
	void *chunk;
	u32 shift;
	u32 magic;
};

struct chunk {
	struct chunk *next;
};

static struct spinlock lock;
static struct chunk *free_chunks[MAX_SHIFT + 1];

static bool refill(unsigned int shift)
{
	char *page = alloc_pages_flags(0, FLAG_DONTZERO);

	if (!page)
		return false;
	for (size_t offset = 0; offset < PAGE_SIZE; offset += 1UL << shift) {
		struct chunk *chunk = (struct chunk *)(page + offset);

		chunk->next = free_chunks[shift];
		free_chunks[shift] = chunk;
	}
	return true;
}

static void *take_chunk(unsigned int shift)
{
	struct chunk *chunk = NULL;

	spin_lock(&lock);
	if (free_chunks[shift] || refill(shift)) {
		chunk = free_chunks[shift];
		free_chunks[shift] = chunk->next;
	}
	spin_unlock(&lock);
	return chunk;
}

static void *chunk_alloc(size_t alignment, size_t size)
{
	/*
	 * Any chunk is 16-byte aligned; a larger alignment is found inside a chunk that has room
	 * for it.
	 */
	size_t room = sizeof(struct header) + (alignment > 16 ? alignment : 0);
	unsigned int shift;
	struct header *header;
	void *chunk, *mem;

	assert(is_power_of_2(alignment));
	if (size > SIZE_MAX - room)
		return NULL;
	shift = MAX(get_order(size + room), MIN_SHIFT);
	if (shift <= MAX_SHIFT) {
		chunk = take_chunk(shift);
	} else {
		chunk = memalign_pages_flags(PAGE_SIZE, size + room, FLAG_DONTZERO);
		shift = PAGES;
	}
	if (!chunk)
		return NULL;
	mem = (void *)ALIGN((uintptr_t)chunk + sizeof(*header), MAX(alignment, 16UL));
	header = (struct header *)mem - 1;
	*header = (struct header){ .chunk = chunk, .shift = shift, .magic = MAGIC };
	return mem;
}

static void chunk_free(void *mem)
{
	struct header *header = (struct header *)mem - 1;
	struct chunk *chunk;

	assert_msg(header->magic == MAGIC, "free(%p): not from malloc, freed twice, or overwritten",
		   mem);
	header->magic = 0;
	chunk = header->chunk;
	if (header->shift == PAGES) {
		free_pages(chunk);
		return;
	}
	spin_lock(&lock);
	chunk->next = free_chunks[header->shift];
	free_chunks[header->shift] = chunk;
	spin_unlock(&lock);
}

static struct alloc_ops chunk_ops = { .memalign = chunk_alloc, .free = chunk_free };
struct alloc_ops *alloc_ops = &chunk_ops;

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
