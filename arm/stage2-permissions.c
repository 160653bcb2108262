/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of leaves, as the CPU applies them: permissions of EL1 and EL0, memory types, access
 * flag and dirty state, by software and by hardware.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <util.h>
#include <asm/at.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/stage2-check.h>

#define VMID 1
#define IPA 0x100000000UL
#define PERM_FAULT (ESR_ELx_FSC_PERM | PT_LEVEL_LAST)
#define ACCESS_FAULT (ESR_ELx_FSC_ACCESS | PT_LEVEL_LAST)

/* Flags of s2mmu_map() and their names */
#define FLAGS(flags) (flags), #flags

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
 * Permissions
 */

struct permissions {
	unsigned long flags;
	bool read, write, execute[2]; /* by exception level */
	bool xnx; /* needs FEAT_XNX */
};

static void check_access(struct page *p, int el, enum s2_access access, bool allowed)
{
	u64 value = (u64)p->memory[1] << 32 | p->memory[0];

	s2_check_access(p->guest, el, access, IPA, &value, allowed ? S2_NO_FAULT : PERM_FAULT,
			"leaf %#lx", *s2mmu_lookup(p->mmu, IPA, NULL));
}

static void check_permissions(const struct permissions *permissions)
{
	struct page p;
	char leaf[96];

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, permissions->flags));
	report_prefix_push(
		s2mmu_describe_leaf(p.mmu, *s2mmu_lookup(p.mmu, IPA, NULL), leaf, sizeof(leaf)));
	for (int el = 0; el <= 1; el++) {
		check_access(&p, el, S2_READ, permissions->read);
		check_access(&p, el, S2_WRITE, permissions->write);
		check_access(&p, el, S2_EXECUTE, permissions->execute[el]);
	}
	report_prefix_pop();
	destroy(&p);
}

static void test_permissions(void)
{
	static const struct permissions all[] = {
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
			check_permissions(&all[i]);
	if (!s2_features()->xnx)
		report_skip("execute permission of one EL: no FEAT_XNX (ID_AA64MMFR1_EL1.XNX)");
}

/* Permissions granted and revoked while the TLB holds the page. */
static void test_protect(void)
{
	static const struct {
		unsigned long flags;
		const char *name;
	} steps[] = {
		{ FLAGS(S2_MAP_RO) },
		{ FLAGS(S2_MAP_RW) },
		{ FLAGS(S2_MAP_RO | S2_MAP_XN) },
		{ FLAGS(S2_MAP_RW | S2_MAP_DEVICE_nGnRE | S2_MAP_XN) },
		{ FLAGS(S2_MAP_DEVICE) },
		{ FLAGS(S2_MAP_RW) },
	};
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RW));
	check_access(&p, 1, S2_WRITE, true);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		report_prefix_pushf("step %zu, %s", i + 1, steps[i].name);
		report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, steps[i].flags), 0,
				   "s2mmu_protect()");
		check_access(&p, 1, S2_WRITE, steps[i].flags & S2_MAP_WRITE);
		check_access(&p, 1, S2_READ, true);
		report_prefix_pop();
	}
	destroy(&p);
}

/*
 * Memory types, as AT S12E1R reports them: the guest's stage 1 is off, so it is Device-nGnRnE
 * without HCR_EL2.DC, and Normal, write-back with it.
 */

static u64 translate(struct s2_mmu *mmu, u64 ipa, bool dc)
{
	u64 hcr = read_sysreg(hcr_el2), par;

	write_sysreg((hcr & ~HCR_EL2_TGE) | (dc ? HCR_EL2_DC : 0), hcr_el2);
	s2mmu_enable(mmu);
	s2mmu_flush(mmu); /* a TLB may hold the other value of DC */
	par = at_s12e1r(ipa);
	s2mmu_disable(mmu);
	write_sysreg(hcr, hcr_el2);
	isb();
	return par;
}

static unsigned int attr_of(struct s2_mmu *mmu, u64 ipa, bool dc)
{
	u64 par = translate(mmu, ipa, dc);

	return par & PAR_EL1_F ? 0x100 : PAR_EL1_ATTR(par);
}

