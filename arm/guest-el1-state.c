/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system registers that are a guest's own: two guests write them, in turn, and each reads what
 * it wrote; reset values are the architecture's, whatever the host has there.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-debug.h>
#include <asm/guest-check.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include "guest-el1-registers.h"

#define VMID 40

/* clang-format off */
/* As GUEST_EL1_REGISTERS; a third value is that of bits which are 1 always. */
#define DEBUG(X)                                                                                \
	X(mdscr_el1, 0xa000), X(dbgbvr0_el1, 0xfffffffffffc), X(dbgbcr0_el1, 0x6, BCR_BAS),     \
	X(dbgwvr0_el1, 0xfffffffffff8), X(dbgwcr0_el1, 0x1ff8), X(dbgbvr1_el1, 0xfffffffffffc), \
	X(dbgwvr1_el1, 0xfffffffffff8), X(osdlr_el1, 0x1)

/* The last of six breakpoints and of four watchpoints */
#define LAST_DEBUG(X)                                                 \
	X(dbgbvr5_el1, 0xfffffffffffc), X(dbgbcr5_el1, 0x6, BCR_BAS), \
	X(dbgwvr3_el1, 0xfffffffffff8), X(dbgwcr3_el1, 0x1ff8)

#define RAS(X) X(DISR_EL1, 0x80ffffff)
#define SME(X) X(TPIDR2_EL0, ~0UL)

#define NAME(name, ...) #name
#define WRITE(name, ...) WRITE_PATTERN(pattern, name, __VA_ARGS__)
#define READ(name, ...) (values[n++] = read_sysreg(name))
/* clang-format on */

#define MAX_REGISTERS 32

/* In memory that host and guests share: what each guest has read back, at once and later. */
static u64 seen[2][2][MAX_REGISTERS];

