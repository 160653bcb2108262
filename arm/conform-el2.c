/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: registers by the names that EL2 has for them, and faults of EL2 itself. Rows are those
 * of kut_model/areas/el2.py.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/el2.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/el2.h>
#include <asm/esr.h>
#include <asm/host-probe.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

enum el2_action {
	EL2_TAKEN, /* an exception */
	EL2_READ, /* a read, in which the bits of mask are 0 */
	EL2_HOLD, /* a register holds what is written, in the bits of mask */
	EL2_ABORT, /* an exception, of an access to UNMAPPED */
	EL2_FETCH, /* an exception, of a fetch */
	/* Accesses by a name, which reach the register of EL2 or of EL1 */
	EL2_EL2_READ,
	EL2_EL2_WRITE,
	EL2_EL1_READ,
	EL2_EL1_WRITE,
	EL2_EL12_READ, /* by the name with _EL12, to the one of EL1 */
	EL2_EL12_WRITE,
};

enum el2_place { EL2_AT_UNMAPPED, EL2_AT_EXECUTE_NEVER, EL2_AT_CODE };
enum el2_state { EL2_FROM_EL2, EL2_FROM_EL1, EL2_FROM_EL0, EL2_FROM_HOST_EL0 };

struct el2_row {
	const char *name;
	u64 mask;
	u32 esr;
	u16 code; /* number of the instruction, or of the pair of registers */
	u8 action, needs, el, place, offset, state;
};

#include CONFORM_HEADER

#define CODE_BYTES 8
/* No translation at EL2 and EL1: beyond the addresses of TTBR0, and EPD1 is set. */
#define UNMAPPED 0xffff000000001000UL
#define UNTRAPPED (0xfffUL << 52) /* HFGRTR_EL2 and HFGWTR_EL2: fields of which 0 traps */
#define PATTERN 0x5a5a5a5a5a5a5a5aUL

/* Instructions with x0, each before RET, or HVC for EL1. */
asm(".pushsection .text.conform_el2, \"ax\"\n.balign 8\n"
    "el2_code:\n" EL2_CODE "el2_pair_code:\n" EL2_PAIR_CODE "el2_guest_code:\n" EL2_GUEST_CODE
    ".popsection\n");
extern const char el2_code[], el2_pair_code[], el2_guest_code[];

/* Names of the registers of a pair, in the order of el2_pair_code, each with a read and a write. */
enum pair_name { PAIR_EL1, PAIR_EL12, PAIR_EL2, PAIR_NAMES };

static u64 host_hcr, guest_hcr;
static u64 never_executed;
static bool undefined; /* an access of the row is an exception that the row does not expect */

static u64 code_of(const struct el2_row *row, u32 number)
{
	return (u64)el2_code + (row->code + number) * CODE_BYTES;
}

static enum conform_verdict failed(const char *expected, const char *found)
{
	return conform_fail("expected %s, found %s", expected, found);
}

/*
 * Registers
 */

static u64 access(u64 pc, u64 value)
{
	struct host_probe probe = { .x = { value } };

	host_probe_run(&probe, pc);
	isb();
	undefined |= probe.taken;
	return probe.x[0];
}

static u64 by_name(const struct el2_row *row, enum pair_name name, bool write, u64 value)
{
	u32 number = (row->code * PAIR_NAMES + name) * 2 + write;

	return access((u64)el2_pair_code + number * CODE_BYTES, value);
}

/* The register of EL1, as EL1 accesses it. ESR_EL2, ELR_EL2, SPSR_EL2 and FAR_EL2 change. */
static u64 at_el1(const struct el2_row *row, bool write, u64 value)
{
	struct probe probe = {
		.x = { value },
		.pc = (u64)el2_guest_code + (row->code * 2 + write) * CODE_BYTES,
		.spsr = PSR_MODE_EL1h | PSR_DAIF,
		.hcr = guest_hcr,
	};

	probe_run(&probe);
	undefined |= ESR_ELx_EC(probe.esr) != ESR_ELx_EC_HVC64 || probe.el != 2;
	return probe.x[0];
}

