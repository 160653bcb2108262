/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each address translation instruction (asm/at.h) on pages that it distinguishes, by the host in a
 * handler and by the guest itself.
 *
 * Results: DDI 0487, D24.2.133, PAR_EL1, and D8, "Address translation instructions".
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/at.h>
#include <asm/esr.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/pstate.h>
#include <asm/stage2_mmu.h>

#define VMID 4
#define GUEST_VA_BITS 39
#define IPA 0x8000000000UL /* above the memory of the machine */
#define UNMAPPED_IPA (IPA + SZ_1G)
#define ATTR_NORMAL_WB UL(0xff)
#define PAR_PATTERN UL(0xfffffff000)
#define ANY_ADDRESS UL(0x40000000) /* nothing is accessed there */

/* What an instruction finds, apart from the address. */
enum result {
	FOUND, /* in both stages */
	FOUND_STAGE1, /* the same, of stage 1 alone */
	NO_STAGE1, /* translation fault */
	DENIED_STAGE1, /* permission fault */
	NO_STAGE2,
	DENIED_STAGE2,
	NO_STAGE2_WALK, /* translation fault of stage 2 on a walk of stage 1 */
};

static const struct {
	const char *text;
	bool fault, s, ptw;
	u8 fst; /* ESR_ELx_FSC_*, at any level */
} results[] = {
	[FOUND] = { .fault = false },
	[FOUND_STAGE1] = { .fault = false },
	[NO_STAGE1] = { "a translation fault of stage 1", true, .fst = ESR_ELx_FSC_FAULT },
	[DENIED_STAGE1] = { "a permission fault of stage 1", true, .fst = ESR_ELx_FSC_PERM },
	[NO_STAGE2] = { "a translation fault of stage 2", true, true, .fst = ESR_ELx_FSC_FAULT },
	[DENIED_STAGE2] = { "a permission fault of stage 2", true, true, .fst = ESR_ELx_FSC_PERM },
	[NO_STAGE2_WALK] = { "a translation fault of stage 2 on a walk of stage 1", true, true,
			     true, ESR_ELx_FSC_FAULT },
};

enum page {
	USER,
	USER_READ_ONLY,
	KERNEL,
	READ_ONLY,
	HOLE,
	IPA_HOLE,
	IPA_READ_ONLY,
	TABLE_HOLE,
	NR_PAGES
};

/* Each in a level-3 table of its own */
#define VA(page) (UL(0x4000000000) + (u64)(page) * SZ_2M)

static const struct {
	const char *name;
	unsigned long stage1;
	u64 ipa;
} pages[NR_PAGES] = {
	[USER] = { "a page of EL0's", S1_MAP_RW | S1_MAP_USER, IPA },
	[USER_READ_ONLY] = { "a read-only page of EL0's", S1_MAP_RO | S1_MAP_USER, IPA },
	[KERNEL] = { "a page of EL1's", S1_MAP_RW, IPA + SZ_4K },
	[READ_ONLY] = { "a read-only page of EL1's", S1_MAP_RO, IPA + SZ_4K },
	[HOLE] = { .name = "an unmapped page" },
	[IPA_HOLE] = { "a page without a stage 2", S1_MAP_RW | S1_MAP_USER, UNMAPPED_IPA },
	[IPA_READ_ONLY] = { "a page that stage 2 makes read-only", S1_MAP_RW | S1_MAP_USER,
			    IPA + 2 * SZ_4K },
	[TABLE_HOLE] = { "a page whose table is without a stage 2", S1_MAP_RW | S1_MAP_USER, IPA },
};

/* S1E1RP and WP: with PSTATE.PAN, which the host runs without. Only registers until it is off. */
#define WITH_PAN(name)                                 \
	static u64 at_##name##_pan(u64 va)             \
	{                                              \
		u64 par;                               \
                                                       \
		write_sysreg(PSR_PAN_BIT, PSTATE_PAN); \
		par = at_##name(va);                   \
		write_sysreg(0, PSTATE_PAN);           \
		return par;                            \
	}
