/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offsets of structure members and values of enumerators for the assembler.
 *
 * Compiled to assembly only; the build turns its `->NAME value` lines into <asm/asm-offsets.h>.
 */
#include <libcflat.h>
#include <asm/arm-smccc.h>
#include <asm/conform-probe.h>
#include <asm/el1-probe.h>
#include <asm/guest-entry.h>
#include <asm/guest.h>
#include <asm/mmu-off-probe.h>
#include <asm/processor.h>
#include <asm/pstate-probe.h>
#include <asm/ptrace.h>
#include <asm/smp.h>
#include <asm/thread_info.h>

#define DEFINE(name, value) asm volatile("\n.ascii \"->" #name " %0 \"" : : "i"(value))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))
/* The offset of @member, which STP and LDP move together with @next */
#define PAIR(name, type, member, next)                                                         \
	static_assert(offsetof(type, next) == offsetof(type, member) + 8, "one STP for both"); \
	OFFSET(name, type, member)
#define ENUM(name) DEFINE(name, name)
/* A line of the preprocessor */
#define LINE(text) asm volatile("\n.ascii \"->#" text "\"")

static_assert(ESR_ELx_EC_UPPER_HALF == UL(0x20) << ESR_ELx_EC_SHIFT, "it is of the class");
static_assert(ESR_ELx_EC_MASK == (1 << ESR_ELx_EC_WIDTH) - 1, "it is a field");
static_assert(GUEST_HVC_EL1_EXCEPTION & GUEST_HVC_RETURNED & GUEST_HVC_CALL & GUEST_HVC_CALL_EL0 &
		      GUEST_HVC_FRAMEWORK,
	      "guest-entry.S finds the framework's hypercalls");
static_assert(GUEST_HYPERCALL_RESUME == 1 << GUEST_HYPERCALL_RESUME_BIT &&
		      !(GUEST_HYPERCALL_LEAVE & GUEST_HYPERCALL_RESUME),
	      "guest-entry.S distinguishes their results");
static_assert(ESR_ELx_EC_SYS64 & 1 << GUEST_EC_BIT_SYS64 &&
		      !(ESR_ELx_EC_HVC64 & 1 << GUEST_EC_BIT_SYS64),
	      "a trap by HCR_EL2.TVM is no HVC");
static_assert(ESR_ELx_EC_HVC32 & 1 << GUEST_EC_BIT_NOT_CP15 &&
		      !((ESR_ELx_EC_CP15_32 | ESR_ELx_EC_CP15_64) & 1 << GUEST_EC_BIT_NOT_CP15),
	      "nor is one from AArch32");
static_assert(__builtin_popcount(ESR_ELx_EC_SVC64 ^ ESR_ELx_EC_SVC32) == 1 &&
		      __builtin_popcount(ELx_LOW_SYNC_64 ^ ELx_LOW_SYNC_32) == 1,
	      "guest-el1-code.S masks the bit in which they differ");

/* In words. Changed here, they change in kut_runner/targets/stacks.py. */
#define GUEST_WORD(member, word) \
	static_assert(offsetof(struct guest, member) == (word) * 8, "kut reads it at a hang")
