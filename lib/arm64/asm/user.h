/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's user mode: EL0, in the host's own translation regime, with nothing but its registers
 * between them. It may access the host's memory and devices, except what mmu_clear_user() denies
 * it.
 */
#ifndef ASMARM64_USER_H
#define ASMARM64_USER_H

#include <libcflat.h>

/*
 * The reason why there is none here, for report_skip(), or NULL: it needs FEAT_VHE, or a host at
 * EL1.
 */
const char *user_mode_unsupported(void);

/*
 * Call @func(@arg) at EL0 with the stack that ends at @sp, interrupts unmasked, and return when it
 * does. Exceptions from it go to the host's handlers of ELx_LOW_*_64, on this function's stack.
 * @func may report(); it must not use the host's system registers otherwise.
 */
void start_usr(void (*func)(void *arg), void *arg, unsigned long sp);

/* True in code that runs below start_usr(), and not in a handler of its exceptions. */
bool is_user(void);

/* For the exception entry, around the handler of an exception of @regs. */
struct pt_regs;
void user_mode_left(void);
void user_mode_entered(const struct pt_regs *regs);
/*
 * True when the exception is the end of @func, or of an instruction of the library's that EL0 cannot
 * execute: a read of a register, or, unless the test @has_handler for it, a read of the counter, WFE
 * or WFI. @regs have been updated.
 */
bool user_mode_answered(struct pt_regs *regs, unsigned int esr, bool has_handler);

#endif
