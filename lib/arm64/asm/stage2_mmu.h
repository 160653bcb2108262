/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 2: from the intermediate physical addresses (IPA) of a guest to physical addresses.
 *
 * Ranges are aligned to the granule's page. A function that fails leaves the tables as they were.
 * All but the raw ones may be called while other CPUs run guests on the page tables.
 */
#ifndef ASMARM64_STAGE2_MMU_H
#define ASMARM64_STAGE2_MMU_H

#include <libcflat.h>
#include <asm/pgtable-hwdef.h>
#include <asm/spinlock.h>
#include <asm/stage2-geometry.h>

/* Permissions */
#define S2_MAP_READ (1UL << 0)
#define S2_MAP_WRITE (1UL << 1)
#define S2_MAP_RW (S2_MAP_READ | S2_MAP_WRITE)
#define S2_MAP_RO S2_MAP_READ
#define S2_MAP_XN_EL1 (1UL << 2) /* one of these without the other: FEAT_XNX, else -EOPNOTSUPP */
#define S2_MAP_XN_EL0 (1UL << 3)
#define S2_MAP_XN (S2_MAP_XN_EL1 | S2_MAP_XN_EL0)
/*
 * Type: at most one; without any it is Normal, write-back, with FEAT_S2FWB for any type of stage 1
 */
#define S2_MAP_TYPE (7UL << 4)
#define S2_MAP_DEVICE_nGnRE (1UL << 4)
#define S2_MAP_DEVICE_nGnRnE (2UL << 4)
#define S2_MAP_DEVICE_nGRE (3UL << 4)
#define S2_MAP_DEVICE_GRE (4UL << 4)
#define S2_MAP_NORMAL_NC (5UL << 4)
#define S2_MAP_NORMAL_WT (6UL << 4) /* not with FEAT_S2FWB: -EOPNOTSUPP */
#define S2_MAP_STAGE1 (7UL << 4) /* the type of stage 1 */
#define S2_MAP_DEVICE (S2_MAP_RW | S2_MAP_DEVICE_nGnRnE)
/* Access and dirty state */
#define S2_MAP_NOT_ACCESSED \
	(1UL << 7) /* the first access is an access flag fault, or sets it (HA) */
#define S2_MAP_TRACK_DIRTY (1UL << 8) /* not writable until written (HD); without S2_MAP_WRITE */
/*
 * Make runs of entries one translation where they are aligned and all in the request; not with
 * S2_MAP_TRACK_DIRTY, which is of each leaf.
 */
#define S2_MAP_CONTIGUOUS (1UL << 9)
#define S2_MAP_NOREPLACE (1UL << 10) /* s2mmu_map() only: -EEXIST where a part is mapped */

/* Stage-2 features of this CPU, by its ID registers. */
struct s2_features {
	unsigned int pa_bits; /* 32..52 */
	unsigned int vmid_bits; /* 8 or 16 */
	bool fwb, xnx, ttst, tlbi_range;
	bool hw_access, hw_dirty; /* VTCR_EL2.HA, HD */
};
const struct s2_features *s2_features(void);
/* True when the CPU has @granule at stage 2; with 52-bit descriptors (FEAT_LPA2). */
bool s2_granule_supported(enum s2_granule granule);
bool s2_granule_lpa2(enum s2_granule granule);

struct s2_raw;
struct s2_vmid_pool;

struct s2_mmu {
	pteval_t *root;
	u64 vtcr, vttbr; /* VTCR_EL2 and VTTBR_EL2 */
	struct s2_geometry geometry;
	bool allow_block, fwb;
	bool has_image; /* of guest_create_on() */
	struct spinlock lock;
	struct s2_raw *raw; /* descriptors that s2mmu_set_raw() replaced, the last first */
	struct s2_vmid_pool *vmid_pool; /* NULL: the VMID was chosen; see stage2-vmid.h */
	struct s2_mmu *next_auto; /* of vmid_pool */
	u64 vmid_generation; /* of the VMID in vttbr; 0: it has none yet */
	unsigned int vmid_users;
	unsigned int users; /* s2mmu_destroy() by the last of them frees it */
	unsigned int vcpus; /* guests made on it so far; their numbers are not used again */
	u32 *last_vcpu; /* by CPU: number + 1 of the guest that ran last; NULL with one guest */
};

/*
 * One that no other stage 2 has, given to it when it is used, perhaps another each time: of the
 * upper half of the VMIDs. There may be more of them than VMIDs.
 */
#define S2_VMID_AUTO (-1)
#define S2_START_LEVEL(level) ((level) + 2)

struct s2_config {
	int vmid; /* 0..255, with 16-bit VMIDs 0..65535, or S2_VMID_AUTO */
	struct s2_vmid_pool *vmid_pool; /* S2_VMID_AUTO from these; NULL: s2_vmid_default_pool() */
	enum s2_granule granule;
	bool allow_block; /* use the largest blocks that fit */
	unsigned int ipa_bits; /* 0: MIN(PARange, 40); see s2_geometry() */
	unsigned int start; /* 0: the fewest levels, or S2_START_LEVEL(-1..3) */
	bool lpa2; /* 52-bit descriptors, also where @ipa_bits does not need them */
	bool hw_access, hw_dirty; /* VTCR_EL2.HA and HD */
};

/*
 * A new, empty address space. NULL when memory is out, when the CPU does not have what @config asks
 * for, such as the VMID, or when the host is not at EL2.
 */
struct s2_mmu *s2mmu_create(const struct s2_config *config);
/* The same with MIN(PARange, 40) bits, or @ipa_bits, and everything else by default. */
struct s2_mmu *s2mmu_init(int vmid, enum s2_granule granule, bool allow_block);
struct s2_mmu *s2mmu_init_ipa(int vmid, enum s2_granule granule, bool allow_block,
			      unsigned int ipa_bits);
