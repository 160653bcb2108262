/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CPU: exception vectors and handlers, interrupts masks, identification. */
#ifndef ASMARM64_PROCESSOR_H
#define ASMARM64_PROCESSOR_H

/* The vector table (DDI 0487, D1.3.1), which is aligned to its size: groups of four slots. */
#define VECTOR_SLOT_SIZE 0x80
#define VECTORS_PER_GROUP 4
#define VECTOR_TABLE_SIZE 0x800

#ifdef __ASSEMBLY__

#include <asm/asm-offsets.h>

/* For .irp: enum vector in the order of the table */
#define VECTORS_CURRENT_EL \
	ELxT_SYNC, ELxT_IRQ, ELxT_FIQ, ELxT_ERROR, ELxH_SYNC, ELxH_IRQ, ELxH_FIQ, ELxH_ERROR
#define VECTORS_LOWER_EL                                                                    \
	ELx_LOW_SYNC_64, ELx_LOW_IRQ_64, ELx_LOW_FIQ_64, ELx_LOW_ERROR_64, ELx_LOW_SYNC_32, \
		ELx_LOW_IRQ_32, ELx_LOW_FIQ_32, ELx_LOW_ERROR_32
#define VECTORS VECTORS_CURRENT_EL, VECTORS_LOWER_EL

#else

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/esr.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>
#include <asm/user.h>

enum vector {
	ELxT_SYNC, /* current EL, with SP_EL0 */
	ELxT_IRQ,
	ELxT_FIQ,
	ELxT_ERROR,
	ELxH_SYNC, /* current EL, with SP_ELx */
	ELxH_IRQ,
	ELxH_FIQ,
	ELxH_ERROR,
	ELx_LOW_SYNC_64, /* lower EL, AArch64 */
	ELx_LOW_IRQ_64,
	ELx_LOW_FIQ_64,
	ELx_LOW_ERROR_64,
	ELx_LOW_SYNC_32, /* lower EL, AArch32 */
	ELx_LOW_IRQ_32,
	ELx_LOW_FIQ_32,
	ELx_LOW_ERROR_32,
	VECTOR_MAX,

	/* the names of kvm-unit-tests */
	EL1T_SYNC = ELxT_SYNC,
	EL1T_IRQ = ELxT_IRQ,
	EL1T_FIQ = ELxT_FIQ,
	EL1T_ERROR = ELxT_ERROR,
	EL1H_SYNC = ELxH_SYNC,
	EL1H_IRQ = ELxH_IRQ,
	EL1H_FIQ = ELxH_FIQ,
	EL1H_ERROR = ELxH_ERROR,
	EL0_SYNC_64 = ELx_LOW_SYNC_64,
	EL0_IRQ_64 = ELx_LOW_IRQ_64,
	EL0_FIQ_64 = ELx_LOW_FIQ_64,
	EL0_ERROR_64 = ELx_LOW_ERROR_64,
	EL0_SYNC_32 = ELx_LOW_SYNC_32,
	EL0_IRQ_32 = ELx_LOW_IRQ_32,
	EL0_FIQ_32 = ELx_LOW_FIQ_32,
	EL0_ERROR_32 = ELx_LOW_ERROR_32,
};
#define ASSERT_VECTOR(vector, offset) \
	static_assert((vector) * VECTOR_SLOT_SIZE == (offset), "the order of DDI 0487, D1.3.1")
ASSERT_VECTOR(ELxT_SYNC, 0x000);
ASSERT_VECTOR(ELxT_IRQ, 0x080);
ASSERT_VECTOR(ELxT_FIQ, 0x100);
ASSERT_VECTOR(ELxT_ERROR, 0x180);
ASSERT_VECTOR(ELxH_SYNC, 0x200);
ASSERT_VECTOR(ELxH_IRQ, 0x280);
ASSERT_VECTOR(ELxH_FIQ, 0x300);
ASSERT_VECTOR(ELxH_ERROR, 0x380);
ASSERT_VECTOR(ELx_LOW_SYNC_64, 0x400);
ASSERT_VECTOR(ELx_LOW_IRQ_64, 0x480);
ASSERT_VECTOR(ELx_LOW_FIQ_64, 0x500);
ASSERT_VECTOR(ELx_LOW_ERROR_64, 0x580);
ASSERT_VECTOR(ELx_LOW_SYNC_32, 0x600);
ASSERT_VECTOR(ELx_LOW_IRQ_32, 0x680);
ASSERT_VECTOR(ELx_LOW_FIQ_32, 0x700);
ASSERT_VECTOR(ELx_LOW_ERROR_32, 0x780);
ASSERT_VECTOR(VECTOR_MAX, VECTOR_TABLE_SIZE);

