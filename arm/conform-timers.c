/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: generic timers. Rows are those of kut_model/areas/timers.py: a timer, the place and
 * the name of the accesses, a count that CNTVOFF_EL2 or CNTPOFF_EL2 gives, and values of the timer.
 *
 * A count passes while a row runs. Counts are far from what they are compared with, so that neither
 * the uptime nor the speed of the host matters; where time has to pass, rows wait for it.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/timers.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <asm/timer.h>

enum timers_action {
	TIMERS_COMPARE, /* write CVAL and CTL, read CTL, CVAL and TVAL */
	TIMERS_TVAL, /* write TVAL and CTL, read CTL and CVAL */
	TIMERS_FIRE, /* COMPARE, and the interrupt comes when CVAL is reached */
	TIMERS_WRAP, /* COMPARE, and the condition is no longer met when the count has wrapped */
	TIMERS_HOLD, /* COMPARE, and the state stays for HOLD_MS */
	TIMERS_OFFSET, /* COMPARE at another count, then the offset changes */
	TIMERS_COUNT, /* read the counter */
};

enum timers_place { TIMERS_EL1, TIMERS_EL0, TIMERS_HOST_EL0, TIMERS_EL2 };
enum timers_offset { TIMERS_NO_OFFSET, TIMERS_CNTVOFF, TIMERS_CNTPOFF };

/* Code of a name, with the values of struct timers_result. */
struct timers_code {
	const char *compare, *tval; /* ends in HVC, or RET at EL2 */
};

struct timers_row {
	const char *name;
	const struct timers_code *code;
	const char *count_code; /* of TIMERS_COUNT */
	u64 count; /* wanted, with an offset; or the offset, if it is fixed */
	u64 cval; /* or what is added to the count, if it is relative; TVAL of TIMERS_TVAL */
	u64 difference; /* TIMERS_TVAL: between CVAL and the count; TIMERS_OFFSET: new count */
	u8 action, place, offset, timer;
	bool fixed, relative, ignored; /* ignored: the offset has no effect here */
	u8 ctl, expected, known; /* CTL: written, read, and the bits that are defined */
	bool line, reads_tval;
	u8 needs;
};

struct timers_result {
	u64 ctl, cval, before, tval, after; /* before and after: the count as the place reads it */
	bool trapped;
	u64 esr;
};

/* clang-format off */
asm(
".pushsection .text.conform_timers, \"ax\"\n"
/* x1 = CVAL, x2 = CTL; x0 = CTL, x3 = CVAL, x4 = count, x5 = TVAL, x6 = count */
".macro timer_compare name, ctl, cval, tval, count, end:vararg\n"
"	timers_\\name\\()_compare:\n"
"	msr	\\cval, x1\n"
"	msr	\\ctl, x2\n"
"	isb\n"
"	mrs	x0, \\ctl\n"
"	mrs	x3, \\cval\n"
"	isb\n"
"	mrs	x4, \\count\n"
"	isb\n"
"	mrs	x5, \\tval\n"
"	isb\n"
"	mrs	x6, \\count\n"
"	\\end\n"
".endm\n"
/* x1 = TVAL, x2 = CTL; the same results but for x5 */
".macro timer_tval name, ctl, cval, tval, count, end:vararg\n"
"	timers_\\name\\()_tval:\n"
"	isb\n"
"	mrs	x4, \\count\n"
"	isb\n"
"	msr	\\tval, x1\n"
"	msr	\\ctl, x2\n"
"	isb\n"
"	mrs	x6, \\count\n"
"	isb\n"
"	mrs	x0, \\ctl\n"
"	mrs	x3, \\cval\n"
"	\\end\n"
".endm\n"
".macro timer_code args:vararg\n"
"	timer_compare \\args\n"
"	timer_tval \\args\n"
".endm\n"
"	timer_code v, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0, cntvct_el0, hvc #0\n"
"	timer_code p, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0, cntpct_el0, hvc #0\n"
"	timer_code v_el2, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0, cntpct_el0, ret\n"
"	timer_code p_el2, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0, cntpct_el0, ret\n"
"	timer_code v02, s3_5_c14_c3_1, s3_5_c14_c3_2, s3_5_c14_c3_0, cntpct_el0, ret\n"
"	timer_code p02, s3_5_c14_c2_1, s3_5_c14_c2_2, s3_5_c14_c2_0, cntpct_el0, ret\n"
"	timer_code hp, cnthp_ctl_el2, cnthp_cval_el2, cnthp_tval_el2, cntpct_el0, ret\n"
"	timer_code hv, s3_4_c14_c3_1, s3_4_c14_c3_2, s3_4_c14_c3_0, cntpct_el0, ret\n"
".macro timer_count name, count\n"
"	timers_\\name:\n"
"	isb\n"
"	mrs	x0, \\count\n"
"	hvc	#0\n"
"	timers_\\name\\()_el2:\n"
"	isb\n"
"	mrs	x0, \\count\n"
"	ret\n"
".endm\n"
"	timer_count cntvct, cntvct_el0\n"
"	timer_count cntpct, cntpct_el0\n"
"	timer_count cntvctss, s3_3_c14_c0_6\n"
"	timer_count cntpctss, s3_3_c14_c0_5\n"
".popsection\n");
/* clang-format on */

