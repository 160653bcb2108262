/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows about accesses to system registers and system instructions (asm/conform-sysreg.h). */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform-sysreg.h>
#include <asm/el2.h>
#include <asm/esr.h>
#include <asm/gic.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

#define CODE_BYTES 8
#define MAX_INSNS 2048
#define OPERAND_BYTES 4096 /* more than a cache line, or a block of DC ZVA */
#define OPERAND_PATTERN 0xa55aUL
#define FUTURE 0x7fffffffUL
#define TIMEOUT_TICKS 100000 /* of the counter: 1.6 ms at 62.5 MHz */
#define ERRIDR_EL1 sys_reg(3, 0, 5, 3, 0)

static const struct sysreg_tables *tables;
static u64 absent; /* features that the CPU lacks, by bit */
static u64 held[MAX_INSNS]; /* SYSREG_VALUE_HELD, by number of the read */
static u64 nv_page[PAGE_SIZE / sizeof(u64)] __aligned(PAGE_SIZE); /* at VNCR_EL2 */
static u64 operand[OPERAND_BYTES / sizeof(u64)] __aligned(OPERAND_BYTES);

/* Value in the page at @offset, which is below its size */
#define NV_PATTERN(offset) (0x5aa5000000000000UL | (offset))
static_assert(NV_PATTERN(8UL) && NV_PATTERN(8UL) != NV_PATTERN(16UL), "no register has another's");

/* Value of a register of EL1 before a row about it */
#define EL1_PATTERN 0x140UL

/*
 * Limits
 */

static const char *const limit_names[][2] = {
	[SYSREG_LIMIT_EVENT_COUNTERS] = { "event-counters", "PMCR_EL0.N" },
	[SYSREG_LIMIT_BREAKPOINTS] = { "breakpoints", "ID_AA64DFR0_EL1.BRPs" },
	[SYSREG_LIMIT_WATCHPOINTS] = { "watchpoints", "ID_AA64DFR0_EL1.WRPs" },
	[SYSREG_LIMIT_ACTIVE_PRIORITIES] = { "active-priorities", "ICH_VTR_EL2.PREbits" },
	[SYSREG_LIMIT_LIST_REGISTERS] = { "list-registers", "ICH_VTR_EL2.ListRegs" },
	[SYSREG_LIMIT_ERROR_RECORDS] = { "error-records", "ERRIDR_EL1.NUM" },
	[SYSREG_LIMIT_POINTER_AUTHENTICATION] = { "FEAT_PAuth",
						  "ID_AA64ISAR1_EL1.APA/API,ISAR2.APA3" },
};

static bool has_pointer_authentication(void)
{
	return (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_API_APA) ||
	       (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_APA3);
}

/* Registers of active priorities: one for 5 bits of preemption, 2 for 6, 4 for 7 */
static unsigned int nr_active_priorities(void)
{
	return 1U << (FIELD(read_sysreg_s(ICH_VTR_EL2), 28, 26) - 4);
}

static bool within_limit(const struct sysreg_insn *insn)
{
	switch (insn->limit) {
	case SYSREG_LIMIT_EVENT_COUNTERS:
		return insn->index < FIELD(read_sysreg(pmcr_el0), 15, 11);
	case SYSREG_LIMIT_BREAKPOINTS:
		return insn->index <= FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12);
	case SYSREG_LIMIT_WATCHPOINTS:
		return insn->index <= FIELD(read_sysreg(id_aa64dfr0_el1), 23, 20);
	case SYSREG_LIMIT_ACTIVE_PRIORITIES:
		return insn->index < nr_active_priorities();
	case SYSREG_LIMIT_LIST_REGISTERS:
		return insn->index <= FIELD(read_sysreg_s(ICH_VTR_EL2), 4, 0);
	case SYSREG_LIMIT_ERROR_RECORDS:
		return FIELD(read_sysreg_s(ERRIDR_EL1), 15, 0) != 0;
	case SYSREG_LIMIT_POINTER_AUTHENTICATION:
		return has_pointer_authentication();
	default:
		return true;
	}
}

/*
 * Registers of EL1 behind names of EL2 (FEAT_NV2)
 */

