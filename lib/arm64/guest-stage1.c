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

/* Pages come in chunks, each of which is a page of every granule. */
#define CHUNK_SIZE SZ_64K

/* TCR_EL1: the half for TTBR0_EL1, and where that for TTBR1_EL1 begins */
#define TCR_TSZ(va_bits) (64UL - (va_bits))
#define TCR_IRGN_WB (1UL << 8)
#define TCR_ORGN_WB (1UL << 10)
#define TCR_SH_INNER (3UL << 12)
#define TCR_TG_SHIFT 14
#define TCR_HIGH_SHIFT 16
#define TCR_IPS_SHIFT 32
#define IPS_48 5UL
#define IPS_52 6UL

static u64 page_size(const struct guest_stage1 *stage1)
{
	return 1UL << stage1->page_shift;
}

/* The largest leaves of a granule without FEAT_LPA2 (DDI 0487, D8.3.1) */
static int first_block_level(const struct guest_stage1 *stage1)
{
	return stage1->page_shift == 12 ? 1 : 2;
}

/* A new chunk of pages that the guest sees, writable: it may keep its tables itself. */
static char *add_chunk(struct s2_mmu *mmu)
{
	char *chunk = memalign_pages(CHUNK_SIZE, CHUNK_SIZE);
	u64 ipa = __pa(chunk);

	if (!chunk)
		return NULL;
	if (s2mmu_map(mmu, ipa, ipa, CHUNK_SIZE, S2_MAP_RW | S2_MAP_NOREPLACE)) {
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
			chunk = add_chunk(stage1->s2mmu);
		if (!chunk)
			return NULL;
		stage1->chunks[stage1->nr_chunks++] = chunk;
		stage1->free_pages = CHUNK_SIZE / page_size(stage1);
	}
	/* Page 0 of the first chunk is struct guest_stage1. */
	page = --stage1->free_pages + (stage1->nr_chunks == 1);
	return (pteval_t *)(stage1->chunks[stage1->nr_chunks - 1] + page * page_size(stage1));
}

bool guest_stage1_granule_supported(enum s2_granule granule)
{
	/* ID_AA64MMFR0_EL1.TGran4, TGran16 and TGran64 */
	u64 id = read_sysreg(id_aa64mmfr0_el1);

	if (granule == S2_PAGE_16K)
		return FIELD(id, 23, 20) != 0;
	return (granule == S2_PAGE_4K ? FIELD(id, 31, 28) : FIELD(id, 27, 24)) != 0xf;
}

/* Output addresses of 52 bits need FEAT_LPA2 with 4K and 16K, and other descriptors. */
static u64 output_size(enum s2_granule granule)
{
	u64 ips = FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0);

	return MIN(ips, granule == S2_PAGE_64K ? IPS_52 : IPS_48);
}

static u64 tcr_half(unsigned int va_bits, u64 tg)
{
	return TCR_TSZ(va_bits) | TCR_IRGN_WB | TCR_ORGN_WB | TCR_SH_INNER | tg << TCR_TG_SHIFT;
}

u64 guest_stage1_tcr(const struct guest_stage1_config *config)
{
	/* They differ between the halves. */
	static const unsigned char tg0[] = {
		[S2_PAGE_4K] = 0, [S2_PAGE_16K] = 2, [S2_PAGE_64K] = 1
	};
	static const unsigned char tg1[] = {
		[S2_PAGE_4K] = 2, [S2_PAGE_16K] = 1, [S2_PAGE_64K] = 3
	};
	u64 high = config->high_va_bits
			   ? tcr_half(config->high_va_bits, tg1[config->granule]) << TCR_HIGH_SHIFT
			   : TCR_EPD1;

	return tcr_half(config->va_bits, tg0[config->granule]) | high |
	       output_size(config->granule) << TCR_IPS_SHIFT;
}