#define TIMERS_CODE(name)                                                          \
	extern const char timers_##name##_compare[], timers_##name##_tval[];       \
	static const struct timers_code timers_##name = { timers_##name##_compare, \
							  timers_##name##_tval }
TIMERS_CODE(v);
TIMERS_CODE(p);
#define TIMERS_COUNTER(name) extern const char timers_##name[], timers_##name##_el2[]
TIMERS_COUNTER(cntvct);
TIMERS_COUNTER(cntpct);
TIMERS_COUNTER(cntvctss);
TIMERS_COUNTER(cntpctss);

#include CONFORM_HEADER

#define CNTPOFF_EL2 sys_reg(3, 4, 14, 0, 6)
#define CNTHCTL_VHE                                                                                \
	(CNTHCTL_VHE_EL0PCTEN | CNTHCTL_VHE_EL0VCTEN | CNTHCTL_VHE_EL0VTEN | CNTHCTL_VHE_EL0PTEN | \
	 CNTHCTL_VHE_EL1PCTEN | CNTHCTL_VHE_EL1PTEN)
#define CNTHCTL_NVHE (CNTHCTL_NVHE_EL1PCTEN | CNTHCTL_NVHE_EL1PCEN)
/* Rows whose counts may be reached run again if it took more ticks than this. */
#define MAX_TICKS (1UL << 28)
#define ATTEMPTS 100
#define HOLD_MS 100 /* long enough for timers of an emulator's to be late on a busy host */

static u64 host_hcr;

/* HCR_EL2.TGE is clear while rows run: where it is set, CNTVOFF_EL2 may be without effect. */
static u64 row_hcr(const struct timers_row *row)
{
	return row->place == TIMERS_HOST_EL0 ? host_hcr | HCR_EL2_TGE : host_hcr & ~HCR_EL2_TGE;
}

static u64 physical_count(void)
{
	isb();
	return read_sysreg(cntpct_el0);
}

/* Write the register of offsets, so that the count is @count. Returns the offset. */
static u64 set_count(const struct timers_row *row, u64 count)
{
	u64 offset = row->fixed ? count : physical_count() - count;

	if (row->offset == TIMERS_NO_OFFSET)
		return 0;
	if (row->offset == TIMERS_CNTVOFF)
		write_sysreg(offset, cntvoff_el2);
	else
		write_sysreg_s(offset, CNTPOFF_EL2);
	isb();
	return row->ignored ? 0 : offset;
}

static void prepare(const struct timers_row *row)
{
	u64 cnthctl = host_vhe ? CNTHCTL_VHE : CNTHCTL_NVHE;

	write_sysreg(row_hcr(row), hcr_el2);
	write_sysreg(row->offset == TIMERS_CNTPOFF && !row->ignored ? cnthctl | CNTHCTL_ECV
								    : cnthctl,
		     cnthctl_el2);
	isb();
}

static void stop_timers(void)
{
	for (enum timer_id id = 0; id < TIMER_MAX; id++)
		if (timer_get(id))
			timer_stop(timer_get(id));
}

