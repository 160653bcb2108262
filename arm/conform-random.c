/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: random tables, registers and accesses. The cases are data that kut_model/fuzz makes
 * (`kut conform --random`): the initrd, which begins with the memory of the cases' tables. A case
 * writes descriptors there, whatever they are, and sets the registers; the code of accesses is a
 * copy in that memory, at EL1 by TTBR1 where stage 1 is on.
 */
#include <libcflat.h>
#include <devicetree.h>
#include <string.h>
#include <subtest.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/stage2-internal.h>
#include <asm/translation-outcome.h>

/* The initrd from ARENA_BYTES on, as kut_model/fuzz/table.py has it */
struct random_header {
	u64 magic; /* "kutcase1" */
	u64 arena, code, output; /* addresses: of the initrd, and of pages in it */
	u64 hash; /* of the rows */
	u32 cases, features;
	char label[32]; /* of ids */
};

struct random_feature {
	char name[32], field[32];
	u8 crm, op2; /* of the ID register */
	u8 low, least, most;
	u8 padding[3];
};

struct random_case {
	u64 address;
	struct probe_regime regime;
	u32 needs; /* features, by bit */
	u8 op, el, pan;
	u8 at; /* enum probe_at, or NONE */
	u8 pages, words, outcomes;
	u8 leaf1, leaf2; /* the words that are the leaves of the output, or NONE */
	u8 padding[3];
	u64 numbers[]; /* pages: IPA and PA; words: address and value; then outcomes, of 4 bytes */
};

#define MAGIC 0x316573616374756bUL
#define ARENA_BYTES SZ_4M
#define NONE 0xff
#define MAX_FEATURES 32
#define UPPER_VA (~0UL << 39) /* of TTBR1 */
#define VALUE (1UL << 32 | PROBE_CODE) /* of the output page: it is page 1 */

static struct {
	const struct random_header *header;
	const u32 *offsets; /* of the cases, from the header */
	struct conform_feature features[MAX_FEATURES];
} test;

CONFORM_ID_REGISTER(isar0, 3, 0, 0, 6, 0)
CONFORM_ID_REGISTER(mmfr0, 3, 0, 0, 7, 0)
CONFORM_ID_REGISTER(mmfr1, 3, 0, 0, 7, 1)
CONFORM_ID_REGISTER(mmfr2, 3, 0, 0, 7, 2)

static u64 (*id_register(const struct random_feature *feature))(void)
{
	static u64 (*const registers[][3])(void) = {
		[6] = { conform_isar0 },
		[7] = { conform_mmfr0, conform_mmfr1, conform_mmfr2 },
	};
	u64 (*read)(void) = NULL;

	if (feature->crm < ARRAY_SIZE(registers) && feature->op2 < ARRAY_SIZE(registers[0]))
		read = registers[feature->crm][feature->op2];
	assert_msg(read, "%s: not one of the ID registers of this image", feature->field);
	return read;
}

static void read_features(void)
{
	const struct random_feature *features = (const void *)(test.header + 1);

	assert_msg(test.header->features <= MAX_FEATURES, "%u features", test.header->features);
	for (u32 n = 0; n < test.header->features; n++)
		test.features[n] = (struct conform_feature){
			.name = features[n].name,
			.field = features[n].field,
			.read = id_register(&features[n]),
			.low = features[n].low,
			.least = features[n].least,
			.most = features[n].most,
		};
	test.offsets = (const void *)(features + test.header->features);
}

/* Find the cases; returns whether there are any. */
static bool open_table(void)
{
	const char *initrd;
	u32 size;

	if (dt_get_initrd(&initrd, &size) || size < ARENA_BYTES + sizeof(*test.header))
		return false;
	test.header = (const void *)(initrd + ARENA_BYTES);
	if (test.header->magic != MAGIC)
		return false;
	assert_msg(__pa(initrd) == test.header->arena,
		   "the initrd is at %#lx, the cases are for %#lx: use a machine with 256 MiB",
		   (unsigned long)__pa(initrd), (unsigned long)test.header->arena);
	read_features();
	return true;
}

