/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of main() and the environment. */
#ifndef ARGV_H
#define ARGV_H

#include <libcflat.h>

#define MAX_ARGS 32

extern int __argc;
extern char *__argv[MAX_ARGS + 2];

/*
 * Split @args (the kernel command line; may be NULL) at white space. Quotes, ' and ", keep it
 * together and are dropped. argv[0] is @progname. Arguments over MAX_ARGS, and text over 1 KiB, are
 * an assertion.
 */
void setup_args_progname(const char *args, const char *progname);
/* Take @size bytes of KEY=VALUE lines at @env as the environment. */
void setup_env(const char *env, int size);

#endif
