/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that prints, and the tests of each subject. */
#ifndef GUEST_PRINT_PRINT_H
#define GUEST_PRINT_PRINT_H

#include <libcflat.h>
#include <asm/guest-check.h>

#define VMID 1
#define ARGUMENT 40UL
#define VALUE 42UL

/* Every kind of line, from a function with an argument on the stack; returns @a + 2. */
u64 guest_print(u64 a);
/* Run guest_print() or a function that ends with it, and destroy the guest. */
void run_print(struct guest *guest, const char *what);
/* A guest's own HVC with the immediate of a call */
u64 guest_hvc(void);

/* Guests and the host on other stacks: stacks.c */
void test_own_stack(void);
void test_nested(void);
void test_outer(void);
void test_host(void);
/* Backtraces of guests: frames.c */
void test_frames(void);

#endif
