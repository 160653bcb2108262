/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation tables of a guest's own. */
#include <libcflat.h>
#include <alloc_page.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/guest-internal.h>
#include <asm/guest-stage1.h>
#include <asm/guest-hypercall.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

/* The guest's pages, whatever the host's are. A chunk of them is a page of every granule. */
#define S1_SHIFT 12
#define S1_PAGE (1UL << S1_SHIFT)
#define CHUNK_SIZE SZ_64K
#define CHUNK_PAGES (CHUNK_SIZE >> S1_SHIFT)

#define TCR_T0SZ(va_bits) (64UL - (va_bits))
#define TCR_IRGN0_WB (1UL << 8)
#define TCR_ORGN0_WB (1UL << 10)
#define TCR_SH0_INNER (3UL << 12)
#define TCR_EPD1 (1UL << 23)
#define TCR_IPS_SHIFT 32
#define IPS_48 5UL

/* A new chunk of pages that the guest sees, writable: it may keep its tables itself. */
static char *add_chunk(struct guest *guest)
{
	char *chunk = memalign_pages(CHUNK_SIZE, CHUNK_SIZE);
	u64 ipa = __pa(chunk);

	if (!chunk)
		return NULL;
	if (s2mmu_map(guest->s2mmu, ipa, ipa, CHUNK_SIZE, S2_MAP_RW)) {
		free_pages(chunk);
		return NULL;
	}
	return chunk;
}

/* A zeroed table, or NULL. */
static pteval_t *alloc_table(struct guest_stage1 *stage1)
{
	unsigned int page;

	if (!stage1->free_pages) {
		char *chunk = NULL;

		if (stage1->nr_chunks < GUEST_STAGE1_MAX_CHUNKS)
			chunk = add_chunk(stage1->guest);
		if (!chunk)
			return NULL;
		stage1->chunks[stage1->nr_chunks++] = chunk;
		stage1->free_pages = CHUNK_PAGES;
	}
	/* Page 0 of the first chunk is struct guest_stage1. */
	page = --stage1->free_pages + (stage1->nr_chunks == 1);
	return (pteval_t *)(stage1->chunks[stage1->nr_chunks - 1] + page * S1_PAGE);
}

static u64 tcr_value(unsigned int va_bits)
{
	u64 ips = MIN(FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0), IPS_48);

	return TCR_T0SZ(va_bits) | TCR_IRGN0_WB | TCR_ORGN0_WB | TCR_SH0_INNER | TCR_EPD1 |
	       ips << TCR_IPS_SHIFT;
}

struct guest_stage1 *guest_stage1_create(struct guest *guest, unsigned int va_bits)
{
	struct guest_stage1 *stage1;
	char *chunk;

	assert_msg(va_bits >= 25 && va_bits <= 48, "va_bits: expected 25..48, found %u", va_bits);
	chunk = add_chunk(guest);
	if (!chunk)
		return NULL;
	static_assert(sizeof(*stage1) <= S1_PAGE, "the first page of the first chunk");
	stage1 = (struct guest_stage1 *)chunk;
	*stage1 = (struct guest_stage1){
		.tcr = tcr_value(va_bits),
		.mair = MAIR_VALUE,
		.guest = guest,
		.va_bits = va_bits,
		.nr_chunks = 1,
		.free_pages = CHUNK_PAGES - 1,
		.chunks = { chunk },
	};
	stage1->root = alloc_table(stage1);
	stage1->ttbr0 = __pa(stage1->root);
	return stage1;
}

void guest_stage1_destroy(struct guest_stage1 *stage1)
{
	for (unsigned int i = stage1->nr_chunks; i-- > 0;) {
		char *chunk = stage1->chunks[i];

		s2mmu_unmap(stage1->guest->s2mmu, __pa(chunk), CHUNK_SIZE);
		free_pages(chunk);
	}
}

static pteval_t leaf_attributes(unsigned long flags)
{
	pteval_t attributes = PTE_AF | PTE_SHARED;

	if (flags & S1_MAP_DEVICE)
		attributes |= PTE_ATTRINDX(MT_DEVICE_nGnRE);
	else
		attributes |= PTE_ATTRINDX(flags & S1_MAP_NC ? MT_NORMAL_NC : MT_NORMAL);
	if (!(flags & S1_MAP_RW))
		attributes |= PTE_RDONLY;
	if (flags & S1_MAP_USER)
		attributes |= PTE_USER;
	if (flags & (S1_MAP_XN | S1_MAP_DEVICE))
		attributes |= PTE_UXN | PTE_PXN;
	if (flags & S1_MAP_NG)
		attributes |= PTE_NG;
	return attributes;
}

