/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose EL1 is in AArch32 too: registers that only they have, and their MMU. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/a32.h>
#include <asm/guest-check.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include "guest-aarch32.h"
#include "guest-el1-registers.h"

#define VMID 26
#define PATTERN 0x600df00dU
#define FPEXC_EN (1UL << 30)
/* B to itself, and to the instruction before (DDI 0487, F5.1.18) */
static_assert(A32_B(0) == 0xeafffffe && A32_B(-4) == 0xeafffffd, "offsets count from PC + 8");

/* guest-aarch32.S */
extern char guest_a32_state[], guest_a32_stack_and_fp[], guest_a32_halves[], guest_a32_mmu_on[];
extern char guest_a32_reset[], guest_t32_hvc[], guest_a32_cp15[], guest_a32_ttbcr2[];

static struct guest *create(int vmid, const void *code)
{
	struct guest *guest = guest_require(guest_create_el1_32(vmid, code, S2_PAGE_4K));

	guest_install_handler(guest, ELx_LOW_SYNC_32, guest_exit_always);
	return guest;
}

/* To its next hvc */
#define check_runs(guest, ...) guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_HVC32), __VA_ARGS__)

static enum guest_handler_result run_inner(struct guest *guest)
{
	check_runs((struct guest *)guest->data, "guest 1, run by a handler of guest 0");
	guest_install_handler(guest, ELx_LOW_SYNC_32, guest_exit_always);
	return GUEST_ACTION_EXIT;
}

/* Each up to its HVC, in turn or the second in the handler of the first; then each to the next. */
static void run_both(struct guest *guests[2], bool nested)
{
	if (nested) {
		guests[0]->data = guests[1];
		guest_install_handler(guests[0], ELx_LOW_SYNC_32, run_inner);
	}
	check_runs(guests[0], "guest 0, up to its HVC");
	if (!nested)
		check_runs(guests[1], "guest 1, up to its HVC");
	for (int i = 0; i < 2; i++)
		check_runs(guests[i], "guest %d, up to its next HVC", i);
}

static void check_state(bool nested)
{
	struct guest *guests[2];

	report_prefix_push(nested ? "nested" : "in turn");
	for (int i = 0; i < 2; i++) {
		guests[i] = create(VMID + i, guest_a32_state);
		guests[i]->x[0] = i ? 0x15 : 0x0a;
		guests[i]->x[7] = i ? FPEXC_EN : 0;
	}
	run_both(guests, nested);
	for (int i = 0; i < 2; i++) {
		const u64 *x = guests[i]->x;

		report(x[1] == x[0] && x[2] == x[0] && x[3] == x[0],
		       "DACR, IFSR, SPSR_abt of guest %d: expected %#lx, found %#lx, %#lx, %#lx", i,
		       x[0], x[1], x[2], x[3]);
		report(x[4] == x[0] && x[5] == x[0] && x[6] == x[0],
		       "SPSR_und, SPSR_irq, SPSR_fiq of guest %d: expected %#lx, found %#lx, %#lx, %#lx",
		       i, x[0], x[4], x[5], x[6]);
		report(x[8] == x[7], "FPEXC of guest %d: expected %#lx, found %#lx", i, x[7], x[8]);
		guest_destroy(guests[i]);
	}
	report_prefix_pop();
}

static void test_state(void)
{
	check_state(false);
	check_state(true);
}

/* The conditions of A32 and T32 (DDI 0487, F2.3.1) */
static bool condition(unsigned int cond, bool n, bool z, bool c, bool v)
{
	switch (cond) {
	case 0: /* EQ, NE, ... */
		return z;
	case 1:
		return !z;
	case 2:
		return c;
	case 3:
		return !c;
	case 4:
		return n;
	case 5:
		return !n;
	case 6:
		return v;
	case 7:
		return !v;
	case 8:
		return c && !z;
	case 9:
		return !c || z;
	case 10:
		return n == v;
	case 11:
		return n != v;
	case 12:
		return !z && n == v;
	case 13:
		return z || n != v;
	default:
		return true;
	}
}

#define ISS_CV (1UL << 24)

