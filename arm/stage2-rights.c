/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a leaf says is what the CPU does: rights of EL1 and EL0, memory types, access flag and dirty
 * state, by software and by hardware.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/stage2-probe.h>

#define VMID 1
#define IPA 0x100000000UL
#define PERM_FAULT (ESR_ELx_FSC_PERM | PT_LEVEL_LAST)
#define ACCESS_FAULT (ESR_ELx_FSC_ACCESS | PT_LEVEL_LAST)

struct page {
	struct guest *guest;
	struct s2_mmu *mmu;
	u32 *memory;
};

static bool create(struct page *p, const struct s2_config *config, unsigned long flags)
{
	struct s2_mmu *mmu = s2mmu_create(config);

	if (!mmu)
		return false;
	*p = (struct page){ .guest = s2_probe_create(mmu), .mmu = mmu, .memory = alloc_page() };
	assert(p->guest && p->memory);
	p->memory[0] = S2_PROBE_CODE;
	sync_icache(p->memory, PAGE_SIZE);
	assert(!s2mmu_map(mmu, IPA, virt_to_phys(p->memory), SZ_4K, flags));
	return true;
}

static void destroy(struct page *p)
{
	guest_destroy(p->guest);
	free_page(p->memory);
}

/*
 * Rights
 */

struct rights {
	unsigned long flags;
	bool read, write, execute[2]; /* by exception level */
	bool xnx; /* needs FEAT_XNX */
};

static bool allows(struct page *p, int el, enum s2_access access, bool expected)
{
	static const char *const names[] = { "read", "write", "execute" };
	u64 value = (u64)p->memory[1] << 32 | p->memory[0];
	bool went = s2_probe(p->guest, el, access, IPA, &value);
	unsigned int ec = access == S2_EXECUTE ? ESR_ELx_EC_IABT_LOW : ESR_ELx_EC_DABT_LOW;

	return report(went == expected &&
			      (went ||
			       ((p->guest->esr_el2 & ESR_ELx_FSC) == PERM_FAULT &&
				ESR_ELx_EC(p->guest->esr_el2) == ec && p->guest->fault_ipa == IPA)),
		      "EL%d %s: expected %s, found %s", el, names[access],
		      expected ? "allowed" : "a permission fault at level 3",
		      went ? "allowed" : "a fault");
}

static void check_rights(const struct rights *rights)
{
	struct page p;
	char words[96];

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, rights->flags));
	report_prefix_push(
		s2mmu_leaf_words(p.mmu, *s2mmu_lookup(p.mmu, IPA, NULL), words, sizeof(words)));
	for (int el = 0; el <= 1; el++) {
		allows(&p, el, S2_READ, rights->read);
		allows(&p, el, S2_WRITE, rights->write);
		allows(&p, el, S2_EXECUTE, rights->execute[el]);
	}
	report_prefix_pop();
	destroy(&p);
}

static void test_rights(void)
{
	static const struct rights all[] = {
		{ S2_MAP_RW, true, true, { true, true }, false },
		{ S2_MAP_RO, true, false, { true, true }, false },
		{ S2_MAP_RW | S2_MAP_XN, true, true, { false, false }, false },
		{ S2_MAP_RO | S2_MAP_XN, true, false, { false, false }, false },
		{ S2_MAP_WRITE | S2_MAP_XN, false, true, { false, false }, false },
		{ S2_MAP_XN, false, false, { false, false }, false },
		{ S2_MAP_RW | S2_MAP_XN_EL1, true, true, { true, false }, true },
		{ S2_MAP_RW | S2_MAP_XN_EL0, true, true, { false, true }, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!all[i].xnx || s2_features()->xnx)
			check_rights(&all[i]);
	if (!s2_features()->xnx)
		report_skip("execute rights of one EL: no FEAT_XNX (ID_AA64MMFR1_EL1.XNX)");
}

/* Rights given and taken while the TLB holds the page. */
static void test_protect(void)
{
	static const unsigned long steps[] = { S2_MAP_RO, S2_MAP_RW, S2_MAP_RO | S2_MAP_XN,
					       S2_MAP_RW | S2_MAP_DEVICE | S2_MAP_XN, S2_MAP_RW };
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RW));
	allows(&p, 1, S2_WRITE, true);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		bool ok = !s2mmu_protect(p.mmu, IPA, SZ_4K, steps[i]);

		report(ok, "protect");
		allows(&p, 1, S2_WRITE, steps[i] & S2_MAP_WRITE);
		allows(&p, 1, S2_READ, true);
	}
	destroy(&p);
}