static u64 read_el1(enum sysreg_el1 reg)
{
	switch (reg) {
	case SYSREG_SPSR_EL1:
		return read_sysreg_el1(spsr_el1, SPSR_EL12);
	case SYSREG_ELR_EL1:
		return read_sysreg_el1(elr_el1, ELR_EL12);
	case SYSREG_ESR_EL1:
		return read_sysreg_el1(esr_el1, ESR_EL12);
	case SYSREG_FAR_EL1:
		return read_sysreg_el1(far_el1, FAR_EL12);
	default:
		return read_sysreg_el1(TFSR_EL1, TFSR_EL12);
	}
}

static void write_el1(enum sysreg_el1 reg, u64 value)
{
	switch (reg) {
	case SYSREG_SPSR_EL1:
		write_sysreg_el1(value, spsr_el1, SPSR_EL12);
		break;
	case SYSREG_ELR_EL1:
		write_sysreg_el1(value, elr_el1, ELR_EL12);
		break;
	case SYSREG_ESR_EL1:
		write_sysreg_el1(value, esr_el1, ESR_EL12);
		break;
	case SYSREG_FAR_EL1:
		write_sysreg_el1(value, far_el1, FAR_EL12);
		break;
	default:
		write_sysreg_el1(value, TFSR_EL1, TFSR_EL12);
		break;
	}
	isb();
}

/* @value as a register of EL1 holds it: TFSR_EL1 has bits 0 and 1. */
static u64 el1_value(enum sysreg_el1 reg, u64 value)
{
	return reg == SYSREG_TFSR_EL1 ? value >> 8 & 1 : value;
}

/*
 * Running
 */

static u64 value_for(const struct sysreg_insn *insn)
{
	switch (insn->value) {
	case SYSREG_VALUE_HELD:
		return insn->reads == SYSREG_NO_READ ? 0 : held[insn->reads];
	case SYSREG_VALUE_ADDRESS:
		return (u64)operand;
	case SYSREG_VALUE_SPURIOUS:
		return GICC_INT_SPURIOUS;
	case SYSREG_VALUE_DAIF:
		return PSR_DAIF;
	case SYSREG_VALUE_FUTURE:
		return FUTURE;
	default:
		return 0;
	}
}

static bool is_write(const struct sysreg_insn *insn)
{
	return !(insn->iss & 1);
}

/* The value of a write whose effect is looked at */
static u64 visible_value(const struct sysreg_outcome *outcome, const struct sysreg_insn *insn)
{
	if (outcome->kind == SYSREG_REGISTER)
		return el1_value(outcome->data, EL1_PATTERN << 1);
	if (insn->value == SYSREG_VALUE_TIMEOUT && outcome->kind != SYSREG_EXECUTES)
		return read_sysreg(cntvct_el0) + TIMEOUT_TICKS;
	return value_for(insn);
}

/* DC ZVA and DC GZVA */
static bool zeroes_memory(const struct sysreg_insn *insn)
{
	u64 instruction = insn->iss & ESR_ELx_SYS64_ISS_REGISTER;

	return instruction == ESR_ELx_SYS64_ISS(1, 3, 7, 4, 1) ||
	       instruction == ESR_ELx_SYS64_ISS(1, 3, 7, 4, 4);
}

static void prepare_memory(const struct sysreg_outcome *outcome)
{
	*operand = OPERAND_PATTERN;
	if (outcome->kind == SYSREG_MEMORY)
		nv_page[outcome->data / sizeof(u64)] = NV_PATTERN(outcome->data);
	else if (outcome->kind == SYSREG_REGISTER)
		write_el1(outcome->data, el1_value(outcome->data, EL1_PATTERN));
}

/* The event register of this CPU, for WFE */
static void prepare_wait(const struct sysreg_insn *insn, bool ends)
{
	if (insn->value != SYSREG_VALUE_EVENT)
		return;
	asm volatile("sevl");
	if (!ends)
		asm volatile("wfe");
}

static u64 address_of(u32 insn)
{
	return (u64)tables->code + insn * CODE_BYTES;
}

static void prepare_return(const struct sysreg_row *row)
{
	write_el1(SYSREG_ELR_EL1, address_of(row->insn) + 4);
	write_el1(SYSREG_SPSR_EL1, PSR_MODE_EL1h | PSR_DAIF);
}

#define IN_A32 (PSR_MODE32_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT)
#define AT_EL1 (PSR_MODE_EL1h | PSR_DAIF)
#define AT_EL0 (PSR_MODE_EL0t | PSR_DAIF)