static void restore(const struct timers_row *row)
{
	stop_timers();
	write_sysreg(0, cntvoff_el2);
	if (row->offset == TIMERS_CNTPOFF)
		write_sysreg_s(0, CNTPOFF_EL2);
	write_sysreg(host_hcr, hcr_el2);
	isb();
}

static struct timers_result run_at_el2(const char *code, u64 value, u64 ctl)
{
	register u64 x0 asm("x0") = 0;
	register u64 x1 asm("x1") = value;
	register u64 x2 asm("x2") = ctl;
	register u64 x3 asm("x3") = 0;
	register u64 x4 asm("x4") = 0;
	register u64 x5 asm("x5") = 0;
	register u64 x6 asm("x6") = 0;

	asm volatile("blr %7"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6)
		     : "r"(code)
		     : "x30", "memory");
	return (struct timers_result){
		.ctl = x0, .cval = x3, .before = x4, .tval = x5, .after = x6
	};
}

static struct timers_result run_below(const struct timers_row *row, const char *code, u64 value)
{
	struct probe probe = {
		.x = { 0, value, row->ctl },
		.pc = (u64)code,
		.spsr = (row->place == TIMERS_EL1 ? PSR_MODE_EL1h : PSR_MODE_EL0t) | PSR_DAIF,
		.hcr = row_hcr(row),
	};

	probe_run(&probe);
	return (struct timers_result){
		.ctl = probe.x[0],
		.cval = probe.x[3],
		.before = probe.x[4],
		.tval = probe.x[5],
		.after = probe.x[6],
		.trapped = ESR_ELx_EC(probe.esr) !=
			   (row->place == TIMERS_EL1 ? ESR_ELx_EC_HVC64 : ESR_ELx_EC_UNKNOWN),
		.esr = probe.esr,
	};
}

/* Counts are those that the timer compares with: EL2 reads the physical one. */
static struct timers_result execute(const struct timers_row *row, const char *code, u64 value,
				    u64 offset)
{
	struct timers_result result;

	if (row->place != TIMERS_EL2)
		return run_below(row, code, value);
	result = run_at_el2(code, value, row->ctl);
	result.before -= offset;
	result.after -= offset;
	return result;
}

/*
 * Checks
 */

static bool has_line(enum timer_id id)
{
	return timer_get(id) && timer_get(id)->irq->irq != TIMER_NO_IRQ;
}

/* The timers whose interrupts are asserted, by bit */
static u32 lines(void)
{
	u32 asserted = 0;

	for (enum timer_id id = 0; id < TIMER_MAX; id++)
		if (has_line(id) &&
		    gic_irq_state(PPI(timer_get(id)->irq->irq)) != GIC_IRQ_STATE_INACTIVE)
			asserted |= BIT(id);
	return asserted;
}

static u32 expected_lines(const struct timers_row *row)
{
	return row->line && has_line(row->timer) ? BIT(row->timer) : 0;
}

static enum conform_verdict check_state(const struct timers_row *row, u64 ctl)
{
	u32 asserted = lines();

	if ((ctl & row->known) == (row->expected & row->known) && asserted == expected_lines(row))
		return CONFORM_PASS;
	return conform_fail(
		"expected CTL %#x (bits %#x), interrupts (CNTP, CNTV, CNTHP, CNTHV by bit) %#x, "
		"found CTL %#lx, interrupts %#x",
		row->expected, row->known, expected_lines(row), ctl, asserted);
}

static bool is_between(u64 value, u64 first, u64 last)
{
	return value - first <= last - first;
}

static enum conform_verdict check_compare(const struct timers_row *row,
					  const struct timers_result *found, u64 cval)
{
	if (found->cval != cval)
		return conform_fail("expected CVAL %#lx, found %#lx", cval, found->cval);
	/* TVAL: the lower half of CVAL less the count */
	if (row->reads_tval &&
	    (found->tval >> 32 ||
	     (u32)(cval - found->before) - (u32)found->tval > (u32)(found->after - found->before)))
		return conform_fail("expected TVAL %#x or less by up to %#lx, found %#lx",
				    (u32)(cval - found->before), found->after - found->before,
				    found->tval);
	return check_state(row, found->ctl);
}

