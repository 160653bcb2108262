/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running one row: a guest whose code is the instruction, and behind it a load from an address that
 * stage 2 does not map, which EL0 may do as well. So each run is an exit, and ELR_EL2 says which of
 * the two it was.
 */
#include <libcflat.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include "trap.h"

#define VMID 44
#define UNMAPPED 0UL
#define UNMAPPED_REGISTER 28 /* which firmware keeps */
#define INSN_LDR_UNMAPPED (0xf9400000U | UNMAPPED_REGISTER << 5 | 31) /* ldr xzr, [x28] */

static u32 code[2] __aligned(8);
char trap_operand[TRAP_OPERAND_SIZE] __aligned(TRAP_OPERAND_SIZE);

const struct trap_control *trap_control(const struct trap *trap)
{
	return &trap->control[host_vhe];
}

/* The controls that EL1 has, which come before those of EL2 */
static void permit_at_el1(struct guest *guest)
{
	guest->cpacr_el1 |= CPACR_EL1_FPEN | CPACR_EL1_ZEN;
	guest->sctlr_el1 |= SCTLR_EL1_UCT | SCTLR_EL1_UCI | SCTLR_EL1_DZE;
	guest->cntkctl_el1 = CNTKCTL_EL1_ALL;
}

/*
 * Traps that the library sets by default and that overlap: PMCR_EL0 is of MDCR_EL2.TPM and TPMCR.
 */
static void permit_at_el2(struct guest *guest)
{
	guest->mdcr_el2 &= ~(MDCR_EL2_DEBUG_TRAPS | MDCR_EL2_PMU_TRAPS);
}

static u64 control_value(const struct trap_control *control, bool traps)
{
	return traps ? control->traps : control->mask ^ control->traps;
}

static void set_control(struct guest *guest, const struct trap_control *control, bool traps)
{
	u64 *reg = (u64 *)((char *)guest + control->member);

	*reg = (*reg & ~control->mask) | control_value(control, traps);
}

static void start(struct guest *guest, const struct trap *trap)
{
	guest->elr_el2 = (u64)code;
	guest->spsr_el2 = (trap->at_el0 ? PSR_MODE_EL0t : PSR_MODE_EL1h) | PSR_DAIF;
	guest->x[0] = PSCI_0_2_FN_PSCI_VERSION; /* for firmware that gets an SMC */
	guest->x[TRAP_RT] = (u64)trap->operand;
	guest->x[UNMAPPED_REGISTER] = UNMAPPED;
}

static void check_elr(const struct guest *guest, const struct trap *trap, const u32 *expected,
		      const char *state)
{
	__report(trap->place, guest->elr_el2 == (u64)expected,
		 "%s: ELR_EL2 expected %#lx, %s; found %#lx", state, (u64)expected,
		 expected == code ? "the instruction" : "the one behind it", guest->elr_el2);
}

/* The whole ISS, and IL: it is a 32-bit instruction. */
static void check_trapped(struct guest *guest, const struct trap *trap, const char *state)
{
	struct guest_exit expected =
		EXPECT_SYNDROME(trap->ec, trap->iss | ESR_ELx_IL, ESR_ELx_ISS_MASK | ESR_ELx_IL);

	start(guest, trap);
	__guest_check_run(trap->place, guest, &expected, "%s (ESR_EL2 %#lx)", state, expected.esr);
	check_elr(guest, trap, code, state);
}

static bool is_undefined(const struct guest *guest)
{
	return guest->exit_reason == GUEST_EXIT_EL1_UNHANDLED && guest->elr_el1 == (u64)code &&
	       ESR_ELx_EC(guest->esr_el1) == ESR_ELx_EC_UNKNOWN;
}

static void check_not_trapped(struct guest *guest, const struct trap *trap, const char *state)
{
	const struct guest_exit expected =
		EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_FAULT, UNMAPPED);

	start(guest, trap);
	guest_run(guest);
	if (trap->untrapped == UNTRAPPED_BY_FIRMWARE && is_undefined(guest)) {
		report_pass("%s: UNDEFINED at EL1, as without EL3", state);
		return;
	}
	__guest_check_exit(trap->place, guest, &expected, "%s: up to the load behind it", state);
	check_elr(guest, trap, code + 1, state);
}

static void check_runs(struct guest *guest, const struct trap *trap)
{
	const struct trap_control *control = trap_control(trap);
	unsigned int shift = __builtin_ctzl(control->mask);
	char state[64];

	permit_at_el1(guest);
	snprintf(state, sizeof(state), "%s as in every guest", control->name);
	(trap->by_default ? check_trapped : check_not_trapped)(guest, trap, state);
	permit_at_el2(guest);
	for (int traps = 1; traps >= 0; traps--) {
		set_control(guest, control, traps);
		snprintf(state, sizeof(state), "%s = %lu", control->name,
			 control_value(control, traps) >> shift);
		(traps ? check_trapped : check_not_trapped)(guest, trap, state);
	}
}

static void write_code(u32 insn)
{
	code[0] = insn;
	code[1] = INSN_LDR_UNMAPPED;
	sync_icache(code, sizeof(code));
}

static void check_in_guest(const struct trap *trap)
{
	struct guest *guest;

	write_code(trap->insn);
	guest = guest_create_4k(VMID, code);
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	check_runs(guest, trap);
	guest_destroy(guest);
}

void check_trap(const struct trap *trap)
{
	report_prefix_pushf("%s%s", trap->insn_name, trap->at_el0 ? " at EL0" : "");
	if (!feature_present(&trap->control_feature))
		feature_skip(&trap->control_feature);
	else if (!feature_present(&trap->feature))
		feature_skip(&trap->feature);
	else
		check_in_guest(trap);
	report_prefix_pop();
}
