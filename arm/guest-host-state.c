/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's state after guest_run() is what it was before, whatever the guest did. */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-check.h>
#include <asm/guest.h>
#include <asm/mmu.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <vmalloc.h>
#include "guest-host-state.h"

#define VMID 3
#define HSTR_T5 (UL(1) << 5) /* RES0 where EL0 has no AArch32 */
/* Of CPUs that this one is not */
#define MIDR 0x410fd0f2UL
#define MPIDR 0x80000203UL
#define MDSCR_TDCC (UL(1) << 12)
#define JUNK 0xbad0bad0bad0UL
#define FPCR_FZ (UL(1) << 24)

/* clang-format off */
/* The host's registers that a guest or the way into it could change. X(name) */
#define HOST_REGISTERS(X)                                                                          \
	X(hcr_el2),                                                                                \
	X(vbar_el2),                                                                               \
	X(vttbr_el2),                                                                              \
	X(vtcr_el2),                                                                               \
	X(cptr_el2),                                                                               \
	X(mdcr_el2),                                                                               \
	X(cnthctl_el2),                                                                            \
	X(cntvoff_el2),                                                                            \
	X(vmpidr_el2),                                                                             \
	X(vpidr_el2),                                                                              \
	X(hstr_el2),                                                                               \
	X(tpidr_el2),                                                                              \
	X(sctlr_el2),                                                                              \
	X(ttbr0_el2),                                                                              \
	X(tcr_el2),                                                                                \
	X(mair_el2),                                                                               \
	X(sp_el0),                                                                                 \
	X(sp_el1),                                                                                 \
	X(tpidr_el0),                                                                              \
	X(tpidrro_el0),                                                                            \
	X(tpidr_el1),                                                                              \
	X(par_el1),                                                                                \
	X(mdscr_el1),                                                                              \
	X(csselr_el1),                                                                             \
	X(daif)

/* clang-format on */
#define READ_INTO(name) (state->name = read_sysreg(name))
#define COMPARE(name) compare_register(#name, before->name, after->name)

struct host_state {
	DECLARE_REGISTERS(HOST_REGISTERS);
};

static void read_host_state(struct host_state *state)
{
	HOST_REGISTERS(READ_INTO);
}

static void compare_register(const char *name, u64 before, u64 after)
{
	report(before == after, "%s of the host after a run: expected %#lx, found %#lx", name,
	       before, after);
}

static void compare_host_state(const struct host_state *before, const struct host_state *after)
{
	HOST_REGISTERS(COMPARE);
}

/*
 * The registers of EL1 do not rule a host at EL2, but it may have put values there: those of
 * another world that it studies, say. X(name with E2H clear, with E2H set, bits with any value)
 */
/* clang-format off */
#define EL1_STATE(X)                                             \
	X(sctlr_el1, SCTLR_EL12, SCTLR_EL1_UCI | SCTLR_EL1_UCT), \
	X(cpacr_el1, CPACR_EL12, 0x300000),                      \
	X(ttbr0_el1, TTBR0_EL12, 0xffff0000fffff000),            \
	X(ttbr1_el1, TTBR1_EL12, 0xffff0000fffff000),            \
	X(tcr_el1, TCR_EL12, 0x3f003f),                          \
	X(mair_el1, MAIR_EL12, ~0UL),                            \
	X(contextidr_el1, CONTEXTIDR_EL12, 0xffffffff),          \
	X(vbar_el1, VBAR_EL12, 0xfffff800),                      \
	X(esr_el1, ESR_EL12, 0x3ffffff),                         \
	X(far_el1, FAR_EL12, 0xffffffffffff),                    \
	X(elr_el1, ELR_EL12, 0xfffffffffffc),                    \
	X(spsr_el1, SPSR_EL12, 0xf00003c0),                      \
	X(cntkctl_el1, CNTKCTL_EL12, 0x3),                       \
	X(cntv_cval_el0, CNTV_CVAL_EL02, ~0UL >> 8),             \
	X(cntp_cval_el0, CNTP_CVAL_EL02, ~0UL >> 8)
/* The host's own addresses are signed with one of them, in a build that does so. X(name) */
#define KEY_STATE(X)                                                            \
	X(APIAKEYLO_EL1), X(APIAKEYHI_EL1), X(APIBKEYLO_EL1), X(APIBKEYHI_EL1), \
	X(APDAKEYLO_EL1), X(APDAKEYHI_EL1), X(APDBKEYLO_EL1), X(APDBKEYHI_EL1), \
	X(APGAKEYLO_EL1), X(APGAKEYHI_EL1)
/* clang-format on */

