/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong, by subject: the functions of each argument, and what they share. */
#ifndef MISBEHAVE_MISBEHAVE_H
#define MISBEHAVE_MISBEHAVE_H

#include <libcflat.h>
#include <asm/page.h>

/* Not mapped in a guest */
#define ADDRESS 0x123456000UL

/* misbehave.c: an exception, where memory is not mapped, and the ways not to return */
void hang(void);
void sleep_for_ever(void);
void load_from(const volatile u64 *address);
u64 recurse(u64 depth);
void stack_overflow(void);
/* For on_cpu(): call @func */
void on_other_cpu(void *func);

/* cpus.c: several CPUs */
void two_ends(void);
void stack_overflow_of_cpu1(void);
void lost_cpu(void);
void assertion_on_all(void);
void assertion_while_other_prints(void);
void assertion_while_other_has_console(void);
void hang_in_many_ways(void);

/* livelock.c: exits that repeat */
void livelock(void);
void livelock_of_cpu1(void);
void livelock_smc(void);
void poll(void);
void calls(void);

/* guests.c: guests and their handlers; guest code that makes an HVC, and that loads from ADDRESS */
void guest_hvc(void);
void guest_load(void);
void handler_stack_overflow(void);
void guest_hang(void);
void hang_handler(void);
void handler_exception(void);
void handler_sve(void);
void unhandled_exit(void);
void unchecked_exit(void);
void guest_code(void);
void guest_deep(void);
void guest_stack_overflow(void);
void guest_skip(void);
void guest_skip_interrupt(void);
void unhandled_hvc(void);

/* guest-calls.c: guests that call the host */
void guest_assertion(void);
void guest_abort(void);
void guest_own_handler(void);
void guest_bad_string(void);
void guest_opaque(void);

/* guest-checks.c: checks of exits */
void guest_checks(void);
void stage2_checks(void);

/* conform-checks.c: rows of the conformance suite */
void conform_checks(void);

/* its.c: the ITS */
void its_stopped(void);
void its_stopped_vmapp(void);
void its_stopped_vmapti(void);
void its_stopped_vmovi(void);
void its_stalled(void);
void its_unknown_device(void);
void lpi_out_of_range(void);
void vlpi_out_of_range(void);

#endif