static bool alloc_roots(struct guest_stage1 *stage1)
{
	stage1->root = alloc_table(stage1);
	stage1->ttbr0 = stage1->root ? __pa(stage1->root) : 0;
	if (stage1->high_va_bits) {
		stage1->high_root = alloc_table(stage1);
		stage1->ttbr1 = stage1->high_root ? __pa(stage1->high_root) : 0;
	}
	return stage1->root && (stage1->high_root || !stage1->high_va_bits);
}

struct guest_stage1 *guest_stage1_create_on(struct s2_mmu *mmu,
					    const struct guest_stage1_config *config)
{
	static const unsigned char shifts[] = { 12, 14, 16 };
	unsigned int va_bits = config->va_bits, high = config->high_va_bits ?: va_bits;
	struct guest_stage1 *stage1;
	char *chunk;

	assert_msg(va_bits >= 25 && va_bits <= 48 && high >= 25 && high <= 48,
		   "va_bits: expected 25..48, found %u, %u", va_bits, high);
	if (!guest_stage1_granule_supported(config->granule))
		return NULL;
	chunk = add_chunk(mmu);
	if (!chunk)
		return NULL;
	static_assert(sizeof(*stage1) <= SZ_4K, "the first page of the first chunk");
	stage1 = (struct guest_stage1 *)chunk;
	*stage1 = (struct guest_stage1){
		.tcr = guest_stage1_tcr(config),
		.mair = MAIR_VALUE,
		.s2mmu = mmu,
		.va_bits = va_bits,
		.high_va_bits = config->high_va_bits,
		.page_shift = shifts[config->granule],
		.nr_chunks = 1,
		.free_pages = (CHUNK_SIZE >> shifts[config->granule]) - 1,
		.chunks = { chunk },
	};
	if (!alloc_roots(stage1)) {
		guest_stage1_destroy(stage1);
		return NULL;
	}
	return stage1;
}

struct guest_stage1 *guest_stage1_create_config(struct guest *guest,
						const struct guest_stage1_config *config)
{
	struct guest_stage1 *stage1 = guest_stage1_create_on(guest->s2mmu, config);

	if (stage1)
		stage1->guest = guest;
	return stage1;
}

struct guest_stage1 *guest_stage1_create(struct guest *guest, unsigned int va_bits)
{
	const struct guest_stage1_config config = { .granule = S2_PAGE_4K, .va_bits = va_bits };

	return guest_stage1_create_config(guest, &config);
}

void guest_stage1_destroy(struct guest_stage1 *stage1)
{
	struct s2_mmu *mmu = stage1->s2mmu; /* the first chunk has stage1 itself */

	for (unsigned int i = stage1->nr_chunks; i-- > 0;) {
		char *chunk = stage1->chunks[i];

		s2mmu_unmap(mmu, __pa(chunk), CHUNK_SIZE);
		free_pages(chunk);
	}
}

static pteval_t leaf_attributes(unsigned long flags)
{
	pteval_t attributes = PTE_AF | PTE_SHARED;

	if (flags & S1_MAP_DEVICE_nGnRE)
		attributes |= PTE_ATTRINDX(MT_DEVICE_nGnRE);
	else
		attributes |= PTE_ATTRINDX(flags & S1_MAP_NC ? MT_NORMAL_NC : MT_NORMAL);
	if (!(flags & S1_MAP_RW))
		attributes |= PTE_RDONLY;
	if (flags & S1_MAP_USER)
		attributes |= PTE_USER;
	if (flags & (S1_MAP_XN | S1_MAP_DEVICE_nGnRE))
		attributes |= PTE_UXN | PTE_PXN;
	if (flags & S1_MAP_NG)
		attributes |= PTE_NG;
	return attributes;
}

/* Base of the walk for an address: TTBR0_EL1 or TTBR1_EL1, selected by bit 63. */
struct half {
	pteval_t *root;
	int level;
	u64 va, end; /* from the half's first address */
};

static struct half half_of(const struct guest_stage1 *stage1, u64 va)
{
	bool high = va >> 63;
	unsigned int va_bits = high ? stage1->high_va_bits : stage1->va_bits;
	u64 size = 1UL << va_bits;

