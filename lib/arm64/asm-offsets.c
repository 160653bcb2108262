/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offsets of structure members for the assembler.
 *
 * Compiled to assembly only; the build turns its `->NAME value` lines into <asm/asm-offsets.h>.
 */
#include <libcflat.h>
#include <asm/guest.h>
#include <asm/ptrace.h>
#include <asm/smp.h>
#include <asm/thread_info.h>

#define DEFINE(name, value) asm volatile("\n.ascii \"->" #name " %0 \"" : : "i"(value))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(S_X0, struct pt_regs, regs[0]);
	OFFSET(S_X1, struct pt_regs, regs[1]);
	OFFSET(S_X2, struct pt_regs, regs[2]);
	OFFSET(S_FP, struct pt_regs, regs[29]);
	OFFSET(S_LR, struct pt_regs, regs[30]);
	OFFSET(S_SP, struct pt_regs, sp);
	OFFSET(S_PC, struct pt_regs, pc);
	OFFSET(S_PSTATE, struct pt_regs, pstate);
	OFFSET(S_FRAME, struct pt_regs, frame);
	DEFINE(S_FRAME_SIZE, sizeof(struct pt_regs));

	OFFSET(THREAD_EMERGENCY_STACK, struct thread_info, emergency_stack);

	OFFSET(GUEST_X0, struct guest, x[0]);
	OFFSET(GUEST_X30, struct guest, x[30]);
	OFFSET(GUEST_REGS_IN_MEMORY, struct guest, regs_in_memory);
	OFFSET(GUEST_SPSR, struct guest, spsr_el2);
	OFFSET(GUEST_FAR, struct guest, far_el2);
	OFFSET(GUEST_HPFAR, struct guest, hpfar_el2);
	OFFSET(GUEST_DISPATCH, struct guest, dispatch);
	DEFINE(GUEST_DISPATCH_SIZE, sizeof(((struct guest *)0)->dispatch[0]));
	OFFSET(GUEST_HOST_SP, struct guest, host_sp);
	OFFSET(GUEST_HOST_FRAME, struct guest, host_frame);

	OFFSET(SECONDARY_STACK, struct secondary_data, stack);
	OFFSET(SECONDARY_TCR, struct secondary_data, tcr);
	OFFSET(SECONDARY_TTBR0, struct secondary_data, ttbr0);

	OFFSET(EL1_X0, struct guest_el1_regs, regs[0]);
	OFFSET(EL1_LR, struct guest_el1_regs, regs[30]);
	OFFSET(EL1_SP, struct guest_el1_regs, sp);
	OFFSET(EL1_PC, struct guest_el1_regs, pc);
	OFFSET(EL1_PSTATE, struct guest_el1_regs, pstate);
	DEFINE(EL1_FRAME_SIZE, sizeof(struct guest_el1_regs));
}