/* clang-format off */
#define NAME_OF_BANKED(nvhe, vhe, bits) #nvhe
#define NAME_OF_KEY(name) #name
#define READ_BANKED(nvhe, vhe, bits) (*values++ = read_sysreg_el1(nvhe, vhe))
#define READ_KEY(name) (*values++ = read_sysreg(name))
#define WRITE_BANKED(nvhe, vhe, bits) ({ write_sysreg_el1(*values++, nvhe, vhe); })
#define WRITE_KEY(name) ({ write_sysreg(*values++, name); })
#define BITS_OF_BANKED(nvhe, vhe, bits) (bits)
#define BITS_OF_KEY(name) (~0UL)

/* clang-format on */
static const char *const el1_names[] = { EL1_STATE(NAME_OF_BANKED), KEY_STATE(NAME_OF_KEY) };
static const u64 el1_bits[] = { EL1_STATE(BITS_OF_BANKED), KEY_STATE(BITS_OF_KEY) };

static void read_el1(u64 *values, bool keys)
{
	EL1_STATE(READ_BANKED);
	if (keys)
		KEY_STATE(READ_KEY);
}

__changes_keys static void write_el1(const u64 *values, bool keys)
{
	EL1_STATE(WRITE_BANKED);
	if (keys)
		KEY_STATE(WRITE_KEY);
	isb();
}

/* Leaves nothing at EL1 as it was. */
static void guest_change_everything(void)
{
	asm volatile(
		"	msr	sp_el0, %0\n"
		"	msr	tpidr_el0, %0\n"
		"	msr	tpidrro_el0, %0\n"
		"	msr	tpidr_el1, %0\n"
		"	msr	par_el1, %1\n"
		"	msr	csselr_el1, %2\n"
		"	msr	contextidr_el1, %2\n"
		"	msr	ttbr0_el1, %1\n"
		"	msr	far_el1, %0\n"
		"	msr	daifclr, %4\n"
		"	.arch_extension fp\n"
		"	.arch_extension simd\n"
		"	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
		"	dup	v\\n\\().2d, %0\n"
		"	.endr\n"
		"	msr	fpsr, %2\n"
		"	msr	fpcr, %3\n"
		"	hvc	#0\n"
		:
		: "r"(JUNK), "r"(0x5000UL), "r"(1UL), "r"(FPCR_FZ), "i"(DAIF_IMM(PSR_DAIF))
		: "memory");
}

static struct guest *create(void (*guest_func)(void))
{
	struct guest *guest = guest_create_4k(VMID, guest_func);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	return guest;
}

static u64 hstr_t5_of_cpu(void)
{
	u64 original = read_sysreg(hstr_el2), found;

	write_sysreg(HSTR_T5, hstr_el2);
	found = read_sysreg(hstr_el2);
	write_sysreg(original, hstr_el2);
	return found;
}

static void test_registers(void)
{
	struct guest *guest = create(guest_change_everything);
	struct host_state original, before, after;
	u64 hstr = hstr_t5_of_cpu();

	read_host_state(&original);
	/* Values of the host's own where it has those of a guest's. */
	write_sysreg(original.cnthctl_el2 ^ CNTHCTL_EVNTI, cnthctl_el2);
	write_sysreg(0x123456789, cntvoff_el2);
	write_sysreg(0x80000102, vmpidr_el2);
	write_sysreg(0x410fd0f1, vpidr_el2);
	write_sysreg(HSTR_T5, hstr_el2);
	write_sysreg(original.mdscr_el1 ^ MDSCR_TDCC, mdscr_el1);
	write_sysreg(0x1000, sp_el0);
	write_sysreg(0x2000, tpidr_el0);
	write_sysreg(0x3000, tpidrro_el0);
	write_sysreg(0x4000, tpidr_el1);
	read_host_state(&before);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_HVC64), "a guest changes its registers");
	read_host_state(&after);
	compare_host_state(&before, &after);
	report(before.cnthctl_el2 != original.cnthctl_el2 && before.hstr_el2 == hstr &&
		       before.mdscr_el1 != original.mdscr_el1,
	       "CNTHCTL_EL2, HSTR_EL2, MDSCR_EL1 before the run: expected other than %#lx, %#lx, "
	       "other than %#lx; found %#lx, %#lx, %#lx",
	       original.cnthctl_el2, hstr, original.mdscr_el1, before.cnthctl_el2, before.hstr_el2,
	       before.mdscr_el1);
	write_sysreg(original.cnthctl_el2, cnthctl_el2);
	write_sysreg(original.cntvoff_el2, cntvoff_el2);
	write_sysreg(original.vmpidr_el2, vmpidr_el2);
	write_sysreg(original.vpidr_el2, vpidr_el2);
	write_sysreg(original.hstr_el2, hstr_el2);
	write_sysreg(original.mdscr_el1, mdscr_el1);
	guest_destroy(guest);
}

