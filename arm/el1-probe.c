/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single accesses at EL1 and EL0 (asm/el1-probe.h), the tables by hand that they run on
 * (asm/stage2-path.h), and their outcomes as numbers (asm/translation-outcome.h).
 */
#include <libcflat.h>
#include <subtest.h>
#include <util.h>
#include <asm/at.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/host-probe.h>
#include <asm/io.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-path.h>
#include <asm/translation-outcome.h>

#define VALUE (1UL << 32 | PROBE_CODE) /* of the data page */
#define PAGE_BITS (S2_MEMATTR(0xf) | S2_AP_READ | S2_AP_WRITE | S2_AF | PT_VALID | PT_TABLE)
#define EXEC_LOW ESR_ELx_EC_IABT_LOW
#define DATA_LOW ESR_ELx_EC_DABT_LOW
#define PERM_3 (ESR_ELx_FSC_PERM | 3)
#define FAULT_3 (ESR_ELx_FSC_FAULT | 3)

/* 4K, 39 bits from level 1, and 34 bits from level 2 with 16 tables */
static const struct s2_shape shape = { 12, 64 - 39, 1, 0, 0, 1 };
static const struct s2_shape concatenated = { 12, 64 - 34, 0, 0, 0, 2 };

/* Tables whose page for the address that is returned has the descriptor @bits. */
static u64 start(const struct s2_shape *s, u64 bits, u64 hcr, u64 vtcr)
{
	u64 ipa = s2_path_ipa(s, PT_LEVEL_LAST);
	struct probe_regime regime = {
		.hcr = HCR_EL2_VM | hcr,
		.vtcr = s2_path_vtcr(s) | 2UL << VTCR_EL2_PS_SHIFT | vtcr,
		.vttbr = s2_path_vttbr(),
	};

	s2_path_build(s, ipa, PT_LEVEL_LAST, bits, S2_PATH_DATA);
	s2_path_data()[0] = VALUE;
	probe_begin(s2_path_code(s));
	probe_set(&regime);
	probe_flush();
	return ipa;
}

static void check_exit(const struct probe_exit *exit, unsigned int el, u64 esr, u64 far,
		       const char *what)
{
	report(exit->el == el, "EL that takes the exception, %s: expected %u, found %u", what, el,
	       exit->el);
	if (exit->el && exit->el == el) {
		u64 found = exit->esr & ~(ESR_ELx_IL | (~0UL << 14 & ESR_ELx_ISS_MASK));

		report_equal(found, esr, "syndrome without ISV, %s", what);
		report_equal(exit->far, far, "FAR, %s", what);
	}
}

static void test_accesses(void)
{
	u64 ipa = start(&shape, PAGE_BITS, HCR_EL2_DC, 0), par;
	struct probe_exit exit;

	for (unsigned int el = 0; el < 2; el++) {
		exit = probe_access(PROBE_READ, el, false, ipa);
		check_exit(&exit, 0, 0, 0, "read");
		report_equal(exit.x0, VALUE, "value read at EL%u", el);
		exit = probe_access(PROBE_EXECUTE, el, false, ipa);
		check_exit(&exit, 0, 0, 0, "execute");
		exit = probe_access(PROBE_WRITE, el, false, ipa + 8);
		check_exit(&exit, 0, 0, 0, "write");
	}
	report_equal(s2_path_data()[0], VALUE, "data page after accesses");
	par = probe_at(PROBE_S12E1R, ipa);
	report_equal(par & (PAR_EL1_F | PAR_EL1_PA_MASK), virt_to_phys(s2_path_data()),
		     "PAR_EL1 of AT S12E1R, F and address");
	exit = probe_access(PROBE_AT_READ, 1, false, ipa);
	report_equal(exit.par & (PAR_EL1_F | PAR_EL1_PA_MASK), ipa,
		     "PAR_EL1 of AT S1E1R at EL1, F and address");
	probe_end();
}