/* QEMU traps no instruction whose condition fails; a CPU may. */
static void test_conditions(void)
{
	struct guest *guest = create(VMID, guest_a32_state);
	bool holds;
	int wrong = 0;

	for (unsigned int cond = 0; cond < 16; cond++)
		for (u64 nzcv = 0; nzcv < 16; nzcv++) {
			guest->spsr_el2 = nzcv << 28;
			guest->esr_el2 = ISS_CV | (u64)cond << 20;
			wrong += guest_condition_holds(guest) !=
				 condition(cond, nzcv & 8, nzcv & 4, nzcv & 2, nzcv & 1);
		}
	report(!wrong,
	       "guest_condition_holds(), 16 conditions with 16 sets of flags: expected 0 wrong "
	       "answers, found %d",
	       wrong);
	guest->esr_el2 = 0;
	guest->spsr_el2 = 0;
	holds = guest_condition_holds(guest);
	report(holds, "guest_condition_holds() with ESR_EL2.CV clear: expected 1, found %d", holds);
	guest_destroy(guest);
}

static void test_stack_and_fp(void)
{
	struct guest *guest = create(VMID, guest_a32_stack_and_fp);

	guest->x[0] = PATTERN;
	guest->x[3] = FPEXC_EN;
	if (check_runs(guest, "a guest that uses stack and FP, up to its HVC"))
		report(guest->x[1] == PATTERN && guest->x[2] == PATTERN,
		       "value stored to the guest's stack and moved through an FP register: expected %#x, "
		       "found %#lx and %#lx",
		       PATTERN, guest->x[1], guest->x[2]);
	guest_destroy(guest);
}

static void test_halves(void)
{
	struct guest *guest = create(VMID, guest_a32_halves);
	const u64 *x = guest->x;

	guest->x[0] = 0x44e04000;
	guest->x[1] = 0x00ff0044;
	check_runs(guest, "a guest that writes registers of 32 and 64 bits, up to its HVC");
	report(x[2] == x[0] && x[3] == x[1],
	       "PRRR and NMRR after their writes: expected %#lx and %#lx, found %#lx and %#lx",
	       x[0], x[1], x[2], x[3]);
	report(x[4] == x[0] && x[5] == x[1],
	       "TTBR1 after MCRR: expected %#lx:%#lx, found %#lx:%#lx", x[1], x[0], x[5], x[4]);
	report(x[7] == x[1] && x[8] == x[0],
	       "TTBR0 after MCRR: expected %#lx:%#lx, found %#lx:%#lx", x[0], x[1], x[8], x[7]);
	report(x[6] == x[1],
	       "CONTEXTIDR after a write, and one whose condition fails: expected %#lx, found %#lx",
	       x[1], x[6]);
	guest_destroy(guest);
}

/*
 * Reset (DDI 0487, G8.2.126): RES1 bits of SCTLR, CP15BEN, nTLSMD, LSMAOE, SPAN, nTWI, nTWE are 1.
 * A CPU may have ITD, SED, V, EE, TE and DSSBS as it likes.
 */
#define SCTLR_RESET 0x00c50838U
#define SCTLR_FIXED ~0xc2002180U
#define CPSR_AIF (PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)
#define CPSR_MODE 0x1f
#define MODE_SVC 0x13

static void test_reset(void)
{
	struct guest *guest = create(VMID, guest_a32_reset);
	u64 cpsr_bits = CPSR_AIF | CPSR_MODE | PSR_AA32_E_BIT;

	if (check_runs(guest, "a guest that reads SCTLR and CPSR, up to its HVC")) {
		report((guest->x[0] & SCTLR_FIXED) == SCTLR_RESET,
		       "SCTLR after reset: expected %#x in %#x, found %#lx", SCTLR_RESET,
		       SCTLR_FIXED, guest->x[0]);
		report((guest->x[1] & cpsr_bits) == (CPSR_AIF | MODE_SVC),
		       "CPSR after reset: expected %#x in %#lx, found %#lx", CPSR_AIF | MODE_SVC,
		       cpsr_bits, guest->x[1]);
		report(!(guest->spsr_el2 & PSR_T32_BIT),
		       "SPSR_EL2.T of a guest in A32: expected 0, found 1 (%#lx)", guest->spsr_el2);
	}
	guest_destroy(guest);
}

static void test_t32(void)
{
	struct guest *guest = create(VMID, guest_t32_hvc + 1);

	if (guest_check_run(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC32, 0x1234, 0xffff),
			    "a guest in T32, up to its HVC"))
		report(guest->x[0] == 9 && guest->spsr_el2 & PSR_T32_BIT &&
			       guest->elr_el2 == (u64)guest_t32_hvc + 8,
		       "r0, SPSR_EL2.T and PC of a guest in T32: expected 9, 1, %#lx, found %#lx, "
		       "%d, %#lx",
		       (u64)guest_t32_hvc + 8, guest->x[0], !!(guest->spsr_el2 & PSR_T32_BIT),
		       guest->elr_el2);
	guest_destroy(guest);
}

