/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single accesses at EL1 and EL0. */
#include <libcflat.h>
#include <string.h>
#include <asm/at.h>
#include <asm/barrier.h>
#include <asm/el1-probe.h>
#include <asm/esr.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/smp.h>
#include <asm/sysreg.h>

/* SCTLR_EL1: EL0 may use DC ZVA and cache maintenance by address, and CTR_EL0. */
#define SCTLR_EL1_PROBE \
	(SCTLR_EL1_RES1 | SCTLR_EL1_DZE | SCTLR_EL1_UCT | SCTLR_EL1_UCI | SCTLR_EL1_SPAN)

extern char el1_probe_code[];
void el1_probe_enter(struct probe_exit *exit, u64 hcr, u64 pc, u64 pstate, u64 address);

/* Of each CPU that has probes */
static struct state {
	u64 code; /* at EL1 */
	u64 hcr; /* while a probe runs */
	u64 host_hcr, host_mdcr;
	struct probe_regime regime; /* in the registers */
} states[PROBE_CPUS];

static struct state *own_state(void)
{
	int cpu = smp_processor_id();

	assert_msg(cpu < PROBE_CPUS, "probes on CPU %d: the first %d have them", cpu, PROBE_CPUS);
	return &states[cpu];
}

phys_addr_t probe_code(void)
{
	return __pa(el1_probe_code);
}

/* Write the registers that change, or all: an emulator drops its TLB when some are written. */
#define WRITE_CHANGED(field, write)                              \
	do {                                                     \
		if (all || regime->field != state->regime.field) \
			write;                                   \
	} while (0)

static void write_regime(struct state *state, const struct probe_regime *regime, bool all)
{
	u64 hcr = state->host_hcr | HCR_EL2_RW | regime->hcr;

	/* TGE would disable the regime; interrupts are EL1's, which masks them. */
	state->hcr = hcr & ~HCR_EL2_TGE;
	WRITE_CHANGED(vtcr, write_sysreg(regime->vtcr, vtcr_el2));
	WRITE_CHANGED(vttbr, write_sysreg(regime->vttbr, vttbr_el2));
	WRITE_CHANGED(sctlr,
		      write_sysreg_el1(SCTLR_EL1_PROBE | regime->sctlr, sctlr_el1, SCTLR_EL12));
	WRITE_CHANGED(tcr, write_sysreg_el1(regime->tcr, tcr_el1, TCR_EL12));
	WRITE_CHANGED(ttbr0, write_sysreg_el1(regime->ttbr0, ttbr0_el1, TTBR0_EL12));
	WRITE_CHANGED(ttbr1, write_sysreg_el1(regime->ttbr1, ttbr1_el1, TTBR1_EL12));
	WRITE_CHANGED(mair, write_sysreg_el1(regime->mair, mair_el1, MAIR_EL12));
	/* The host's own regime does not depend on them: so only TGE changes for each access. */
	write_sysreg(hcr, hcr_el2);
	isb();
	state->regime = *regime;
}

void probe_set(const struct probe_regime *regime)
{
	struct state *state = own_state();

	if (memcmp(&state->regime, regime, sizeof(*regime)))
		write_regime(state, regime, false);
}

void probe_set_code(u64 code)
{
	own_state()->code = code;
	write_sysreg_el1(code + PROBE_VECTORS, vbar_el1, VBAR_EL12);
	isb();
}

u64 probe_pc(enum probe_op op)
{
	return own_state()->code + op * PROBE_OP_SIZE;
}

void probe_begin(u64 code)
{
	static const struct probe_regime nothing;
	struct state *state = own_state();

	assert_msg(host_at_el2, "probes need EL2");
	state->host_hcr = read_sysreg(hcr_el2);
	state->host_mdcr = read_sysreg(mdcr_el2);
	write_sysreg(state->host_mdcr | MDCR_EL2_TDE, mdcr_el2);
	write_sysreg_el1(CPACR_EL1_FPEN, cpacr_el1, CPACR_EL12);
	probe_set_code(code);
	write_regime(state, &nothing, true);
}

void probe_end(void)
{
	const struct state *state = own_state();

	write_sysreg(state->host_hcr, hcr_el2);
	write_sysreg(state->host_mdcr, mdcr_el2);
	write_sysreg(0, vttbr_el2);
	isb();
	probe_flush();
}

void probe_flush(void)
{
	asm volatile("dsb ishst\n"
		     "	tlbi alle1\n"
		     "	dsb nsh\n"
		     "	isb"
		     :
		     :
		     : "memory");
}

/* The rest of @exit, after an exception to EL2 */
static void complete(struct probe_exit *exit)
{
	exit->el = 2;
	switch (ESR_ELx_EC(exit->esr)) {
	case ESR_ELx_EC_BRK64:
		exit->el = 0;
		exit->par = read_sysreg(par_el1);
		break;
	case ESR_ELx_EC_HVC64:
		exit->el = 1;
		exit->esr = read_sysreg_el1(esr_el1, ESR_EL12);
		exit->far = read_sysreg_el1(far_el1, FAR_EL12);
		break;
	}
}

struct probe_exit probe_access(enum probe_op op, unsigned int el, bool pan, u64 address)
{
	return probe_execute(probe_pc(op), el, pan, address);
}

struct probe_exit probe_execute(u64 pc, unsigned int el, bool pan, u64 address)
{
	u64 pstate = PSR_DAIF | (el ? PSR_MODE_EL1h : PSR_MODE_EL0t) | (pan ? PSR_PAN_BIT : 0);
	u64 daif = read_sysreg(daif);
	struct probe_exit exit = { 0 };

	daif_set(PSR_DAIF);
	el1_probe_enter(&exit, own_state()->hcr, pc, pstate, address);
	daif_restore(daif);
	complete(&exit);
	return exit;
}

static u64 translate(enum probe_at at, u64 address)
{
	switch (at) {
	case PROBE_S12E1R:
		return at_s12e1r(address);
	case PROBE_S12E1W:
		return at_s12e1w(address);
	case PROBE_S12E0R:
		return at_s12e0r(address);
	case PROBE_S12E0W:
		return at_s12e0w(address);
	case PROBE_S1E1R:
		return at_s1e1r(address);
	case PROBE_S1E1W:
		return at_s1e1w(address);
	case PROBE_S1E0R:
		return at_s1e0r(address);
	default:
		return at_s1e0w(address);
	}
}

/* HCR_EL2 of probes while EL2 executes what depends on it; exceptions are masked until leave_hcr(). */
struct saved_hcr {
	u64 hcr, daif;
};

static struct saved_hcr enter_hcr(void)
{
	struct saved_hcr saved = { read_sysreg(hcr_el2), read_sysreg(daif) };

	daif_set(PSR_DAIF);
	write_sysreg(own_state()->hcr, hcr_el2);
	isb();
	return saved;
}

static void leave_hcr(const struct saved_hcr *saved)
{
	write_sysreg(saved->hcr, hcr_el2);
	isb();
	daif_restore(saved->daif);
}

u64 probe_at(enum probe_at at, u64 address)
{
	struct saved_hcr saved = enter_hcr();
	u64 par = translate(at, address);

	leave_hcr(&saved);
	return par;
}

void probe_el2(const char *code, u64 value)
{
	struct saved_hcr saved = enter_hcr();
	register u64 x1 asm("x1") = value;

	asm volatile("blr %0\n"
		     "	dsb ish\n"
		     "	isb"
		     :
		     : "r"(code), "r"(x1)
		     : "x30", "memory");
	leave_hcr(&saved);
}
