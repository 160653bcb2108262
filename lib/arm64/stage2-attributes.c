/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage-2 features of the CPU, and the attributes of leaves. */
#include <libcflat.h>
#include <errno.h>
#include <asm/barrier.h>
#include <asm/processor.h>
#include <asm/stage2-internal.h>

/* ID_AA64MMFR0_EL1.TGran<n>_2 */
enum tgran2 { TGRAN2_AS_STAGE1, TGRAN2_NONE, TGRAN2_SUPPORTED, TGRAN2_LPA2 };

static struct s2_features read_features(void)
{
	u64 mmfr1 = read_sysreg(id_aa64mmfr1_el1), mmfr2 = read_sysreg_s(ID_AA64MMFR2_EL1);
	unsigned int hafdbs = FIELD(mmfr1, ID_AA64MMFR1_HAFDBS + 3, ID_AA64MMFR1_HAFDBS);

	return (struct s2_features){
		.pa_bits = s2_parange_bits(FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0)),
		.vmid_bits = FIELD(mmfr1, ID_AA64MMFR1_VMIDBITS + 3, ID_AA64MMFR1_VMIDBITS) == 2
				     ? 16
				     : 8,
		.fwb = FIELD(mmfr2, ID_AA64MMFR2_FWB + 3, ID_AA64MMFR2_FWB),
		.xnx = FIELD(mmfr1, ID_AA64MMFR1_XNX + 3, ID_AA64MMFR1_XNX),
		.ttst = FIELD(mmfr2, ID_AA64MMFR2_ST + 3, ID_AA64MMFR2_ST),
		.tlbi_range = FIELD(read_sysreg(id_aa64isar0_el1), ID_AA64ISAR0_TLB + 3,
				    ID_AA64ISAR0_TLB) == 2,
		.hw_access = hafdbs >= 1,
		.hw_dirty = hafdbs >= 2,
	};
}

const struct s2_features *s2_features(void)
{
	static struct s2_features features;
	static bool known;

	/* CPUs that come here in parallel write the same. */
	if (!smp_load_acquire(&known)) {
		features = read_features();
		smp_store_release(&known, true);
	}
	return &features;
}

static enum tgran2 granule_support(enum s2_granule granule)
{
	/*
	 * The lowest bits of TGran<n>_2 and TGran<n> in ID_AA64MMFR0_EL1, and the latter's values
	 * for "no" and for 52 bits
	 */
	static const struct {
		unsigned char stage2, stage1, none, lpa2;
	} fields[] = {
		[S2_PAGE_4K] = { 40, 28, 0xf, 1 },
		[S2_PAGE_16K] = { 32, 20, 0x0, 2 },
		[S2_PAGE_64K] = { 36, 24, 0xf, 0xff },
	};
	u64 id = read_sysreg(id_aa64mmfr0_el1);
	unsigned int stage2 = FIELD(id, fields[granule].stage2 + 3, fields[granule].stage2);
	unsigned int stage1 = FIELD(id, fields[granule].stage1 + 3, fields[granule].stage1);

	if (stage2 != TGRAN2_AS_STAGE1)
		return stage2;
	if (stage1 == fields[granule].none)
		return TGRAN2_NONE;
	return stage1 == fields[granule].lpa2 ? TGRAN2_LPA2 : TGRAN2_SUPPORTED;
}

bool s2_granule_supported(enum s2_granule granule)
{
	return granule_support(granule) >= TGRAN2_SUPPORTED;
}

bool s2_granule_lpa2(enum s2_granule granule)
{
	return granule_support(granule) == TGRAN2_LPA2;
}

/* MemAttr[3:0] (DDI 0487, D8.6.5 and D8.6.6), or -EOPNOTSUPP. */
static int memattr(bool fwb, unsigned long flags)
{
	switch (flags & S2_MAP_TYPE) {
	case S2_MAP_DEVICE_nGnRE:
		return S2_MEMATTR_DEVICE_nGnRE;
	case S2_MAP_DEVICE_nGnRnE:
		return S2_MEMATTR_DEVICE_nGnRnE;
	case S2_MAP_DEVICE_nGRE:
		return S2_MEMATTR_DEVICE_nGRE;
	case S2_MAP_DEVICE_GRE:
		return S2_MEMATTR_DEVICE_GRE;
	case S2_MAP_NORMAL_NC:
		return fwb ? S2_MEMATTR_FWB_NORMAL_NC : S2_MEMATTR_NORMAL_NC;
	case S2_MAP_NORMAL_WT:
		return fwb ? -EOPNOTSUPP : S2_MEMATTR_NORMAL_WT;
	case S2_MAP_STAGE1:
		/* Without FWB the weaker of both stages counts: write-back leaves it to stage 1. */
		return fwb ? S2_MEMATTR_FWB_STAGE1 : S2_MEMATTR_NORMAL_WB;
	default:
		return fwb ? S2_MEMATTR_FWB_NORMAL_WB : S2_MEMATTR_NORMAL_WB;
	}
}

static pteval_t xn_bits(unsigned long flags)
{
	switch (flags & S2_MAP_XN) {
	case S2_MAP_XN_EL1:
		return S2_XN_EL1;
	case S2_MAP_XN_EL0:
		return S2_XN_EL0;
	case S2_MAP_XN:
		return S2_XN;
	default:
		return 0;
	}
}

int s2_leaf_attributes(const struct s2_mmu *mmu, unsigned long flags, pteval_t *attributes)
{
	unsigned long xn = flags & S2_MAP_XN;
	int type = memattr(mmu->fwb, flags);

	if (flags >= S2_MAP_NOREPLACE << 1 ||
	    ((flags & S2_MAP_TRACK_DIRTY) && (flags & S2_MAP_WRITE)))
		return -EINVAL;
	if (type < 0 || (xn && xn != S2_MAP_XN && !s2_features()->xnx))
		return -EOPNOTSUPP;
	*attributes = S2_MEMATTR(type) | xn_bits(flags) |
		      (mmu->geometry.ds ? 0 : S2_SHARED) | /* with DS it is VTCR_EL2.SH0 */
		      (flags & S2_MAP_READ ? S2_AP_READ : 0) |
		      (flags & S2_MAP_WRITE ? S2_AP_WRITE : 0) |
		      (flags & S2_MAP_NOT_ACCESSED ? 0 : S2_AF) |
		      (flags & S2_MAP_TRACK_DIRTY ? S2_DBM : 0);
	return 0;
}
