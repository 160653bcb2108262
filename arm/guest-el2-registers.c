/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's controls that not every CPU has (EL2_OPTIONAL_REGISTERS of asm/guest-state.h) are a guest's
 * own: in the CPU while it and its handlers run, and the host's after that. arm/guest-host-state.c
 * has those that every CPU has.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-check.h>
#include <asm/guest.h>
#include <asm/run-in.h>
#include <asm/sysreg.h>

#define HFGxTR_EL2_TPIDR_EL1 (UL(1) << 33)

static bool has_hcx(void)
{
	return ID_FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_HCX);
}

static bool has_fgt(void)
{
	return ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT);
}

static bool has_fgt_amu(void)
{
	return has_fgt() && ID_FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_AMU);
}

static bool has_fgt2(void)
{
	return ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT) >= ID_AA64MMFR0_FGT_FGT2;
}

#define READ(field, name) (state->field = read_sysreg(name))
#define WRITE(field, name) ({ write_sysreg(state->field, name); })

/* Those that the CPU has. */
static void read_all(struct el2_state *state)
{
	if (has_hcx())
		HCX_REGISTERS(READ);
	if (has_fgt())
		FGT_REGISTERS(READ);
	if (has_fgt_amu())
		FGT_AMU_REGISTERS(READ);
	if (has_fgt2())
		FGT2_REGISTERS(READ);
	if (el2_has_nv2())
		NV2_REGISTERS(READ);
}

static void write_all(const struct el2_state *state)
{
	if (has_hcx())
		HCX_REGISTERS(WRITE);
	if (has_fgt())
		FGT_REGISTERS(WRITE);
	if (has_fgt_amu())
		FGT_AMU_REGISTERS(WRITE);
	if (has_fgt2())
		FGT2_REGISTERS(WRITE);
	if (el2_has_nv2())
		NV2_REGISTERS(WRITE);
	isb();
}

static const struct el2_register {
	const char *name;
	size_t offset; /* in struct el2_state */
	bool (*present)(void);
	const char *feature;
} registers[] = {
#define ROW(field) #field, offsetof(struct el2_state, field)
#define HCX_ROW(field, name) { ROW(field), has_hcx, "FEAT_HCX (ID_AA64MMFR1_EL1.HCX)" }
#define FGT_ROW(field, name) { ROW(field), has_fgt, "FEAT_FGT (ID_AA64MMFR0_EL1.FGT)" }
#define FGT_AMU_ROW(field, name)   \
	{ ROW(field), has_fgt_amu, \
	  "FEAT_FGT with FEAT_AMUv1 (ID_AA64MMFR0_EL1.FGT, ID_AA64PFR0_EL1.AMU)" }
#define FGT2_ROW(field, name) { ROW(field), has_fgt2, "FEAT_FGT2 (ID_AA64MMFR0_EL1.FGT)" }
#define NV2_ROW(field, name) \
	{ ROW(field), el2_has_nv2, "FEAT_NV2 (ID_AA64MMFR2_EL1.NV, ID_AA64MMFR4_EL1.NV_frac)" }
	HCX_REGISTERS(HCX_ROW),	  FGT_REGISTERS(FGT_ROW), FGT_AMU_REGISTERS(FGT_AMU_ROW),
	FGT2_REGISTERS(FGT2_ROW), NV2_REGISTERS(NV2_ROW),
};

static u64 *in_state(struct el2_state *state, const struct el2_register *r)
{
	return (u64 *)((char *)state + r->offset);
}

static u64 read_register(const struct el2_register *r)
{
	struct el2_state state;

	read_all(&state);
	return *in_state(&state, r);
}

static void write_register(const struct el2_register *r, u64 value)
{
	struct el2_state state;

	read_all(&state);
	*in_state(&state, r) = value;
	write_all(&state);
}

static u64 *member_of(struct guest *guest, const struct el2_register *r)
{
	return in_state(&guest->el2, r);
}

/* The register of the test that runs, and its value in each of the handler's calls. */
static const struct el2_register *current;
static u64 seen[2], changed;
static unsigned int exits;

static void guest_exit_twice(void)
{
	asm volatile("hvc #0\n	hvc #0" : : : "memory");
}

static enum guest_handler_result look(struct guest *guest)
{
	seen[exits++] = read_register(current);
	if (exits == 2)
		return GUEST_ACTION_EXIT;
	*member_of(guest, current) = changed;
	return GUEST_ACTION_RESUME;
}

