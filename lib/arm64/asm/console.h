/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console, as the boot sets it up; tests use puts() and printf(). */
#ifndef ASMARM64_CONSOLE_H
#define ASMARM64_CONSOLE_H

enum console_type { CONSOLE_NONE, CONSOLE_PL011, CONSOLE_16550 };

/* @registers: the UART's registers, mapped. */
void console_setup(enum console_type type, void *registers);
/*
 * Take no lock for output from here on: the run is about to end with a dump, and the failure may
 * have been in the middle of a line.
 */
void console_emergency(void);
/* End the line, unless the last output did. */
void console_start_line(void);

#endif
