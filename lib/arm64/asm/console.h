/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console, as the boot sets it up; tests use puts() and printf(). */
#ifndef ASMARM64_CONSOLE_H
#define ASMARM64_CONSOLE_H

enum console_type { CONSOLE_NONE, CONSOLE_PL011, CONSOLE_16550 };

/* @registers: the UART's registers, mapped. */
void console_setup(enum console_type type, void *registers);
/*
 * For smp_claim_end(). From console_claim() on the output is this CPU's alone: it waits until
 * another one has finished its string, and every CPU that prints something later stops there. Takes
 * no lock after that, as the failure that ends the run may have been in the middle of a line.
 * console_give_up() is for a CPU that is to stop, perhaps in the middle of a line too.
 */
void console_claim(void);
void console_give_up(void);
/* Like puts(), at the start of a line: ends the current one first. For the host. */
void puts_line(const char *s);

#endif
