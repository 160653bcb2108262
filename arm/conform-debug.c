/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: breakpoints, watchpoints and software step. A row of kut_model/areas/debug.py is an
 * instruction at EL2, EL1 or EL0, which SVC or RET follows, and x1 an address in a block that may be
 * watched. Debug registers are those of the row while it runs, and the host's elsewhere.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/debug.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/guest-debug.h>
#include <asm/host-probe.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/stage2-internal.h>
#include <asm/sysreg.h>

enum debug_place { DEBUG_EL2, DEBUG_EL1, DEBUG_EL0, DEBUG_HOST_EL0 };
/* What ELR_ELx is */
enum debug_at {
	DEBUG_AT_THIS,
	DEBUG_AT_NEXT,
	DEBUG_AT_VECTOR, /* of EL1, for a synchronous exception */
	DEBUG_AT_RETURN, /* the code that ERET returns to */
	DEBUG_AT_AFTER_RETURN
};
/* What else is wrong */
enum debug_state {
	DEBUG_PLAIN,
	DEBUG_FETCH_UNMAPPED,
	DEBUG_DATA_UNMAPPED,
	DEBUG_ILLEGAL,
	DEBUG_ALIGNMENT
};

struct debug_outcome {
	u32 esr;
	u8 el; /* that takes the exception; 0: none */
	u8 at;
	u8 far_first, far_end; /* of a watchpoint: offsets that FAR_ELx may have; 0: not compared */
	bool ss; /* SPSR_ELx.SS */
};

struct debug_row {
	const char *name;
	struct debug_outcome outcomes[2]; /* either */
	u32 bcr, wcr, context; /* the last: DBGBCR<n>_EL1 of a context that the others link to */
	u8 place, insn, offset, state, needs;
	u8 watched; /* offset */
	bool tde, mde, kde, masked, oslk, step, ss; /* MDCR_EL2, MDSCR_EL1, PSTATE, OSLSR_EL1 */
	bool el1_ss; /* SPSR_EL1.SS, for ERET */
	bool other_address; /* of the breakpoint: the instruction before it, which is not executed */
	bool alone; /* the breakpoint is that of a context */
	bool vmid; /* in the high half of the context's value, not CONTEXTIDR_EL2 */
	bool low_wrong, high_wrong; /* halves of the context's value */
};

#include CONFORM_HEADER

#define CODE_BYTES 8
asm(".pushsection .text.conform_debug, \"ax\"\n.balign 8\n"
    "debug_code:\n" DEBUG_CODE "debug_el2_code:\n" DEBUG_EL2_CODE ".popsection\n");
extern const char debug_code[], debug_el2_code[];

#define UNMAPPED 0xffff000000001000UL /* no translation: EPD1 is set */
#define CONTEXTIDR_EL2 sys_reg(3, 4, 13, 0, 1)
#define VALUE_EL1 0x11112222U
#define VALUE_EL2 0x33334444U
#define VALUE_VMID 0x5aU
#define BCR_TYPE_CONTEXT 2 /* BT of one of CONTEXTIDR */
#define BCR_TYPE_SHIFT 20
#define BCR_LBN_SHIFT 16

static u8 block[128] __aligned(128);
static struct debug_registers host_registers;
static u64 host_hcr, host_sctlr, host_mdcr, el1_sctlr;
static unsigned int last_breakpoint; /* which matches contexts */

/*
 * Registers of the row
 */

static u64 address_of(const struct debug_row *row)
{
	return row->state == DEBUG_DATA_UNMAPPED ? UNMAPPED : (u64)block + row->offset;
}

static u64 pc_of(const struct debug_row *row)
{
	const char *code = row->place == DEBUG_EL2 ? debug_el2_code : debug_code;

	return row->state == DEBUG_FETCH_UNMAPPED ? UNMAPPED : (u64)code + row->insn * CODE_BYTES;
}

static u64 context_value(const struct debug_row *row)
{
	bool host = row->place == DEBUG_HOST_EL0 || (row->place == DEBUG_EL2 && DEBUG_VHE);
	u32 control = row->alone ? row->bcr : row->context;
	bool any = (control >> BCR_TYPE_SHIFT & 0xe) == BCR_TYPE_CONTEXT;
	u64 low = host && any ? VALUE_EL2 : VALUE_EL1, high = row->vmid ? VALUE_VMID : VALUE_EL2;

	return (low ^ row->low_wrong) | (high ^ row->high_wrong) << 32;
}