/* What a write of @value leaves. */
static u64 written(const struct el2_register *r, u64 value)
{
	u64 original = read_register(r), found;

	write_register(r, value);
	found = read_register(r);
	write_register(r, original);
	return found;
}

static struct guest *create(const struct el2_register *r, u64 value)
{
	struct guest *guest = guest_create_4k(S2_VMID_AUTO, guest_exit_twice);

	report(*member_of(guest, r) == 0, "%s of a new guest: expected 0, found %#lx", r->name,
	       *member_of(guest, r));
	guest_install_handler(guest, ELx_LOW_SYNC_64, look);
	*member_of(guest, r) = value;
	return guest;
}

static void check_run(struct guest *guest, u64 value, u64 host)
{
	u64 after;

	exits = 0;
	guest_run(guest);
	after = read_register(current);
	report(exits == 2 && seen[0] == value && seen[1] == changed && after == host,
	       "%s at a guest's first exit, at the next after a change by the handler, and of the "
	       "host after the run: expected %#lx, %#lx, %#lx, found %#lx, %#lx, %#lx",
	       current->name, value, changed, host, seen[0], seen[1], after);
	report(*member_of(guest, current) == changed,
	       "%s in struct guest after the run: expected %#lx, found %#lx", current->name,
	       changed, *member_of(guest, current));
}

/* Two guests and the host, each with values of its own. */
static void check_register(const struct el2_register *r)
{
	u64 original = read_register(r), all = written(r, ~0UL);
	u64 values[] = { all & 0x5555555555555555UL, all & 0xaaaaaaaaaaaaaaaaUL };
	u64 host = all & 0x3333333333333333UL;
	struct guest *guests[] = { create(r, values[0]), create(r, values[1]) };

	if (!all)
		report_skip("%s: it has no bit that can be written", r->name);
	current = r;
	write_register(r, host);
	for (unsigned int i = 0; i < ARRAY_SIZE(guests); i++) {
		changed = ~values[i] & all;
		check_run(guests[i], values[i], host);
	}
	write_register(r, original);
	for (unsigned int i = 0; i < ARRAY_SIZE(guests); i++)
		guest_destroy(guests[i]);
}

static void test_own(void)
{
	for (const struct el2_register *r = registers; r < registers + ARRAY_SIZE(registers); r++) {
		if (r->present())
			check_register(r);
		else
			report_skip("%s: the CPU does not have %s", r->name, r->feature);
	}
}

static u64 read_tpidr_el1(u64 arg)
{
	return read_sysreg(tpidr_el1);
}

/* In effect for the guest that has it alone, and for run_in_el1() what the caller has. */
static void test_trap(void)
{
	struct guest *trapped, *free;
	struct run_in_result result;

	if (!has_fgt()) {
		report_skip("a trap: the CPU does not have FEAT_FGT (ID_AA64MMFR0_EL1.FGT)");
		return;
	}
	trapped = guest_create_4k(S2_VMID_AUTO, read_tpidr_el1);
	free = guest_create_4k(S2_VMID_AUTO, read_tpidr_el1);
	guest_install_handler(trapped, ELx_LOW_SYNC_64, guest_exit_always);
	trapped->hfgrtr_el2 = HFGxTR_EL2_TPIDR_EL1;
	guest_check_run(trapped, EXPECT_MRS(3, 0, 13, 0, 4),
			"MRS TPIDR_EL1 of a guest with HFGRTR_EL2.TPIDR_EL1");
	guest_check_run(free, EXPECT_RETURN(0), "MRS TPIDR_EL1 of a guest without");
	result = run_in_el1(read_tpidr_el1, 0);
	report(result.returned,
	       "MRS TPIDR_EL1 at EL1: expected a return, found exception class %#x",
	       (unsigned int)ESR_ELx_EC(result.esr));
	write_sysreg(HFGxTR_EL2_TPIDR_EL1, HFGRTR_EL2);
	result = run_in_el1(read_tpidr_el1, 0);
	report(!result.returned && result.el == 2 && ESR_ELx_EC(result.esr) == ESR_ELx_EC_SYS64,
	       "MRS TPIDR_EL1 at EL1 with the caller's HFGRTR_EL2.TPIDR_EL1: expected exception class "
	       "%#lx at EL2, found %#x at EL%u",
	       ESR_ELx_EC_SYS64, (unsigned int)ESR_ELx_EC(result.esr), result.el);
	write_sysreg(0, HFGRTR_EL2);
	guest_destroy(trapped);
	guest_destroy(free);
}

static const struct subtest subtests[] = {
	{ "own", test_own },
	{ "trap", test_trap },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
