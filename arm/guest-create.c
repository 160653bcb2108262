/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of a new guest: whatever the host's registers, and whatever memory of a previous guest it
 * gets.
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/processor.h>

#define VMID 41

static u64 guest_return_7(void)
{
	return 7;
}

/*
 * Controls at EL2
 */

/* clang-format off */
/* Registers for which a new guest has a default. X(name, bits to change in the host's) */
#define CONTROLS(X)                                            \
	X(vttbr_el2, 0xfffff000), X(vtcr_el2, 0x3f),           \
	X(cptr_el2, CPTR_EL2_TCPAC), X(cnthctl_el2, 1UL << 4), \
	X(cntvoff_el2, 0x123456789), X(vmpidr_el2, 0x305),     \
	X(vpidr_el2, 0xffff), X(hstr_el2, 1UL << 15),          \
	X(mdcr_el2, MDCR_EL2_TDE | MDCR_EL2_HPMN)

/* clang-format on */
#define READ(name, bits) (state.name = read_sysreg(name))
#define CHANGE(name, bits) ({ write_sysreg(read_sysreg(name) ^ (bits), name); })
#define RESTORE(name, bits) ({ write_sysreg(state->name, name); })

struct controls {
	DECLARE_REGISTERS(CONTROLS);
};

static struct controls change_controls(void)
{
	struct controls state;

	CONTROLS(READ);
	CONTROLS(CHANGE);
	isb();
	return state;
}

static void restore_controls(const struct controls *state)
{
	CONTROLS(RESTORE);
	isb();
}

#define check_register(guest, name, value)                                                   \
	report((guest)->name == (value), #name " of a new guest: expected %#lx, found %#lx", \
	       (u64)(value), (guest)->name)

/*
 * The performance monitors are trapped where there are some; else the bits are RES0. All event
 * counters are EL1's: HPMN is PMCR_EL0.N.
 */
static u64 default_mdcr(void)
{
	u64 version = FIELD(read_sysreg(id_aa64dfr0_el1), 11, 8);

	if (!version || version == 0xf)
		return MDCR_EL2_DEBUG_TRAPS;
	return MDCR_EL2_DEBUG_TRAPS | MDCR_EL2_PMU_TRAPS |
	       (read_sysreg(pmcr_el0) >> 11 & MDCR_EL2_HPMN);
}

static void test_controls(void)
{
	struct controls host = change_controls();
	struct guest *guest = guest_create(VMID, (void (*)(void))guest_return_7, S2_PAGE_4K);

	restore_controls(&host);
	guest_require(guest);
	check_register(guest, vttbr_el2, guest->s2mmu->vttbr);
	check_register(guest, vtcr_el2, guest->s2mmu->vtcr);
	check_register(guest, cptr_el2, cptr_el2_default());
	check_register(guest, cnthctl_el2, cnthctl_el2_default());
	check_register(guest, cntvoff_el2, 0UL);
	check_register(guest, vmpidr_el2, 1UL << 31);
	check_register(guest, vpidr_el2, read_sysreg(midr_el1));
	check_register(guest, hstr_el2, 0UL);
	check_register(guest, mdcr_el2, default_mdcr());
	guest_check_run(guest, EXPECT_RETURN(7), "a guest created by a host with other controls");
	guest_destroy(guest);
}

/*
 * Stage 2, interrupts and SErrors of the host, TLB maintenance and barriers that reach other CPUs,
 * keys that are not trapped, and SMC that is
 */
#define GUEST_HCR                                                                         \
	(HCR_EL2_VM | HCR_EL2_RW | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO | HCR_EL2_FB | \
	 HCR_EL2_BSU_IS | HCR_EL2_API | HCR_EL2_APK | HCR_EL2_TSC)
/* Traps that the host has set for itself are not the guest's. */
#define HOST_HCR (HCR_EL2_TWI | HCR_EL2_TID3)

static void test_hcr(void)
{
	u64 hcr = read_sysreg(hcr_el2), expected = GUEST_HCR | (hcr & HCR_EL2_E2H);
	bool lor = FIELD(read_sysreg(id_aa64mmfr1_el1), 19, 16);
	struct guest *guest;

	expected |= s2_features()->fwb ? HCR_EL2_FWB : HCR_EL2_DC | HCR_EL2_TVM;
	expected |= lor ? HCR_EL2_TLOR : 0;
	write_sysreg(hcr | HOST_HCR, hcr_el2);
	isb();
	guest = guest_create(VMID, (void (*)(void))guest_return_7, S2_PAGE_4K);
	write_sysreg(hcr, hcr_el2);
	isb();
	guest_require(guest);
	check_register(guest, hcr_el2, expected);
	guest_destroy(guest);
}

