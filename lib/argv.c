/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of main() and the environment. */
#include <libcflat.h>
#include <alloc.h>
#include <argv.h>
#include <string.h>

#define ARGS_BYTES 1024

int __argc;
char *__argv[MAX_ARGS + 2];

static char args_copy[ARGS_BYTES];
static char *environment; /* strings, one after the other */
static int environment_size;

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Copy the argument at @from to @to without its quotes; returns what follows it in the source. */
static const char *unquote(const char *from, char **to)
{
	char quote = 0;

	for (; *from && (quote || !is_space(*from)); from++) {
		if (*from == quote)
			quote = 0;
		else if (!quote && (*from == '"' || *from == '\''))
			quote = *from;
		else
			*(*to)++ = *from;
	}
	*(*to)++ = '\0';
	return from;
}

void setup_args_progname(const char *args, const char *progname)
{
	char *to = args_copy;

	__argv[__argc++] = (char *)progname;
	if (!args)
		return;
	assert_msg(strlen(args) < ARGS_BYTES, "arguments of more than %d bytes", ARGS_BYTES - 1);
	for (;;) {
		while (is_space(*args))
			args++;
		if (!*args)
			return;
		assert_msg(__argc <= MAX_ARGS, "more than %d arguments", MAX_ARGS);
		__argv[__argc++] = to;
		args = unquote(args, &to);
	}
}

void setup_env(const char *env, int size)
{
	environment = malloc(size + 1);
	assert(environment);
	memcpy(environment, env, size);
	environment[size] = '\0';
	environment_size = size;
	for (int i = 0; i < size; i++)
		if (environment[i] == '\n')
			environment[i] = '\0';
}

char *getenv(const char *name)
{
	int len = strlen(name);

	for (char *s = environment; s < environment + environment_size; s += strlen(s) + 1)
		if (!strncmp(s, name, len) && s[len] == '=')
			return s + len + 1;
	return NULL;
}
