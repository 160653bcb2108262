/* SPDX-License-Identifier: GPL-2.0-or-later */
/* malloc() and the functions of its family. */
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <shortage.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>

static void test_nothing(void)
{
	report_equal((u64)malloc(0), 0, "malloc(0)");
	report_equal((u64)calloc(0, 8), 0, "calloc(0, 8)");
	report_equal((u64)memalign(64, 0), 0, "memalign(64, 0)");
	report_equal((u64)malloc(SIZE_MAX), 0, "malloc(SIZE_MAX)");
	report_equal((u64)memalign(1UL << 63, 8), 0, "memalign() to 2^63");
	report_equal((u64)calloc(1UL << 33, 1UL << 33), 0, "calloc() of 2^66 bytes");
	free(NULL);
}

/* Each block has pages of its own, and what is behind it in its last page. */
static void check_block(size_t alignment, size_t size)
{
	char *mem = memalign(alignment, size), *other = memalign(alignment, size);
	size_t page = PAGE_SIZE - 1, nonzero = 0;

	if (!mem || !other) {
		report_fail("memalign(%#lx, %#lx): expected memory, found %p, %p", alignment, size,
			    mem, other);
		return;
	}
	for (size_t i = 0; i < size; i++)
		nonzero += !!mem[i];
	memset(mem, 0x5a, ALIGN((u64)mem + size, PAGE_SIZE) - (u64)mem);
	report(IS_ALIGNED((u64)mem, MAX(alignment, 16UL)) && !nonzero,
	       "memalign(%#lx, %#lx): expected it aligned and 0 bytes that are not 0, found %p, %lu",
	       alignment, size, mem, nonzero);
	report(((u64)mem & ~page) != ((u64)other & ~page) && !other[0] && !other[size - 1],
	       "two blocks of memalign(%#lx, %#lx): expected different pages, and the second one as "
	       "it was when the first is filled to its page's end, found %p, %p, bytes %#x, %#x",
	       alignment, size, mem, other, other[0], other[size - 1]);
	free(mem);
	free(other);
}

static void test_blocks(void)
{
	static const size_t sizes[] = { 1,	   100,	      PAGE_SIZE - 32, PAGE_SIZE - 31,
					PAGE_SIZE, SZ_64K + 1 };
	static const size_t alignments[] = { 1, 16, 64, PAGE_SIZE / 2, PAGE_SIZE, SZ_2M };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(alignments); j++)
			check_block(alignments[j], sizes[i]);
}

/* Nobody may take it for physical memory. */
static void test_addresses(void)
{
	char *mem = malloc(SZ_4M);
	phys_addr_t first = virt_to_phys(mem), second = virt_to_phys(mem + PAGE_SIZE);

	report(first != (u64)mem, "physical address of memory at %p: expected another, found %#lx",
	       mem, first);
	report(second != first + PAGE_SIZE,
	       "physical addresses of two pages: expected them not to be contiguous, found %#lx, %#lx",
	       first, second);
	free(mem);
}

/* Freed memory and its addresses are used again; @size bytes at a time. */
static void check_again(size_t size)
{
	unsigned long before, after;
	char *first, *mem;

	free(malloc(size)); /* page tables stay */
	before = alloc_pages_in_use();
	first = malloc(size);
	free(first);
	for (int i = 0; i < 100; i++) {
		mem = malloc(size);
		assert(mem);
		mem[size - 1] = i;
		free(mem);
	}
	after = alloc_pages_in_use();
	report(after == before && mem == first,
	       "malloc(%#lx) and free(), 100 times: expected %lu pages in use, the last block at %p, "
	       "found %lu, %p",
	       size, before, first, after, mem);
}

static void test_again(void)
{
	check_again(8);
	check_again(PAGE_SIZE);
	check_again(33 * PAGE_SIZE);
}

static unsigned int faults;

static void count_fault(struct pt_regs *regs, unsigned int esr)
{
	faults++;
	regs->pc += 4;
}

static void test_freed(void)
{
	volatile char *mem = malloc(8);

	mem[0] = 1;
	free((void *)mem);
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_DABT_CUR, count_fault);
	mem[0] = 2;
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_DABT_CUR, NULL);
	report_equal(faults, 1, "faults of a write to freed memory");
}

/* Most of the machine's 64 MiB: the second time the same memory */
static void test_large(void)
{
	size_t size = 48000000;
	char *mem;

	for (int round = 0; round < 2; round++) {
		mem = malloc(size);
		if (!mem) {
			report_fail("malloc() of 48 MB in round %d: expected memory, found NULL",
				    round);
			return;
		}
		for (size_t i = 0; i < size; i += SZ_1M)
			mem[i] = 1;
		mem[size - 1] = 1;
		free(mem);
	}
	report_pass("malloc() of 48 MB, twice");
}

/* Nothing is lost when it fails half way. */
static void test_shortage(void)
{
	struct held_pages *held;
	void *pages[3];
	unsigned long before, after;
	void *mem;

	free(malloc(8 * PAGE_SIZE));
	for (int i = 0; i < 3; i++)
		pages[i] = alloc_page();
	held = hold_all_pages();
	for (int i = 0; i < 3; i++)
		free_page(pages[i]);
	before = alloc_pages_in_use();
	mem = malloc(8 * PAGE_SIZE);
	after = alloc_pages_in_use();
	release_pages(held);
	report(!mem && before == after,
	       "malloc() of 8 pages where 3 are free: expected NULL, %lu pages in use, found %p, %lu",
	       before, mem, after);
	mem = malloc(8 * PAGE_SIZE);
	report(mem, "the same with memory: expected some, found %p", mem);
	free(mem);
}

static const struct subtest subtests[] = {
	{ "nothing", test_nothing },   { "blocks", test_blocks }, { "addresses", test_addresses },
	{ "again", test_again },       { "freed", test_freed },	  { "large", test_large },
	{ "shortage", test_shortage },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
