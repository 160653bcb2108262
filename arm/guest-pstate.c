/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE beyond the masks and flags: what guest_run() keeps for its caller, what a guest finds after
 * an exit, and that a guest's PAN does not keep EL2 from its own memory.
 *
 * An exception leaves PAN and DIT as they were, and sets UAO, SSBS, TCO and ALLINT
 * (AArch64.TakeException(), DDI 0487).
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/pstate.h>
#include <asm/psci.h>

#define VMID 47
#define UNMAPPED 0x3000001230UL

/*
 * X(bit, its register, the field of an ID register that says that the CPU has both). With FEAT_MTE
 * but not FEAT_MTE2, TCO may be RES0.
 */
/* clang-format off */
#define PSTATE_BITS(X)                                                                             \
	X(PSR_PAN_BIT, PSTATE_PAN, FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20) != 0)              \
	X(PSR_UAO_BIT, PSTATE_UAO, FIELD(read_sysreg(ID_AA64MMFR2_EL1), 7, 4) != 0)                \
	X(PSR_DIT_BIT, PSTATE_DIT, FIELD(read_sysreg(id_aa64pfr0_el1), 51, 48) != 0)               \
	X(PSR_SSBS_BIT, PSTATE_SSBS, FIELD(read_sysreg(id_aa64pfr1_el1), 7, 4) >= 2)               \
	X(PSR_TCO_BIT, PSTATE_TCO, FIELD(read_sysreg(id_aa64pfr1_el1), 11, 8) >= 2)                 \
	X(PSR_ALLINT_BIT, PSTATE_ALLINT, FIELD(read_sysreg(id_aa64pfr1_el1), 39, 36) != 0)

/* clang-format on */
#define READ(bit, reg, present) \
	if (bits & (bit))       \
		found |= read_sysreg(reg);
#define WRITE(bit, reg, present) \
	if (bits & (bit))        \
		write_sysreg(value &(bit), reg);
#define ADD_PRESENT(bit, reg, present) | ((present) ? (bit) : 0)
#define NAME(bit, reg, present) { bit, #reg },

static const struct {
	u64 bit;
	const char *name;
} names[] = { PSTATE_BITS(NAME) };

static u64 all_bits(void)
{
	return 0 PSTATE_BITS(ADD_PRESENT);
}

/* Of @bits only */
static u64 read_bits(u64 bits)
{
	u64 found = 0;

	PSTATE_BITS(READ)
	return found;
}

static void write_bits(u64 bits, u64 value)
{
	PSTATE_BITS(WRITE)
}

/* Without PAN: C code of the host runs with it clear. */
static u64 host_bits(void)
{
	return all_bits() & ~(u64)PSR_PAN_BIT;
}

static struct guest *create(void *func, u64 pstate)
{
	struct guest *guest = guest_create_4k(VMID, func);

	guest->spsr_el2 |= pstate;
	return guest;
}

/*
 * The caller's
 */

static void guest_hvc(void)
{
	asm volatile("hvc #0" : : : "memory");
}

/* PSTATE of the caller after a run, which had @value before, of a guest with the opposite. */
static u64 run_between(u64 bits, u64 value)
{
	struct guest *guest = create(guest_hvc, ~value & bits);
	u64 original = pstate_save(), after;

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	write_bits(bits, value);
	guest_run(guest);
	after = read_bits(bits);
	pstate_restore(original);
	guest_destroy(guest);
	return after;
}

static void test_caller(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].bit == PSR_PAN_BIT)
			continue;
		if (!(host_bits() & names[i].bit)) {
			report_skip("the CPU has no %s", names[i].name);
			continue;
		}
		for (int set = 0; set < 2; set++) {
			u64 value = set ? names[i].bit : 0;
			u64 after = run_between(names[i].bit, value);

			report(after == value,
			       "%s of guest_run()'s caller, %#lx before, of a guest with %#lx: "
			       "expected %#lx, found %#lx",
			       names[i].name, value, value ^ names[i].bit, value, after);
		}
	}
}

/* All at once, and in a handler that runs another guest. */
static u64 nested_after;

static enum guest_handler_result run_another(struct guest *guest)
{
	nested_after = run_between(host_bits(), host_bits());
	return GUEST_ACTION_EXIT;
}

static void test_nested(void)
{
	struct guest *guest = create(guest_hvc, all_bits());

	guest_install_handler(guest, ELx_LOW_SYNC_64, run_another);
	guest_run(guest);
	report(nested_after == host_bits(),
	       "PSTATE of a handler after it ran another guest: expected %#lx, found %#lx",
	       host_bits(), nested_after);
	guest_destroy(guest);
}

/*
 * The guest's
 */

static u64 guest_look(u64 bits)
{
	asm volatile("hvc #0" : : : "memory");
	return read_bits(bits);
}

static enum guest_handler_result resume(struct guest *guest)
{
	return GUEST_ACTION_RESUME;
}

static void test_guest(void)
{
	for (int set = 0; set < 2; set++) {
		u64 value = set ? all_bits() : 0;
		struct guest *guest = create(guest_look, value);

		guest->x[0] = all_bits();
		guest_install_handler(guest, ELx_LOW_SYNC_64, resume);
		guest_check_run(guest, EXPECT_RETURN(value),
				"PSTATE of a guest after an exit, %#lx before", value);
		report((guest->spsr_el2 & all_bits()) == value,
		       "SPSR_EL2 after it: expected %#lx, found %#lx", value,
		       guest->spsr_el2 & all_bits());
		guest_destroy(guest);
	}
}

