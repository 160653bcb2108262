/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translation tables of a guest's own, by the names of the series for kvm-unit-tests. */
#include <libcflat.h>
#include <objects.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/stage1_mmu.h>

#define VA_BITS_MAX 48

static struct guest_stage1_config config_of(enum s1_granule granule)
{
	static const enum s2_granule granules[] = {
		[S1_GRANULE_4K] = S2_PAGE_4K,
		[S1_GRANULE_16K] = S2_PAGE_16K,
		[S1_GRANULE_64K] = S2_PAGE_64K,
	};

	return (struct guest_stage1_config){ .granule = granules[granule], .va_bits = VA_BITS_MAX };
}

struct s1_mmu *s1mmu_init(struct s2_mmu *s2mmu, enum s1_granule granule)
{
	const struct guest_stage1_config config = config_of(granule);
	struct guest_stage1 *stage1 = s2mmu ? guest_stage1_create_on(s2mmu, &config) : NULL;
	struct s1_mmu *mmu = stage1 ? object_alloc(sizeof(*mmu)) : NULL;

	if (!mmu) {
		if (stage1)
			guest_stage1_destroy(stage1);
		return NULL;
	}
	*mmu = (struct s1_mmu){
		.s2mmu = s2mmu,
		.pgd = (unsigned long *)stage1->root,
		.granule = granule,
		.page_shift = stage1->page_shift,
		.level_shift = pt_level_bits(stage1->page_shift),
		.root_level = pt_start_level(stage1->page_shift, VA_BITS_MAX),
		.page_size = pt_level_size(stage1->page_shift, PT_LEVEL_LAST),
		.block_size = pt_level_size(stage1->page_shift, PT_LEVEL_LAST - 1),
		.stage1 = stage1,
	};
	return mmu;
}

void s1mmu_destroy(struct s1_mmu *mmu)
{
	guest_stage1_destroy(mmu->stage1);
	object_free(mmu);
}

/* By break-before-make, leaf by leaf. */
static int replace(struct s1_mmu *mmu, u64 va, u64 ipa, u64 size, unsigned long flags)
{
	u64 end = va + size, leaf_size;
	int level, err = 0;

	for (; va < end && !err; va += leaf_size, ipa += leaf_size) {
		pteval_t *leaf = guest_stage1_lookup(mmu->stage1, va, &level);

		leaf_size = leaf ? pt_level_size(mmu->page_shift, level) : mmu->page_size;
		if (leaf_size > end - va || !IS_ALIGNED(va | ipa, leaf_size))
			return -EEXIST;
		if (leaf) {
			*leaf = 0;
			dsb(ishst); /* before the invalidation */
			s2mmu_flush(mmu->s2mmu);
		}
		err = guest_stage1_map(mmu->stage1, va, ipa, leaf_size, flags);
	}
	return err;
}

int s1mmu_map(struct s1_mmu *mmu, unsigned long va, unsigned long ipa, unsigned long size,
	      unsigned long flags)
{
	int err = guest_stage1_map(mmu->stage1, va, ipa, size, flags);

	return err == -EEXIST ? replace(mmu, va, ipa, size, flags) : err;
}

int s1mmu_verify_mapping(struct s1_mmu *mmu, unsigned long va, unsigned long size,
			 unsigned long leaf_size)
{
	int level;

	for (u64 end = va + size; va < end; va += leaf_size) {
		if (!guest_stage1_lookup(mmu->stage1, va, &level))
			return -1;
		if (pt_level_size(mmu->page_shift, level) != leaf_size)
			return -2;
	}
	return 0;
}

void s1mmu_enable(unsigned long pgd_pa, enum s1_granule granule)
{
	const struct guest_stage1_config config = config_of(granule);
	const struct guest_stage1 stage1 = {
		.ttbr0 = pgd_pa,
		.tcr = guest_stage1_tcr(&config),
		.mair = MAIR_VALUE,
	};

	guest_stage1_turn_on(&stage1);
}

static bool attach(struct guest *guest, struct s1_mmu *mmu)
{
	guest->s1mmu = mmu;
	guest->destroy_s1mmu = s1mmu_destroy;
	mmu->stage1->guest = guest;
	guest->x[0] = virt_to_phys(mmu->pgd);
	guest->x[1] = mmu->granule;
	/* The vectors exist before a handler is installed, so that the tables map them. */
	return guest_el1_create_page(guest) && !guest_stage1_map_image(mmu->stage1, 0);
}

struct guest *guest_create_s1mmu(int vmid, void (*guest_func)(void), enum s2_granule granule)
{
	struct guest *guest = (guest_create)(vmid, guest_func, granule);
	struct s1_mmu *mmu = guest ? s1mmu_init(guest->s2mmu, S1_GRANULE_4K) : NULL;

	if (mmu && attach(guest, mmu))
		return guest;
	if (guest)
		guest_destroy(guest);
	return NULL;
}