GUEST_WORD(x[29], 29);
GUEST_WORD(x[30], 30);
GUEST_WORD(elr_el2, 31);
GUEST_WORD(spsr_el2, 33);
GUEST_WORD(esr_el2, 34);
GUEST_WORD(dispatch[0].frame, 39);
GUEST_WORD(dispatch[1].frame, 41);
GUEST_WORD(host_frame, 55);

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(S_X0, struct pt_regs, regs[0]);
	OFFSET(S_X1, struct pt_regs, regs[1]);
	OFFSET(S_X2, struct pt_regs, regs[2]);
	OFFSET(S_X3, struct pt_regs, regs[3]);
	OFFSET(S_X4, struct pt_regs, regs[4]);
	OFFSET(S_X5, struct pt_regs, regs[5]);
	OFFSET(S_X6, struct pt_regs, regs[6]);
	OFFSET(S_X7, struct pt_regs, regs[7]);
	PAIR(S_LR, struct pt_regs, regs[30], sp);
	OFFSET(S_SP, struct pt_regs, sp);
	PAIR(S_PC, struct pt_regs, pc, pstate);
	OFFSET(S_PSTATE, struct pt_regs, pstate);
	OFFSET(S_ORIG_X0, struct pt_regs, orig_x0);
	OFFSET(S_SYSCALLNO, struct pt_regs, syscallno);
	OFFSET(S_FP, struct exception_frame, record);
	DEFINE(S_FRAME_SIZE, sizeof(struct exception_frame));

	OFFSET(CPU_EMERGENCY_STACK, struct percpu, emergency_stack);

	OFFSET(GUEST_X0, struct guest, x[0]);
	PAIR(GUEST_X30, struct guest, x[30], elr_el2);
	PAIR(GUEST_REGS_IN_MEMORY, struct guest, regs_in_memory, spsr_el2);
	PAIR(GUEST_SPSR, struct guest, spsr_el2, esr_el2);
	PAIR(GUEST_FAR, struct guest, far_el2, hpfar_el2);
	PAIR(GUEST_DISPATCH, struct guest, dispatch[0].handler, dispatch[0].frame);
	OFFSET(GUEST_DISPATCH_FRAME, struct guest, dispatch[0].frame);
	DEFINE(GUEST_DISPATCH_SIZE, sizeof(((struct guest *)0)->dispatch[0]));
	OFFSET(GUEST_HOST_SP, struct guest, host_sp);
	OFFSET(GUEST_HOST_FRAME, struct guest, host_frame);
	OFFSET(GUEST_EXIT_CODE, struct guest, exit_code);

	OFFSET(SECONDARY_STACK, struct secondary_data, stack);
	PAIR(SECONDARY_TCR, struct secondary_data, tcr, mair);
	PAIR(SECONDARY_TTBR0, struct secondary_data, ttbr0, sctlr);

	OFFSET(EL1_X0, struct guest_el1_regs, regs[0]);
	PAIR(EL1_LR, struct guest_el1_regs, regs[30], sp);
	PAIR(EL1_ELR, struct guest_el1_regs, elr, spsr);
	PAIR(EL1_FRAME_RECORD, struct guest_el1_regs, frame[0], frame[1]);
	DEFINE(EL1_FRAME_SIZE, sizeof(struct guest_el1_regs));

	OFFSET(FPSIMD_Q0, struct fpsimd_state, q[0]);
	PAIR(FPSIMD_FPCR, struct fpsimd_state, fpcr, fpsr);

	OFFSET(SMCCC_RESULT, struct smccc_result, r0);

	PAIR(PROBE_PC, struct probe, pc, spsr);
	OFFSET(PROBE_HCR, struct probe, hcr);
	PAIR(PROBE_ESR, struct probe, esr, elr);
	PAIR(PROBE_OUT_SPSR, struct probe, out_spsr, far);
	PAIR(PROBE_VECTOR, struct probe, vector, out_hcr);

	PAIR(PROBE_EXIT_ESR, struct probe_exit, esr, far);
	OFFSET(PROBE_EXIT_HPFAR, struct probe_exit, hpfar);
	OFFSET(PROBE_EXIT_X0, struct probe_exit, x0);

	PAIR(MMU_OFF_PROBE_SCTLR, struct mmu_off_probe, sctlr, pc);
	OFFSET(MMU_OFF_PROBE_ADDRESS, struct mmu_off_probe, address);
	OFFSET(MMU_OFF_PROBE_TAKEN, struct mmu_off_probe, taken);
	PAIR(MMU_OFF_PROBE_ESR, struct mmu_off_probe, esr, elr);
	OFFSET(MMU_OFF_PROBE_FAR, struct mmu_off_probe, far);

	PAIR(PSTATE_PROBE_PC, struct pstate_probe, pc, spsr);
	OFFSET(PSTATE_PROBE_HCR, struct pstate_probe, hcr);
	PAIR(PSTATE_PROBE_ESR, struct pstate_probe, esr, elr);
	PAIR(PSTATE_PROBE_OUT_SPSR, struct pstate_probe, out_spsr, far);
	PAIR(PSTATE_PROBE_VECTOR, struct pstate_probe, vector, pstate);
}

void asm_enumerators(void);
void asm_enumerators(void)
{
	/* C has them from an enum. */
	LINE("ifdef __ASSEMBLER__");
	ENUM(ELxT_SYNC);
	ENUM(ELxT_IRQ);
	ENUM(ELxT_FIQ);
	ENUM(ELxT_ERROR);
	ENUM(ELxH_SYNC);
	ENUM(ELxH_IRQ);
	ENUM(ELxH_FIQ);
	ENUM(ELxH_ERROR);
	ENUM(ELx_LOW_SYNC_64);
	ENUM(ELx_LOW_IRQ_64);
	ENUM(ELx_LOW_FIQ_64);
	ENUM(ELx_LOW_ERROR_64);
	ENUM(ELx_LOW_SYNC_32);
	ENUM(ELx_LOW_IRQ_32);
	ENUM(ELx_LOW_FIQ_32);
	ENUM(ELx_LOW_ERROR_32);
	ENUM(VECTOR_MAX);

	ENUM(GUEST_ACTION_RESUME);
	ENUM(GUEST_ACTION_EXIT);
	LINE("endif");
}