/*
 * The handler's
 */

#define IN_HANDLER (PSR_PAN_BIT | PSR_UAO_BIT) /* what makes EL2's accesses fault */

static struct {
	unsigned int exits;
	u64 pstate, esr, spsr;
	u64 ipa;
	bool has_ipa;
} seen;

/* Behind the instruction, if it did not go there: HVC does */
static enum guest_handler_result look_at_pstate(struct guest *guest)
{
	u64 pstate = read_bits(all_bits() & IN_HANDLER);

	seen.exits++;
	seen.pstate |= pstate;
	seen.esr = guest->esr_el2;
	seen.spsr = guest->spsr_el2;
	seen.has_ipa = guest_fault_ipa(guest, &seen.ipa);
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64)
		guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static void guest_smc(void)
{
	register u64 x0 asm("x0") = PSCI_0_2_FN_PSCI_VERSION;

	asm volatile("smc #0" : "+r"(x0) : : "memory");
}

static void guest_load(void)
{
	asm volatile("ldr xzr, [%0]" : : "r"(UNMAPPED) : "memory");
}

static void guest_write_ttbr(void)
{
	write_sysreg(read_sysreg(ttbr0_el1), ttbr0_el1); /* HCR_EL2.TVM, without FEAT_S2FWB */
	asm volatile("hvc #0" : : : "memory");
}

static void check_exit(void *func, const char *what, unsigned int ec)
{
	struct guest *guest = create(func, all_bits());
	u64 pan;

	memset(&seen, 0, sizeof(seen));
	guest_install_handler(guest, ELx_LOW_SYNC_64, look_at_pstate);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), "%s, PSTATE %#lx", what,
			all_bits());
	pan = read_bits(all_bits() & PSR_PAN_BIT);
	report(!pan, "%s, PAN after guest_run(): expected 0, found %#lx", what, pan);
	report(seen.exits == 1 && ESR_ELx_EC(seen.esr) == ec && !seen.pstate &&
		       (seen.spsr & all_bits()) == all_bits(),
	       "%s, in the handler: expected 1 exit of class %#x, PAN and UAO 0, SPSR_EL2 %#lx; found "
	       "%u of %#lx, %#lx, %#lx",
	       what, ec, all_bits(), seen.exits, ESR_ELx_EC(seen.esr), seen.pstate,
	       seen.spsr & all_bits());
	if (func == guest_load)
		report(seen.has_ipa && seen.ipa == UNMAPPED,
		       "%s, IPA: expected %#lx, found %#lx (%s)", what, UNMAPPED, seen.ipa,
		       seen.has_ipa ? "known" : "unknown");
	guest_destroy(guest);
}

static void test_handler(void)
{
	check_exit(guest_hvc, "HVC", ESR_ELx_EC_HVC64);
	check_exit(guest_smc, "trapped SMC", ESR_ELx_EC_SMC64);
	check_exit(guest_load, "stage-2 fault", ESR_ELx_EC_DABT_LOW);
	check_exit(guest_write_ttbr, "write of TTBR0_EL1 and HVC", ESR_ELx_EC_HVC64);
}

/* The framework's own calls are answered before the handler. */
static u64 guest_report(void)
{
	report_pass("a report of a guest with PAN set");
	return read_sysreg(PSTATE_PAN);
}

static void test_call(void)
{
	struct guest *guest;

	if (!(all_bits() & PSR_PAN_BIT)) {
		report_skip("the CPU has no PAN (ID_AA64MMFR1_EL1.PAN)");
		return;
	}
	guest = create(guest_report, PSR_PAN_BIT);
	guest_check_run(guest, EXPECT_RETURN(PSR_PAN_BIT), "PSTATE.PAN of a guest after a report");
	guest_destroy(guest);
}

/*
 * The page that the vectors load from is not mapped, while PAN is clear: an exception of the host's
 * own, whose handler maps it.
 */
static pteval_t *dispatch_pte;
static unsigned int host_aborts;

static enum guest_handler_result hide_dispatch_page(struct guest *guest)
{
	mmu_page_hide(dispatch_pte, guest->dispatch_page);
	return GUEST_ACTION_RESUME;
}

static void show_dispatch_page(struct pt_regs *regs, unsigned int esr)
{
	host_aborts++;
	mmu_page_show(dispatch_pte);
}

static u64 guest_hvc_twice(void)
{
	asm volatile("hvc #0\n	hvc #1" : : : "memory");
	return 7;
}

static enum guest_handler_result hide_at_first(struct guest *guest)
{
	return guest->esr_el2 & 1 ? GUEST_ACTION_RESUME : hide_dispatch_page(guest);
}

static void test_no_pan(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_twice);

	dispatch_pte = follow_pte(mmu_idmap, (uintptr_t)guest->dispatch_page);
	host_aborts = 0;
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, show_dispatch_page);
	guest_install_handler(guest, ELx_LOW_SYNC_64, hide_at_first);
	guest_check_run(guest, EXPECT_RETURN(7), "a guest whose second exit finds a page missing");
	report(host_aborts == 1, "aborts of the host in the vector: expected 1, found %u",
	       host_aborts);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, NULL);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "caller", test_caller },   { "nested", test_nested }, { "guest", test_guest },
	{ "handler", test_handler }, { "call", test_call },	{ "no-pan", test_no_pan },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