static const struct {
	const char *name;
	u64 pstate, hcr;
	unsigned int offset; /* of PC */
} places[] = {
	[SYSREG_EL1] = { .name = "el1", .pstate = AT_EL1 },
	[SYSREG_EL0] = { .name = "el0", .pstate = AT_EL0 },
	[SYSREG_HOST_EL0] = { .name = "host-el0", .pstate = AT_EL0, .hcr = HCR_EL2_TGE },
	[SYSREG_EL0_A32] = { .name = "el0-a32", .pstate = IN_A32 },
	[SYSREG_EL0_T32] = { .name = "el0-t32", .pstate = IN_A32 | PSR_T32_BIT },
	[SYSREG_EL1_IL] = { .name = "el1-il", .pstate = AT_EL1 | PSR_IL_BIT },
	[SYSREG_EL0_IL] = { .name = "el0-il", .pstate = AT_EL0 | PSR_IL_BIT },
	[SYSREG_HOST_EL0_IL] = { .name = "host-el0-il",
				 .pstate = AT_EL0 | PSR_IL_BIT,
				 .hcr = HCR_EL2_TGE },
	[SYSREG_EL1_PC] = { .name = "el1-pc", .pstate = AT_EL1, .offset = 2 },
	[SYSREG_EL0_PC] = { .name = "el0-pc", .pstate = AT_EL0, .offset = 2 },
	[SYSREG_HOST_EL0_PC] = { .name = "host-el0-pc",
				 .pstate = AT_EL0,
				 .hcr = HCR_EL2_TGE,
				 .offset = 2 },
};

static void execute(struct probe *probe, u32 number, enum sysreg_place place, u64 value)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(probe->x); i++)
		probe->x[i] = value;
	probe->pc = address_of(number) + places[place].offset;
	probe->spsr = places[place].pstate;
	probe->hcr = controls_hcr() | places[place].hcr;
	probe_run(probe);
}

/* The instruction ended, and the HVC behind it caused the exception. */
static bool executed(const struct probe *probe)
{
	return probe->vector == ELx_LOW_SYNC_64 * VECTOR_SLOT_SIZE &&
	       (probe->elr == probe->pc + 4 || probe->elr == probe->pc + 8);
}

static const char *describe_found(const struct probe *probe, char *text, size_t size)
{
	char decoded[96];

	if (executed(probe))
		return "it executes";
	esr_decode(probe->esr, decoded, sizeof(decoded));
	if (probe->vector != ELx_LOW_SYNC_64 * VECTOR_SLOT_SIZE)
		snprintf(text, size, "an exception by vector %#lx", probe->vector);
	else
		snprintf(text, size, "an exception to EL%u, ESR %#lx (%s), ELR %+ld", probe->el,
			 probe->esr, decoded, (long)(probe->elr - probe->pc));
	return text;
}

static enum conform_verdict check_exception(const struct probe *probe,
					    const struct sysreg_insn *insn,
					    const struct sysreg_outcome *outcome)
{
	u64 esr = outcome->esr | (ESR_ELx_EC(outcome->esr) == ESR_ELx_EC_SYS64 ? insn->iss : 0);
	char decoded[96], found[192];

	if (outcome->kind == SYSREG_MAY_TRAP && executed(probe))
		return CONFORM_PASS;
	if (probe->vector == ELx_LOW_SYNC_64 * VECTOR_SLOT_SIZE && probe->el == outcome->el &&
	    probe->esr == esr && probe->elr == probe->pc + outcome->data)
		return CONFORM_PASS;
	return conform_fail("expected an exception to EL%u, ESR %#lx (%s), ELR +%u, found %s",
			    outcome->el, esr, esr_decode(esr, decoded, sizeof(decoded)),
			    outcome->data, describe_found(probe, found, sizeof(found)));
}

static enum conform_verdict check_value(const char *what, u64 expected, u64 found)
{
	if (expected == found)
		return CONFORM_PASS;
	return conform_fail("expected %#lx %s, found %#lx", expected, what, found);
}

