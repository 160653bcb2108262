/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSTATE of the host at its own exceptions, and of the caller of user mode. */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/processor.h>
#include <asm/pstate.h>
#include <asm/thread_info.h>
#include <asm/user.h>

static bool has_pan(void)
{
	if (FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20))
		return true;
	report_skip("the CPU has no PAN (ID_AA64MMFR1_EL1.PAN)");
	return false;
}

static struct {
	unsigned int calls;
	enum vector vector;
	u64 pan, pstate;
	unsigned int esr;
} seen;

/* Between its two writes of PAN no code may access the stack. */
/* clang-format off */
#define WITH_PAN(insn)                                                                             \
	"	.arch_extension pan\n"                                                             \
	"	msr	pan, #1\n"                                                                 \
	"	" insn "\n"                                                                        \
	"	mrs	%0, " xstr(PSTATE_PAN) "\n"                                                \
	"	msr	pan, #0\n"

/* clang-format on */
static void note(struct pt_regs *regs, unsigned int esr)
{
	seen.pan |= read_sysreg(PSTATE_PAN);
	seen.calls++;
	seen.esr = esr;
	seen.pstate = regs->pstate;
	regs->pc += 4;
}

/* The handler's accesses, and those of the vector, must be possible; the code finds PAN again. */
static void test_brk(void)
{
	u64 after;

	if (!has_pan())
		return;
	memset(&seen, 0, sizeof(seen));
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, note);
	asm volatile(WITH_PAN("brk #0") : "=r"(after) : : "memory");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
	report(seen.calls == 1 && !seen.pan && seen.pstate & PSR_PAN_BIT && after == PSR_PAN_BIT,
	       "BRK with PAN set: expected 1 call, PAN in the handler 0, SPSR with PAN, %#x after it; "
	       "found %u, %#lx, %#lx, %#lx",
	       PSR_PAN_BIT, seen.calls, seen.pan, seen.pstate, after);
}

static unsigned int load_with_pan(void *address)
{
	u64 after;

	memset(&seen, 0, sizeof(seen));
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, note);
	asm volatile(WITH_PAN("ldr xzr, [%1]") : "=&r"(after) : "r"(address) : "memory");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_DABT_CUR, NULL);
	return seen.calls;
}

