/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame information (DWARF 5, 6.4) for debuggers, where the compiler cannot provide it: for
 * code that saves registers in a structure and for changes of stack. For assembly only.
 *
 * It is in .eh_frame, because clang marks signal frames only there. Of a signal frame gdb accepts
 * that its caller's stack is elsewhere, and that its caller's PC is exact, not behind a call.
 */
/* clang-format off */
#ifndef ASMARM64_CFI_H
#define ASMARM64_CFI_H

#include <asm/asm-offsets.h>
#include <asm/registers.h>

	.cfi_sections .eh_frame

/* DWARF register numbers (AADWARF64, 4.1) */
#define CFI_SP 31
#define CFI_PC 32

/* A number below 8192 as ULEB128 or SLEB128 of two bytes */
#define CFI_LEB(number) ((number) & 0x7f) | 0x80, (number) >> 7

/* Operations and instructions that have no directive (DWARF 5, 7.7 and 7.24) */
#define DW_CFA_def_cfa_expression 0x0f
#define DW_CFA_expression 0x10
#define DW_OP_deref 0x06
#define DW_OP_plus_uconst 0x23
#define DW_OP_breg_sp (0x70 + CFI_SP)

/* Register @number is saved at sp + @offset. */
.macro cfi_saved number, offset
	.cfi_escape DW_CFA_expression, \number, 3, DW_OP_breg_sp, CFI_LEB(\offset)
.endm

/* sp + @offset contains the caller's SP less @distance, below 128. */
.macro cfi_stack_at offset, distance
	.cfi_escape DW_CFA_def_cfa_expression, 6, DW_OP_breg_sp, CFI_LEB(\offset)
	.cfi_escape DW_OP_deref, DW_OP_plus_uconst, \distance
.endm

/* x19..x28 are saved at CFA - @distance. */
.macro cfi_x19_to_x28 distance
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9
	.cfi_offset 19 + \number, \number * 8 - \distance
	.endr
.endm

/* sp = struct guest; guest_run() is the caller, whose registers are where guest_enter left them */
.macro cfi_called_by_guest_run
	cfi_stack_at GUEST_HOST_SP, CALLEE_SAVED_SIZE
	cfi_x19_to_x28 CALLEE_SAVED_SIZE
	cfi_saved 29, GUEST_HOST_FRAME
	cfi_saved 30, GUEST_HOST_FRAME + 8
.endm

/* sp = struct exception_frame, complete; the interrupted code is the caller. */
.macro cfi_called_by_interrupted
	.cfi_def_cfa sp, S_FRAME_SIZE
	.irp	number, NUMBERS_0_TO_30
	.cfi_offset \number, S_X0 + \number * 8 - S_FRAME_SIZE
	.endr
	.cfi_offset CFI_SP, S_LR + 8 - S_FRAME_SIZE
	.cfi_offset CFI_PC, S_PC - S_FRAME_SIZE
	.cfi_return_column CFI_PC
.endm

/*
 * Around a call to C and the instruction behind it: they are a signal frame with the rules @rules,
 * one of these macros. The code before and after is none, as debuggers do not show the source line
 * of a signal frame. @name is a symbol for the call, by which lldb finds the rules, and one for the
 * code after it: empty where a symbol follows.
 */
.macro cfi_call_begin name, rules
	.cfi_endproc
	.cfi_startproc
	.cfi_signal_frame
	\rules
	.set	call_\name, .
.endm
.macro cfi_call_end name, rules
	.cfi_endproc
	.cfi_startproc
	\rules
	.ifnb	\name
	.set	after_\name, .
	.endif
.endm

/* Behind frame_begin (asm/registers.h) */
.macro cfi_frame
	.cfi_def_cfa_offset 16 + CALLEE_SAVED_SIZE
	.cfi_offset 29, -(16 + CALLEE_SAVED_SIZE)
	.cfi_offset 30, 8 - (16 + CALLEE_SAVED_SIZE)
	cfi_x19_to_x28 CALLEE_SAVED_SIZE
.endm

/* The outermost function: it has no caller. */
.macro cfi_outermost
	.cfi_undefined 30
.endm

#endif
