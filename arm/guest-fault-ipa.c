/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_fault_ipa() where an address has 52 bits, with each granule that has them: HPFAR_EL2 gives
 * it for a translation fault, PAR_EL1 for a permission fault.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-stage1.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/stage2-probe.h>

#define IPA_BITS 52
#define VMID 30
/* Bits 51..48 differ from each other and from their neighbours. */
#define HIGH_IPA 0x000a600000000000UL
#define WORD 0x128
#define VA_BITS_GUEST 39
#define TEST_VA 0x2000000000UL

static void check_fault_at(struct guest *guest, enum s2_access access, u64 address, u64 ipa,
			   u64 type)
{
	static const char *const names[] = { [S2_READ] = "read", [S2_WRITE] = "write" };

	s2_probe(guest, 1, access, address, NULL);
	guest_check_exit(guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, type, ipa), "%s at %#lx",
			 names[access], address);
}

static void check_fault(struct guest *guest, enum s2_access access, u64 ipa, u64 type)
{
	check_fault_at(guest, access, ipa, ipa, type);
}

static void check_granule(enum s2_granule granule)
{
	const struct s2_config config = {
		.vmid = VMID,
		.granule = granule,
		.ipa_bits = IPA_BITS,
	};
	struct s2_mmu *mmu = s2mmu_create(&config);
	struct guest *guest = mmu ? s2_probe_create(mmu) : NULL;
	u64 page = mmu ? s2_page_size(mmu) : 0;
	void *memory;

	if (!guest) {
		report_skip(
			"no IPA of 52 bits with this granule (ID_AA64MMFR0_EL1.PARange, TGran*_2)");
		return;
	}
	memory = memalign_pages(page, page);
	assert(memory && !s2mmu_map(mmu, HIGH_IPA, virt_to_phys(memory), page, S2_MAP_RO));
	check_fault(guest, S2_READ, HIGH_IPA + page + WORD, ESR_ELx_FSC_FAULT);
	check_fault(guest, S2_WRITE, HIGH_IPA + page - 8, ESR_ELx_FSC_PERM);
	guest_destroy(guest);
	free_pages(memory);
}

static void test_4k(void)
{
	check_granule(S2_PAGE_4K);
}

static void test_16k(void)
{
	check_granule(S2_PAGE_16K);
}

static void test_64k(void)
{
	check_granule(S2_PAGE_64K);
}

/* From a virtual address, through page tables whose addresses have 52 bits too. */
static void test_stage1(void)
{
	const struct s2_config config = {
		.vmid = VMID,
		.granule = S2_PAGE_64K,
		.ipa_bits = IPA_BITS,
	};
	const struct guest_stage1_config stage1_config = { S2_PAGE_64K, VA_BITS_GUEST, 0 };
	struct s2_mmu *mmu = s2mmu_create(&config);
	struct guest *guest = mmu ? s2_probe_create(mmu) : NULL;
	struct guest_stage1 *stage1;
	void *memory;
	int err;

	if (!guest) {
		report_skip("no IPA of 52 bits with this granule (ID_AA64MMFR0_EL1.PARange)");
		return;
	}
	memory = memalign_pages(SZ_64K, SZ_64K);
	stage1 = guest_stage1_create_config(guest, &stage1_config);
	assert(memory && stage1);
	err = s2mmu_map(mmu, HIGH_IPA, virt_to_phys(memory), SZ_64K, S2_MAP_RO) ?:
	      guest_stage1_map(stage1, TEST_VA, HIGH_IPA, 2 * SZ_64K, S1_MAP_RW) ?:
	      guest_stage1_map_image(stage1, 0);
	assert(!err);
	guest_stage1_enable(stage1);
	check_fault_at(guest, S2_READ, TEST_VA + SZ_64K + WORD, HIGH_IPA + SZ_64K + WORD,
		       ESR_ELx_FSC_FAULT);
	check_fault_at(guest, S2_WRITE, TEST_VA + WORD, HIGH_IPA + WORD, ESR_ELx_FSC_PERM);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
	free_pages(memory);
}

static const struct subtest subtests[] = {
	{ "4k", test_4k },
	{ "16k", test_16k },
	{ "64k", test_64k },
	{ "stage1", test_stage1 },
};

int main(int argc, char **argv)
{
	if (!host_at_el2) {
		report_skip("the host is not at EL2 (no virtualization=on?)");
		return report_summary();
	}
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