#define DEFINE_GUEST(list, LIST)                                                   \
	static const char *const list##_names[] = { LIST(NAME) };                  \
	static_assert(ARRAY_SIZE(list##_names) <= MAX_REGISTERS, "room for them"); \
	static void list##_read(u64 *values)                                       \
	{                                                                          \
		int n = 0;                                                         \
		LIST(READ);                                                        \
	}                                                                          \
	static u64 list##_guest(u64 which)                                         \
	{                                                                          \
		u64 pattern = next_pattern(next_pattern(which + 1));               \
		LIST(WRITE);                                                       \
		isb();                                                             \
		list##_read(seen[which][0]);                                       \
		asm volatile("hvc #0" : : : "memory");                             \
		list##_read(seen[which][1]);                                       \
		return 0;                                                          \
	}

DEFINE_GUEST(state, GUEST_EL1_REGISTERS)
DEFINE_GUEST(debug, DEBUG)
DEFINE_GUEST(last_debug, LAST_DEBUG)
DEFINE_GUEST(keys, GUEST_PAUTH_KEYS)
DEFINE_GUEST(ras, RAS)
DEFINE_GUEST(sme, SME)

static struct guest *create(int which, u64 (*guest_func)(u64))
{
	struct guest *guest = guest_create_4k(VMID + which, guest_func);

	guest->x[0] = which;
	guest_install_class_handler(guest, ESR_ELx_EC_HVC64, guest_exit_always);
	return guest;
}

/* Registers that a CPU has as zero are the same for both; the others differ. */
static void check(const char *const *names, int count, int min_different)
{
	int different = 0;

	for (int n = 0; n < count; n++) {
		for (int which = 0; which < 2; which++)
			if (seen[which][0][n] != seen[which][1][n])
				report_fail(
					"%s of guest %d after the other one ran: expected %#lx, found %#lx",
					names[n], which, seen[which][0][n], seen[which][1][n]);
		different += seen[0][0][n] != seen[1][0][n];
	}
	report(different >= min_different,
	       "registers, of %d, in which two guests have different values: expected %d or more, found %d",
	       count, min_different, different);
}

static void interleave(struct guest *a, struct guest *b, const char *const *names, int count,
		       int min_different)
{
	guest_check_run(a, EXPECT_CLASS(ESR_ELx_EC_HVC64), "guest 0 writes its registers");
	guest_check_run(b, EXPECT_CLASS(ESR_ELx_EC_HVC64), "guest 1 writes its registers");
	guest_check_run(a, EXPECT_RETURN(0), "guest 0 reads them again");
	guest_check_run(b, EXPECT_RETURN(0), "guest 1 reads them again");
	check(names, count, min_different);
	guest_destroy(a);
	guest_destroy(b);
}

/* The handler of guest 0 runs guest 1. */
static enum guest_handler_result run_inner(struct guest *guest)
{
	guest_check_run((struct guest *)guest->data, EXPECT_CLASS(ESR_ELx_EC_HVC64),
			"guest 1, run by a handler of guest 0, writes its registers");
	return GUEST_ACTION_RESUME;
}

static void nest(struct guest *a, struct guest *b, const char *const *names, int count,
		 int min_different)
{
	report_prefix_push("nested");
	a->data = b;
	guest_install_class_handler(a, ESR_ELx_EC_HVC64, run_inner);
	guest_check_run(a, EXPECT_RETURN(0), "guest 0 writes its registers and reads them again");
	guest_check_run(b, EXPECT_RETURN(0), "guest 1 reads them again");
	check(names, count, min_different);
	guest_destroy(a);
	guest_destroy(b);
	report_prefix_pop();
}

static void test_state(void)
{
	interleave(create(0, state_guest), create(1, state_guest), state_names,
		   ARRAY_SIZE(state_names), 17);
	nest(create(0, state_guest), create(1, state_guest), state_names, ARRAY_SIZE(state_names),
	     17);
}

/*
 * Debug registers
 */

#define OSLSR_OSLK (1UL << 1)
#define HOST_BVR 0x1234560UL

static void test_debug(void)
{
	struct guest *a = create(0, debug_guest), *b = create(1, debug_guest);
	u64 bvr, mdscr;

	assert(guest_enable_debug(a) && guest_enable_debug(b));
	write_sysreg(HOST_BVR, dbgbvr0_el1);
	mdscr = read_sysreg(mdscr_el1);
	interleave(a, b, debug_names, ARRAY_SIZE(debug_names), 5);
	a = create(0, debug_guest);
	b = create(1, debug_guest);
	assert(guest_enable_debug(a) && guest_enable_debug(b));
	nest(a, b, debug_names, ARRAY_SIZE(debug_names), 5);
	bvr = read_sysreg(dbgbvr0_el1);
	report(bvr == HOST_BVR, "the host's DBGBVR0_EL1: expected %#lx, found %#lx", HOST_BVR, bvr);
	report(read_sysreg(mdscr_el1) == mdscr, "the host's MDSCR_EL1: expected %#lx, found %#lx",
	       mdscr, read_sysreg(mdscr_el1));
	write_sysreg(0, dbgbvr0_el1);
}

static void test_last_debug(void)
{
	u64 dfr0 = read_sysreg(id_aa64dfr0_el1), last_bp = FIELD(dfr0, 15, 12);
	u64 last_wp = FIELD(dfr0, 23, 20);
	struct guest *a, *b;

	if (last_bp != 5 || last_wp != 3) {
		report_skip(
			"the test is for 6 breakpoints and 4 watchpoints, the CPU has %lu and %lu",
			last_bp + 1, last_wp + 1);
		return;
	}
	a = create(0, last_debug_guest);
	b = create(1, last_debug_guest);
	assert(guest_enable_debug(a) && guest_enable_debug(b));
	interleave(a, b, last_debug_names, ARRAY_SIZE(last_debug_names), 3);
}

/* The first guest takes its OS Lock away. */
static u64 guest_os_lock(u64 which)
{
	seen[which][0][0] = read_sysreg(oslsr_el1);
	if (!which)
		write_sysreg(0, oslar_el1);
	isb();
	asm volatile("hvc #0" : : : "memory");
	seen[which][1][0] = read_sysreg(oslsr_el1);
	return 0;
}

static void test_os_lock(void)
{
	struct guest *guests[] = { create(0, guest_os_lock), create(1, guest_os_lock) };
	u64 host = read_sysreg(oslsr_el1);

	assert(guest_enable_debug(guests[0]) && guest_enable_debug(guests[1]));
	for (int i = 0; i < 4; i++)
		guest_run(guests[i & 1]);
	for (int which = 0; which < 2; which++) {
		u64 begin = seen[which][0][0], end = seen[which][1][0];

		report(begin & OSLSR_OSLK,
		       "OSLSR_EL1.OSLK at the start of guest %d: expected 1, found 0", which);
		report((end & OSLSR_OSLK) == (which ? OSLSR_OSLK : 0),
		       "OSLSR_EL1.OSLK of guest %d, once guest 0 cleared its own: expected %d, found %lu",
		       which, which, FIELD(end, 1, 1));
	}
	report(read_sysreg(oslsr_el1) == host, "the host's OSLSR_EL1: expected %#lx, found %#lx",
	       host, read_sysreg(oslsr_el1));
	guest_destroy(guests[0]);
	guest_destroy(guests[1]);
}

/* E, PAC = EL1 and EL0, LSC = store, BAS = all 8 bytes */
#define WATCH_STORES (1UL | 3UL << 1 | 2UL << 3 | 0xffUL << 5)

static volatile u64 watched;
static u64 watch_esr;

static void note_watchpoint(struct guest_el1_regs *regs, unsigned int esr)
{
	watch_esr = esr;
	regs->spsr |= PSR_D_BIT;
}

static u64 guest_watch(u64 which)
{
	write_sysreg(0, oslar_el1);
	write_sysreg(&watched, dbgwvr0_el1);
	write_sysreg(WATCH_STORES, dbgwcr0_el1);
	write_sysreg(MDSCR_EL1_MDE | MDSCR_EL1_KDE, mdscr_el1);
	isb();
	asm volatile("hvc #0" : : : "memory");
	daif_clear(PSR_D_BIT);
	watched = 1;
	return 0;
}

/* A watchpoint set in one run works in the next, and is not another guest's. */
static void test_watchpoint(void)
{
	struct guest *guest = create(0, guest_watch);
	struct guest *other = create(1, debug_guest);

	assert(guest_enable_debug(guest) && guest_enable_debug(other));
	assert(guest_install_el1_handler(guest, ELxH_SYNC, note_watchpoint));
	guest_run(guest);
	guest_run(other);
	watched = 0; /* the host's store is not watched */
	guest_check_run(guest, EXPECT_RETURN(0), "a guest with a watchpoint and a handler for it");
	report(ESR_ELx_EC(watch_esr) == ESR_ELx_EC_WATCHPT_CUR,
	       "class of the guest's watchpoint exception: expected %#lx, found %#lx",
	       ESR_ELx_EC_WATCHPT_CUR, ESR_ELx_EC(watch_esr));
	guest_destroy(guest);

	/* With TDE the host takes it; set after the guest has written the registers. */
	guest = create(0, guest_watch);
	assert(guest_enable_debug(guest));
	guest_run(guest);
	guest->mdcr_el2 |= MDCR_EL2_TDE;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_WATCHPT_LOW),
			"a watchpoint with MDCR_EL2.TDE set");
	report(guest->far_el2 == (u64)&watched,
	       "FAR_EL2 of a watchpoint with MDCR_EL2.TDE set: expected %#lx, found %#lx",
	       (u64)&watched, guest->far_el2);
	guest_destroy(guest);
	guest_destroy(other);
}

