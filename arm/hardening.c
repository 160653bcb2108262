/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults that a hardened build stops, one for each argument. In the plain build most of
 * these go unnoticed. docs/variants.md says how each ends, and tests/test_variants.py tries it.
 */
#include <libcflat.h>
#include <string.h>

/* Compilers must not see the values, or they warn and fold. */
static volatile int one = 1, largest = 0x7fffffff, forty = 40, seven = 7;
static volatile int four_words[4];

static void overflow(void)
{
	report_info("sum %d", largest + one);
}

static void shift(void)
{
	report_info("shifted %d", one << forty);
}

static void bounds(void)
{
	report_info("word %d", four_words[seven]);
}

static void divide(void)
{
	report_info("quotient %d", one / (one - 1));
}

/* Writes beyond an array of its own: @size over 16 reaches the canary. */
static __attribute__((__noinline__)) void fill(int size)
{
	char text[16];
	volatile char *to = text;

	for (int i = 0; i < size; i++)
		to[i] = 'A';
}

static void canary(void)
{
	fill(forty);
	report_info("went on");
}

static void __noreturn astray(void)
{
	report_pass("nobody noticed");
	exit(report_summary());
}

/* Replaces the return address in its frame record, unsigned, and returns to it. */
static __attribute__((__noinline__)) void forge_return(void)
{
	volatile u64 *frame = __builtin_frame_address(0);

	frame[1] = (u64)astray;
	asm volatile("" : : : "x30", "memory");
}

static void forged_return(void)
{
	forge_return();
	report_fail("the return address was not used");
}

/* A function without a landing pad; it returns to whom called it. */
asm(".pushsection .text\n"
    "no_landing_pad:\n"
    "	ret\n"
    ".popsection");
void no_landing_pad(void);

static void landing(void)
{
	void (*volatile function)(void) = no_landing_pad;

	function();
	report_info("went on");
}

static const struct {
	const char *name;
	void (*run)(void);
} behaviours[] = {
	{ "overflow", overflow }, { "shift", shift },	{ "bounds", bounds },
	{ "divide", divide },	  { "canary", canary }, { "forged-return", forged_return },
	{ "landing", landing },
};

int main(int argc, char **argv)
{
	if (argc != 2)
		report_abort("one argument: what to do wrong");
	for (size_t i = 0; i < ARRAY_SIZE(behaviours); i++) {
		if (!strcmp(argv[1], behaviours[i].name)) {
			behaviours[i].run();
			report_pass("nobody noticed");
			return report_summary();
		}
	}
	report_abort("unknown behaviour %s", argv[1]);
}