static unsigned int entry_index(u64 va, int level)
{
	return va >> pt_level_shift(S1_SHIFT, level) & ((1U << pt_level_bits(S1_SHIFT)) - 1);
}

/* The table that @entry leads to, made if there is none; NULL with *@err set. */
static pteval_t *next_table(struct guest_stage1 *stage1, pteval_t *entry, int level, int *err)
{
	pteval_t *table;

	if (pt_is_table(*entry, level))
		return __va(*entry & PT_ADDR_MASK);
	*err = *entry ? -EEXIST : -ENOMEM;
	table = *entry ? NULL : alloc_table(stage1);
	if (!table)
		return NULL;
	dsb(ishst); /* the zeros before the pointer to them */
	*entry = __pa(table) | PT_VALID | PT_TABLE;
	return table;
}

/* Map [@va, @va + @size), which lies in one table of @level. */
static int map_level(struct guest_stage1 *stage1, pteval_t *table, int level, u64 va, u64 ipa,
		     u64 size, pteval_t attributes)
{
	u64 leaf_size = pt_level_size(S1_SHIFT, level);

	while (size) {
		pteval_t *entry = &table[entry_index(va, level)];
		u64 chunk = MIN(size, leaf_size - (va & (leaf_size - 1)));
		int err = 0;

		if (level > 0 && chunk == leaf_size && IS_ALIGNED(ipa, leaf_size)) {
			if (*entry)
				return -EEXIST;
			*entry = ipa | attributes | pt_leaf_type(level);
		} else {
			pteval_t *next = next_table(stage1, entry, level, &err);

			err = next ? map_level(stage1, next, level + 1, va, ipa, chunk, attributes)
				   : err;
		}
		if (err)
			return err;
		va += chunk;
		ipa += chunk;
		size -= chunk;
	}
	return 0;
}

int guest_stage1_map(struct guest_stage1 *stage1, u64 va, u64 ipa, u64 size, unsigned long flags)
{
	u64 end = 1UL << stage1->va_bits;
	int err;

	if (!size || !IS_ALIGNED(va | ipa | size, S1_PAGE))
		return -EINVAL;
	if (va >= end || size > end - va || ipa + size < ipa)
		return -ERANGE;
	err = map_level(stage1, stage1->root, pt_start_level(S1_SHIFT, stage1->va_bits), va, ipa,
			size, leaf_attributes(flags));
	dsb(ishst); /* for the guest's walks, on any CPU */
	return err;
}

static int map_identical(struct guest_stage1 *stage1, const void *start, const void *end,
			 unsigned long flags)
{
	return guest_stage1_map(stage1, __pa(start), __pa(start), __pa(end) - __pa(start), flags);
}

int guest_stage1_map_image(struct guest_stage1 *stage1, unsigned long flags)
{
	extern char boot_stack[];
	const struct guest *guest = stage1->guest;
	char *stack = guest->stack, *vectors = guest->el1_page;
	unsigned long data = flags | S1_MAP_RW | S1_MAP_XN;
	int err = map_identical(stage1, _stext, _sdata, flags | S1_MAP_RO);

	err = err ?: map_identical(stage1, _sdata, boot_stack, data);
	err = err ?: map_identical(stage1, stack, stack + GUEST_STACK_SIZE, data);
	/* For turning the MMU on, and for changing tables, from inside */
	err = err ?: map_identical(stage1, stage1, (char *)stage1 + CHUNK_SIZE, data);
	if (!err && vectors)
		err = map_identical(stage1, vectors, vectors + GUEST_EL1_PAGE_SIZE, S1_MAP_RO);
	return err;
}

pteval_t *guest_stage1_lookup(struct guest_stage1 *stage1, u64 va, int *level)
{
	pteval_t *table = stage1->root;

	for (*level = pt_start_level(S1_SHIFT, stage1->va_bits);; ++*level) {
		pteval_t *entry = &table[entry_index(va, *level)];

		if (!pt_is_table(*entry, *level))
			return *entry & PT_VALID ? entry : NULL;
		table = __va(*entry & PT_ADDR_MASK);
	}
}

void guest_stage1_enable(struct guest_stage1 *stage1)
{
	struct guest *guest = stage1->guest;

	guest->mair_el1 = stage1->mair;
	guest->tcr_el1 = stage1->tcr;
	guest->ttbr0_el1 = stage1->ttbr0;
	guest->sctlr_el1 |= SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I;
}

void guest_stage1_turn_on(const struct guest_stage1 *stage1)
{
	write_sysreg(stage1->mair, mair_el1);
	write_sysreg(stage1->tcr, tcr_el1);
	write_sysreg(stage1->ttbr0, ttbr0_el1);
	isb();
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb(); /* all of it before the bit that puts it in force */
	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I, sctlr_el1);
	isb();
}