/*
 * Types, as AT S12E1R reports them: the guest's stage 1 is off, so without HCR_EL2.DC it says
 * Device-nGnRnE, and with it Normal, write-back.
 */

static unsigned int attr_of(struct s2_mmu *mmu, u64 ipa, bool dc)
{
	u64 hcr = read_sysreg(hcr_el2), par;

	write_sysreg((hcr & ~HCR_EL2_TGE) | (dc ? HCR_EL2_DC : 0), hcr_el2);
	s2mmu_enable(mmu);
	asm volatile("at s12e1r, %0" : : "r"(ipa) : "memory");
	isb();
	par = read_sysreg(par_el1);
	s2mmu_disable(mmu);
	write_sysreg(hcr, hcr_el2);
	isb();
	return par & 1 ? 0x100 : par >> 56;
}

struct type {
	unsigned long flags;
	unsigned char device, normal; /* MAIR form of the result, by what stage 1 says */
	unsigned char fwb_device, fwb_normal; /* with FEAT_S2FWB */
};

/*
 * The type of the page over both types of stage 1 (DDI 0487, D8.6.5 and D8.6.6): without FWB the
 * weaker of both, with it what stage 2 says, where that is not to ask stage 1.
 */
static void test_types(void)
{
	static const struct type types[] = {
		{ 0, 0x00, 0xff, 0xff, 0xff },
		{ S2_MAP_DEVICE, 0x00, 0x04, 0x04, 0x04 },
		{ S2_MAP_DEVICE_nGnRnE, 0x00, 0x00, 0x00, 0x00 },
		{ S2_MAP_DEVICE_nGRE, 0x00, 0x08, 0x08, 0x08 },
		{ S2_MAP_DEVICE_GRE, 0x00, 0x0c, 0x0c, 0x0c },
		{ S2_MAP_NORMAL_NC, 0x00, 0x44, 0x00, 0x44 },
		{ S2_MAP_STAGE1, 0x00, 0xff, 0x00, 0xff },
	};
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, false);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct type *t = &types[i];
		u64 ipa = IPA + i * PAGE_SIZE;
		unsigned int device = mmu->fwb ? t->fwb_device : t->device;
		unsigned int normal = mmu->fwb ? t->fwb_normal : t->normal, found;
		char words[96];

		assert(!s2mmu_map(mmu, ipa, 0x40000000, PAGE_SIZE, S2_MAP_RW | t->flags));
		s2mmu_leaf_words(mmu, *s2mmu_lookup(mmu, ipa, NULL), words, sizeof(words));
		found = attr_of(mmu, ipa, false);
		report(found == device, "%s: over Device: expected %#x, found %#x", words, device,
		       found);
		found = attr_of(mmu, ipa, true);
		report(found == normal, "%s: over Normal: expected %#x, found %#x", words, normal,
		       found);
	}
	s2mmu_destroy(mmu);
}

/*
 * Access flag and dirty state
 */

static bool accessed(struct page *p)
{
	return *s2mmu_lookup(p->mmu, IPA, NULL) & S2_AF;
}

static bool writable(struct page *p)
{
	return *s2mmu_lookup(p->mmu, IPA, NULL) & S2_AP_WRITE;
}

static void test_access_software(void)
{
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RW | S2_MAP_NOT_ACCESSED));
	report(s2_probe_faults(p.guest, S2_READ, IPA, ACCESS_FAULT),
	       "the first access: expected an access flag fault at level 3, found %#lx",
	       p.guest->esr_el2);
	report(s2mmu_set_accessed(p.mmu, IPA, SZ_4K) == 1 &&
		       s2_probe(p.guest, 1, S2_READ, IPA, NULL),
	       "with the flag set it goes through");
	report(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K) == 1 &&
		       s2_probe_faults(p.guest, S2_READ, IPA, ACCESS_FAULT),
	       "cleared, with the page in the TLB: a fault again");
	report(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K) == 0, "cleared once only");
	destroy(&p);
}