static enum conform_verdict check_tval(const struct timers_row *row,
				       const struct timers_result *found)
{
	if (!is_between(found->cval - row->difference, found->before, found->after))
		return conform_fail("expected CVAL %#lx..%#lx, found %#lx",
				    found->before + row->difference, found->after + row->difference,
				    found->cval);
	return check_state(row, found->ctl);
}

/* CTL of the row's timer, by EL2's name for it */
static u64 read_ctl(const struct timers_row *row)
{
	return timer_get(row->timer)->read_ctl();
}

/* Wait for what the row expects, @ticks at most. */
static enum conform_verdict wait_for_state(const struct timers_row *row, u64 ticks)
{
	u64 end = physical_count() + ticks;
	u64 ctl;

	do {
		ctl = read_ctl(row);
		if ((ctl & row->known) == row->expected && lines() == expected_lines(row))
			return CONFORM_PASS;
	} while (physical_count() < end);
	return check_state(row, ctl);
}

/*
 * Rows
 */

static enum conform_verdict run_timer(const struct timers_row *row)
{
	u64 offset = set_count(row, row->count), count = physical_count() - offset;
	u64 cval = row->relative ? count + row->cval : row->cval;
	struct timers_result found = execute(row, row->code->compare, cval, offset);

	if (found.trapped)
		return conform_fail("expected that accesses are made, found ESR %#lx", found.esr);
	switch (row->action) {
	case TIMERS_FIRE:
		while (physical_count() - offset - count < row->cval)
			;
		return wait_for_state(row, get_cntfrq() * 3 / 2);
	case TIMERS_WRAP:
		while (physical_count() - offset >= row->count)
			;
		return wait_for_state(row, get_cntfrq() * 3 / 2);
	case TIMERS_HOLD:
		mdelay(HOLD_MS);
		return check_state(row, read_ctl(row));
	case TIMERS_OFFSET:
		set_count(row, row->difference);
		return wait_for_state(row, get_cntfrq() / 8);
	default:
		return check_compare(row, &found, cval);
	}
}

static enum conform_verdict run_tval(const struct timers_row *row)
{
	struct timers_result found;

	for (unsigned int i = 0; i < ATTEMPTS; i++) {
		u64 offset = set_count(row, row->count), before = physical_count();

		found = execute(row, row->code->tval, row->cval, offset);
		if (physical_count() - before < MAX_TICKS)
			break;
	}
	if (found.trapped)
		return conform_fail("expected that accesses are made, found ESR %#lx", found.esr);
	return check_tval(row, &found);
}

static enum conform_verdict run_count(const struct timers_row *row)
{
	u64 offset = set_count(row, row->count), before = physical_count();
	struct timers_result found = execute(row, row->count_code, 0, 0);
	u64 after = physical_count();

	if (!found.trapped && is_between(found.ctl, before - offset, after - offset))
		return CONFORM_PASS;
	return conform_fail("expected %#lx..%#lx, found %#lx (ESR %#lx)", before - offset,
			    after - offset, found.ctl, found.esr);
}

static enum conform_verdict run(u32 number)
{
	const struct timers_row *row = &timers_rows[number];
	enum conform_verdict verdict;

	if (conform_lacks(timers_needs[row->needs]))
		return CONFORM_SKIP;
	prepare(row);
	if (row->action == TIMERS_COUNT)
		verdict = run_count(row);
	else
		verdict = row->action == TIMERS_TVAL ? run_tval(row) : run_timer(row);
	restore(row);
	return verdict;
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "timers.%s", timers_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(TIMERS_VHE);
	u64 cnthctl;
	int code;

	if (reason)
		return skip_all(reason);
	gic_enable_defaults();
	probe_setup_el1();
	host_hcr = read_sysreg(hcr_el2);
	cnthctl = read_sysreg(cnthctl_el2);
	/* EL0 may access counters and timers. */
	write_sysreg_el1(CNTKCTL_EL1_ALL, cntkctl_el1, CNTKCTL_EL12);
	stop_timers();
	code = conform_main(&area, argc, argv);
	write_sysreg(cnthctl, cnthctl_el2);
	return code;
}