WITH_PAN(s1e1rp)
WITH_PAN(s1e1wp)

/* AT_INSTRUCTIONS() has inline functions; a table needs others. */
#define OUTLINE(name, operands)         \
	static u64 do_at_##name(u64 va) \
	{                               \
		return at_##name(va);   \
	}
AT_INSTRUCTIONS(OUTLINE)

#define PAN2 2 /* ID_AA64MMFR1_EL1.PAN */

static bool has_always(void)
{
	return true;
}

static bool has_pan2(void)
{
	return FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_PAN + 3, ID_AA64MMFR1_PAN) >= PAN2;
}

static bool has_ats1a(void)
{
	return FIELD(read_sysreg_s(ID_AA64ISAR2_EL1), 63, 60);
}

/*
 * In the order of enum page, results of the pages that only stage 1 distinguishes. Those of stage 1
 * see nothing of stage 2 but its part in a walk.
 */
#define STAGE1(user, user_ro, kernel, read_only) \
	{ user, user_ro, kernel, read_only, NO_STAGE1, user, user, NO_STAGE2_WALK }
#define BOTH(user_ro, kernel, read_only, ipa_read_only) \
	{ FOUND, user_ro, kernel, read_only, NO_STAGE1, NO_STAGE2, ipa_read_only, NO_STAGE2_WALK }
#define YES FOUND_STAGE1
#define NO DENIED_STAGE1

static const struct instruction {
	const char *name;
	u64 (*at)(u64 va);
	bool (*present)(void);
	const char *missing;
	enum result results[NR_PAGES];
} instructions[] = {
#define ALWAYS has_always, NULL
#define FEAT_PAN2 has_pan2, "the CPU does not have FEAT_PAN2 (ID_AA64MMFR1_EL1.PAN)"
#define FEAT_ATS1A has_ats1a, "the CPU does not have FEAT_ATS1A (ID_AA64ISAR2_EL1.ATS1A)"
	{ "S1E1R", do_at_s1e1r, ALWAYS, STAGE1(YES, YES, YES, YES) },
	{ "S1E1W", do_at_s1e1w, ALWAYS, STAGE1(YES, NO, YES, NO) },
	{ "S1E0R", do_at_s1e0r, ALWAYS, STAGE1(YES, YES, NO, NO) },
	{ "S1E0W", do_at_s1e0w, ALWAYS, STAGE1(YES, NO, NO, NO) },
	{ "S1E1RP without PSTATE.PAN", do_at_s1e1rp, FEAT_PAN2, STAGE1(YES, YES, YES, YES) },
	{ "S1E1WP without PSTATE.PAN", do_at_s1e1wp, FEAT_PAN2, STAGE1(YES, NO, YES, NO) },
	{ "S1E1RP with PSTATE.PAN", at_s1e1rp_pan, FEAT_PAN2, STAGE1(NO, NO, YES, YES) },
	{ "S1E1WP with PSTATE.PAN", at_s1e1wp_pan, FEAT_PAN2, STAGE1(NO, NO, YES, NO) },
	{ "S1E1A", do_at_s1e1a, FEAT_ATS1A, STAGE1(YES, YES, YES, YES) },
	{ "S12E1R", do_at_s12e1r, ALWAYS, BOTH(FOUND, FOUND, FOUND, FOUND) },
	{ "S12E1W", do_at_s12e1w, ALWAYS, BOTH(NO, FOUND, NO, DENIED_STAGE2) },
	{ "S12E0R", do_at_s12e0r, ALWAYS, BOTH(FOUND, NO, NO, FOUND) },
	{ "S12E0W", do_at_s12e0w, ALWAYS, BOTH(NO, NO, NO, DENIED_STAGE2) },
};

struct machine {
	struct guest *guest;
	struct guest_stage1 *stage1;
};

static u64 pa_of(u64 ipa)
{
	return ANY_ADDRESS + (ipa - IPA);
}