/*
 * All registers of translation and faults, as HCR_EL2.TVM traps their writes
 */

/* In memory that the guest shares with the host, below 4 GiB */
static struct cp15_values {
	u32 written, read, read_again;
} values[2][15];

#define NAME(n, name, mask) #name,
#define MASK(n, name, mask) mask,

/*
 * Have the framework emulate the writes, as it does for the sake of HCR_EL2.DC where the CPU has no
 * FEAT_S2FWB.
 */
static void emulate_writes(struct guest *guest)
{
	extern char guest_vectors_dc[];

	guest->hcr_el2 |= HCR_EL2_TVM;
	guest->emulates_dc = true;
	guest->vectors = guest_vectors_dc;
}

static void check_cp15(const char *const *names, const u32 *masks, int count)
{
	int wrong = 0;

	for (int which = 0; which < 2; which++)
		for (int n = 0; n < count; n++) {
			struct cp15_values *value = &values[which][n];
			u32 expected = value->written & masks[n];

			if ((value->read & masks[n]) == expected &&
			    (value->read_again & masks[n]) == expected)
				continue;
			report_fail("%s of guest %d, in %#x, and after the other guest ran: "
				    "expected %#x, found %#x, %#x",
				    names[n], which, masks[n], expected, value->read,
				    value->read_again);
			wrong++;
		}
	report(!wrong, "registers, of %d of two guests, that are wrong: expected 0, found %d",
	       count, wrong);
}

/* Two guests write them, in turn, and read them. */
static void run_cp15(const void *code, const char *const *names, const u32 *masks, int count,
		     bool emulated)
{
	u64 pattern = 1, exits;
	struct guest *guests[2];
	struct guest_statistics statistics;

	for (int which = 0; which < 2; which++) {
		guests[which] = create(VMID + which, code);
		guests[which]->x[12] = (u64)values[which];
		if (emulated)
			emulate_writes(guests[which]);
		for (int n = 0; n < count; n++)
			values[which][n].written = (pattern = next_pattern(pattern)) & masks[n];
	}
	emulated = guests[0]->emulates_dc;
	exits = emulated ? 2 + count : 2;
	guest_count_exits(guests[0], &statistics);
	for (int run = 0; run < 2; run++)
		for (int which = 0; which < 2; which++)
			check_runs(guests[which], "guest %d, run %d, up to its HVC", which, run);
	check_cp15(names, masks, count);
	report(statistics.vectors[ELx_LOW_SYNC_32] == exits && !statistics.vectors[ELx_LOW_SYNC_64],
	       "exits by ELx_LOW_SYNC_32 and _64, of two HVCs and %d writes%s: expected %lu and 0, "
	       "found %lu and %lu",
	       count, emulated ? ", emulated" : "", exits, statistics.vectors[ELx_LOW_SYNC_32],
	       statistics.vectors[ELx_LOW_SYNC_64]);
	for (int which = 0; which < 2; which++)
		guest_destroy(guests[which]);
}

static void test_cp15(void)
{
	static const char *const names[] = { CP15_VALUES(NAME) };
	static const u32 masks[] = { CP15_VALUES(MASK) };

	for (int emulated = 0; emulated < 2; emulated++)
		run_cp15(guest_a32_cp15, names, masks, ARRAY_SIZE(names), emulated);
}

static void test_ttbcr2(void)
{
	static const char *const names[] = { CP15_TTBCRS(NAME) };
	static const u32 masks[] = { CP15_TTBCRS(MASK) };

	if (!FIELD(read_sysreg(id_mmfr4_el1), 19, 16)) {
		report_skip("the CPU has no TTBCR2 (ID_MMFR4_EL1.HPDS)");
		return;
	}
	for (int emulated = 0; emulated < 2; emulated++)
		run_cp15(guest_a32_ttbcr2, names, masks, ARRAY_SIZE(names), emulated);
}