struct type {
	unsigned long flags;
	const char *name;
	unsigned char device, normal; /* MAIR encoding of the result, by the type of stage 1 */
	unsigned char fwb_device, fwb_normal; /* with FEAT_S2FWB */
	unsigned char stage2; /* that of stage 2 alone, where it is Device */
};

/*
 * The type of the page combined with both types of stage 1 (DDI 0487, D8.6.5 and D8.6.6): without
 * FWB the stronger of both. With it that of stage 2, unless that selects stage 1's, and a Device
 * type is not weaker than stage 1's; an emulator that reports stage 2's is a known failure.
 */
static void test_types(void)
{
	static const struct type types[] = {
		{ FLAGS(S2_MAP_RW), 0x00, 0xff, 0xff, 0xff, 0 },
		{ FLAGS(S2_MAP_DEVICE_nGnRE), 0x00, 0x04, 0x00, 0x04, 0x04 },
		{ FLAGS(S2_MAP_DEVICE), 0x00, 0x00, 0x00, 0x00, 0 },
		{ FLAGS(S2_MAP_DEVICE_nGnRnE), 0x00, 0x00, 0x00, 0x00, 0 },
		{ FLAGS(S2_MAP_DEVICE_nGRE), 0x00, 0x08, 0x00, 0x08, 0x08 },
		{ FLAGS(S2_MAP_DEVICE_GRE), 0x00, 0x0c, 0x00, 0x0c, 0x0c },
		{ FLAGS(S2_MAP_NORMAL_NC), 0x00, 0x44, 0x00, 0x44, 0 },
		{ FLAGS(S2_MAP_STAGE1), 0x00, 0xff, 0x00, 0xff, 0 },
		/* The last: with FWB there is no such type. */
		{ FLAGS(S2_MAP_NORMAL_WT), 0x00, 0xbb, 0, 0, 0 },
	};
	struct s2_mmu *mmu = s2mmu_init(VMID, S2_PAGE_4K, false);

	for (size_t i = 0; i < ARRAY_SIZE(types) - mmu->fwb; i++) {
		const struct type *t = &types[i];
		u64 ipa = IPA + i * PAGE_SIZE;
		unsigned int device = mmu->fwb ? t->fwb_device : t->device;
		unsigned int normal = mmu->fwb ? t->fwb_normal : t->normal, found;
		char leaf[96];

		assert(!s2mmu_map(mmu, ipa, 0x40000000, PAGE_SIZE, S2_MAP_RW | t->flags));
		s2mmu_describe_leaf(mmu, *s2mmu_lookup(mmu, ipa, NULL), leaf, sizeof(leaf));
		found = attr_of(mmu, ipa, false);
		report_kfail(
			mmu->fwb && t->stage2 && found == t->stage2, found == device,
			"type in MAIR encoding, %s (%s), with Device of stage 1: expected %#x, found %#x",
			t->name, leaf, device, found);
		found = attr_of(mmu, ipa, true);
		report(found == normal,
		       "type in MAIR encoding, %s (%s), with Normal of stage 1: expected %#x, found %#x",
		       t->name, leaf, normal, found);
	}
	s2mmu_destroy(mmu);
}

/* Inner Shareable, which the guest's stage 1 cannot weaken: the CPUs of a guest share memory. */
static void test_shareability(void)
{
	for (int lpa2 = 0; lpa2 <= s2_granule_lpa2(S2_PAGE_4K); lpa2++) {
		struct s2_mmu *mmu =
			s2mmu_create(&(struct s2_config){ .vmid = VMID, .lpa2 = lpa2 });
		u64 par;

		assert(mmu && !s2mmu_map(mmu, IPA, 0x40000000, PAGE_SIZE, S2_MAP_RW));
		par = translate(mmu, IPA, true);
		report(!(par & PAR_EL1_F) && PAR_EL1_SH(par) == PAR_EL1_SH_INNER,
		       "shareability of Normal memory%s: expected %lu (Inner), found %lu (PAR_EL1 %#lx)",
		       lpa2 ? ", FEAT_LPA2" : "", PAR_EL1_SH_INNER, PAR_EL1_SH(par), par);
		s2mmu_destroy(mmu);
	}
}

