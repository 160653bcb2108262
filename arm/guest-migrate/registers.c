/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of the host and of a guest, before and after a migration. */
#include <libcflat.h>
#include <migrate.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/guest-debug.h>
#include "../guest-el1-registers.h"
#include "migrated.h"

/*
 * Registers of the host
 */

/* clang-format off */
/* Rule the host: they stay as they are. X(name) */
#define KEPT(X)                                                                       \
	X(hcr_el2), X(sctlr_el2), X(ttbr0_el2), X(tcr_el2), X(mair_el2), X(vbar_el2), \
	X(cptr_el2), X(mdcr_el2), X(tpidr_el2), X(daif), X(spsel)
/* Of no use here and now. X(name, bits that may have any value) */
#define WRITTEN(X)                                                                               \
	X(elr_el2, 0xfffffffffffc), X(spsr_el2, 0xf00003c0), X(esr_el2, 0x3ffffff),              \
	X(far_el2, 0xffffffffffff), X(hpfar_el2, 0xfffffff0), X(afsr0_el2, 0xffffffff),          \
	X(vttbr_el2, 0xff0000fffff000), X(vtcr_el2, 0xff3f), X(hstr_el2, 0x8),                   \
	X(vmpidr_el2, 0xff00ffffff), X(vpidr_el2, 0xffffffff), X(cntvoff_el2, 0xffffffffff),     \
	X(cnthp_cval_el2, 0xffffffffffffff), X(sp_el0, 0xfffffffffff0),                          \
	X(sp_el1, 0xfffffffffff0), X(tpidr_el1, ~0UL), X(tpidr_el0, ~0UL), X(tpidrro_el0, ~0UL), \
	X(par_el1, 0xfffffff000), X(csselr_el1, 0x2), X(dbgbvr0_el1, 0xfffffffffffc),            \
	X(dbgwvr0_el1, 0xfffffffffff8)

#define NAME_OF(name, ...) #name
#define READ_INTO(name, ...) (*values++ = read_sysreg(name))
#define WRITE_FROM(name, ...) ({ write_sysreg(*values++, name); })
#define PATTERN_OF(name, mask) (*values++ = pattern & (mask), pattern = next_pattern(pattern))
#define ONE(name, ...) 1
/* clang-format on */

static const char *const host_names[] = { KEPT(NAME_OF), WRITTEN(NAME_OF) };
#define NR_WRITTEN ARRAY_SIZE(((u8[]){ WRITTEN(ONE) }))

static void read_written(u64 *values)
{
	WRITTEN(READ_INTO);
}

static void write_written(const u64 *values)
{
	WRITTEN(WRITE_FROM);
	isb();
}

static void fill_written(u64 *values, u64 pattern)
{
	WRITTEN(PATTERN_OF);
}

static void read_host(u64 *values)
{
	KEPT(READ_INTO);
	read_written(values);
}

void test_host(void)
{
	u64 original[NR_WRITTEN], pattern[NR_WRITTEN];
	u64 before[ARRAY_SIZE(host_names)], after[ARRAY_SIZE(host_names)];

	read_written(original);
	for (int round = 0; round < MIGRATIONS; round++) {
		fill_written(pattern, next_pattern(round + 1));
		write_written(pattern);
		read_host(before);
		migrate_quiet();
		read_host(after);
		write_written(original);
		for (size_t i = 0; i < ARRAY_SIZE(host_names); i++)
			report(before[i] == after[i],
			       "%s of the host after migration %d: expected %#lx, found %#lx",
			       host_names[i], round + 1, before[i], after[i]);
	}
}

/*
 * Registers of a guest
 */

#define MAX_REGISTERS 32

/* In memory that host and guests share: before and after the migration. */
static u64 seen[2][MAX_REGISTERS];

#define WRITE(name, ...) WRITE_PATTERN(pattern, name, __VA_ARGS__)
#define READ(name, ...) (values[n++] = read_sysreg(name))

#define DEBUG(X)                                                                            \
	X(mdscr_el1, 0xa000), X(dbgbvr0_el1, 0xfffffffffffc), X(dbgbcr0_el1, 0x6, BCR_BAS), \
		X(dbgwvr0_el1, 0xfffffffffff8), X(dbgwcr0_el1, 0x1ff8)

#define DEFINE_GUEST(list, LIST)                                     \
	static const char *const list##_names[] = { LIST(NAME_OF) }; \
	static void list##_read(u64 *values)                         \
	{                                                            \
		int n = 0;                                           \
                                                                     \
		LIST(READ);                                          \
	}                                                            \
	static u64 list##_guest(u64 pattern)                         \
	{                                                            \
		LIST(WRITE);                                         \
		isb();                                               \
		list##_read(seen[0]);                                \
		guest_migrate();                                     \
		list##_read(seen[1]);                                \
		return 0;                                            \
	}

DEFINE_GUEST(el1, GUEST_EL1_REGISTERS)
DEFINE_GUEST(keys, GUEST_PAUTH_KEYS)
DEFINE_GUEST(debug, DEBUG)

static void check_seen(const char *const *names, int count, int min_set)
{
	int set = 0;

	for (int n = 0; n < count; n++) {
		report(seen[0][n] == seen[1][n],
		       "%s of the guest after a migration: expected %#lx, found %#lx", names[n],
		       seen[0][n], seen[1][n]);
		set += seen[0][n] != 0;
	}
	report(set >= min_set, "registers, of %d, that are not 0: expected %d or more, found %d",
	       count, min_set, set);
}

static void check_registers(struct guest *guest, const char *const *names, int count, int min_set)
{
	memset(seen, 0, sizeof(seen));
	guest->x[0] = 0x123456789abcdef;
	guest_check_run(guest, EXPECT_RETURN(0), "guest that is migrated with its registers");
	check_seen(names, count, min_set);
	guest_destroy(guest);
}

void test_el1(void)
{
	check_registers(create(el1_guest), el1_names, ARRAY_SIZE(el1_names), 18);
}

static bool has_keys(void)
{
	return (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_PAUTH) ||
	       (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_APA3);
}

void test_keys(void)
{
	if (!has_keys()) {
		report_skip("no pointer authentication (FEAT_PAuth)");
		return;
	}
	check_registers(create(keys_guest), keys_names, ARRAY_SIZE(keys_names), 10);
}

void test_debug(void)
{
	struct guest *guest = create(debug_guest);

	assert(guest_enable_debug(guest));
	check_registers(guest, debug_names, ARRAY_SIZE(debug_names), 5);
}
