/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests: checks of single accesses through a stage 2, by a guest of s2_probe_create(). They
 * report for their callers, whose place a failure names, with both results decoded.
 */
#ifndef ASMARM64_STAGE2_CHECK_H
#define ASMARM64_STAGE2_CHECK_H

#include <libcflat.h>
#include <asm/stage2-probe.h>

#define S2_NO_FAULT 0x100U

/*
 * s2_check_access(guest, el, access, ipa, value, fsc, fmt, ...): an s2_probe() that must end with
 * the fault @fsc (ESR_ELx_FSC_* + level) at @ipa, or S2_NO_FAULT.
 *
 * s2_check_reads(guest, ipa, value, fmt, ...): a read at EL1 that must find @value.
 *
 * s2_check_leaf(mmu, ipa, level, fmt, ...): the level of the leaf that maps @ipa, S2_NO_LEAF for
 * none.
 *
 * s2_check_translates(mmu, ipa, pa, fmt, ...): s2mmu_translate().
 */
#define S2_NO_LEAF (-2)
#define s2_check_access(guest, el, access, ipa, value, fsc, ...) \
	__s2_check_access(SOURCE_PLACE, guest, el, access, ipa, value, fsc, __VA_ARGS__)
#define s2_check_reads(guest, ipa, value, ...) \
	__s2_check_reads(SOURCE_PLACE, guest, ipa, value, __VA_ARGS__)
#define s2_check_leaf(mmu, ipa, level, ...) \
	__s2_check_leaf(SOURCE_PLACE, mmu, ipa, level, __VA_ARGS__)
#define s2_check_translates(mmu, ipa, pa, ...) \
	__s2_check_translates(SOURCE_PLACE, mmu, ipa, pa, __VA_ARGS__)
bool __s2_check_access(const char *place, struct guest *guest, int el, enum s2_access access,
		       u64 ipa, u64 *value, unsigned int fsc, const char *fmt, ...) __printf(8, 9);
bool __s2_check_reads(const char *place, struct guest *guest, u64 ipa, u64 value, const char *fmt,
		      ...) __printf(5, 6);
bool __s2_check_leaf(const char *place, struct s2_mmu *mmu, u64 ipa, int level, const char *fmt,
		     ...) __printf(5, 6);
bool __s2_check_translates(const char *place, struct s2_mmu *mmu, u64 ipa, phys_addr_t pa,
			   const char *fmt, ...) __printf(5, 6);

#endif
