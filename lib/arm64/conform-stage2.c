/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of both stages for rows of the conformance suite (asm/conform-stage2.h). */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/conform-stage2.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

struct s2_mmu *conform_stage2(void)
{
	static const struct s2_config config = {
		.vmid = 1,
		.ipa_bits = CONFORM_IPA_BITS,
		.start = S2_START_LEVEL(1),
	};
	struct s2_mmu *mmu = s2mmu_create(&config);

	if (mmu)
		mmu->fwb = false;
	return mmu;
}

void conform_map_page(struct s2_mmu *mmu, u64 ipa, const void *memory, unsigned long flags)
{
	assert_msg(memory, "no memory");
	assert(!s2mmu_map(mmu, ipa, virt_to_phys(memory), SZ_4K, flags));
}

void conform_map_image(struct s2_mmu *mmu, unsigned long flags)
{
	u64 start = __pa(_stext) & PAGE_MASK;

	assert(!s2mmu_map(mmu, start, start, ALIGN(__pa(_end) - start, PAGE_SIZE), flags));
}

pteval_t conform_code_block(void)
{
	return (probe_code() & ~(SZ_1G - 1UL)) | CONFORM_S1_LEAF | PTE_RDONLY;
}

pteval_t *conform_stage1(struct s2_mmu *mmu)
{
	pteval_t *table[4];

	conform_map_page(mmu, probe_code(), phys_to_virt(probe_code()), S2_MAP_RO);
	for (unsigned int level = 1; level <= 3; level++) {
		table[level] = alloc_page();
		conform_map_page(mmu, CONFORM_TABLE(level), table[level], S2_MAP_RW);
	}
	table[1][probe_code() / SZ_1G] = conform_code_block();
	table[1][CONFORM_PAGE / SZ_1G] = CONFORM_TABLE(2) | PT_VALID | PT_TABLE;
	table[2][0] = CONFORM_TABLE(3) | PT_VALID | PT_TABLE;
	return table[3];
}

struct probe_regime conform_regime(const struct s2_mmu *mmu)
{
	return (struct probe_regime){
		.hcr = HCR_EL2_VM,
		.vtcr = mmu->vtcr,
		.vttbr = mmu->vttbr,
		.sctlr = SCTLR_EL1_C | SCTLR_EL1_I | SCTLR_EL1_M,
		.tcr = PROBE_TCR(CONFORM_IPA_BITS),
		.ttbr0 = CONFORM_TABLE(1),
		.mair = 0xff,
	};
}

int conform_probe_main(const struct conform_area *area, u64 code, int argc, char **argv)
{
	int result;

	probe_begin(code);
	result = conform_main(area, argc, argv);
	probe_end();
	return result;
}