static enum conform_verdict check_pair(const struct el2_row *row, u64 own, u64 other, u64 found_own,
				       u64 found_other)
{
	char expected[128], found[128];

	if (!undefined && !((own ^ found_own) & row->mask) && !((other ^ found_other) & row->mask))
		return CONFORM_PASS;
	snprintf(expected, sizeof(expected), "%#lx, and %#lx in the other register (bits %#lx)",
		 own & row->mask, other & row->mask, row->mask);
	snprintf(found, sizeof(found), "%#lx, and %#lx%s", found_own & row->mask,
		 found_other & row->mask, undefined ? ", by accesses that are exceptions" : "");
	return failed(expected, found);
}

/* The register of the other EL has none of the bits in common with what is read or written. */
static enum conform_verdict run_pair(const struct el2_row *row)
{
	bool write = row->action == EL2_EL2_WRITE || row->action == EL2_EL1_WRITE ||
		     row->action == EL2_EL12_WRITE;
	bool el2 = row->action == EL2_EL2_READ || row->action == EL2_EL2_WRITE;
	bool el12 = row->action == EL2_EL12_READ || row->action == EL2_EL12_WRITE;
	u64 held1 = at_el1(row, false, 0), held2 = by_name(row, PAIR_EL2, false, 0);
	u64 own = (el2 ? held2 : held1) ^ row->mask;
	u64 other = ((el2 ? held1 : held2) & ~row->mask) | (~own & row->mask);
	u64 before = own ^ (write ? row->mask : 0);
	u64 found, el1_value, el2_value;

	at_el1(row, true, el2 ? other : before);
	by_name(row, PAIR_EL2, true, el2 ? before : other);
	found = by_name(row, el12 ? PAIR_EL12 : PAIR_EL1, write, own);
	el2_value = by_name(row, PAIR_EL2, false, 0);
	el1_value = at_el1(row, false, 0);
	by_name(row, PAIR_EL2, true, held2);
	at_el1(row, true, held1);
	if (write)
		found = el2 ? el2_value : el1_value;
	return check_pair(row, own, other, found, el2 ? el1_value : el2_value);
}

static enum conform_verdict run_read(const struct el2_row *row)
{
	u64 value = access(code_of(row, 0), PATTERN);
	char expected[64], found[64];

	if (!undefined && !(value & row->mask))
		return CONFORM_PASS;
	snprintf(expected, sizeof(expected), "a read with the bits %#lx clear", row->mask);
	snprintf(found, sizeof(found), "%#lx%s", value, undefined ? ", by an exception" : "");
	return failed(expected, found);
}

static enum conform_verdict run_hold(const struct el2_row *row)
{
	u64 held = access(code_of(row, 0), PATTERN), value = held ^ row->mask, read;
	char expected[64], found[64];

	access(code_of(row, 1), value);
	read = access(code_of(row, 0), PATTERN);
	access(code_of(row, 1), held);
	if (!undefined && !((read ^ value) & row->mask))
		return CONFORM_PASS;
	snprintf(expected, sizeof(expected), "%#lx (bits %#lx)", value & row->mask, row->mask);
	snprintf(found, sizeof(found), "%#lx%s", read & row->mask,
		 undefined ? ", by accesses that are exceptions" : "");
	return failed(expected, found);
}

/*
 * Exceptions
 */

static void set_up_el1(void)
{
	probe_setup_el1();
	write_sysreg_el1(CPACR_EL1_FPEN | CPACR_EL1_ZEN | CPACR_EL1_SMEN, cpacr_el1, CPACR_EL12);
	isb();
}

struct taken {
	unsigned int el; /* 0: none */
	u64 esr, elr, far;
};

static enum conform_verdict check(const struct el2_row *row, const struct taken *taken, u64 elr,
				  u64 far)
{
	char expected[96], found[96];
	bool has_far = row->action != EL2_TAKEN;

	if (taken->el == row->el && taken->esr == row->esr && taken->elr == elr &&
	    (!has_far || taken->far == far))
		return CONFORM_PASS;
	return conform_fail("expected an exception to EL%u, ESR %#x (%s), ELR %#lx, FAR %#lx, "
			    "found EL%u, ESR %#lx (%s), ELR %#lx, FAR %#lx",
			    row->el, row->esr, esr_decode(row->esr, expected, sizeof(expected)),
			    elr, has_far ? far : taken->far, taken->el, taken->esr,
			    esr_decode(taken->esr, found, sizeof(found)), taken->elr, taken->far);
}

