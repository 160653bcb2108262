/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables of both stages for rows of the conformance suite, in 4K granules and with 39 bits of address.
 * They are for HCR_EL2.FWB clear.
 */
#ifndef ASMARM64_CONFORM_STAGE2_H
#define ASMARM64_CONFORM_STAGE2_H

#include <libcflat.h>
#include <asm/conform.h>
#include <asm/el1-probe.h>
#include <asm/stage2_mmu.h>

#define CONFORM_IPA_BITS 39

/* An empty stage 2, which starts at level 1; NULL where the CPU has none of this size. */
struct s2_mmu *conform_stage2(void);
/* Map a page at @ipa to @memory, which is not NULL; @flags: of s2mmu_map(). */
void conform_map_page(struct s2_mmu *mmu, u64 ipa, const void *memory, unsigned long flags);
/* Map the image one to one. */
void conform_map_image(struct s2_mmu *mmu, unsigned long flags);

/* A leaf of stage 1 that EL1 and EL0 may read and write: Inner Shareable, attributes 0 of MAIR_EL1 */
#define CONFORM_S1_LEAF (PTE_AF | PTE_SHARED | PTE_USER | PT_VALID)
/* The block of 1G at stage 1 that has the code of probes, one to one: EL1 and EL0 may execute it. */
pteval_t conform_code_block(void);

/* Stage 1 in three tables, each a page of stage 2 */
#define CONFORM_PAGE 0x80000000UL
#define CONFORM_TABLE(level) (0xc0000000UL + (level) * SZ_1G)
/*
 * Make these tables: the code of probes is mapped, and CONFORM_PAGE is the first entry of the table of
 * level 3, which is returned. All other entries are 0.
 */
pteval_t *conform_stage1(struct s2_mmu *mmu);
/* The regime for them: stage 1 on, all memory Normal. */
struct probe_regime conform_regime(const struct s2_mmu *mmu);

/* conform_main() between probe_begin() and probe_end(); @code: of probes, as EL1 addresses it. */
int conform_probe_main(const struct conform_area *area, u64 code, int argc, char **argv);

#endif