/*
 * Access flag and dirty state
 */

static void check_accessed(struct page *p, bool expected, const char *when)
{
	pteval_t leaf = *s2mmu_lookup(p->mmu, IPA, NULL);

	report(!!(leaf & S2_AF) == expected, "access flag %s: expected %d, found %d (leaf %#lx)",
	       when, expected, !!(leaf & S2_AF), leaf);
}

static void check_writable(struct page *p, bool expected, const char *when)
{
	pteval_t leaf = *s2mmu_lookup(p->mmu, IPA, NULL);

	report(!!(leaf & S2_AP_WRITE) == expected, "S2AP[1] %s: expected %d, found %d (leaf %#lx)",
	       when, expected, !!(leaf & S2_AP_WRITE), leaf);
}

#define check_probe(p, access, fsc, what) \
	s2_check_access((p)->guest, 1, access, IPA, NULL, fsc, what)
#define check_leaves(leaves, expected, what) \
	report_equal_int(leaves, expected, "leaves changed, " what)

static void test_access_software(void)
{
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RW | S2_MAP_NOT_ACCESSED));
	check_probe(&p, S2_READ, ACCESS_FAULT, "access flag clear");
	check_leaves(s2mmu_set_accessed(p.mmu, IPA, SZ_4K), 1, "access flag set");
	check_probe(&p, S2_READ, S2_NO_FAULT, "access flag set");
	check_leaves(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K), 1, "access flag cleared");
	check_probe(&p, S2_READ, ACCESS_FAULT, "access flag cleared with the page in the TLB");
	check_leaves(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K), 0, "access flag cleared again");
	destroy(&p);
}

static void test_access_hardware(void)
{
	const struct s2_config config = { .vmid = VMID, .hw_access = true };
	struct page p;

	if (!create(&p, &config, S2_MAP_RW | S2_MAP_NOT_ACCESSED)) {
		report_skip("no FEAT_HAFDBS (ID_AA64MMFR1_EL1.HAFDBS)");
		return;
	}
	check_accessed(&p, false, "before the first access");
	check_probe(&p, S2_READ, S2_NO_FAULT, "VTCR_EL2.HA set");
	check_accessed(&p, true, "after the first access");
	check_leaves(s2mmu_clear_accessed(p.mmu, IPA, SZ_4K), 1, "access flag cleared");
	check_accessed(&p, false, "cleared");
	check_probe(&p, S2_READ, S2_NO_FAULT, "VTCR_EL2.HA set, access flag cleared");
	check_accessed(&p, true, "after an access, cleared before");
	destroy(&p);
}

static void test_dirty_software(void)
{
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RO | S2_MAP_TRACK_DIRTY));
	check_probe(&p, S2_READ, S2_NO_FAULT, "clean page");
	check_probe(&p, S2_WRITE, PERM_FAULT, "clean page");
	check_leaves(s2mmu_set_dirty(p.mmu, IPA, SZ_4K), 1, "set dirty");
	check_probe(&p, S2_WRITE, S2_NO_FAULT, "dirty page");
	check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 1, "dirty state cleared");
	check_probe(&p, S2_WRITE, PERM_FAULT, "page clean again, with its entry in the TLB");
	destroy(&p);
}

