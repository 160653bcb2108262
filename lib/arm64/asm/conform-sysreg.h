/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows about accesses to system registers and system instructions below EL2: an instruction, the
 * controls that differ from the base, the exception level, and the outcome. The tables are
 * generated (kut_model/tables/sysreg.py).
 */
#ifndef ASMARM64_CONFORM_SYSREG_H
#define ASMARM64_CONFORM_SYSREG_H

#include <libcflat.h>
#include <asm/conform-controls.h>
#include <asm/conform.h>

/* Values that a write or an instruction gets; accesses that are made must not change the machine. */
enum sysreg_value {
	SYSREG_VALUE_HELD, /* what the register held under the base */
	SYSREG_VALUE_ZERO,
	SYSREG_VALUE_ADDRESS, /* of memory that nothing else uses */
	SYSREG_VALUE_SPURIOUS, /* INTID 1023 */
	SYSREG_VALUE_DAIF, /* exceptions masked */
	SYSREG_VALUE_FUTURE, /* a timer's value that is not reached */
	SYSREG_VALUE_EVENT, /* 0, and an event for WFE that is to end */
	SYSREG_VALUE_TIMEOUT, /* of WFIT and WFET: over if they are to end, a moment ahead otherwise */
	SYSREG_VALUE_RETURN, /* ELR_EL1 and SPSR_EL1 lead behind the instruction */
};

/* VPIDR_EL2 and VMPIDR_EL2 while rows run */
#define SYSREG_VPIDR 0x5a5aUL
#define SYSREG_VMPIDR 0x80005a5aUL

/* Registers of which a CPU may have fewer than the architecture; the index of an instruction counts. */
enum sysreg_limit {
	SYSREG_LIMIT_NONE,
	SYSREG_LIMIT_EVENT_COUNTERS,
	SYSREG_LIMIT_BREAKPOINTS,
	SYSREG_LIMIT_WATCHPOINTS,
	SYSREG_LIMIT_ACTIVE_PRIORITIES,
	SYSREG_LIMIT_LIST_REGISTERS,
	SYSREG_LIMIT_ERROR_RECORDS,
	SYSREG_LIMIT_POINTER_AUTHENTICATION,
};

#define SYSREG_NO_READ 0xffff

/* An MRS, MSR or SYS; its code is 8 bytes: the instruction, and an exception behind it. */
struct sysreg_insn {
	const char *name; /* of its rows: "sctlr_el1.read" */
	u64 needs; /* features, by bit */
	u32 iss; /* when trapped with EC 0x18 */
	u16 reads; /* number of the read of the same register, for SYSREG_VALUE_HELD */
	u8 rt, value, limit, index;
};

/* Changes to the base, from @first on */
struct sysreg_set {
	const char *name; /* "hcr.tid3" */
	u64 needs;
	u16 first, count;
};

enum sysreg_kind {
	SYSREG_EXECUTES,
	SYSREG_EXCEPTION, /* data is added to the address for ELR */
	SYSREG_MAY_TRAP, /* likewise, or it executes */
	SYSREG_MEMORY, /* the access is to memory at VNCR_EL2 + data */
	SYSREG_REGISTER, /* the access is to a register of EL1, data is enum sysreg_el1 */
	SYSREG_READS, /* a read that returns data */
};

enum sysreg_el1 {
	SYSREG_SPSR_EL1,
	SYSREG_ELR_EL1,
	SYSREG_ESR_EL1,
	SYSREG_FAR_EL1,
	SYSREG_TFSR_EL1
};

struct sysreg_outcome {
	u8 kind, el;
	u32 data;
	u32 esr; /* without the ISS of the instruction for EC 0x18 */
};

enum sysreg_place {
	SYSREG_EL1,
	SYSREG_EL0,
	SYSREG_HOST_EL0,
	SYSREG_EL0_A32,
	SYSREG_EL0_T32,
	SYSREG_EL1_IL, /* with PSTATE.IL set */
	SYSREG_EL0_IL,
	SYSREG_HOST_EL0_IL,
	SYSREG_EL1_PC, /* 2 bytes behind */
	SYSREG_EL0_PC,
	SYSREG_HOST_EL0_PC,
};

struct sysreg_row {
	u16 insn, set, outcome;
	u8 place;
	bool any_cpu; /* whatever features it has; changes of registers that it lacks are left out */
};

struct sysreg_tables {
	const char *area;
	const struct conform_feature *features;
	const struct sysreg_insn *insns;
	const struct sysreg_set *sets;
	const struct control_change *changes;
	const struct control_change *base;
	const struct sysreg_outcome *outcomes;
	const struct sysreg_row *rows;
	const char *code;
	u32 nr_features, nr_insns, nr_base;
};

/* Prepare this CPU for rows of @tables, which are those of this host (HCR_EL2.E2H). */
void sysreg_setup(const struct sysreg_tables *tables);
void sysreg_id(u32 row, char *buffer, size_t size);
enum conform_verdict sysreg_run(u32 row);

#endif