/* The guest's controls are in EL2's registers while its handler runs. */
static struct {
	u64 vpidr, vmpidr, hstr;
} in_handler;

static enum guest_handler_result look_at_controls(struct guest *guest)
{
	in_handler.vpidr = read_sysreg(vpidr_el2);
	in_handler.vmpidr = read_sysreg(vmpidr_el2);
	in_handler.hstr = read_sysreg(hstr_el2);
	return GUEST_ACTION_EXIT;
}

static void guest_read_ids(void)
{
	asm volatile("	mrs	x0, midr_el1\n"
		     "	mrs	x1, mpidr_el1\n"
		     "	hvc	#0"
		     :
		     :
		     : "x0", "x1", "memory");
}

static void test_controls(void)
{
	struct guest *guest = create(guest_read_ids);
	u64 hstr = hstr_t5_of_cpu();

	guest->vpidr_el2 = MIDR;
	guest->vmpidr_el2 = MPIDR;
	guest->hstr_el2 = HSTR_T5;
	guest_install_handler(guest, ELx_LOW_SYNC_64, look_at_controls);
	guest_run(guest);
	report(guest->x[0] == MIDR && guest->x[1] == MPIDR,
	       "the guest's MIDR_EL1 and MPIDR_EL1: expected %#lx and %#lx, found %#lx and %#lx",
	       MIDR, MPIDR, guest->x[0], guest->x[1]);
	report(in_handler.vpidr == MIDR && in_handler.vmpidr == MPIDR && in_handler.hstr == hstr,
	       "VPIDR_EL2, VMPIDR_EL2, HSTR_EL2 in a handler: expected %#lx, %#lx, %#lx, "
	       "found %#lx, %#lx, %#lx",
	       MIDR, MPIDR, hstr, in_handler.vpidr, in_handler.vmpidr, in_handler.hstr);
	guest_destroy(guest);
}

static bool has_keys(void)
{
	return (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_API_APA) ||
	       (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_APA3);
}

__changes_keys static void compare_el1_state(void)
{
	struct guest *guest = create(guest_change_everything);
	size_t count = has_keys() ? ARRAY_SIZE(el1_names) : ARRAY_SIZE(el1_names) - 10;
	u64 original[ARRAY_SIZE(el1_names)], before[ARRAY_SIZE(el1_names)],
		after[ARRAY_SIZE(el1_names)];

	read_el1(original, has_keys());
	for (size_t i = 0; i < count; i++)
		before[i] = original[i] ^ (0x9e3779b97f4a7c15UL * (i + 1) & el1_bits[i]);
	write_el1(before, has_keys());
	read_el1(before, has_keys());
	guest_run(guest);
	read_el1(after, has_keys());
	write_el1(original, has_keys());
	for (size_t i = 0; i < count; i++)
		report(before[i] == after[i] && before[i] != original[i],
		       "%s of the host after a run, a value other than %#lx: expected %#lx, found %#lx",
		       el1_names[i], original[i], before[i], after[i]);
	guest_destroy(guest);
}

/* compare_el1_state() has no landing pad for an indirect call, in a build that wants one. */
static void test_el1(void)
{
	compare_el1_state();
}

/* DAIF as the caller had it, each bit on its own. */
static void test_daif(void)
{
	struct guest *guest = create(guest_change_everything);
	u64 saved = read_sysreg(daif);

	for (u64 bit = PSR_F_BIT; bit <= PSR_D_BIT; bit <<= 1) {
		u64 after;

		write_sysreg(bit, daif);
		guest_run(guest);
		after = read_sysreg(daif);
		write_sysreg(saved, daif);
		report(after == bit, "DAIF after a run: expected %#lx, found %#lx", bit, after);
	}
	guest_destroy(guest);
}

/* guest-host-state.S */
u64 fp_around_guest_run(struct guest *guest);
u64 callee_saved_around_guest_run(struct guest *guest);
void guest_clobber(void);

static void test_fp(void)
{
	struct guest *guest = create(guest_change_everything);
	u64 wrong = fp_around_guest_run(guest);

	report(wrong == 0,
	       "q0..q31, FPCR and FPSR of the host after a run: expected 0 wrong, found %lu",
	       wrong);
	report((u64)guest->fpsimd.q[17] == JUNK && guest->fpsimd.fpcr == FPCR_FZ,
	       "q17 and FPCR of the guest after a run: expected %#lx and %#lx, found %#lx and %#lx",
	       JUNK, FPCR_FZ, (u64)guest->fpsimd.q[17], guest->fpsimd.fpcr);
	guest_destroy(guest);
}