/* Short descriptors (DDI 0487, G5.4): sections of 1 MiB, read and write, write-back */
#define TABLE_SIZE SZ_16K
#define A32_SECTION_SHIFT 20
#define SECTION(pa) ((u32)(pa) | 1U << 16 | 3U << 10 | 3U << 2 | 2)
#define SECTION_VA 0x70000000U
#define SECTION_NO_ACCESS(pa) (SECTION(pa) & ~(3U << 10)) /* AP[1:0] is 0 */
#define NO_ACCESS_VA 0x70100000U
#define NO_ACCESS_IPA 0x7ff00000U

/* guest_fault_ipa() in a handler, for a section without access: with DACR at 1, and 3 */
#define CLIENT 1 /* domain 0 as the descriptors say */
#define MANAGER 3 /* domain 0 without checks */

static struct {
	bool known_to_client, known_to_manager;
	u64 ipa;
} asked;

static bool ask_with_domain(struct guest *guest, u32 dacr)
{
	guest->aarch32.dacr32_el2 = dacr;
	guest->esr_el2 = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_FSC_PERM;
	guest->far_el2 = NO_ACCESS_VA;
	return guest_fault_ipa(guest, &asked.ipa);
}

static enum guest_handler_result ask_with_domains(struct guest *guest)
{
	u64 esr = guest->esr_el2;

	asked.known_to_client = ask_with_domain(guest, CLIENT);
	asked.known_to_manager = ask_with_domain(guest, MANAGER);
	guest->esr_el2 = esr;
	return GUEST_ACTION_EXIT;
}

static void test_mmu_on(void)
{
	struct guest *guest = create(VMID, guest_a32_mmu_on);
	u32 *table = memalign_pages(TABLE_SIZE, TABLE_SIZE), *page = alloc_page();
	u64 table_pa = virt_to_phys(table), pa = virt_to_phys(page), offset = pa & (SZ_1M - 1);
	u64 sctlr = guest->sctlr_el1;

	assert(!s2mmu_map(guest->s2mmu, table_pa, table_pa, TABLE_SIZE, S2_MAP_RO));
	assert(!s2mmu_map(guest->s2mmu, pa, pa, SZ_4K, S2_MAP_RW));
	for (u32 mib = __pa(_stext) >> A32_SECTION_SHIFT; mib <= __pa(_end) >> A32_SECTION_SHIFT;
	     mib++)
		table[mib] = SECTION(mib << A32_SECTION_SHIFT);
	table[SECTION_VA >> A32_SECTION_SHIFT] = SECTION(pa - offset);
	table[NO_ACCESS_VA >> A32_SECTION_SHIFT] = SECTION_NO_ACCESS(NO_ACCESS_IPA);
	*page = PATTERN;
	guest->x[0] = table_pa;
	guest->x[1] = CLIENT;
	guest->x[2] = 0;
	guest->x[4] = SECTION_VA + offset;
	guest_install_handler(guest, ELx_LOW_SYNC_32, ask_with_domains);
	if (check_runs(guest, "a guest that turns its MMU on, up to its HVC"))
		report(guest->x[0] == PATTERN,
		       "read through the guest's own page table: expected %#x, found %#lx", PATTERN,
		       guest->x[0]);
	report(guest->sctlr_el1 == (sctlr | SCTLR_ELx_M),
	       "SCTLR of a guest that sets SCTLR.M: expected %#lx, found %#lx", sctlr | SCTLR_ELx_M,
	       guest->sctlr_el1);
	report(!asked.known_to_client && asked.known_to_manager && asked.ipa == NO_ACCESS_IPA,
	       "IPA of %#x, which the tables do not let anyone access, with DACR %u and %u: expected "
	       "unknown and %#x, found %d and %d, %#lx",
	       NO_ACCESS_VA, CLIENT, MANAGER, NO_ACCESS_IPA, asked.known_to_client,
	       asked.known_to_manager, asked.ipa);
	guest_destroy(guest);
	free_page(page);
	free_pages(table);
}

static const struct subtest subtests[] = {
	{ "reset", test_reset },
	{ "t32", test_t32 },
	{ "state", test_state },
	{ "stack-and-fp", test_stack_and_fp },
	{ "conditions", test_conditions },
	{ "halves", test_halves },
	{ "cp15", test_cp15 },
	{ "ttbcr2", test_ttbcr2 },
	{ "mmu-on", test_mmu_on },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	return run_subtests_unless(unsupported ?: guest_aarch32_el1_unsupported(), subtests,
				   ARRAY_SIZE(subtests), argc, argv);
}
