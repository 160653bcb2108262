/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exception syndromes, decoded. */
#include <libcflat.h>
#include <asm/esr.h>

static const char *const class_names[ESR_ELx_EC_MASK + 1] = {
	[ESR_ELx_EC_UNKNOWN] = "unknown reason (undefined instruction)",
	[ESR_ELx_EC_WFx] = "trapped WFI, WFE, WFIT or WFET",
	[ESR_ELx_EC_CP15_32] = "trapped MCR or MRC, coprocessor 15",
	[ESR_ELx_EC_CP15_64] = "trapped MCRR or MRRC, coprocessor 15",
	[ESR_ELx_EC_CP14_MR] = "trapped MCR or MRC, coprocessor 14",
	[ESR_ELx_EC_CP14_LS] = "trapped LDC or STC",
	[ESR_ELx_EC_FP_ASIMD] = "trapped SVE, SIMD or floating point",
	[ESR_ELx_EC_CP10_ID] = "trapped VMRS",
	[ESR_ELx_EC_PAC] = "trapped pointer authentication",
	[ESR_ELx_EC_OTHER] = "trapped LD64B, ST64B or other",
	[ESR_ELx_EC_CP14_64] = "trapped MRRC, coprocessor 14",
	[ESR_ELx_EC_BTI] = "branch target",
	[ESR_ELx_EC_ILL] = "illegal execution state",
	[ESR_ELx_EC_SVC32] = "SVC, AArch32",
	[ESR_ELx_EC_HVC32] = "HVC, AArch32",
	[ESR_ELx_EC_SMC32] = "SMC, AArch32",
	[ESR_ELx_EC_SYSREG128] = "trapped MSRR or MRRS",
	[ESR_ELx_EC_SVC64] = "SVC",
	[ESR_ELx_EC_HVC64] = "HVC",
	[ESR_ELx_EC_SMC64] = "SMC",
	[ESR_ELx_EC_SYS64] = "trapped system register or instruction",
	[ESR_ELx_EC_SVE] = "trapped SVE",
	[ESR_ELx_EC_ERET] = "trapped ERET",
	[ESR_ELx_EC_TSTART] = "trapped TSTART",
	[ESR_ELx_EC_FPAC] = "pointer authentication failure",
	[ESR_ELx_EC_SME] = "trapped SME",
	[ESR_ELx_EC_GPC] = "granule protection check",
	[ESR_ELx_EC_IMP_DEF] = "implementation defined",
	[ESR_ELx_EC_IABT_LOW] = "instruction abort from a lower EL",
	[ESR_ELx_EC_IABT_CUR] = "instruction abort",
	[ESR_ELx_EC_PC_ALIGN] = "PC alignment",
	[ESR_ELx_EC_DABT_LOW] = "data abort from a lower EL",
	[ESR_ELx_EC_DABT_CUR] = "data abort",
	[ESR_ELx_EC_SP_ALIGN] = "SP alignment",
	[ESR_ELx_EC_MOPS] = "memory copy or set",
	[ESR_ELx_EC_FP_EXC32] = "trapped floating point exception, AArch32",
	[ESR_ELx_EC_FP_EXC64] = "trapped floating point exception",
	[ESR_ELx_EC_GCS] = "guarded control stack",
	[ESR_ELx_EC_SERROR] = "SError",
	[ESR_ELx_EC_BREAKPT_LOW] = "breakpoint from a lower EL",
	[ESR_ELx_EC_BREAKPT_CUR] = "breakpoint",
	[ESR_ELx_EC_SOFTSTP_LOW] = "software step from a lower EL",
	[ESR_ELx_EC_SOFTSTP_CUR] = "software step",
	[ESR_ELx_EC_WATCHPT_LOW] = "watchpoint from a lower EL",
	[ESR_ELx_EC_WATCHPT_CUR] = "watchpoint",
	[ESR_ELx_EC_BKPT32] = "BKPT, AArch32",
	[ESR_ELx_EC_VECTOR32] = "vector catch, AArch32",
	[ESR_ELx_EC_BRK64] = "BRK",
	[ESR_ELx_EC_PROFILING] = "profiling",
};

const char *esr_class_name(u64 esr)
{
	return class_names[ESR_ELx_EC(esr)] ?: "reserved class";
}

bool esr_is_abort(u64 esr)
{
	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_IABT_LOW:
	case ESR_ELx_EC_IABT_CUR:
	case ESR_ELx_EC_DABT_LOW:
	case ESR_ELx_EC_DABT_CUR:
		return true;
	default:
		return false;
	}
}

/* Fault status codes that carry no level. */
static const char *single_fault_name(unsigned int fsc)
{
	switch (fsc) {
	case ESR_ELx_FSC_EXTABT:
		return "synchronous external abort";
	case ESR_ELx_FSC_MTE:
		return "synchronous tag check fault";
	case ESR_ELx_FSC_ALIGNMENT:
		return "alignment fault";
	case ESR_ELx_FSC_TLBCONF:
		return "TLB conflict";
	case 0x29:
		return "address size fault, level -1";
	case 0x2b:
		return "translation fault, level -1";
	case 0x31:
		return "unsupported atomic hardware update";
	case 0x34:
		return "lockdown";
	case 0x35:
		return "unsupported exclusive or atomic";
	default:
		return NULL;
	}
}