/* @mmu, with one more user. */
struct s2_mmu *s2mmu_share(struct s2_mmu *mmu);
/*
 * One user less. The last frees the tables, which no CPU may use any more, and drops its VMID's
 * translations.
 */
void s2mmu_destroy(struct s2_mmu *mmu);

/*
 * Map [@ipa, @ipa + @size) to @pa. What is mapped there is replaced, by break-before-make: another
 * CPU's guest may fault meanwhile. With S2_MAP_NOREPLACE it is -EEXIST. -EINVAL: misaligned or
 * empty, or no such flags; -ERANGE: beyond the address space; -EOPNOTSUPP: the CPU cannot; -ENOMEM.
 */
int s2mmu_map(struct s2_mmu *mmu, u64 ipa, phys_addr_t pa, u64 size, unsigned long flags);
/*
 * Unmap, splitting blocks and contiguous runs at the ends and freeing tables that become empty;
 * what is not mapped is skipped. -EINVAL, -ERANGE, -ENOMEM.
 */
int s2mmu_unmap(struct s2_mmu *mmu, u64 ipa, u64 size);
/*
 * Change permissions or type of what is mapped in the range; contiguous hints are lost. A change of
 * the type breaks each entry before it makes it anew: another CPU's guest may fault meanwhile.
 * Leaves of S2_MAP_TRACK_DIRTY that keep it are dirty after it if they were before. Errors as
 * s2mmu_unmap(), and -EOPNOTSUPP.
 */
int s2mmu_protect(struct s2_mmu *mmu, u64 ipa, u64 size, unsigned long flags);
/*
 * Replace tables that lie whole in the range, and whose leaves together equal a block, by that
 * block. The number of tables freed, -EINVAL or -ERANGE.
 */
int s2mmu_collapse(struct s2_mmu *mmu, u64 ipa, u64 size);

/* The leaf that maps @ipa and its level; NULL when none does. @level may be NULL. */
pteval_t *s2mmu_lookup(struct s2_mmu *mmu, u64 ipa, int *level);
/*
 * The physical address that @ipa is mapped to, INVALID_PHYS_ADDR if none; permissions do not
 * matter.
 */
phys_addr_t s2mmu_translate(struct s2_mmu *mmu, u64 ipa);

/*
 * Call @visit for each valid leaf that maps a part of the range, in order; the sum of what it
 * returns. The lock is held. None are beyond the address space.
 */
typedef u64 (*s2_visit_fn)(struct s2_mmu *mmu, pteval_t *leaf, int level, u64 ipa, void *data);
u64 s2mmu_walk(struct s2_mmu *mmu, u64 ipa, u64 size, s2_visit_fn visit, void *data);

/*
 * Access and dirty state of the leaves in the range: set by software, or counted and cleared. Dirty
 * are those mapped with S2_MAP_TRACK_DIRTY that are writable now. The number of leaves changed.
 */
u64 s2mmu_set_accessed(struct s2_mmu *mmu, u64 ipa, u64 size);
u64 s2mmu_clear_accessed(struct s2_mmu *mmu, u64 ipa, u64 size);
u64 s2mmu_set_dirty(struct s2_mmu *mmu, u64 ipa, u64 size);
u64 s2mmu_clear_dirty(struct s2_mmu *mmu, u64 ipa, u64 size);

/* Drop every translation of the VMID of @mmu, on all CPUs, whatever VTTBR_EL2 is live. */
void s2mmu_flush(struct s2_mmu *mmu);

/*
 * Make @mmu this CPU's stage 2 outside of guest_run(): VTCR_EL2, VTTBR_EL2 and HCR_EL2.VM, as AT
 * S12E1R needs it, with EL1's own stage 1. s2mmu_disable() restores the registers. In between a VHE
 * host has HCR_EL2.TGE clear, and no user mode.
 */
void s2mmu_enable(struct s2_mmu *mmu);
void s2mmu_disable(struct s2_mmu *mmu);

/*
 * Raw descriptors, for tables that are wrong on purpose: any value at any level. No TLB
 * maintenance, no checks. s2mmu_entry() is the descriptor for @ipa at @level, NULL when a table
 * above it is missing; s2mmu_set_raw() makes those that are: -ENOMEM, -EEXIST when a block is
 * above, -EINVAL. The old values are restored by s2mmu_restore_raw() (with TLB maintenance) and by
 * s2mmu_destroy(); until then the functions above are not to be called for addresses below it.
 */
pteval_t *s2mmu_entry(struct s2_mmu *mmu, u64 ipa, int level);
int s2mmu_set_raw(struct s2_mmu *mmu, u64 ipa, int level, pteval_t value);
void s2mmu_restore_raw(struct s2_mmu *mmu);

/* Print the page tables as INFO lines: a line for each run of leaves of one kind. */
void s2mmu_print(struct s2_mmu *mmu);
/* Print the walk for @ipa: a line for each level, decoded. */
void s2mmu_explain(struct s2_mmu *mmu, u64 ipa);
/* In a handler: print ESR_EL2, decoded, FAR_EL2 and HPFAR_EL2 of this CPU as an INFO line. */
void s2mmu_print_fault_info(void);
/* A leaf's permissions, type and state, decoded as "rw-, x at EL1 and EL0, Normal write-back". */
const char *s2mmu_describe_leaf(const struct s2_mmu *mmu, pteval_t leaf, char *buf, int size);

static inline u64 s2_page_size(const struct s2_mmu *mmu)
{
	return 1UL << mmu->geometry.page_shift;
}

#endif