static void test_aborts(void)
{
	u64 ipa = start(&shape, PAGE_BITS & ~S2_AP_READ & ~S2_AP_WRITE, 0, 0);
	struct probe_exit exit = probe_access(PROBE_READ, 1, false, ipa + 8);

	check_exit(&exit, 2, DATA_LOW << ESR_ELx_EC_SHIFT | PERM_3, ipa + 8, "unreadable");
	exit = probe_access(PROBE_WRITE, 0, false, ipa + 8);
	check_exit(&exit, 2, DATA_LOW << ESR_ELx_EC_SHIFT | PERM_3 | ESR_ELx_WNR, ipa + 8,
		   "unwritable");
	s2_path_build(&shape, ipa, PT_LEVEL_LAST, 0, S2_PATH_NOTHING);
	probe_flush();
	exit = probe_access(PROBE_EXECUTE, 1, false, ipa);
	check_exit(&exit, 2, EXEC_LOW << ESR_ELx_EC_SHIFT | FAULT_3, ipa, "unmapped, fetch");
	report_equal(exit.hpfar, ipa >> 8, "HPFAR_EL2, unmapped");
	probe_end();
}

/* A TLB that holds the page while its descriptor changes */
static void test_flush(void)
{
	u64 ipa = start(&shape, PAGE_BITS, HCR_EL2_DC, 0);
	struct probe_exit exit = probe_access(PROBE_READ, 1, false, ipa);

	check_exit(&exit, 0, 0, 0, "mapped");
	s2_path_build(&shape, ipa, PT_LEVEL_LAST, 0, S2_PATH_NOTHING);
	probe_flush();
	exit = probe_access(PROBE_READ, 1, false, ipa);
	check_exit(&exit, 2, DATA_LOW << ESR_ELx_EC_SHIFT | FAULT_3, ipa,
		   "unmapped after an access");
	probe_end();
}

/* An exception that EL1 takes: of stage 1, which has no table at IPA 0. */
static void test_el1(void)
{
	u64 ipa = start(&shape, PAGE_BITS, 0, 0);
	struct probe_exit exit = probe_access(PROBE_DC_IVAC, 0, false, ipa);

	check_exit(&exit, 1, 0, exit.far, "DC IVAC at EL0");
	probe_end();
}

/* The last of 16 tables at the start level */
static void test_concatenated(void)
{
	u64 ipa = start(&concatenated, PAGE_BITS, HCR_EL2_DC, 0);

	report(ipa >> 33 == 1, "address in the last half of 34 bits: found %#lx", ipa);
	report_equal(probe_access(PROBE_READ, 1, false, ipa).x0, VALUE,
		     "value read through concatenated tables");
	probe_end();
}

static void test_pan(void)
{
	u64 ipa = start(&shape, PAGE_BITS, HCR_EL2_DC, 0);

	if (!FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20)) {
		report_skip("no FEAT_PAN (ID_AA64MMFR1_EL1.PAN)");
	} else {
		/* PSTATE.PAN is set when EL2 takes the exception: the host must go on without. */
		report_equal(probe_access(PROBE_READ, 1, true, ipa).x0, VALUE,
			     "value read with PSTATE.PAN");
	}
	probe_end();
}

/* The host's registers afterwards */
static void test_host(void)
{
	u64 hcr = read_sysreg(hcr_el2), mdcr = read_sysreg(mdcr_el2), vbar = read_sysreg(vbar_el2);
	u64 daif = read_sysreg(daif), ipa = start(&shape, PAGE_BITS, HCR_EL2_DC, 0);

	probe_access(PROBE_READ, 1, false, ipa);
	report_equal(read_sysreg(vbar_el2), vbar, "VBAR_EL2 between accesses");
	report_equal(read_sysreg(hcr_el2) & HCR_EL2_TGE, hcr & HCR_EL2_TGE,
		     "HCR_EL2.TGE between accesses");
	probe_at(PROBE_S12E1R, ipa);
	report_equal(read_sysreg(hcr_el2) & HCR_EL2_TGE, hcr & HCR_EL2_TGE, "HCR_EL2.TGE after AT");
	report_equal(read_sysreg(daif), daif, "DAIF between accesses");
	probe_end();
	report_equal(read_sysreg(hcr_el2), hcr, "HCR_EL2 after probe_end()");
	report_equal(read_sysreg(mdcr_el2), mdcr, "MDCR_EL2 after probe_end()");
	report_equal(read_sysreg(vttbr_el2), 0, "VTTBR_EL2 after probe_end()");
}

