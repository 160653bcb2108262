/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage-2 page tables: creating, destroying and enabling them. */
#include <libcflat.h>
#include <objects.h>
#include <alloc_page.h>
#include <asm/barrier.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-tlb.h>
#include <asm/stage2-vmid.h>

#define IPA_BITS_DEFAULT 40U
#define PLAIN_BITS_MAX 48U /* of addresses without FEAT_LPA2 */

static u64 vtcr_value(const struct s2_config *config, const struct s2_geometry *geometry)
{
	static const u64 tg0[] = { [S2_PAGE_4K] = 0, [S2_PAGE_16K] = 2, [S2_PAGE_64K] = 1 };

	return VTCR_EL2_RES1 | VTCR_EL2_IRGN0_WB | VTCR_EL2_ORGN0_WB | VTCR_EL2_SH0_INNER |
	       geometry->t0sz | (u64)geometry->sl0 << VTCR_EL2_SL0_SHIFT |
	       (u64)geometry->sl2 << VTCR_EL2_SL2_SHIFT |
	       tg0[config->granule] << VTCR_EL2_TG0_SHIFT | (u64)geometry->ps << VTCR_EL2_PS_SHIFT |
	       (geometry->ds ? VTCR_EL2_DS : 0) |
	       (s2_features()->vmid_bits == 16 ? VTCR_EL2_VS : 0) |
	       (config->hw_access ? VTCR_EL2_HA : 0) | (config->hw_dirty ? VTCR_EL2_HD : 0);
}

/* Compute the shape that @config asks for; false when the CPU does not have it. */
static bool config_geometry(const struct s2_config *config, struct s2_geometry *geometry)
{
	const struct s2_features *features = s2_features();
	unsigned int ipa_bits = config->ipa_bits ?: MIN(features->pa_bits, IPA_BITS_DEFAULT);
	int start = config->start ? (int)config->start - S2_START_LEVEL(0) : S2_START_FEWEST;
	bool lpa2 = s2_granule_lpa2(config->granule);
	struct s2_limits limits = {
		.pa_bits = features->pa_bits,
		.ds = lpa2 && (config->lpa2 || ipa_bits > PLAIN_BITS_MAX),
		.ttst = features->ttst,
	};

	return s2_granule_supported(config->granule) && (lpa2 || !config->lpa2) &&
	       (features->hw_access || !config->hw_access) &&
	       (features->hw_dirty || !config->hw_dirty) &&
	       !s2_geometry(config->granule, ipa_bits, start, &limits, geometry);
}

static bool set_vmid(struct s2_mmu *mmu, const struct s2_config *config)
{
	struct s2_vmid_pool *pool;

	if (config->vmid != S2_VMID_AUTO) {
		mmu->vttbr |= (u64)config->vmid << VTTBR_VMID_SHIFT;
		return true;
	}
	pool = config->vmid_pool ?: s2_vmid_default_pool();
	if (pool)
		s2_vmid_join(pool, mmu);
	return pool;
}

static bool alloc_root(struct s2_mmu *mmu)
{
	/* VTTBR_EL2 needs the root aligned to its size. */
	size_t size = (u64)mmu->geometry.root_tables << mmu->geometry.page_shift;

	mmu->root = memalign_pages(size, size);
	if (mmu->root)
		mmu->vttbr = virt_to_phys(mmu->root);
	return mmu->root;
}

static bool is_vmid(int vmid)
{
	return vmid == S2_VMID_AUTO || (vmid >= 0 && vmid < 1 << s2_features()->vmid_bits);
}

struct s2_mmu *s2mmu_create(const struct s2_config *config)
{
	struct s2_geometry geometry;
	struct s2_mmu *mmu;

	if (!host_at_el2 || !is_vmid(config->vmid) || !config_geometry(config, &geometry))
		return NULL;
	mmu = object_alloc(sizeof(*mmu));
	if (!mmu)
		return NULL;
	mmu->users = 1;
	mmu->geometry = geometry;
	mmu->allow_block = config->allow_block;
	mmu->fwb = s2_features()->fwb;
	mmu->vtcr = vtcr_value(config, &geometry);
	if (!alloc_root(mmu) || !set_vmid(mmu, config)) {
		free_pages(mmu->root);
		object_free(mmu);
		return NULL;
	}
	return mmu;
}

struct s2_mmu *s2mmu_init_ipa(int vmid, enum s2_granule granule, bool allow_block,
			      unsigned int ipa_bits)
{
	const struct s2_config config = {
		.vmid = vmid,
		.granule = granule,
		.allow_block = allow_block,
		.ipa_bits = ipa_bits,
	};

	return s2mmu_create(&config);
}

struct s2_mmu *s2mmu_init(int vmid, enum s2_granule granule, bool allow_block)
{
	return s2mmu_init_ipa(vmid, granule, allow_block, 0);
}

void s2mmu_flush(struct s2_mmu *mmu)
{
	s2_tlb_flush_all(mmu);
}

struct s2_mmu *s2mmu_share(struct s2_mmu *mmu)
{
	__atomic_add_fetch(&mmu->users, 1, __ATOMIC_RELAXED);
	return mmu;
}

static void free_tree(struct s2_mmu *mmu)
{
	struct s2_change change = { .mmu = mmu };
	int level = mmu->geometry.start_level;
	u64 entries =
		1UL << (mmu->geometry.ipa_bits - pt_level_shift(mmu->geometry.page_shift, level));

	s2mmu_restore_raw(mmu); /* and drops all translations */
	for (u64 i = 0; i < entries; i++)
		if (pt_is_table(mmu->root[i], level))
			s2_drop_tree(&change, s2_table_of(mmu->root[i]), level + 1);
	s2_free_tables(change.dropped);
	if (mmu->vmid_pool)
		s2_vmid_leave(mmu);
	free_pages(mmu->root);
	object_free(mmu->last_vcpu);
	object_free(mmu);
}

void s2mmu_destroy(struct s2_mmu *mmu)
{
	/* Order the other users' accesses to the tables before their end. */
	if (!__atomic_sub_fetch(&mmu->users, 1, __ATOMIC_ACQ_REL))
		free_tree(mmu);
}

#define HCR_INTERRUPTS (HCR_EL2_AMO | HCR_EL2_IMO | HCR_EL2_FMO)

void s2mmu_enable(struct s2_mmu *mmu)
{
	u64 hcr;

	if (!s2_vmid_get(mmu))
		assert_msg(false, "no VMID is free");
	write_sysreg(mmu->vtcr, vtcr_el2);
	write_sysreg(mmu->vttbr, vttbr_el2);
	isb(); /* VTTBR_EL2 and VTCR_EL2 before the bit that enables them */
	hcr = read_sysreg(hcr_el2) | HCR_EL2_VM | (mmu->fwb ? HCR_EL2_FWB : 0);
	/* TGE would have EL1&0, and stage 2 with it, off; but it also keeps interrupts at EL2. */
	if (host_vhe)
		hcr = (hcr | HCR_INTERRUPTS) & ~HCR_EL2_TGE;
	write_sysreg(hcr, hcr_el2);
	isb();
}

void s2mmu_disable(struct s2_mmu *mmu)
{
	u64 hcr = read_sysreg(hcr_el2) & ~(HCR_EL2_VM | HCR_EL2_FWB);

	write_sysreg(host_vhe ? (hcr & ~HCR_INTERRUPTS) | HCR_EL2_TGE : hcr, hcr_el2);
	isb();
	write_sysreg(0, vttbr_el2);
	isb();
	s2_vmid_put(mmu);
}