/* PAN has no effect at EL2 without E2H, where there is no EL0 in the translation regime. */
static void test_load(void)
{
	unsigned int expected = host_at_el2 && !host_vhe ? 0 : 1, found;
	void *page = vm_slot_alloc();

	if (!has_pan())
		return;
	assert(vm_populate(page, PAGE_SIZE));
	found = load_with_pan(page);
	report(found == expected && (!found || (seen.esr & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_PERM),
	       "permission faults of a load, with PAN set, of a page that user mode may read: expected "
	       "%u, found %u (%s)",
	       expected, found, esr_class_name(seen.esr));
	mmu_clear_user(mmu_idmap, (unsigned long)page);
	found = load_with_pan(page);
	report(found == 0,
	       "faults of a load, with PAN set, of a page that user mode may not read: expected 0, "
	       "found %u",
	       found);
	vm_slot_free(page);
}

/*
 * Each slot: branch into it as the CPU does, with PAN set.
 */

static u64 continue_at;

static void come_back(enum vector vector, struct pt_regs *regs, unsigned int esr)
{
	seen.pan |= read_sysreg(PSTATE_PAN);
	seen.calls++;
	seen.vector = vector;
	regs->pc = continue_at;
	regs->pstate = (host_at_el2 ? PSR_MODE_EL2h : PSR_MODE_EL1h) | PSR_DAIF;
}

#define ENTER_SLOT(el)                                                               \
	asm volatile("	adr	x1, 1f\n"                                                 \
		     "	str	x1, [%1]\n"                                               \
		     "	mov	x2, %2\n"                                                 \
		     "	msr	elr_el" #el ", x1\n"                                 \
		     "	msr	spsr_el" #el ", x2\n"                                \
		     "	.arch_extension pan\n"                                        \
		     "	msr	pan, #1\n"                                                \
		     "	ret	%0\n" /* no branch target check */                   \
		     "1:\n"                                                          \
		     :                                                               \
		     : "r"(slot), "r"(&continue_at), "r"((el) << 2 | 1UL | PSR_DAIF) \
		     : "x1", "x2", "memory")

static void enter_slot(u64 slot)
{
	u64 pstate = pstate_save();

	daif_set(PSR_DAIF);
	if (host_at_el2)
		ENTER_SLOT(2);
	else
		ENTER_SLOT(1);
	pstate_restore(pstate);
}

static void test_slots(void)
{
	u64 vectors = host_at_el2 ? read_sysreg(vbar_el2) : read_sysreg(vbar_el1);

	if (!has_pan())
		return;
	for (enum vector vector = ELxT_SYNC; vector < VECTOR_MAX; vector++) {
		memset(&seen, 0, sizeof(seen));
		install_vector_handler(vector, come_back);
		enter_slot(vectors + vector * VECTOR_SLOT_SIZE);
		install_vector_handler(vector, NULL);
		report(seen.calls == 1 && seen.vector == vector && !seen.pan,
		       "slot of %s entered with PAN set: expected 1 call, with PAN 0; found %u for %s, "
		       "%#lx",
		       vector_name(vector), seen.calls, vector_name(seen.vector), seen.pan);
	}
}

/*
 * User mode
 */

/* EL0 can write these. */
#define USER_BITS (PSR_DIT_BIT | PSR_SSBS_BIT | PSR_TCO_BIT)

static void write_user_bits(u64 value)
{
	u64 pfr1 = read_sysreg(id_aa64pfr1_el1);

	if (FIELD(read_sysreg(id_aa64pfr0_el1), 51, 48))
		write_sysreg(value & PSR_DIT_BIT, PSTATE_DIT);
	if (FIELD(pfr1, 7, 4) >= 2)
		write_sysreg(value & PSR_SSBS_BIT, PSTATE_SSBS);
	if (FIELD(pfr1, 11, 8) >= 2) /* with 1 it may be RES0 */
		write_sysreg(value & PSR_TCO_BIT, PSTATE_TCO);
}

/* The ID registers are undefined at EL0: @arg has the bits that the CPU has. */
static void user_flip(void *arg)
{
	u64 present = *(u64 *)arg;

	if (present & PSR_DIT_BIT)
		write_sysreg(read_sysreg(PSTATE_DIT) ^ PSR_DIT_BIT, PSTATE_DIT);
	if (present & PSR_SSBS_BIT)
		write_sysreg(read_sysreg(PSTATE_SSBS) ^ PSR_SSBS_BIT, PSTATE_SSBS);
	if (present & PSR_TCO_BIT)
		write_sysreg(read_sysreg(PSTATE_TCO) ^ PSR_TCO_BIT, PSTATE_TCO);
}

static void test_user(void)
{
	u64 original = pstate_save(), present;
	char *stack = alloc_page();

	if (user_mode_unsupported()) {
		report_skip("%s", user_mode_unsupported());
		return;
	}
	write_user_bits(USER_BITS);
	present = pstate_save() & USER_BITS;
	for (int set = 0; set < 2; set++) {
		u64 before, after;

		write_user_bits(set ? USER_BITS : 0);
		before = pstate_save();
		start_usr(user_flip, &present, (unsigned long)stack + PAGE_SIZE);
		after = pstate_save();
		pstate_restore(original);
		report(after == before && (before & present) == (set ? present : 0),
		       "PSTATE after user mode, which changed DIT, SSBS and TCO: expected %#lx, found "
		       "%#lx",
		       before, after);
	}
	free_page(stack);
}

static const struct subtest subtests[] = {
	{ "brk", test_brk },
	{ "load", test_load },
	{ "slots", test_slots },
	{ "user", test_user },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