#define EC_MAX 64

/* IRQ or FIQ: exceptions that leave ESR_ELx as it was. */
static inline bool vector_is_interrupt(enum vector v)
{
	return v % VECTORS_PER_GROUP == ELxT_IRQ || v % VECTORS_PER_GROUP == ELxT_FIQ;
}

typedef void (*vector_fn)(enum vector v, struct pt_regs *regs, unsigned int esr);
typedef void (*exception_fn)(struct pt_regs *regs, unsigned int esr);
typedef void (*irq_handler_fn)(struct pt_regs *regs);

/*
 * Handlers of the host's own exceptions. NULL removes a handler: the exception is then unexpected,
 * is dumped, and ends the run. A vector's handler comes before the others. @ec is an ESR_ELx_EC_*
 * class, for a synchronous vector.
 */
void install_vector_handler(enum vector v, vector_fn fn);
void install_exception_handler(enum vector v, unsigned int ec, exception_fn fn);
/* @v is one of the IRQ vectors. */
void install_irq_handler(enum vector v, irq_handler_fn fn);

const char *vector_name(enum vector v);
void show_regs(struct pt_regs *regs);
/* Read the fault address register into @far; false when @esr says that it is not valid. */
bool get_far(unsigned int esr, unsigned long *far);

/* 4 (CurrentEL_EL1) or 8 (CurrentEL_EL2) */
static inline unsigned long current_level(void)
{
	return read_sysreg(CurrentEL);
}

/* Mask and unmask exceptions: @bits of PSR_DAIF, a constant */
#define daif_set(bits) asm volatile("msr daifset, %0" : : "i"(DAIF_IMM(bits)) : "memory")
#define daif_clear(bits) asm volatile("msr daifclr, %0" : : "i"(DAIF_IMM(bits)) : "memory")
/* Undo them: @daif is what DAIF was before. */
#define daif_restore(daif) asm volatile("msr daif, %0" : : "r"((u64)(daif)) : "memory")

static inline void local_irq_enable(void)
{
	daif_clear(PSR_I_BIT);
}

static inline void local_irq_disable(void)
{
	daif_set(PSR_I_BIT);
}

/* The bits of MPIDR_EL1 that are affinity */
#define MPIDR_HWID_BITMASK UL(0xff00ffffff)
#define MPIDR_LEVEL_SHIFT(level) ((level) < 3 ? (level) * 8 : 32)
#define MPIDR_AFFINITY_LEVEL(mpidr, level) (((mpidr) >> MPIDR_LEVEL_SHIFT(level)) & 0xff)
/* The CPU whose MPIDR_EL1 is @mpidr, or -1. */
int mpidr_to_cpu(u64 mpidr);

static inline u64 get_mpidr(void)
{
	return read_sysreg(mpidr_el1);
}

static inline u64 get_cntvct(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

static inline u32 get_cntfrq(void)
{
	return read_sysreg(cntfrq_el0);
}

static inline u64 get_ctr(void)
{
	return read_sysreg(ctr_el0);
}

/* @granule is a page size of stage 1 in bytes: SZ_4K, SZ_16K or SZ_64K. */
static inline bool system_supports_granule(size_t granule)
{
	/* ID_AA64MMFR0_EL1.TGran4, TGran16 and TGran64: 0xf, 0 and 0xf for none */
	u64 id = read_sysreg(id_aa64mmfr0_el1);

	if (granule == SZ_16K)
		return FIELD(id, 23, 20) != 0;
	if (granule == SZ_4K)
		return FIELD(id, 31, 28) != 0xf;
	return granule == SZ_64K && FIELD(id, 27, 24) != 0xf;
}

static inline bool system_supports_rndr(void)
{
	return FIELD(read_sysreg(id_aa64isar0_el1), ID_AA64ISAR0_RNDR + 3, ID_AA64ISAR0_RNDR) != 0;
}

/* The vector length in bits, as ZCR_ELx has it in force. With SVE that is not trapped only. */
int sve_vl(void);

static inline bool system_supports_sve(void)
{
	return FIELD(read_sysreg(id_aa64pfr0_el1), ID_AA64PFR0_SVE + 3, ID_AA64PFR0_SVE) != 0;
}

#endif /* !__ASSEMBLY__ */
#endif
