/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chunks of a power of two, from 32 bytes to half a page, in free lists that are refilled by single
 * pages; anything larger is whole pages. A header in front of an object has the size of its chunk.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <bitops.h>
#include <objects.h>
#include <string.h>
#include <asm/page.h>
#include <asm/spinlock.h>

#define MIN_SHIFT 5U
#define MAX_SHIFT (PAGE_SHIFT - 1)
#define PAGES 0 /* header.shift of an object that is whole pages */
#define MAGIC 0x6b757421

struct header {
	u32 shift;
	u32 magic;
} __aligned(16);

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
	size_t bytes = size + sizeof(struct header);
	unsigned int shift = MAX(get_order(bytes), MIN_SHIFT);
	struct header *header;

	if (shift <= MAX_SHIFT) {
		header = take_chunk(shift);
	} else {
		header = memalign_pages_flags(PAGE_SIZE, bytes, FLAG_DONTZERO);
		shift = PAGES;
	}
	if (!header)
		return NULL;
	*header = (struct header){ .shift = shift, .magic = MAGIC };
	return memset(header + 1, 0, size);
}

static void chunk_free(void *object)
{
	struct header *header = (struct header *)object - 1;
	struct chunk *chunk = (struct chunk *)header;
	unsigned int shift;

	assert_msg(header->magic == MAGIC, "%p is no object (freed twice, or overwritten?)",
		   object);
	header->magic = 0;
	shift = header->shift;
	if (shift == PAGES) {
		free_pages(header);
		return;
	}
	spin_lock(&lock);
	chunk->next = free_chunks[shift];
	free_chunks[shift] = chunk;
	spin_unlock(&lock);
}

static struct alloc_ops chunk_ops = { .memalign = chunk_alloc, .free = chunk_free };
struct alloc_ops *object_ops = &chunk_ops;

void *object_alloc(size_t size)
{
	return object_ops->memalign(16, size);
}

void object_free(void *object)
{
	if (object)
		object_ops->free(object);
}