static const char *level_fault_name(unsigned int fsc)
{
	switch (fsc & ESR_ELx_FSC_TYPE) {
	case ESR_ELx_FSC_ADDRSZ:
		return "address size fault";
	case ESR_ELx_FSC_FAULT:
		return "translation fault";
	case ESR_ELx_FSC_ACCESS:
		return "access flag fault";
	case ESR_ELx_FSC_PERM:
		return "permission fault";
	case ESR_ELx_FSC_SEA_TTW:
		return "external abort on a table walk";
	default:
		return NULL;
	}
}

/* The fault status, without its level where @mask leaves that out; NULL if it is reserved. */
static const char *decode_fault(u64 esr, u64 mask, char *buf, int size)
{
	unsigned int fsc = esr & ESR_ELx_FSC;

	if (!(mask & ESR_ELx_FSC))
		return "any fault";
	if (single_fault_name(fsc))
		return single_fault_name(fsc);
	if (!(mask & ESR_ELx_FSC_LEVEL) || !level_fault_name(fsc))
		return level_fault_name(fsc);
	snprintf(buf, size, "%s, level %u", level_fault_name(fsc), fsc & ESR_ELx_FSC_LEVEL);
	return buf;
}

static const char *access_name(u64 esr, u64 mask)
{
	if (ESR_ELx_EC(esr) < ESR_ELx_EC_DABT_LOW)
		return ", fetch";
	if (!(mask & ESR_ELx_WNR))
		return "";
	return esr & ESR_ELx_WNR ? ", write" : ", read";
}

static void decode_abort(u64 esr, u64 mask, char *buf, int size)
{
	bool data = ESR_ELx_EC(esr) >= ESR_ELx_EC_DABT_LOW;
	const char *walk = esr & mask & ESR_ELx_S1PTW ? ", on a stage-1 table walk" : "";
	const char *cache = data && (esr & mask & ESR_ELx_CM) ? ", cache maintenance" : "";
	char level[64];
	const char *fault = decode_fault(esr, mask, level, sizeof(level));

	if (fault)
		snprintf(buf, size, "%s%s%s%s", fault, access_name(esr, mask), walk, cache);
	else
		snprintf(buf, size, "reserved fault status %#lx", esr & ESR_ELx_FSC);
}

/*
 * Immediates of BRK that compilers use for traps: __builtin_trap(), which GCC's undefined behaviour
 * sanitizer calls too, and Clang's sanitizer, whose low byte is the kind of check.
 */
#define BRK_GCC_TRAP 0x3e8
#define BRK_CLANG_TRAP 0x1
#define BRK_CLANG_UBSAN 0x5500

/* Clang's SanitizerHandler, by number */
static const char *const ubsan_checks[] = {
	[0x00] = "add overflow",
	[0x01] = "builtin unreachable",
	[0x03] = "divide by zero or overflow",
	[0x0a] = "load of an invalid value",
	[0x0b] = "missing return",
	[0x0c] = "multiply overflow",
	[0x0d] = "negate overflow",
	[0x12] = "out of bounds",
	[0x13] = "pointer overflow",
	[0x14] = "shift out of bounds",
	[0x15] = "subtract overflow",
	[0x16] = "type mismatch (null or misaligned pointer)",
};

static void decode_brk(u64 esr, char *buf, int size)
{
	unsigned int immediate = esr & 0xffff, check = immediate - BRK_CLANG_UBSAN;

	if (immediate == BRK_GCC_TRAP || immediate == BRK_CLANG_TRAP)
		snprintf(buf, size, "#%#x (a trap of the compiler's: undefined behaviour?)",
			 immediate);
	else if (check < ARRAY_SIZE(ubsan_checks) && ubsan_checks[check])
		snprintf(buf, size, "#%#x (undefined behaviour: %s)", immediate,
			 ubsan_checks[check]);
	else
		snprintf(buf, size, "#%#x", immediate);
}

/*
 * DDI 0487, D24.2.40, "ISS encoding for an exception from MSR, MRS, or System instruction
 * execution"
 */
static void decode_sysreg(u64 esr, u64 mask, char *buf, int size)
{
	unsigned int iss = ESR_ELx_ISS(esr);
	const char *access = !(mask & 1) ? "access to" : iss & 1 ? "read of" : "write of";
	int len = snprintf(buf, size, "%s S%u_%u_C%u_C%u_%u", access, iss >> 20 & 3, iss >> 14 & 7,
			   iss >> 10 & 15, iss >> 1 & 15, iss >> 17 & 7);

	if (len < size && (mask >> 5 & 31))
		snprintf(buf + len, size - len, ", x%u", iss >> 5 & 31);
}

static void decode_iss(u64 esr, u64 mask, char *buf, int size)
{
	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_HVC64:
	case ESR_ELx_EC_SMC64:
	case ESR_ELx_EC_SVC64:
		snprintf(buf, size, "#%#lx", esr & 0xffff);
		break;
	case ESR_ELx_EC_BRK64:
		decode_brk(esr, buf, size);
		break;
	case ESR_ELx_EC_SYS64:
		decode_sysreg(esr, mask, buf, size);
		break;
	default:
		if (esr_is_abort(esr))
			decode_abort(esr, mask, buf, size);
		else
			snprintf(buf, size, "ISS %#lx", ESR_ELx_ISS(esr & mask));
	}
}

const char *esr_decode_masked(u64 esr, u64 mask, char *buf, int size)
{
	bool has_iss = ESR_ELx_ISS(mask);
	int len = snprintf(buf, size, "%s%s", esr_class_name(esr), has_iss ? ": " : "");

	if (has_iss && len < size)
		decode_iss(esr, mask, buf + len, size - len);
	return buf;
}

const char *esr_decode(u64 esr, char *buf, int size)
{
	return esr_decode_masked(esr, UINT64_MAX, buf, size);
}
