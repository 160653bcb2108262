/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and page tables, before and after a migration. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include "../guest-el1-registers.h"
#include "migrated.h"

#define TEST_VA 0x2000000000UL
#define TEST_IPA 0x180000000UL
#define TEST_SIZE SZ_2M
#define PAGES (TEST_SIZE / PAGE_SIZE)

static u64 fill_pages(u64 pattern)
{
	volatile u64 *page = (u64 *)TEST_VA;

	for (u64 i = 0; i < PAGES; i++, page += PAGE_SIZE / sizeof(*page))
		page[i % 512] = pattern = next_pattern(pattern);
	return pattern;
}

static u64 wrong_pages(u64 pattern)
{
	volatile u64 *page = (u64 *)TEST_VA;
	u64 wrong = 0;

	for (u64 i = 0; i < PAGES; i++, page += PAGE_SIZE / sizeof(*page))
		wrong += page[i % 512] != (pattern = next_pattern(pattern));
	return wrong;
}

static u64 guest_fill_and_check(const struct guest_stage1 *stage1)
{
	u64 wrong = 0;

	guest_stage1_turn_on(stage1);
	for (u64 round = 1; round <= MIGRATIONS; round++) {
		fill_pages(round);
		guest_migrate();
		wrong += wrong_pages(round);
	}
	return wrong;
}

/* Two pages of the guest's, side by side, are far from each other in the machine. */
static u64 page_of(u64 index)
{
	return (index * 77 + 5) % PAGES;
}

static void map_scattered(struct s2_mmu *mmu, char *memory)
{
	for (u64 i = 0; i < PAGES; i++)
		assert(!s2mmu_map(mmu, TEST_IPA + i * PAGE_SIZE,
				  virt_to_phys(memory + page_of(i) * PAGE_SIZE), PAGE_SIZE,
				  S2_MAP_RW | S2_MAP_XN));
}

void test_memory(void)
{
	struct guest *guest = create(guest_fill_and_check);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);
	char *memory = alloc_pages(get_order(PAGES));
	u64 moved = 0;

	assert(stage1 && memory);
	map_scattered(guest->s2mmu, memory);
	assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, TEST_SIZE, S1_MAP_RW));
	assert(!guest_stage1_map_image(stage1, 0));
	guest->x[0] = (u64)stage1;
	guest_check_run(guest, EXPECT_RETURN(0),
			"wrong pages, of a guest that is migrated with its MMU on");
	for (u64 i = 0; i < PAGES; i++)
		moved += s2mmu_translate(guest->s2mmu, TEST_IPA + i * PAGE_SIZE) !=
			 virt_to_phys(memory + page_of(i) * PAGE_SIZE);
	report(!moved, "pages of stage 2 that map to another page: expected 0, found %lu", moved);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
	free_pages(memory);
}

#define TRACKED 16
#define MAPPED_AT 0x180000000UL

/* Every second page before the migration, the first and the second one after it. */
static u64 guest_write_some(void)
{
	for (u64 i = 0; i < TRACKED; i += 2)
		*(volatile u64 *)(MAPPED_AT + i * PAGE_SIZE) = i;
	guest_migrate();
	*(volatile u64 *)MAPPED_AT = 1;
	*(volatile u64 *)(MAPPED_AT + PAGE_SIZE) = 1;
	return 0;
}

/* Dirty state that the CPU sets in the descriptors is memory like any other; what it caches is not. */
void test_dirty(void)
{
	struct s2_mmu *mmu = s2mmu_create(
		&(struct s2_config){ .vmid = VMID, .hw_access = true, .hw_dirty = true });
	char *memory = alloc_pages(get_order(TRACKED));
	struct guest *guest;

	assert(memory);
	if (!mmu) {
		report_skip("no dirty state in FEAT_HAFDBS (ID_AA64MMFR1_EL1.HAFDBS)");
		free_pages(memory);
		return;
	}
	assert(!s2mmu_map(mmu, MAPPED_AT, virt_to_phys(memory), TRACKED * PAGE_SIZE,
			  S2_MAP_RO | S2_MAP_TRACK_DIRTY | S2_MAP_XN));
	guest = guest_require(guest_create_on(mmu, (void (*)(void))guest_write_some));
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, migrate_and_resume);
	guest_check_run(guest, EXPECT_RETURN(0), "guest that writes to pages, and is migrated");
	for (u64 i = 0; i < TRACKED; i++) {
		u64 expected = i == 1 || i % 2 == 0;
		u64 found = s2mmu_clear_dirty(mmu, MAPPED_AT + i * PAGE_SIZE, PAGE_SIZE);

		report(found == expected,
		       "page %lu after the migration, dirty: expected %lu, found %lu", i, expected,
		       found);
	}
	guest_destroy(guest);
	free_pages(memory);
}
