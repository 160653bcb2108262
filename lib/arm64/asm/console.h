/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console, as the boot sets it up; tests use puts() and printf(). */
#ifndef ASMARM64_CONSOLE_H
#define ASMARM64_CONSOLE_H

enum console_type { CONSOLE_NONE, CONSOLE_PL011, CONSOLE_16550 };

/* @registers: the UART's registers, mapped. */
void console_setup(enum console_type type, void *registers);
/*
 * From here on output takes no lock: the run is about to end with a dump, and what went wrong may have
 * gone wrong in the middle of a line.
 */
void console_emergency(void);
/* End the line, if what was printed last did not. */
void console_start_line(void);

#endif