static void test_outcomes(void)
{
	const struct translation_pages pages = { 2, { 0x1000, 0x2000 }, { 0x5000, 0x6000 } };
	const u64 esr = DATA_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_ISV | ESR_ELx_WNR;
	struct probe_exit exit = { .el = 2, .esr = esr | FAULT_3, .far = 0x123, .hpfar = 0x20 };
	const u32 abort = 2U << 20 | DATA_LOW << 14, outcomes[] = { 1, 2, 3 };

	report_equal(translation_outcome(&exit, PROBE_WRITE, 0x123, &pages),
		     abort | 1U << 25 | 2U << 22 | ESR_ELx_WNR | FAULT_3,
		     "translation fault of page 2, FAR its address");
	report_equal(translation_outcome(&exit, PROBE_WRITE, 0x124, &pages),
		     abort | 2U << 22 | ESR_ELx_WNR | FAULT_3, "FAR another address");
	exit.esr = esr | PERM_3;
	report_equal(translation_outcome(&exit, PROBE_WRITE, 0x123, &pages),
		     abort | 1U << 25 | ESR_ELx_WNR | PERM_3, "permission fault: HPFAR not valid");
	exit.esr = esr | PERM_3 | ESR_ELx_S1PTW;
	report_equal(translation_outcome(&exit, PROBE_WRITE, 0x123, &pages),
		     abort | 1U << 25 | 2U << 22 | ESR_ELx_WNR | ESR_ELx_S1PTW | PERM_3,
		     "permission fault on a walk");
	report_equal(translation_outcome_at(0x6000, false, &pages), 3U << 20 | 2U << 22,
		     "AT, address of page 2");
	report_equal(translation_outcome_at(0x1000, true, &pages), 3U << 20 | 1U << 22,
		     "AT of stage 1, IPA of page 1");
	report_equal(translation_outcome_at(0xb0f, false, &pages), 3U << 20 | 0x30f,
		     "AT, fault on a walk of stage 2");
	report(translation_permits(outcomes, (struct translation_set){ 1, 2 }, 3) &&
		       !translation_permits(outcomes, (struct translation_set){ 1, 2 }, 1),
	       "set of two outcomes: expected those alone");
}

/* BRK and RET, for a probe of EL2 */
extern const char breaking_code[];
asm(".pushsection .text.breaking_code, \"ax\"\n"
    "breaking_code:\n"
    "	brk	#2\n"
    "	ret\n"
    ".popsection\n");

static unsigned int breaks;

static void count_break(struct pt_regs *regs, unsigned int esr)
{
	breaks++;
	regs->pc += 4;
}

/* Exceptions of EL2 after a probe are the host's again. */
static void test_host_probe(void)
{
	struct host_probe probe = { 0 };

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, count_break);
	host_probe_run(&probe, (u64)breaking_code);
	report(probe.taken && ESR_ELx_EC(probe.esr) == ESR_ELx_EC_BRK64 && !breaks,
	       "BRK of the probe: expected in the probe, found %d, ESR %#lx, %u in the handler",
	       probe.taken, probe.esr, breaks);
	asm volatile("brk #3" ::: "memory");
	report_equal(breaks, 1, "BRK after the probe, in the handler");
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
}

/* "host" first: it compares with what was before any access. */
static const struct subtest subtests[] = {
	{ "host", test_host },
	{ "accesses", test_accesses },
	{ "aborts", test_aborts },
	{ "flush", test_flush },
	{ "el1", test_el1 },
	{ "concatenated", test_concatenated },
	{ "pan", test_pan },
	{ "outcomes", test_outcomes },
	{ "host-probe", test_host_probe },
};

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (!reason && !s2_path_init())
		reason = "no memory";
	return run_subtests_unless(reason, subtests, ARRAY_SIZE(subtests), argc, argv);
}
