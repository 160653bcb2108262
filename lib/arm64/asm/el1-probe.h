/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One access at EL1 or EL0, under page tables and controls that are the caller's own and may be
 * wrong. Unlike guests (asm/guest.h) probes add nothing to what the caller sets: no memory, no
 * handlers, no HCR_EL2.DC. So they also cost a few instructions only.
 *
 * The instructions are in one page, which the caller's tables must map where it runs them:
 * executable, for both exception levels. EL1's vectors are in it too.
 */
#ifndef ASMARM64_EL1_PROBE_H
#define ASMARM64_EL1_PROBE_H

#define PROBE_CODE_ALIGN 4096
#define PROBE_VECTORS 0x800 /* offset of EL1's vectors in the code */
#define PROBE_OP_SIZE 16 /* of the code of an access */

#define PROBE_CPUS 2 /* that may have probes: each has its own regime and code */

#ifndef __ASSEMBLY__
#include <libcflat.h>
#include <asm/pgtable-hwdef.h>

/* Accesses, of 8 bytes where they have a size; in the order of their code. */
enum probe_op {
	PROBE_READ,
	PROBE_WRITE,
	PROBE_ATOMIC, /* LDADD: FEAT_LSE */
	PROBE_EXECUTE, /* PROBE_CODE, which the page must contain */
	PROBE_DC_ZVA,
	PROBE_DC_IVAC, /* EL1 only */
	PROBE_DC_CIVAC,
	PROBE_DC_CVAC,
	PROBE_IC_IVAU,
	PROBE_AT_READ, /* AT S1E1R, EL1 only */
	PROBE_AT_WRITE, /* AT S1E1W */
	PROBE_NOTHING, /* only the code itself is fetched */
	PROBE_OPS
};

/* The instruction of PROBE_EXECUTE: back to the host. */
#define PROBE_CODE 0xd4200020U /* brk #1 */

/* AT by the host, for the EL1&0 regime */
enum probe_at {
	PROBE_S12E1R,
	PROBE_S12E1W,
	PROBE_S12E0R,
	PROBE_S12E0W,
	PROBE_S1E1R,
	PROBE_S1E1W,
	PROBE_S1E0R,
	PROBE_S1E0W,
	PROBE_ATS
};

/*
 * TCR_EL1 for addresses of @bits of TTBR0_EL1: 4K pages, 40-bit output, walks cached and Inner
 * Shareable.
 */
#define PROBE_TCR(bits) (TCR_EPD1 | UL(2) << 32 | UL(0x35) << 8 | (64 - UL(bits)))

/* The registers of the regime. */
struct probe_regime {
	u64 hcr; /* added to what the host has; the rest of EL1's environment is in el1-probe.c */
	u64 vtcr, vttbr;
	u64 sctlr; /* added to RES1 and what permits cache maintenance and DC ZVA at EL0 */
	u64 tcr, ttbr0, ttbr1, mair;
};

/* An exception that ended an access, or none. */
struct probe_exit {
	unsigned int el; /* 1 or 2; 0: the access completed */
	u64 esr, far;
	u64 hpfar; /* of an abort to EL2 */
	u64 x0; /* of PROBE_READ and PROBE_ATOMIC: the value */
	u64 par; /* of PROBE_AT_*, when it completed */
};

/* The physical address of the page with the code. */
phys_addr_t probe_code(void);

/* From here to probe_end() this CPU's EL1 registers are the probes'. @code: probe_code() at EL1. */
void probe_begin(u64 code);
void probe_end(void);
/* Change the address of the code at EL1. */
void probe_set_code(u64 code);
/* The address of an access's instruction. */
u64 probe_pc(enum probe_op op);
/* Change the regime; only registers that change are written, and there is no TLB maintenance. */
void probe_set(const struct probe_regime *regime);
/* Drop all translations of the EL1&0 regime on this CPU. */
void probe_flush(void);
/* Access @address at exception level @el; @pan: with PSTATE.PAN set. */
struct probe_exit probe_access(enum probe_op op, unsigned int el, bool pan, u64 address);
/* The same with code of the caller's at @pc, which ends in BRK; x0 = 0, x1 = @address, x2 = 0. */
struct probe_exit probe_execute(u64 pc, unsigned int el, bool pan, u64 address);
/* PAR_EL1 of an AT instruction at EL2. */
u64 probe_at(enum probe_at at, u64 address);
/*
 * Call @code at EL2, which ends in RET, x1 = @value, with HCR_EL2 as it is while a probe runs: TLBI
 * that is for the EL1&0 regime. Then DSB and ISB.
 */
void probe_el2(const char *code, u64 value);

#endif /* !__ASSEMBLY__ */
#endif
