/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that pass, fail and are skipped, and that the machine does not survive, on a CPU without VHE. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/barrier.h>
#include <asm/conform.h>

#define SHORT_SECTION 0x2 /* domain 0 */
#define SECTIONS 4096

static enum conform_verdict pass(void)
{
	return CONFORM_PASS;
}

static enum conform_verdict fail(void)
{
	return conform_fail("expected 1, found 2");
}

static enum conform_verdict skip(void)
{
	return conform_skip("FEAT_TRIAL", "ID_TRIAL_EL1.TRIAL");
}

static enum conform_verdict crash(void)
{
	asm volatile("udf #0");
	return CONFORM_PASS;
}

static enum conform_verdict hang(void)
{
	volatile bool forever = true;

	while (forever)
		;
	return CONFORM_PASS;
}

/*
 * EL1 in AArch32, short descriptors, and no access to domain 0: QEMU 7.2 and 10.0 abort
 * (docs/errata.md).
 */
static enum conform_verdict at_domain(void)
{
	u32 *table = alloc_pages(2); /* 16 KiB */
	u64 hcr = read_sysreg(hcr_el2);

	for (u32 i = 0; i < SECTIONS; i++)
		table[i] = i << 20 | SHORT_SECTION;
	write_sysreg(0, tcr_el1);
	write_sysreg((u64)table, ttbr0_el1);
	write_sysreg(0, dacr32_el2);
	write_sysreg(1, sctlr_el1);
	write_sysreg(hcr & ~HCR_EL2_RW, hcr_el2);
	isb();
	asm volatile("at s1e1r, %0" : : "r"(0x1000UL));
	isb();
	write_sysreg(hcr, hcr_el2);
	isb();
	return CONFORM_PASS;
}

static enum conform_verdict (*const rows[])(void) = {
	pass, fail, crash, skip, hang, pass, at_domain, pass, fail,
};

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "trial.%u", row);
}

static enum conform_verdict run(u32 row)
{
	return rows[row]();
}

static const struct conform_area area = { "trial", ARRAY_SIZE(rows), 0x123, id, run };

int main(int argc, char **argv)
{
	return conform_main(&area, argc, argv);
}