static struct machine create(u64 (*func)(const struct guest_stage1 *stage1))
{
	struct guest *guest = guest_create_4k(VMID, func);
	struct machine m = { guest, guest_stage1_create(guest, GUEST_VA_BITS) };
	u64 table;

	assert(m.stage1 && !guest_stage1_map_image(m.stage1, 0));
	for (unsigned int i = 0; i < NR_PAGES; i++) {
		if (i != HOLE)
			assert(!guest_stage1_map(m.stage1, VA(i), pages[i].ipa, SZ_4K,
						 pages[i].stage1 | S1_MAP_XN));
	}
	assert(!s2mmu_map(guest->s2mmu, IPA, pa_of(IPA), 2 * SZ_4K, S2_MAP_RW));
	assert(!s2mmu_map(guest->s2mmu, IPA + 2 * SZ_4K, pa_of(IPA + 2 * SZ_4K), SZ_4K, S2_MAP_RO));
	table = virt_to_phys(guest_stage1_lookup(m.stage1, VA(TABLE_HOLE), NULL));
	table = ALIGN_DOWN(table, SZ_4K);
	assert(!s2mmu_unmap(guest->s2mmu, table, SZ_4K));
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest->x[0] = (u64)m.stage1;
	guest_stage1_enable(m.stage1);
	return m;
}

static void destroy(struct machine *m)
{
	guest_stage1_destroy(m->stage1);
	guest_destroy(m->guest);
}

static bool is_fault(u64 par, enum result expected)
{
	return par & PAR_EL1_F && (PAR_EL1_FST(par) & ESR_ELx_FSC_TYPE) == results[expected].fst &&
	       !!(par & PAR_EL1_S) == results[expected].s &&
	       !!(par & PAR_EL1_PTW) == results[expected].ptw;
}

static bool is_found(u64 par, u64 address)
{
	return !(par & PAR_EL1_F) && PAR_EL1_PA(par) == address &&
	       PAR_EL1_ATTR(par) == ATTR_NORMAL_WB && PAR_EL1_SH(par) == PAR_EL1_SH_INNER;
}

static const char *describe(u64 par, char *buffer, int size)
{
	if (par & PAR_EL1_F)
		snprintf(buffer, size, "F 1, FST %#lx, S %d, PTW %d", PAR_EL1_FST(par),
			 !!(par & PAR_EL1_S), !!(par & PAR_EL1_PTW));
	else
		snprintf(buffer, size, "address %#lx, ATTR %#lx, SH %lu", PAR_EL1_PA(par),
			 PAR_EL1_ATTR(par), PAR_EL1_SH(par));
	return buffer;
}

static void check(const char *name, enum page page, u64 par, enum result expected)
{
	u64 address = expected == FOUND ? pa_of(pages[page].ipa) : pages[page].ipa;
	char found[80];

	describe(par, found, sizeof(found));
	if (results[expected].fault)
		report(is_fault(par, expected),
		       "AT %s of %s: expected %s (F 1, FST %#x at any level, S %d, PTW %d), found "
		       "PAR_EL1 %#lx (%s)",
		       name, pages[page].name, results[expected].text, results[expected].fst,
		       results[expected].s, results[expected].ptw, par, found);
	else
		report(is_found(par, address),
		       "AT %s of %s: expected address %#lx, ATTR %#lx, SH %lu; found PAR_EL1 %#lx "
		       "(%s)",
		       name, pages[page].name, address, ATTR_NORMAL_WB, PAR_EL1_SH_INNER, par,
		       found);
}

static u64 guest_exit_at_once(const struct guest_stage1 *stage1)
{
	asm volatile("hvc #0" : : : "memory");
	return 0;
}

/* The results that translate_all() checks: faults by stage 2's permissions, or the others. */
static bool denied_by_stage2;

/* While the guest's registers are in the CPU. */
static enum guest_handler_result translate_all(struct guest *guest)
{
	u64 host_par = read_sysreg(par_el1), par;