static void test_access_hardware(void)
{
	struct page p;

	if (!create(&p, &(struct s2_config){ .vmid = VMID, .hw_access = true },
		    S2_MAP_RW | S2_MAP_NOT_ACCESSED)) {
		report_skip("no FEAT_HAFDBS (ID_AA64MMFR1_EL1.HAFDBS)");
		return;
	}
	report(!accessed(&p) && s2_probe(p.guest, 1, S2_READ, IPA, NULL) && accessed(&p),
	       "the CPU sets the access flag: %#lx", *s2mmu_lookup(p.mmu, IPA, NULL));
	report(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K) == 1 && !accessed(&p) &&
		       s2_probe(p.guest, 1, S2_READ, IPA, NULL) && accessed(&p),
	       "and again after it was cleared");
	destroy(&p);
}

static void test_dirty_software(void)
{
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RO | S2_MAP_TRACK_DIRTY));
	report(s2_probe(p.guest, 1, S2_READ, IPA, NULL) &&
		       s2_probe_faults(p.guest, S2_WRITE, IPA, PERM_FAULT),
	       "the first write: a permission fault");
	report(s2mmu_set_dirty(p.mmu, IPA, SZ_4K) == 1 && s2_probe(p.guest, 1, S2_WRITE, IPA, NULL),
	       "marked dirty it is writable");
	report(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K) == 1 &&
		       s2_probe_faults(p.guest, S2_WRITE, IPA, PERM_FAULT),
	       "clean again, with the page in the TLB: a fault");
	destroy(&p);
}

/* Other rights, and another type, with what was written to before and after. */
static void test_dirty_protect(void)
{
	static const unsigned long flags[] = { S2_MAP_XN, S2_MAP_NORMAL_NC };
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RO | S2_MAP_TRACK_DIRTY));
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		unsigned long tracked = S2_MAP_RO | S2_MAP_TRACK_DIRTY | flags[i];

		report(s2mmu_set_dirty(p.mmu, IPA, SZ_4K) == 1 &&
			       !s2mmu_protect(p.mmu, IPA, SZ_4K, tracked) &&
			       s2mmu_clear_dirty(p.mmu, IPA, SZ_4K) == 1,
		       "what is dirty stays so with flags %#lx", tracked);
		report(!s2mmu_protect(p.mmu, IPA, SZ_4K, tracked) &&
			       s2mmu_clear_dirty(p.mmu, IPA, SZ_4K) == 0,
		       "what is clean does too");
	}
	report(s2mmu_set_dirty(p.mmu, IPA, SZ_4K) == 1 &&
		       !s2mmu_protect(p.mmu, IPA, SZ_4K, S2_MAP_RO) &&
		       s2_probe_faults(p.guest, S2_WRITE, IPA, PERM_FAULT),
	       "read-only, and no more tracked: a write faults");
	destroy(&p);
}

static void test_dirty_hardware(void)
{
	struct page p;

	if (!create(&p, &(struct s2_config){ .vmid = VMID, .hw_access = true, .hw_dirty = true },
		    S2_MAP_RO | S2_MAP_TRACK_DIRTY)) {
		report_skip("no dirty state in FEAT_HAFDBS (ID_AA64MMFR1_EL1.HAFDBS)");
		return;
	}
	report(s2_probe(p.guest, 1, S2_READ, IPA, NULL) && !writable(&p), "a read leaves it clean");
	report(s2_probe(p.guest, 1, S2_WRITE, IPA, NULL) && writable(&p),
	       "the CPU marks it dirty: %#lx", *s2mmu_lookup(p.mmu, IPA, NULL));
	report(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K) == 1 && !writable(&p) &&
		       s2_probe(p.guest, 1, S2_WRITE, IPA, NULL) && writable(&p),
	       "and again after it was cleaned");
	destroy(&p);
}

static const struct subtest subtests[] = {
	{ "rights", test_rights },
	{ "protect", test_protect },
	{ "types", test_types },
	{ "access-software", test_access_software },
	{ "access-hardware", test_access_hardware },
	{ "dirty-software", test_dirty_software },
	{ "dirty-protect", test_dirty_protect },
	{ "dirty-hardware", test_dirty_hardware },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