/*
 * Pointer authentication keys
 */

/* With SCTLR_EL1.EnIA: sign a pointer and authenticate it, as hints that any assembler knows. */
__changes_keys static u64 guest_sign(u64 pointer)
{
	register u64 x17 asm("x17") = pointer;
	register u64 x16 asm("x16") = 0x1234;
	u64 is_signed;

	write_sysreg(pointer, APIAKEYLO_EL1);
	write_sysreg(read_sysreg(sctlr_el1) | SCTLR_ELx_EnIA, sctlr_el1);
	isb();
	asm volatile("hint %1" : "+r"(x17) : "i"(HINT_PACIA1716), "r"(x16));
	is_signed = x17;
	asm volatile("hint %1" : "+r"(x17) : "i"(HINT_AUTIA1716), "r"(x16));
	return x17 == pointer && is_signed != pointer ? 0x600d : is_signed;
}

static void check_signing(void)
{
	struct guest *guest = create(0, guest_sign);

	guest->x[0] = 0x123456780;
	guest_check_run(guest, EXPECT_RETURN(0x600d), "a guest signs and authenticates a pointer");
	guest_destroy(guest);
}

static void test_keys(void)
{
	u64 isar1 = read_sysreg(id_aa64isar1_el1), isar2 = read_sysreg_s(ID_AA64ISAR2_EL1);

	if (!(isar1 & ID_AA64ISAR1_PAUTH) && !(isar2 & ID_AA64ISAR2_PAUTH)) {
		report_skip("the CPU has no pointer authentication (ID_AA64ISAR1_EL1.{APA,API})");
		return;
	}
	interleave(create(0, keys_guest), create(1, keys_guest), keys_names, ARRAY_SIZE(keys_names),
		   ARRAY_SIZE(keys_names));
	nest(create(0, keys_guest), create(1, keys_guest), keys_names, ARRAY_SIZE(keys_names),
	     ARRAY_SIZE(keys_names));
	check_signing();
}