	write_sysreg(PAR_PATTERN, par_el1);
	for (const struct instruction *i = instructions;
	     i < instructions + ARRAY_SIZE(instructions); i++) {
		if (!i->present()) {
			report_skip("AT %s: %s", i->name, i->missing);
			continue;
		}
		for (enum page page = 0; page < NR_PAGES; page++) {
			if ((i->results[page] == DENIED_STAGE2) == denied_by_stage2)
				check(i->name, page, i->at(VA(page)), i->results[page]);
		}
	}
	par = read_sysreg(par_el1);
	report(par == PAR_PATTERN, "PAR_EL1 behind the instructions: expected %#lx, found %#lx",
	       PAR_PATTERN, par);
	write_sysreg(host_par, par_el1);
	return GUEST_ACTION_EXIT;
}

static void run_host(bool denied)
{
	struct machine m = create(guest_exit_at_once);

	denied_by_stage2 = denied;
	guest_install_handler(m.guest, ELx_LOW_SYNC_64, translate_all);
	guest_run(m.guest);
	destroy(&m);
}

static void test_host(void)
{
	run_host(false);
}

static void test_write_denied(void)
{
	run_host(true);
}

/* The same results at EL1, apart from faults of stage 2, which are exits. */
static u64 guest_translate_all(const struct guest_stage1 *stage1)
{
	for (const struct instruction *i = instructions; i->at != do_at_s1e1rp; i++) {
		for (enum page page = USER; page <= HOLE; page++)
			check(i->name, page, i->at(VA(page)), i->results[page]);
	}
	return 1;
}

static u64 guest_translate_table_hole(const struct guest_stage1 *stage1)
{
	return at_s1e1r(VA(TABLE_HOLE));
}

static void test_guest(void)
{
	struct machine m = create(guest_translate_all);

	report_prefix_push("at EL1");
	guest_check_run(m.guest, EXPECT_RETURN(1), "AT by the guest");
	destroy(&m);
	m = create(guest_translate_table_hole);
	guest_check_run(m.guest,
			EXPECT_SYNDROME(ESR_ELx_EC_DABT_LOW,
					ESR_ELx_FSC_FAULT | ESR_ELx_S1PTW | ESR_ELx_CM,
					ESR_ELx_FSC_TYPE | ESR_ELx_S1PTW | ESR_ELx_CM),
			"AT S1E1R of %s", pages[TABLE_HOLE].name);
	destroy(&m);
	report_prefix_pop();
}

/* EL2's own translation: memory is mapped one to one. */
static void test_el2(void)
{
	static u64 variable;
	u64 va = (u64)&variable, expected = virt_to_phys(&variable) & PAGE_MASK;
	u64 par = do_at_s1e2r(va);

	report(is_found(par, expected),
	       "AT S1E2R of a variable: expected address %#lx, ATTR %#lx, SH %lu; found PAR_EL1 %#lx",
	       expected, ATTR_NORMAL_WB, PAR_EL1_SH_INNER, par);
	par = do_at_s1e2w((u64)test_el2);
	report(is_fault(par, DENIED_STAGE1),
	       "AT S1E2W of code: expected a permission fault of stage 1, found PAR_EL1 %#lx", par);
	if (!has_ats1a()) {
		report_skip("AT S1E2A: the CPU does not have FEAT_ATS1A (ID_AA64ISAR2_EL1.ATS1A)");
		return;
	}
	par = do_at_s1e2a((u64)test_el2);
	expected = virt_to_phys(test_el2) & PAGE_MASK;
	report(is_found(par, expected),
	       "AT S1E2A of code: expected address %#lx, ATTR %#lx, SH %lu; found PAR_EL1 %#lx",
	       expected, ATTR_NORMAL_WB, PAR_EL1_SH_INNER, par);
}

static const struct subtest subtests[] = {
	{ "host", test_host },
	{ "write-denied", test_write_denied },
	{ "guest", test_guest },
	{ "el2", test_el2 },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
