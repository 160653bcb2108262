/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage-2 page tables, decoded. */
#include <libcflat.h>
#include <asm/esr.h>
#include <asm/setup.h>
#include <asm/stage2-internal.h>

static const char *type_name(bool fwb, pteval_t leaf)
{
	static const char *const devices[] = { "Device-nGnRnE", "Device-nGnRE", "Device-nGRE",
					       "Device-GRE" };
	unsigned int attr = FIELD(leaf, 5, 2);

	if (attr < ARRAY_SIZE(devices))
		return devices[attr];
	if (fwb)
		return attr == S2_MEMATTR_FWB_NORMAL_NC	  ? "Normal non-cacheable"
		       : attr == S2_MEMATTR_FWB_NORMAL_WB ? "Normal write-back"
		       : attr == S2_MEMATTR_FWB_STAGE1	  ? "type of stage 1"
							  : "reserved type";
	return attr == S2_MEMATTR_NORMAL_NC   ? "Normal non-cacheable"
	       : attr == S2_MEMATTR_NORMAL_WT ? "Normal write-through"
	       : attr == S2_MEMATTR_NORMAL_WB ? "Normal write-back"
	       : attr & 3		      ? "Normal, inner and outer differ"
					      : "reserved type";
}

/* Bit 53 has a meaning with FEAT_XNX only. */
static const char *execute_name(pteval_t leaf)
{
	static const char *const names[] = { "x at EL1 and EL0", "x at EL0", "never x",
					     "x at EL1" };
	unsigned int xn = FIELD(leaf, 54, 53);

	return names[s2_features()->xnx ? xn : xn & 2];
}

const char *s2mmu_describe_leaf(const struct s2_mmu *mmu, pteval_t leaf, char *buf, int size)
{
	snprintf(buf, size, "%c%c, %s, %s%s%s%s", leaf & S2_AP_READ ? 'r' : '-',
		 leaf & S2_AP_WRITE ? 'w' : '-', execute_name(leaf), type_name(mmu->fwb, leaf),
		 leaf & S2_AF ? "" : ", not accessed", leaf & S2_DBM ? ", dirty is tracked" : "",
		 leaf & S2_CONTIGUOUS ? ", contiguous" : "");
	return buf;
}

/* A run of leaves that differ in their addresses only. */
struct run {
	u64 ipa, size;
	phys_addr_t pa;
	pteval_t bits;
	int level;
	unsigned int leaves;
};

static void print_run(const struct s2_mmu *mmu, const struct run *run)
{
	char leaf[96];

	if (run->leaves)
		report_info("stage2: %#lx..%#lx -> %#lx: %u %s, level %d: %s", run->ipa,
			    run->ipa + run->size - 1, run->pa, run->leaves,
			    run->level == PT_LEVEL_LAST ? "pages" : "blocks", run->level,
			    s2mmu_describe_leaf(mmu, run->bits, leaf, sizeof(leaf)));
}

static u64 add_to_run(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data)
{
	struct run *run = data, one = {
		.ipa = ipa,
		.size = s2_entry_size(mmu, level),
		.pa = s2_leaf_to_pa(mmu, *leaf),
		.bits = s2_leaf_bits(mmu, *leaf),
		.level = level,
		.leaves = 1,
	};

	if (run->leaves && one.level == run->level && one.bits == run->bits &&
	    one.ipa == run->ipa + run->size && one.pa == run->pa + run->size) {
		run->size += one.size;
		run->leaves++;
	} else {
		print_run(mmu, run);
		*run = one;
	}
	return 1;
}

void s2mmu_print(struct s2_mmu *mmu)
{
	const struct s2_geometry *geometry = &mmu->geometry;
	struct run run = {};
	u64 leaves;

	report_info("stage2: %s granule, %u bits, level %d, %u root tables, VTCR_EL2 %#lx, "
		    "VTTBR_EL2 %#lx",
		    s2_granule_name((geometry->page_shift - 12) / 2), geometry->ipa_bits,
		    geometry->start_level, geometry->root_tables, mmu->vtcr, mmu->vttbr);
	leaves = s2mmu_walk(mmu, 0, 1UL << geometry->ipa_bits, add_to_run, &run);
	print_run(mmu, &run);
	report_info("stage2: %lu leaves", leaves);
}

/* A table that is wrong on purpose may be anywhere; the host reads only memory. */
static bool in_memory(phys_addr_t pa)
{
	for (int i = 0; i < nr_ram_regions; i++)
		if (pa >= ram_regions[i].start && pa < ram_regions[i].end)
			return true;
	return false;
}

static void explain_leaf(struct s2_mmu *mmu, pteval_t entry, int level, u64 ipa)
{
	u64 size = s2_entry_size(mmu, level);
	char leaf[96];

	report_info("stage2:   %s of %lu KiB, IPA %#lx is at %#lx",
		    level == PT_LEVEL_LAST ? "page" : "block", size >> 10, ipa,
		    s2_leaf_to_pa(mmu, entry) | (ipa & (size - 1)));
	report_info("stage2:   %s", s2mmu_describe_leaf(mmu, entry, leaf, sizeof(leaf)));
	if (level < mmu->geometry.first_block_level)
		report_info("stage2:   wrong: no blocks at this level, a translation fault");
}

void s2mmu_explain(struct s2_mmu *mmu, u64 ipa)
{
	const pteval_t *table = mmu->root;

	if (ipa >> mmu->geometry.ipa_bits) {
		report_info("stage2: IPA %#lx is beyond %u bits: a translation fault, level 0", ipa,
			    mmu->geometry.ipa_bits);
		return;
	}
	for (int level = mmu->geometry.start_level; level <= PT_LEVEL_LAST; level++) {
		u64 index = s2_entry_index(mmu, ipa, level);
		pteval_t entry = table[index];

		report_info("stage2: IPA %#lx, level %d: entry %lu of the table at %#lx is %#lx",
			    ipa, level, index, virt_to_phys(table), entry);
		if (!(entry & PT_VALID) || (level == PT_LEVEL_LAST && !(entry & PT_TABLE))) {
			report_info("stage2:   invalid: a translation fault, level %d", level);
			return;
		}
		if (!pt_is_table(entry, level)) {
			explain_leaf(mmu, entry, level, ipa);
			return;
		}
		if (!in_memory(entry & PT_ADDR_MASK)) {
			report_info("stage2:   wrong: a table at %#lx, which is no memory",
				    entry & PT_ADDR_MASK);
			return;
		}
		table = s2_table_of(entry);
	}
}

void s2mmu_print_fault_info(void)
{
	u64 esr = read_sysreg(esr_el2);
	char syndrome[128];

	report_info("stage-2 fault: ESR_EL2 %#lx (%s), FAR_EL2 %#lx, HPFAR_EL2 %#lx", esr,
		    esr_decode(esr, syndrome, sizeof(syndrome)), read_sysreg(far_el2),
		    read_sysreg(hpfar_el2));
}
