/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's user mode. */
#include <libcflat.h>
#include <asm/processor.h>
#include <asm/pstate.h>
#include <asm/setup.h>
#include <asm/thread_info.h>
#include <asm/user.h>

/* user.S */
extern char user_return[], user_returned[];
void user_enter_el1(void (*func)(void *arg), void *arg, unsigned long sp);
void user_enter_el2(void (*func)(void *arg), void *arg, unsigned long sp);

/*
 * The value of TPIDRRO_EL0 in user mode, a register that EL0 can read and only the host can write.
 * It is an address of the host's, because in a guest's handler the register is the guest's.
 */
static char mark;

const char *user_mode_unsupported(void)
{
	if (host_at_el2 && !host_vhe)
		return "a host at EL2 has no user mode without FEAT_VHE (ID_AA64MMFR1_EL1.VH)";
	return NULL;
}

bool is_user(void)
{
	return read_sysreg(tpidrro_el0) == (u64)&mark;
}

void user_mode_left(void)
{
	write_sysreg(0, tpidrro_el0);
}

void user_mode_entered(const struct pt_regs *regs)
{
	if (user_mode(regs))
		write_sysreg(&mark, tpidrro_el0);
}

static bool returned(struct pt_regs *regs, unsigned int esr)
{
	if (ESR_ELx_EC(esr) != ESR_ELx_EC_SVC64 || regs->pc != (u64)user_return + 4)
		return false;
	regs->pc = (u64)user_returned;
	regs->pstate = (host_at_el2 ? PSR_MODE_EL2h : PSR_MODE_EL1h) | PSR_DAIF;
	return true;
}

/*
 * MRS of the registers that the library's functions read: whether the MMU is on, and which CPU this
 * is.
 */
#define INSN_RT_MASK 0x1fU
#define INSN_MRS_SCTLR_EL1 0xd5381000U
#define INSN_MRS_SCTLR_EL2 0xd53c1000U
#define INSN_MRS_TPIDR_EL1 0xd538d080U
#define INSN_MRS_TPIDR_EL2 0xd53cd040U

static bool readable(u32 insn, u64 *value)
{
	switch (insn & ~INSN_RT_MASK) {
	case INSN_MRS_SCTLR_EL1:
	case INSN_MRS_SCTLR_EL2:
		*value = host_at_el2 ? read_sysreg(sctlr_el2) : read_sysreg(sctlr_el1);
		return true;
	case INSN_MRS_TPIDR_EL1:
	case INSN_MRS_TPIDR_EL2:
		*value = (u64)this_percpu();
		return true;
	default:
		return false;
	}
}

/* Only instructions of the image: another address of EL0's is not read. */
static bool emulated_read(struct pt_regs *regs, unsigned int esr)
{
	u64 value;
	u32 insn;

	if (ESR_ELx_EC(esr) != ESR_ELx_EC_UNKNOWN || regs->pc < (u64)_stext ||
	    regs->pc >= (u64)_etext)
		return false;
	insn = *(const u32 *)regs->pc;
	if (!readable(insn, &value))
		return false;
	if ((insn & INSN_RT_MASK) != INSN_RT_MASK)
		regs->regs[insn & INSN_RT_MASK] = value;
	regs->pc += 4;
	return true;
}

/* MRS of the counter and its frequency, for bounded waits, where CNTKCTL_EL1 traps them */
static bool counter_read(struct pt_regs *regs, unsigned int esr)
{
	unsigned int rt = FIELD(esr, 9, 5);
	u64 value;

	if (ESR_ELx_EC(esr) != ESR_ELx_EC_SYS64 || !(esr & ESR_ELx_SYS64_ISS_READ))
		return false;
	switch (esr & ESR_ELx_SYS64_ISS_REGISTER) {
	case ESR_ELx_SYS64_ISS(3, 3, 14, 0, 0):
		value = read_sysreg(cntfrq_el0);
		break;
	case ESR_ELx_SYS64_ISS(3, 3, 14, 0, 2):
		value = get_cntvct();
		break;
	default:
		return false;
	}
	if (rt < 31)
		regs->regs[rt] = value;
	regs->pc += 4;
	return true;
}

/* WFE or WFI, which may return at once */
static bool did_not_wait(struct pt_regs *regs, unsigned int esr)
{
	if (ESR_ELx_EC(esr) != ESR_ELx_EC_WFx)
		return false;
	regs->pc += 4;
	return true;
}

bool user_mode_answered(struct pt_regs *regs, unsigned int esr, bool has_handler)
{
	return returned(regs, esr) || emulated_read(regs, esr) ||
	       (!has_handler && (counter_read(regs, esr) || did_not_wait(regs, esr)));
}

void start_usr(void (*func)(void *arg), void *arg, unsigned long sp)
{
	u64 pstate = pstate_save();

	assert_msg(!user_mode_unsupported(), "%s", user_mode_unsupported());
	daif_set(PSR_DAIF);
	write_sysreg(&mark, tpidrro_el0);
	if (host_at_el2)
		user_enter_el2(func, arg, ALIGN_DOWN(sp, 16));
	else
		user_enter_el1(func, arg, ALIGN_DOWN(sp, 16));
	pstate_restore(pstate);
}