static enum conform_verdict check_executed(const struct probe *probe,
					   const struct sysreg_insn *insn,
					   const struct sysreg_outcome *outcome, u64 value)
{
	u64 rt = probe->x[insn->rt];
	char text[192];

	if (!executed(probe))
		return conform_fail("expected that it executes, found %s",
				    describe_found(probe, text, sizeof(text)));
	switch (outcome->kind) {
	case SYSREG_MEMORY:
		if (is_write(insn))
			return check_value("in memory at VNCR_EL2", value,
					   nv_page[outcome->data / sizeof(u64)]);
		return check_value("from memory at VNCR_EL2", NV_PATTERN(outcome->data), rt);
	case SYSREG_REGISTER:
		if (is_write(insn))
			return check_value("in the register of EL1", value,
					   read_el1(outcome->data));
		return check_value("from the register of EL1",
				   el1_value(outcome->data, EL1_PATTERN), rt);
	case SYSREG_READS:
		return check_value("as its value", outcome->data, rt);
	default:
		if (zeroes_memory(insn))
			return check_value("in memory at its address", 0, *operand);
		return CONFORM_PASS;
	}
}

static enum conform_verdict skip_feature(u64 missing)
{
	const struct conform_feature *feature = &tables->features[__builtin_ctzl(missing)];

	return conform_skip(feature->name, feature->field);
}

static enum conform_verdict run_with(const struct sysreg_row *row, const struct sysreg_insn *insn)
{
	const struct sysreg_outcome *outcome = &tables->outcomes[row->outcome];
	u64 value = visible_value(outcome, insn);
	struct probe probe;

	prepare_memory(outcome);
	prepare_wait(insn, outcome->kind == SYSREG_EXECUTES);
	if (insn->value == SYSREG_VALUE_RETURN)
		prepare_return(row);
	execute(&probe, row->insn, row->place, value);
	if (outcome->kind == SYSREG_EXCEPTION || outcome->kind == SYSREG_MAY_TRAP)
		return check_exception(&probe, insn, outcome);
	return check_executed(&probe, insn, outcome, value);
}

enum conform_verdict sysreg_run(u32 number)
{
	const struct sysreg_row *row = &tables->rows[number];
	const struct sysreg_insn *insn = &tables->insns[row->insn];
	const struct sysreg_set *set = &tables->sets[row->set];
	const struct control_change *changes = &tables->changes[set->first];
	u64 missing = (insn->needs | set->needs) & absent;
	enum conform_verdict verdict;

	if (missing && !row->any_cpu)
		return skip_feature(missing);
	if (!row->any_cpu && !within_limit(insn))
		return conform_skip(limit_names[insn->limit][0], limit_names[insn->limit][1]);
	if (places[row->place].pstate & PSR_MODE32_BIT && address_of(row->insn) >> 32)
		return conform_skip("memory-below-4GiB", "the-image");
	if (controls_apply(changes, set->count))
		verdict = run_with(row, insn);
	else
		verdict = conform_skip("writable-field", set->name);
	controls_restore(changes, set->count);
	return verdict;
}

void sysreg_id(u32 number, char *buffer, size_t size)
{
	const struct sysreg_row *row = &tables->rows[number];

	snprintf(buffer, size, "%s.%s.%s.%s", tables->area, tables->sets[row->set].name,
		 tables->insns[row->insn].name, places[row->place].name);
}

/* Read each register under the base; rows whose write is made write the value back. */
static void read_held(void)
{
	for (u32 i = 0; i < tables->nr_insns; i++) {
		const struct sysreg_insn *insn = &tables->insns[i];
		u16 reads = insn->reads;
		struct probe probe;

		if (insn->value != SYSREG_VALUE_HELD || reads == SYSREG_NO_READ ||
		    insn->needs & absent || !within_limit(insn))
			continue;
		execute(&probe, reads, SYSREG_EL1, 0);
		if (executed(&probe))
			held[reads] = probe.x[tables->insns[reads].rt];
	}
}

void sysreg_setup(const struct sysreg_tables *new_tables)
{
	tables = new_tables;
	assert(tables->nr_insns <= MAX_INSNS && tables->nr_features <= 64);
	for (u32 i = 0; i < tables->nr_features; i++) {
		if (!conform_has(&tables->features[i]))
			absent |= UL(1) << i;
	}
	probe_setup_el1();
	write_sysreg((u64)operand + 8, sp_el0); /* not aligned */
	write_sysreg((u64)operand + 8, sp_el1);
	write_sysreg(SYSREG_VPIDR, vpidr_el2);
	write_sysreg(SYSREG_VMPIDR, vmpidr_el2);
	if (el2_has_pmu()) /* so that PMXEVCNTR_EL0 is not CONSTRAINED UNPREDICTABLE */
		write_sysreg(0, pmselr_el0);
	if (el2_has_nv2())
		write_sysreg_s((u64)nv_page, VNCR_EL2);
	controls_set_base(tables->base, tables->nr_base);
	read_held();
}