/*
 * Registers of features that a CPU may have
 */

static void test_ras(void)
{
	if (!FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_RAS + 3, ID_AA64PFR0_RAS)) {
		report_skip("the CPU has no DISR_EL1 (ID_AA64PFR0_EL1.RAS)");
		return;
	}
	interleave(create(0, ras_guest), create(1, ras_guest), ras_names, ARRAY_SIZE(ras_names), 1);
}

static void test_sme(void)
{
	if (!FIELD(read_sysreg(id_aa64pfr1_el1), 27, 24)) {
		report_skip("the CPU has no TPIDR2_EL0 (ID_AA64PFR1_EL1.SME)");
		return;
	}
	if (FIELD(read_sysreg(id_aa64mmfr0_el1), 59, 56)) {
		report_skip("TPIDR2_EL0 is trapped: the CPU has FEAT_FGT");
		return;
	}
	interleave(create(0, sme_guest), create(1, sme_guest), sme_names, ARRAY_SIZE(sme_names), 1);
}

/*
 * Reset
 */

/*
 * Bits that are RES1 without the features that use them (11, 20, 22, 23, 28, 29); CP15BEN, nTWI and
 * nTWE (5, 16, 18), so that nothing of EL0 is trapped (DDI 0487, D24.2.174)
 */
#define SCTLR_EL1_RESET 0x30d50820UL
#define CPACR_EL1_RESET (3UL << 20) /* FPEN: the guest's code may use FP */

static u64 reset_sctlr, reset_cpacr;

static u64 guest_reset(u64 which)
{
	reset_sctlr = read_sysreg(sctlr_el1);
	reset_cpacr = read_sysreg(cpacr_el1);
	state_read(seen[which][0]);
	return 0;
}

/* The registers of state_names[] that are zero: all but VBAR_EL1, which has the bare vectors. */
static int count_zeros(const u64 *values)
{
	int zeros = 0;

	for (size_t n = 0; n < ARRAY_SIZE(state_names); n++)
		zeros += !values[n];
	return zeros;
}

static void test_reset(void)
{
	struct guest *first = create(0, state_guest), *guest;
	int expected = ARRAY_SIZE(state_names) - 1;

	guest_run(first); /* leaves nothing for the next one */
	guest = create(1, guest_reset);
	guest_check_run(guest, EXPECT_RETURN(0), "a guest reads its registers");
	report(((reset_sctlr ^ SCTLR_EL1_RESET) & ~SCTLR_EL1_BY_FEATURE) == 0,
	       "SCTLR_EL1, all but the bits %#lx: expected %#lx, found %#lx",
	       (u64)SCTLR_EL1_BY_FEATURE, SCTLR_EL1_RESET, reset_sctlr);
	report(reset_cpacr == CPACR_EL1_RESET, "CPACR_EL1: expected %#lx, found %#lx",
	       CPACR_EL1_RESET, reset_cpacr);
	report(count_zeros(seen[1][0]) == expected,
	       "registers that are zero after reset, all but VBAR_EL1: expected %d, found %d",
	       expected, count_zeros(seen[1][0]));
	guest_destroy(guest);
	guest_destroy(first);
}

static const struct subtest subtests[] = {
	{ "state", test_state },
	{ "ras", test_ras },
	{ "sme", test_sme },
	{ "debug", test_debug },
	{ "debug-last", test_last_debug },
	{ "os-lock", test_os_lock },
	{ "watchpoint", test_watchpoint },
	{ "keys", test_keys },
	{ "reset", test_reset },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
