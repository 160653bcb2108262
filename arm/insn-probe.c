/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The probe of the conformance suite (asm/conform-probe.h): registers on both sides of the
 * instruction, the exception, and the host afterwards.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

#define PATTERN 0x5a00000000000000UL
#define HVC_NUMBER 0x123
#define CODE_BYTES (32 * 4) /* up to the address of return */

/* insn-probe.S: each register inverted, then an HVC or an SVC, the 32nd instruction */
extern char probe_invert_hvc[], probe_invert_svc[];

/* The host's registers that the probe changes */
struct host {
	u64 hcr, vbar, daif;
};

static struct host host_registers(void)
{
	return (struct host){ read_sysreg(hcr_el2), read_sysreg(vbar_el2), read_sysreg(daif) };
}

static struct probe probe_at(const char *code, u64 mode)
{
	struct probe probe = {
		.pc = (u64)code,
		.spsr = mode | PSR_DAIF,
		.hcr = (host_vhe ? HCR_EL2_E2H : 0) | HCR_EL2_RW,
	};

	for (u64 n = 0; n < ARRAY_SIZE(probe.x); n++)
		probe.x[n] = PATTERN | n;
	return probe;
}

static void check_host(struct host before)
{
	struct host after = host_registers();

	report(after.hcr == before.hcr && after.vbar == before.vbar && after.daif == before.daif,
	       "HCR_EL2, VBAR_EL2 and DAIF of the host after a probe: expected %#lx, %#lx, %#lx, found "
	       "%#lx, %#lx, %#lx",
	       before.hcr, before.vbar, before.daif, after.hcr, after.vbar, after.daif);
}

static void check_inverted(const struct probe *probe)
{
	for (u64 n = 0; n < ARRAY_SIZE(probe->x); n++)
		report(probe->x[n] == ~(PATTERN | n),
		       "x%lu after code that inverts it: expected %#lx, found %#lx", n,
		       ~(PATTERN | n), probe->x[n]);
}

static void check(const char *code, u64 class, unsigned int el)
{
	struct host before = host_registers();
	struct probe probe = probe_at(code, PSR_MODE_EL1h);

	probe_setup_el1();
	probe_run(&probe);
	check_host(before);
	check_inverted(&probe);
	report(probe.el == el && ESR_ELx_EC(probe.esr) == class &&
		       FIELD(probe.esr, 15, 0) == HVC_NUMBER,
	       "exception of the probe: expected EL%u, class %#lx, immediate %#x, found EL%u, ESR %#lx",
	       el, class, HVC_NUMBER, probe.el, probe.esr);
	report(probe.elr == (u64)code + CODE_BYTES &&
		       (probe.out_spsr & (PSR_MODE_MASK | PSR_MODE32_BIT)) == PSR_MODE_EL1h,
	       "PC and mode of the exception: expected %#lx, %#x, found %#lx, SPSR %#lx",
	       (u64)code + CODE_BYTES, PSR_MODE_EL1h, probe.elr, probe.out_spsr);
}

static void test_el2(void)
{
	check(probe_invert_hvc, ESR_ELx_EC_HVC64, 2);
}

static void test_el1(void)
{
	check(probe_invert_svc, ESR_ELx_EC_SVC64, 1);
}

static const struct subtest subtests[] = { { "el2", test_el2 }, { "el1", test_el1 } };

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