static void test_callee_saved(void)
{
	struct guest *guest = create(guest_clobber);
	u64 wrong = callee_saved_around_guest_run(guest);

	report(wrong == 0, "x19..x29 and SP of the host after a run: expected 0 wrong, found %lu",
	       wrong);
	report(guest->x[29] == CLOBBERED + 29,
	       "x29 of the guest after a run: expected %#x, found %#lx", CLOBBERED + 29,
	       guest->x[29]);
	guest_destroy(guest);
}

static unsigned int host_brks;

static void count_brk(struct pt_regs *regs, unsigned int esr)
{
	host_brks++;
	regs->pc += 4;
}

/* A guest whose FP is trapped, by a host that traps its own. */
#define DOUBLE_ONE 0x3ff0000000000000UL
static void guest_use_fp(void)
{
	asm volatile("	.arch_extension fp\n	fmov	d0, #1.0\n	hvc	#0" : : : "v0");
}

static u64 fp_trapping(void)
{
	return host_vhe ? cptr_el2_default() & ~CPTR_VHE_FPEN : cptr_el2_default() | CPTR_NVHE_TFP;
}

static enum guest_handler_result allow_fp(struct guest *guest)
{
	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_FP_ASIMD)
		return GUEST_ACTION_EXIT;
	guest->cptr_el2 = cptr_el2_default();
	return GUEST_ACTION_RESUME;
}

static void test_fp_trapped(void)
{
	struct guest *guest = create(guest_use_fp);
	u64 after;

	guest->cptr_el2 = fp_trapping();
	write_sysreg(fp_trapping(), cptr_el2);
	isb();
	guest_run(guest);
	after = read_sysreg(cptr_el2);
	guest_check_exit(guest, EXPECT_CLASS(ESR_ELx_EC_FP_ASIMD), "FP of a guest, trapped");
	report(after == fp_trapping(),
	       "CPTR_EL2 of a host that traps its own FP, after a run: expected %#lx, found %#lx",
	       fp_trapping(), after);
	guest_install_handler(guest, ELx_LOW_SYNC_64, allow_fp);
	guest_run(guest);
	write_sysreg(cptr_el2_default(), cptr_el2);
	report((u64)guest->fpsimd.q[0] == DOUBLE_ONE,
	       "d0 of the guest once its handler untrapped FP: expected %#lx, found %#lx",
	       DOUBLE_ONE, (u64)guest->fpsimd.q[0]);
	guest_destroy(guest);
}

/* A host exception after, and between, runs reaches the host's handler. */
static void test_exceptions(void)
{
	struct guest *guest = create(guest_change_everything);

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, count_brk);
	host_brks = 0;
	for (int i = 0; i < 3; i++) {
		guest->elr_el2 = (u64)guest_change_everything;
		guest_run(guest);
		asm volatile("brk #0" : : : "memory");
	}
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
	report(host_brks == 3, "BRK at EL2 after each run: expected 3, found %u", host_brks);
	guest_destroy(guest);
}

/* The host's TLBI drops its own translations again: a new page at an old address is found. */
static void test_host_tlbi(void)
{
	struct guest *guest = create(guest_change_everything);
	u64 *page = vm_slot_alloc();
	u64 first, second;

	assert(vm_populate(page, PAGE_SIZE));
	*page = 1;
	guest_run(guest);
	first = *(volatile u64 *)page;
	vm_slot_free(page);
	assert(vm_slot_alloc() == page && vm_populate(page, PAGE_SIZE));
	second = *(volatile u64 *)page;
	report(first == 1 && second == 0,
	       "an address, and again with a new page: expected 1 and 0, found %lu and %lu", first,
	       second);
	vm_slot_free(page);
	guest_destroy(guest);
}

/* fpsimd_load() writes no memory. The registers are what they were. */
static void test_fpsimd_load(void)
{
	static struct fpsimd_state states[4];
	int written = 0;

	fpsimd_save(&states[0]);
	memset(&states[1], JUNK & 0xff, sizeof(states) - sizeof(states[0]));
	fpsimd_load(&states[0]);
	for (const u8 *byte = (u8 *)&states[1]; byte < (u8 *)(states + ARRAY_SIZE(states)); byte++)
		written += *byte != (JUNK & 0xff);
	report(!written, "bytes behind a state that fpsimd_load() writes: expected 0, found %d",
	       written);
}

static const struct subtest subtests[] = {
	{ "registers", test_registers },
	{ "el1", test_el1 },
	{ "controls", test_controls },
	{ "daif", test_daif },
	{ "fp", test_fp },
	{ "fp-trapped", test_fp_trapped },
	{ "fpsimd-load", test_fpsimd_load },
	{ "callee-saved", test_callee_saved },
	{ "exceptions", test_exceptions },
	{ "tlbi", test_host_tlbi },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