/*
 * Optional state
 */

/* Only the traps that guest_enable_debug() is about are gone. */
static void test_debug(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_return_7);
	u64 expected;

	guest->mdcr_el2 |= MDCR_EL2_TPMCR;
	expected = guest->mdcr_el2 & ~MDCR_EL2_DEBUG_TRAPS;
	assert(guest_enable_debug(guest));
	check_register(guest, mdcr_el2, expected);
	guest_destroy(guest);
}

/*
 * Memory
 */

/* Clear the members that have a default other than 0. */
static void clear_known(struct guest *guest)
{
	memset(&guest->el2, 0, sizeof(guest->el2)); /* test_controls() */
	guest->x[30] = guest->elr_el2 = guest->spsr_el2 = 0;
	guest->regs_in_memory = 0;
	memset(guest->dispatch, 0, sizeof(guest->dispatch));
	memset(guest->handlers + ELx_LOW_SYNC_64, 0,
	       (VECTOR_MAX - ELx_LOW_SYNC_64) * sizeof(guest->handlers[0]));
	guest->s2mmu = NULL;
	guest->fault_ipa = guest->printed_pc = 0;
	guest->mapped_stack = guest->emulates_dc = false;
	guest->vectors = NULL;
	guest->block = guest->stack = NULL;
	guest->registers_pte = NULL;
	guest->sctlr_el1 = guest->cpacr_el1 = guest->vbar_el1 = guest->sp_el1 = 0;
}

/* The offset of the first byte that is not zero, or -1. */
static long first_nonzero(const void *memory, size_t size)
{
	const char *bytes = memory;

	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return i;
	return -1;
}

static enum guest_handler_result scribble(struct guest *guest)
{
	memset(&guest->el1, 0xff, sizeof(guest->el1));
	memset(&guest->fpsimd, 0xff, sizeof(guest->fpsimd));
	return GUEST_ACTION_EXIT;
}

/* Leave something in every page that guests have. */
static void use_memory(void)
{
	struct guest *guests[8];

	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		struct guest *guest = guest_create_4k(VMID + i, guest_return_7);

		memset(guest->stack, 0xff, GUEST_STACK_SIZE);
		memset(&guest->aarch32, 0xff, sizeof(guest->aarch32));
		memset(&guest->vgic, 0xff, sizeof(guest->vgic));
		memset(&guest->host_fpsimd, 0xff, sizeof(guest->host_fpsimd));
		memset(guest->class_handlers, 0xff, sizeof(guest->class_handlers));
		guest_install_handler(guest, ELx_LOW_SYNC_64, scribble);
		guests[i] = guest;
	}
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		guest_destroy(guests[i]);
}

static struct guest copy;

static void test_memory(void)
{
	struct guest *guest;
	long member, stack;

	use_memory();
	guest = guest_create_4k(VMID, guest_return_7);
	check_register(guest, fault_ipa, INVALID_PHYS_ADDR);
	copy = *guest;
	clear_known(&copy);
	member = first_nonzero(&copy, sizeof(copy));
	stack = first_nonzero(guest->stack, GUEST_STACK_SIZE);
	report(member < 0 && stack < 0,
	       "a new guest, in memory of previous ones: expected members without a default and "
	       "the stack all 0, found the first other byte at offset %#lx of struct guest, %#lx of "
	       "the stack",
	       member, stack);
	guest_destroy(guest);
}

/*
 * The other kinds of guests
 */

/* AArch32: registers of User and of Supervisor mode (DDI 0487, D1.8.2) */
#define R13 13
#define R14 14
#define R13_SVC 19
#define MODE_USR 0x10UL
#define MODE_SVC 0x13UL
#define AIF (PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)

static void check_state(struct guest *guest, const char *what, u64 pc, u64 pstate)
{
	guest_require(guest);
	report(guest->elr_el2 == pc && guest->spsr_el2 == pstate,
	       "PC and PSTATE of a new guest %s: expected %#lx and %#lx, found %#lx and %#lx", what,
	       pc, pstate, guest->elr_el2, guest->spsr_el2);
}

