/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trap is one row: the instruction with its exception class and ISS, the control that makes it a
 * trap, and the fields of ID registers that say whether the CPU has both.
 *
 * An instruction's macro computes its encoding and the ISS from the same op0, op1, CRn, CRm and
 * op2, so that nobody writes them twice.
 */
#ifndef GUEST_TRAPS_TRAP_H
#define GUEST_TRAPS_TRAP_H

#include <libcflat.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/sysreg.h>

/* ID registers with the feature fields of the rows. X(name) */
#define ID_REGISTERS(X)     \
	X(ID_AA64PFR0_EL1)  \
	X(ID_AA64DFR0_EL1)  \
	X(ID_AA64ISAR1_EL1) \
	X(ID_AA64MMFR1_EL1) \
	X(ID_AA64MMFR2_EL1)

#define ID_ENUMERATOR(name) INDEX_##name,
enum id_register { ID_REGISTERS(ID_ENUMERATOR) };

/* Present when the four bits from @lowest on are @min..@max. A @max of 0: on every CPU. */
struct feature {
	const char *name; /* "ID_AA64MMFR1_EL1.LO" */
	enum id_register id;
	u8 lowest, min, max;
};

#define FEATURE(id, field, lowest, min, max) { #id "." #field, INDEX_##id, lowest, min, max }

/* Traps when (value & @mask) == @traps, and does not when those bits are the opposite. */
struct trap_control {
	const char *name; /* "HCR_EL2.TLOR" */
	size_t member; /* offset of the register in struct guest */
	u64 mask, traps;
};

#define CONTROL(name, member, mask, traps) { name, offsetof(struct guest, member), mask, traps }
#define CONTROL_SET(REG, member, bit) CONTROL(#REG "." #bit, member, REG##_##bit, REG##_##bit)
/* For a row: with HCR_EL2.E2H clear and set */
#define CONTROLS(nvhe, vhe) .control = { nvhe, vhe }
#define HCR(bit) CONTROLS(CONTROL_SET(HCR_EL2, hcr_el2, bit), CONTROL_SET(HCR_EL2, hcr_el2, bit))
#define MDCR(bit) \
	CONTROLS(CONTROL_SET(MDCR_EL2, mdcr_el2, bit), CONTROL_SET(MDCR_EL2, mdcr_el2, bit))

/* The instruction's and the control's: a FEATURE() */
#define NEEDS(feat) .feature = feat
#define CONTROL_NEEDS(feat) .control_feature = feat

/* Without the trap */
enum untrapped {
	UNTRAPPED_EXECUTES,
	UNTRAPPED_BY_FIRMWARE, /* or it is UNDEFINED, where there is no firmware (EL3) */
};

struct trap {
	const char *place; /* of the row, which a failing check names */
	const char *insn_name; /* "MSR LORC_EL1" */
	u32 insn;
	u8 ec;
	u32 iss;
	struct feature feature; /* of the instruction, NEEDS() */
	struct trap_control control[2]; /* by HCR_EL2.E2H */
	struct feature control_feature; /* CONTROL_NEEDS() */
	bool by_default; /* the library sets the control for every guest */
	bool at_el0;
	const void *operand; /* the instruction's address operand; NULL: 0, also for MSR */
	enum untrapped untrapped;
};

/* The register of every operand, and none */
#define TRAP_RT 21 /* bits of both values in its number */
#define NO_RT 31

/* MRS, MSR (register) and SYS (DDI 0487, C4.1, "System register move", "System instructions") */
#define INSN_SYSTEM(op0, op1, crn, crm, op2, rt, read)                                       \
	(0xd5000000U | (read) << 21 | (op0) << 19 | (op1) << 16 | (crn) << 12 | (crm) << 8 | \
	 (op2) << 5 | (rt))
#define SYSTEM(text, op0, op1, crn, crm, op2, rt, read)                                 \
	.place = SOURCE_PLACE, .insn_name = text,                                       \
	.insn = INSN_SYSTEM(op0, op1, crn, crm, op2, rt, read), .ec = ESR_ELx_EC_SYS64, \
	.iss = ESR_ELx_SYS64_ISS(op0, op1, crn, crm, op2) | (rt) << 5 | (read)
/* @name, then op0, op1, CRn, CRm, op2 */
#define MRS(name, ...) SYSTEM_ROW("MRS " #name, __VA_ARGS__, TRAP_RT, 1)
#define MSR(name, ...) SYSTEM_ROW("MSR " #name, __VA_ARGS__, TRAP_RT, 0)
/* IC, DC, TLBI with an operand, and without: "DC CIVAC" */
#define SYS(text, ...) SYSTEM_ROW(text, __VA_ARGS__, TRAP_RT, 0)
#define SYS_NO_RT(text, ...) SYSTEM_ROW(text, __VA_ARGS__, NO_RT, 0)
#define SYSTEM_ROW(...) SYSTEM(__VA_ARGS__)

/* Any other instruction */
#define INSN(text, encoding, class, syndrome)                                        \
	.place = SOURCE_PLACE, .insn_name = text, .insn = (encoding), .ec = (class), \
	.iss = (syndrome)

bool feature_present(const struct feature *feature);
/* Report a skip that names the field and its value. */
void feature_skip(const struct feature *feature);

/* The control of @trap on this host */
const struct trap_control *trap_control(const struct trap *trap);

/*
 * Run the instruction of @trap in a guest: with the control as the library sets it, where that is a
 * trap; with the control set so that it traps, and so that it does not. A skip without the feature.
 */
void check_trap(const struct trap *trap);

/*
 * Memory of the image for instructions that take an address: the largest block of DC ZVA (2 KiB,
 * DCZID_EL0.BS)
 */
#define TRAP_OPERAND_SIZE 2048
extern char trap_operand[TRAP_OPERAND_SIZE];

#endif
