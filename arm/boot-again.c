/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot in memory that is not zero: the image resets the machine, and is started once more. */
#include <libcflat.h>
#include <asm/io.h>
#include <asm/psci.h>
#include <asm/setup.h>

#define STARTED 0x6b757420626f6f74UL
#define WORDS 4096

static u64 zero[WORDS]; /* in .bss */

/* In the last page of memory, which the boot leaves as it is */
static u64 *mark(void)
{
	return __va(ram_regions[nr_ram_regions - 1].end - PAGE_SIZE);
}

static void fill_and_reset(void)
{
	*mark() = STARTED;
	for (int i = 0; i < WORDS; i++)
		zero[i] = ~0UL;
	psci_system_reset();
	report_abort("PSCI SYSTEM_RESET returned");
}

int main(int argc, char **argv)
{
	unsigned int wrong = 0;

	if (*mark() != STARTED)
		fill_and_reset();
	*mark() = 0;
	for (int i = 0; i < WORDS; i++)
		wrong += zero[i] != 0;
	report(!wrong, "of %u words of .bss, those not zero after a reset: expected 0, found %u",
	       WORDS, wrong);
	return report_summary();
}