static void check_stack(const char *what, u64 found, const struct guest *guest, u64 size)
{
	u64 expected = (u64)guest->stack + size;

	report(found == expected, "stack pointer %s: expected %#lx, found %#lx", what, expected,
	       found);
}

static void test_el1(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_return_7);

	check_state(guest, "at EL1", (u64)guest_return_7, PSR_MODE_EL1h | PSR_DAIF);
	check_stack("of EL1", guest->sp_el1, guest, GUEST_STACK_SIZE);
	check_register(guest, sp_el0, 0UL);
	guest_destroy(guest);
}

static void test_el0(void)
{
	struct guest *guest = guest_create_el0(VMID, (void (*)(void))guest_return_7, S2_PAGE_4K);

	check_state(guest, "at EL0", (u64)guest_return_7, PSR_MODE_EL0t | PSR_DAIF);
	check_stack("of EL0", guest->sp_el0, guest, GUEST_STACK_SIZE);
	check_stack("of EL0's EL1", guest->sp_el1, guest, GUEST_STACK_SIZE / 4);
	guest_destroy(guest);
}

/* ID_AA64PFR0_EL1.EL0 and .EL1: 2 for both execution states */
static bool check_unsupported(const char *unsupported, int level, u64 id)
{
	report(!unsupported == (id == 2),
	       "AArch32 at EL%d, where ID_AA64PFR0_EL1.EL%d is %lu: expected %s, found %s", level,
	       level, id, id == 2 ? "supported" : "unsupported",
	       unsupported ? "unsupported" : "supported");
	if (unsupported)
		report_skip("%s", unsupported);
	return unsupported;
}

/* Bit 0 of the address selects T32, and is not a bit of the PC. */
static u32 code[1];

static void test_el0_32(void)
{
	u64 pc = (u64)code;

	if (check_unsupported(guest_aarch32_unsupported(), 0,
			      FIELD(read_sysreg(id_aa64pfr0_el1), 3, 0)))
		return;
	for (u64 t32 = 0; t32 < 2; t32++) {
		struct guest *guest =
			guest_create_el0_32(VMID, (const void *)(pc | t32), S2_PAGE_4K);

		check_state(guest, t32 ? "in T32 at EL0" : "in A32 at EL0", pc,
			    MODE_USR | AIF | (t32 ? PSR_T32_BIT : 0));
		check_stack("r13", guest->x[R13], guest, GUEST_STACK_SIZE);
		check_stack("of EL0's EL1", guest->sp_el1, guest, GUEST_STACK_SIZE / 4);
		report(guest->x[R14] == (u64)guest_return_a32 && !guest->x[30],
		       "r14 and x30 of a new guest in AArch32: expected %#lx and 0, found %#lx and "
		       "%#lx",
		       (u64)guest_return_a32, guest->x[R14], guest->x[30]);
		guest_destroy(guest);
	}
}

static void test_el1_32(void)
{
	u64 pc = (u64)code;

	if (check_unsupported(guest_aarch32_el1_unsupported(), 1,
			      FIELD(read_sysreg(id_aa64pfr0_el1), 7, 4)))
		return;
	for (u64 t32 = 0; t32 < 2; t32++) {
		struct guest *guest =
			guest_create_el1_32(VMID, (const void *)(pc | t32), S2_PAGE_4K);

		check_state(guest, t32 ? "in T32 at EL1" : "in A32 at EL1", pc,
			    MODE_SVC | AIF | (t32 ? PSR_T32_BIT : 0));
		check_stack("r13_svc", guest->x[R13_SVC], guest, GUEST_STACK_SIZE);
		report(!(guest->hcr_el2 & HCR_EL2_RW),
		       "HCR_EL2.RW of a guest with AArch32 at EL1: expected 0, found 1 (%#lx)",
		       guest->hcr_el2);
		guest_destroy(guest);
	}
}

static const struct subtest subtests[] = {
	{ "controls", test_controls }, { "hcr", test_hcr },	  { "debug", test_debug },
	{ "memory", test_memory },     { "el1", test_el1 },	  { "el0", test_el0 },
	{ "el0-32", test_el0_32 },     { "el1-32", test_el1_32 },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