/* A change of permissions or type keeps the dirty state. */
static void test_dirty_protect(void)
{
	static const struct {
		unsigned long flags;
		const char *name;
	} changes[] = { { FLAGS(S2_MAP_XN) }, { FLAGS(S2_MAP_NORMAL_NC) } };
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RO | S2_MAP_TRACK_DIRTY));
	for (unsigned int i = 0; i < ARRAY_SIZE(changes); i++) {
		unsigned long tracked = S2_MAP_RO | S2_MAP_TRACK_DIRTY | changes[i].flags;

		report_prefix_push(changes[i].name);
		check_leaves(s2mmu_set_dirty(p.mmu, IPA, SZ_4K), 1, "set dirty");
		report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, tracked), 0,
				   "s2mmu_protect() of a dirty page");
		check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 1,
			     "dirty state cleared after s2mmu_protect()");
		report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, tracked), 0,
				   "s2mmu_protect() of a clean page");
		check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 0,
			     "dirty state cleared of a clean page after s2mmu_protect()");
		report_prefix_pop();
	}
	check_leaves(s2mmu_set_dirty(p.mmu, IPA, SZ_4K), 1, "set dirty");
	report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, S2_MAP_RO), 0,
			   "s2mmu_protect() of a dirty page, read-only and not tracked");
	check_probe(&p, S2_WRITE, PERM_FAULT, "read-only page that is no longer tracked");
	destroy(&p);
}

/* Leaves whose writes are not tracked have no dirty state. */
static void test_dirty_untracked(void)
{
	struct page p;

	assert(create(&p, &(struct s2_config){ .vmid = VMID }, S2_MAP_RW));
	check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 0, "dirty state cleared, not tracked");
	check_probe(&p, S2_WRITE, S2_NO_FAULT, "writable page that is not tracked");
	report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, S2_MAP_RO), 0, "s2mmu_protect()");
	check_leaves(s2mmu_set_dirty(p.mmu, IPA, SZ_4K), 0, "set dirty, not tracked");
	check_probe(&p, S2_WRITE, PERM_FAULT, "read-only page that is not tracked");
	destroy(&p);
}

/* A page that is tracked from now on is clean, writable or not. */
static void test_dirty_begin(void)
{
	static const struct {
		unsigned long flags;
		const char *name;
	} pages[] = { { FLAGS(S2_MAP_RW) }, { FLAGS(S2_MAP_RO) } };

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		struct page p;

		report_prefix_push(pages[i].name);
		assert(create(&p, &(struct s2_config){ .vmid = VMID }, pages[i].flags));
		report_equal_error(s2mmu_protect(p.mmu, IPA, SZ_4K, S2_MAP_RO | S2_MAP_TRACK_DIRTY),
				   0, "s2mmu_protect() of a page that was not tracked");
		check_probe(&p, S2_WRITE, PERM_FAULT, "page tracked from now on");
		check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 0,
			     "dirty state cleared, tracked from now on");
		destroy(&p);
		report_prefix_pop();
	}
}

static void test_dirty_hardware(void)
{
	const struct s2_config config = { .vmid = VMID, .hw_access = true, .hw_dirty = true };
	struct page p;

	if (!create(&p, &config, S2_MAP_RO | S2_MAP_TRACK_DIRTY)) {
		report_skip("no dirty state in FEAT_HAFDBS (ID_AA64MMFR1_EL1.HAFDBS)");
		return;
	}
	check_probe(&p, S2_READ, S2_NO_FAULT, "VTCR_EL2.HD set, clean page");
	check_writable(&p, false, "after a read");
	check_probe(&p, S2_WRITE, S2_NO_FAULT, "VTCR_EL2.HD set, clean page");
	check_writable(&p, true, "after a write");
	check_leaves(s2mmu_clear_dirty(p.mmu, IPA, SZ_4K), 1, "dirty state cleared");
	check_writable(&p, false, "dirty state cleared");
	check_probe(&p, S2_WRITE, S2_NO_FAULT, "VTCR_EL2.HD set, page clean again");
	check_writable(&p, true, "after a write, cleared before");
	destroy(&p);
}

static const struct subtest subtests[] = {
	{ "permissions", test_permissions },
	{ "protect", test_protect },
	{ "types", test_types },
	{ "shareability", test_shareability },
	{ "access-software", test_access_software },
	{ "access-hardware", test_access_hardware },
	{ "dirty-software", test_dirty_software },
	{ "dirty-protect", test_dirty_protect },
	{ "dirty-untracked", test_dirty_untracked },
	{ "dirty-begin", test_dirty_begin },
	{ "dirty-hardware", test_dirty_hardware },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