static struct taken call(u64 pc, u64 address)
{
	struct host_probe probe = { .x = { 0, address } };

	host_probe_run(&probe, pc);
	return (struct taken){ probe.taken ? 2 : 0, probe.esr, probe.elr, probe.far };
}

static enum conform_verdict run_taken(const struct el2_row *row)
{
	struct taken taken = call(code_of(row, 0), UNMAPPED);

	if (!taken.el)
		set_up_el1(); /* the row has written one of its registers */
	return check(row, &taken, code_of(row, 0), UNMAPPED);
}

static struct taken fetch_below(const struct el2_row *row, u64 pc)
{
	struct probe probe = {
		.pc = pc,
		.spsr = (row->state == EL2_FROM_EL1 ? PSR_MODE_EL1h : PSR_MODE_EL0t) | PSR_DAIF,
		.hcr = row->state == EL2_FROM_HOST_EL0 ? host_hcr | HCR_EL2_TGE : guest_hcr,
	};

	probe_run(&probe);
	return (struct taken){ probe.el, probe.esr, probe.elr, probe.far };
}

static enum conform_verdict run_fetch(const struct el2_row *row)
{
	u64 places[] = {
		[EL2_AT_UNMAPPED] = UNMAPPED,
		[EL2_AT_EXECUTE_NEVER] = (u64)&never_executed,
		[EL2_AT_CODE] = (u64)el2_code,
	};
	u64 pc = places[row->place] + row->offset;
	struct taken taken = row->state == EL2_FROM_EL2 ? call(pc, 0) : fetch_below(row, pc);

	return check(row, &taken, pc, pc);
}

static enum conform_verdict run_action(const struct el2_row *row)
{
	switch (row->action) {
	case EL2_TAKEN:
	case EL2_ABORT:
		return run_taken(row);
	case EL2_READ:
		return run_read(row);
	case EL2_HOLD:
		return run_hold(row);
	case EL2_FETCH:
		return run_fetch(row);
	default:
		return run_pair(row);
	}
}

static enum conform_verdict run(u32 number)
{
	const struct el2_row *row = &el2_rows[number];
	u64 daif = read_sysreg(daif);
	enum conform_verdict verdict;

	if (conform_lacks(el2_needs[row->needs]))
		return CONFORM_SKIP;
	undefined = false;
	daif_set(PSR_DAIF);
	verdict = run_action(row);
	daif_restore(daif);
	return verdict;
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "el2.%s", el2_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

/* Let EL1 and EL2 access all registers of the rows. */
static void untrap(void)
{
	if (EL2_VHE) {
		write_sysreg(CPTR_VHE_FPEN | CPTR_VHE_ZEN | CPTR_VHE_SMEN, cptr_el2);
		write_sysreg(read_sysreg(sctlr_el2) & ~SCTLR_EL1_TSCXT, sctlr_el2);
	} else {
		write_sysreg(read_sysreg(cptr_el2) &
				     ~(CPTR_NVHE_TFP | CPTR_NVHE_TZ | CPTR_NVHE_TSM),
			     cptr_el2);
	}
	if (ID_FIELD(read_sysreg(id_aa64mmfr0_el1), ID_AA64MMFR0_FGT)) {
		write_sysreg(UNTRAPPED, HFGRTR_EL2);
		write_sysreg(UNTRAPPED, HFGWTR_EL2);
	}
	isb();
}

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(EL2_VHE);

	if (reason)
		return skip_all(reason);
	set_up_el1();
	host_hcr = read_sysreg(hcr_el2);
	guest_hcr = (host_hcr & ~HCR_EL2_TGE) | HCR_EL2_RW | HCR_EL2_ATA | HCR_EL2_EnSCXT;
	untrap();
	return conform_main(&area, argc, argv);
}
