/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows whose verdicts are long runs, short runs and many reasons: tests/test_conform_images.py. */
#include <libcflat.h>
#include <asm/conform.h>

#define ROWS 5000
#define RUNS 2500 /* rows before it pass */
#define REASONS 60
#define SLOW 3 /* rows at the end that take more than a block may */
#define STEADY 10 /* rows before them that take a third of it each */

static char features[REASONS][16];

static enum conform_verdict skip(u32 reason)
{
	snprintf(features[reason], sizeof(features[reason]), "FEAT_%u", reason);
	return conform_skip(features[reason], "ID_X_EL1.X");
}

static void wait(u32 part_of_a_second)
{
	u64 start = read_sysreg(cntpct_el0);

	while (read_sysreg(cntpct_el0) - start < read_sysreg(cntfrq_el0) / part_of_a_second)
		;
}

static enum conform_verdict run(u32 row)
{
	if (row >= ROWS - SLOW)
		wait(9);
	else if (row >= ROWS - SLOW - STEADY)
		wait(30);
	if (row < RUNS || row % 3 == 0)
		return CONFORM_PASS;
	if (row % 501 == 1)
		return conform_fail("expected %u, found %u", row, row + 1);
	return skip(row % REASONS);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "blocks.row-%u", row);
}

static const struct conform_area area = { "blocks", ROWS, 0xfedcba9876543210, id, run };

int main(int argc, char **argv)
{
	return conform_main(&area, argc, argv);
}