static void load_registers(const struct debug_row *row)
{
	struct debug_registers registers = { .os_lock = row->oslk };
	u64 link = row->context ? last_breakpoint << BCR_LBN_SHIFT : 0;
	u64 watched = row->state == DEBUG_DATA_UNMAPPED ? UNMAPPED : (u64)block + row->watched;

	if (row->alone) {
		registers.bcr[last_breakpoint] = row->bcr;
		registers.bvr[last_breakpoint] = context_value(row);
	} else {
		registers.bcr[0] = row->bcr | (row->bcr ? link : 0);
		registers.bvr[0] = pc_of(row) - (row->other_address ? 4 : 0);
		registers.bcr[last_breakpoint] = row->context;
		registers.bvr[last_breakpoint] = context_value(row);
	}
	registers.wcr[0] = row->wcr | (row->wcr ? link : 0);
	registers.wvr[0] = watched;
	debug_registers_load(&registers);
}

static u64 mdscr_of(const struct debug_row *row)
{
	return (row->mde ? MDSCR_EL1_MDE : 0) | (row->kde ? MDSCR_EL1_KDE : 0) |
	       (row->step ? MDSCR_EL1_SS : 0);
}

/* From here to stop_debugging() no code of the host is at an address of the row. */
static void start_debugging(const struct debug_row *row)
{
	load_registers(row);
	write_sysreg((host_mdcr & ~MDCR_EL2_TDE) | (row->tde ? MDCR_EL2_TDE : 0), mdcr_el2);
	write_sysreg(mdscr_of(row), mdscr_el1);
	isb();
}

static void stop_debugging(void)
{
	write_sysreg(0, mdscr_el1);
	write_sysreg(host_mdcr, mdcr_el2);
	isb();
	debug_registers_load(&host_registers);
}

/*
 * Rows
 */

struct debug_exit {
	unsigned int el; /* that took the exception; 0: none */
	u64 esr, elr, far, spsr;
};

static struct debug_exit run_el2(const struct debug_row *row)
{
	struct host_probe probe = { .x = { 0, address_of(row) } };

	start_debugging(row);
	if (!row->masked)
		asm volatile("msr daifclr, #8" ::: "memory");
	host_probe_run(&probe, pc_of(row));
	daif_set(PSR_DAIF);
	stop_debugging();
	return (struct debug_exit){ probe.taken ? 2 : 0, probe.esr, probe.elr, probe.far, 0 };
}

static u64 spsr_of(const struct debug_row *row)
{
	u64 masks = PSR_A_BIT | PSR_I_BIT | PSR_F_BIT | (row->masked ? PSR_D_BIT : 0);

	return (row->place == DEBUG_EL1 ? PSR_MODE_EL1h : PSR_MODE_EL0t) | masks |
	       (row->ss ? PSR_SS_BIT : 0) | (row->state == DEBUG_ILLEGAL ? PSR_IL_BIT : 0);
}

static u64 set_sctlr(const struct debug_row *row)
{
	u64 bits = SCTLR_EL1_DZE | SCTLR_EL1_UCI |
		   (row->state == DEBUG_ALIGNMENT ? SCTLR_ELx_A : 0);

	if (row->place == DEBUG_HOST_EL0)
		write_sysreg(host_sctlr | bits, sctlr_el2);
	else
		write_sysreg_el1(el1_sctlr | bits, sctlr_el1, SCTLR_EL12);
	return row->place == DEBUG_HOST_EL0 ? host_hcr | HCR_EL2_TGE
					    : (host_hcr & ~HCR_EL2_TGE) | HCR_EL2_RW;
}

static struct debug_exit run_below(const struct debug_row *row)
{
	struct probe probe = {
		.x = { 0, address_of(row) },
		.pc = pc_of(row),
		.spsr = spsr_of(row),
		.hcr = set_sctlr(row),
	};

	write_sysreg_el1((u64)debug_code, elr_el1, ELR_EL12);
	write_sysreg_el1(PSR_MODE_EL0t | PSR_DAIF | (row->el1_ss ? PSR_SS_BIT : 0), spsr_el1,
			 SPSR_EL12);
	start_debugging(row);
	probe_run(&probe);
	stop_debugging();
	write_sysreg(host_sctlr, sctlr_el2);
	write_sysreg_el1(el1_sctlr, sctlr_el1, SCTLR_EL12);
	isb();
	if (ESR_ELx_EC(probe.esr) == ESR_ELx_EC_SVC64 && (probe.esr & 0xffff) == DEBUG_END)
		probe.el = 0;
	return (struct debug_exit){ probe.el, probe.esr, probe.elr, probe.far, probe.out_spsr };
}

/*
 * Checks
 */