	if (!va_bits)
		return (struct half){ .end = 0 };
	return (struct half){
		.root = high ? stage1->high_root : stage1->root,
		.level = pt_start_level(stage1->page_shift, va_bits),
		.va = high ? va + size : va,
		.end = size,
	};
}

static unsigned int entry_index(const struct guest_stage1 *stage1, u64 va, int level)
{
	unsigned int shift = stage1->page_shift;

	return va >> pt_level_shift(shift, level) & ((1U << pt_level_bits(shift)) - 1);
}

/* Pages of 64K have bits 51..48 of addresses in bits 15..12. */
static pteval_t leaf_address(const struct guest_stage1 *stage1, u64 ipa)
{
	return stage1->page_shift == 16 ? (ipa & PT_ADDR_MASK) | FIELD(ipa, 51, 48) << 12 : ipa;
}

/* The bits of an output address that a descriptor holds: 51..48 with 64K only */
static u64 output_limit(const struct guest_stage1 *stage1)
{
	return 1UL << (stage1->page_shift == 16 ? 52 : 48);
}

/* The table that @entry leads to, created if missing; NULL with *@err set. */
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
	u64 leaf_size = pt_level_size(stage1->page_shift, level);

	while (size) {
		pteval_t *entry = &table[entry_index(stage1, va, level)];
		u64 chunk = MIN(size, leaf_size - (va & (leaf_size - 1)));
		int err = 0;

		if (level >= first_block_level(stage1) && chunk == leaf_size &&
		    IS_ALIGNED(ipa, leaf_size)) {
			if (*entry)
				return -EEXIST;
			*entry = leaf_address(stage1, ipa) | attributes | pt_leaf_type(level);
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
	struct half half = half_of(stage1, va);
	int err;

	if (!size || !IS_ALIGNED(va | ipa | size, page_size(stage1)))
		return -EINVAL;
	if (half.va >= half.end || size > half.end - half.va || size > output_limit(stage1) ||
	    ipa > output_limit(stage1) - size)
		return -ERANGE;
	err = map_level(stage1, half.root, half.level, half.va, ipa, size, leaf_attributes(flags));
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
	if (!err && vectors) {
		u64 start = ALIGN_DOWN(__pa(vectors), page_size(stage1));
		u64 size = MAX(page_size(stage1), (u64)GUEST_EL1_PAGE_SIZE);

		err = guest_stage1_map(stage1, start, start, size, S1_MAP_RO);
	}
	return err;
}

pteval_t *guest_stage1_lookup(struct guest_stage1 *stage1, u64 va, int *level)
{
	struct half half = half_of(stage1, va);
	pteval_t *table = half.root;

	if (half.va >= half.end)
		return NULL;
	for (int at = half.level;; at++) {
		pteval_t *entry = &table[entry_index(stage1, half.va, at)];

		if (level)
			*level = at;
		if (!pt_is_table(*entry, at))
			return *entry & PT_VALID ? entry : NULL;
		table = __va(*entry & PT_ADDR_MASK & ~(page_size(stage1) - 1));
	}
}

void guest_stage1_enable(struct guest_stage1 *stage1)
{
	struct guest *guest = stage1->guest;

	guest->mair_el1 = stage1->mair;
	guest->tcr_el1 = stage1->tcr;
	guest->ttbr0_el1 = stage1->ttbr0;
	guest->ttbr1_el1 = stage1->ttbr1;
	guest->sctlr_el1 |= SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I;
}

void guest_stage1_turn_on(const struct guest_stage1 *stage1)
{
	write_sysreg(stage1->mair, mair_el1);
	write_sysreg(stage1->tcr, tcr_el1);
	write_sysreg(stage1->ttbr0, ttbr0_el1);
	write_sysreg(stage1->ttbr1, ttbr1_el1);
	isb();
	asm volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	isb(); /* all of it before the bit that enables it */
	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I, sctlr_el1);
	isb();
}