static void create_pages(void)
{
	u64 *output = phys_to_virt(test.header->output);
	void *code = phys_to_virt(test.header->code);

	output[0] = VALUE;
	memcpy(code, phys_to_virt(probe_code()), PROBE_CODE_ALIGN);
	dcache_clean_inval_poc(output, PAGE_SIZE); /* some cases make them Device */
	dcache_clean_inval_poc(code, PAGE_SIZE);
	sync_icache(output, PAGE_SIZE);
	sync_icache(code, PAGE_SIZE);
}

static const struct random_case *case_of(u32 row)
{
	return (const void *)test.header + test.offsets[row];
}

static const u64 *words_of(const struct random_case *c)
{
	return c->numbers + 2 * c->pages;
}

static void write_word(u64 address, u64 value)
{
	u64 *word = phys_to_virt(address);

	*word = value;
	dcache_clean_inval_poc(word, sizeof(*word)); /* walks may be non-cacheable */
}

/* The descriptors that hardware changed, which become 0 again. */
static u32 take_changes(const struct random_case *c)
{
	u32 changes = 0;

	for (const u64 *word = words_of(c), *end = word + 2 * c->words; word < end; word += 2) {
		u64 flipped = *(volatile u64 *)phys_to_virt(word[0]) ^ word[1];
		unsigned int n = (word - words_of(c)) / 2;

		if (n == c->leaf1 && !(flipped & ~(PTE_AF | PTE_RDONLY)))
			changes |= (flipped & PTE_AF ? TRANSLATION_S1_AF : 0) |
				   (flipped & PTE_RDONLY ? TRANSLATION_S1_DIRTY : 0);
		else if (n == c->leaf2 && !(flipped & ~(S2_AF | S2_AP_WRITE)))
			changes |= (flipped & S2_AF ? TRANSLATION_S2_AF : 0) |
				   (flipped & S2_AP_WRITE ? TRANSLATION_S2_DIRTY : 0);
		else if (flipped)
			changes |= TRANSLATION_OTHER;
		write_word(word[0], 0);
	}
	return changes;
}

static u32 outcome_of(const struct random_case *c)
{
	struct translation_pages pages = { .count = c->pages };
	struct probe_exit exit;

	for (unsigned int n = 0; n < c->pages; n++) {
		pages.ipa[n] = c->numbers[2 * n];
		pages.pa[n] = c->numbers[2 * n + 1];
	}
	if (c->at != NONE)
		return translation_outcome_at(probe_at(c->at, c->address), c->at >= PROBE_S1E1R,
					      &pages);
	exit = probe_access(c->op, c->el, c->pan, c->address);
	if ((c->op == PROBE_AT_READ || c->op == PROBE_AT_WRITE) && !exit.el)
		return translation_outcome_at(exit.par, true, &pages);
	return translation_outcome(&exit, c->op, c->address, &pages);
}

static void prepare(const struct random_case *c)
{
	bool stage1 = c->regime.sctlr & SCTLR_EL1_M && !(c->regime.hcr & HCR_EL2_DC);

	for (const u64 *word = words_of(c), *end = word + 2 * c->words; word < end; word += 2)
		write_word(word[0], word[1]);
	probe_set(&c->regime);
	probe_set_code(test.header->code | (stage1 ? UPPER_VA : 0));
	probe_flush();
}

static enum conform_verdict run(u32 row)
{
	const struct random_case *c = case_of(row);
	struct translation_set permitted = { 0, c->outcomes };
	u32 found;

	for (unsigned int n = 0; n < test.header->features; n++)
		if (c->needs & 1U << n && !conform_has(&test.features[n]))
			return conform_skip(test.features[n].name, test.features[n].field);
	prepare(c);
	found = outcome_of(c);
	found |= take_changes(c);
	return translation_check((const u32 *)(words_of(c) + 2 * c->words), permitted, found);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "random.%s.%u", test.header->label, row);
}

int main(int argc, char **argv)
{
	struct conform_area area = { .name = "random", .id = id, .run = run };
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (!reason && !open_table())
		reason = "no cases in the initrd: use `kut conform --random`";
	if (reason)
		return skip_all(reason);
	area.nr_rows = test.header->cases;
	area.hash = test.header->hash;
	create_pages();
	return conform_probe_main(&area, test.header->code, argc, argv);
}