static u64 expected_elr(const struct debug_row *row, u8 at)
{
	u64 vector = row->place == DEBUG_EL1 ? ELxH_SYNC : ELx_LOW_SYNC_64;

	switch (at) {
	case DEBUG_AT_NEXT:
		return pc_of(row) + 4;
	case DEBUG_AT_VECTOR:
		return read_sysreg_el1(vbar_el1, VBAR_EL12) + vector * VECTOR_SLOT_SIZE;
	case DEBUG_AT_RETURN:
		return (u64)debug_code;
	case DEBUG_AT_AFTER_RETURN:
		return (u64)debug_code + 4;
	default:
		return pc_of(row);
	}
}

static bool is_outcome(const struct debug_row *row, const struct debug_outcome *outcome,
		       const struct debug_exit *exit)
{
	u64 far = exit->far - (u64)block;

	if (exit->el != outcome->el || !outcome->el)
		return exit->el == outcome->el;
	return exit->esr == outcome->esr && exit->elr == expected_elr(row, outcome->at) &&
	       (row->place == DEBUG_EL2 || !!(exit->spsr & PSR_SS_BIT) == outcome->ss) &&
	       (!outcome->far_end || (far >= outcome->far_first && far < outcome->far_end));
}

/* An address by its distance from @base, where it is less than @size from there. */
static void describe_address(char text[32], u64 address, const char *base_name, u64 base, u64 size)
{
	if (address - base < size)
		snprintf(text, 32, "%s +%#lx", base_name, address - base);
	else
		snprintf(text, 32, "%#lx", address);
}

static void describe(const struct debug_row *row, const struct debug_exit *exit, char *text,
		     size_t size)
{
	u64 vectors = read_sysreg_el1(vbar_el1, VBAR_EL12), pc = pc_of(row);
	char decoded[96], elr[32], far[32];

	if (!exit->el) {
		snprintf(text, size, "no exception");
		return;
	}
	if (exit->elr - pc < CODE_BYTES)
		describe_address(elr, exit->elr, "code", pc, CODE_BYTES);
	else
		describe_address(elr, exit->elr, "VBAR_EL1", vectors, 16 * VECTOR_SLOT_SIZE);
	snprintf(text, size, "EL%u, ESR %#lx (%s), ELR %s, SPSR.SS %d", exit->el, exit->esr,
		 esr_decode(exit->esr, decoded, sizeof(decoded)), elr, !!(exit->spsr & PSR_SS_BIT));
	if (!row->outcomes[0].far_end) /* UNKNOWN */
		return;
	describe_address(far, exit->far, "block", (u64)block, PAGE_SIZE);
	snprintf(text + strlen(text), size - strlen(text), ", FAR %s", far);
}

static enum conform_verdict check(const struct debug_row *row, const struct debug_exit *exit)
{
	const struct debug_outcome *outcome = &row->outcomes[0];
	struct debug_exit expected = {
		.el = outcome->el,
		.esr = outcome->esr,
		.elr = expected_elr(row, outcome->at),
		.spsr = outcome->ss ? PSR_SS_BIT : 0,
		.far = outcome->far_end ? (u64)block + outcome->far_first : exit->far,
	};
	char texts[2][224];

	if (is_outcome(row, outcome, exit) || is_outcome(row, outcome + 1, exit))
		return CONFORM_PASS;
	describe(row, &expected, texts[0], sizeof(texts[0]));
	describe(row, exit, texts[1], sizeof(texts[1]));
	return conform_fail("expected %s, found %s", texts[0], texts[1]);
}

static enum conform_verdict run(u32 number)
{
	const struct debug_row *row = &debug_rows[number];
	u64 daif = read_sysreg(daif);
	struct debug_exit exit;

	if (conform_lacks(debug_needs[row->needs]))
		return CONFORM_SKIP;
	daif_set(PSR_DAIF);
	exit = row->place == DEBUG_EL2 ? run_el2(row) : run_below(row);
	daif_restore(daif);
	return check(row, &exit);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "debug.%s", debug_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

static void set_contexts(void)
{
	write_sysreg_el1(VALUE_EL1, contextidr_el1, CONTEXTIDR_EL12);
	if (ID_FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_VH))
		write_sysreg_s(VALUE_EL2, CONTEXTIDR_EL2);
	write_sysreg((u64)VALUE_VMID << VTTBR_VMID_SHIFT, vttbr_el2);
	isb();
}

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(DEBUG_VHE);

	if (reason)
		return skip_all(reason);
	probe_setup_el1();
	write_sysreg_el1(CPACR_EL1_FPEN, cpacr_el1, CPACR_EL12);
	set_contexts();
	host_hcr = read_sysreg(hcr_el2);
	host_sctlr = read_sysreg(sctlr_el2);
	host_mdcr = read_sysreg(mdcr_el2);
	el1_sctlr = read_sysreg_el1(sctlr_el1, SCTLR_EL12);
	last_breakpoint = FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12);
	debug_registers_save(&host_registers);
	return conform_main(&area, argc, argv);
}
