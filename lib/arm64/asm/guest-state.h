/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system registers that a guest has for itself. Each list is written once: the structure, the
 * save and the restore are made from it.
 */
#ifndef ASMARM64_GUEST_STATE_H
#define ASMARM64_GUEST_STATE_H

#include <libcflat.h>
#include <asm/spinlock.h>

/* clang-format off */
/* X(field, name with E2H clear, name with E2H set) */
#define EL1_REGISTERS(X)                                                                           \
	X(sctlr_el1, sctlr_el1, SCTLR_EL12),                                                       \
	X(cpacr_el1, cpacr_el1, CPACR_EL12),                                                       \
	X(ttbr0_el1, ttbr0_el1, TTBR0_EL12),                                                       \
	X(ttbr1_el1, ttbr1_el1, TTBR1_EL12),                                                       \
	X(tcr_el1, tcr_el1, TCR_EL12),                                                             \
	X(mair_el1, mair_el1, MAIR_EL12),                                                          \
	X(amair_el1, amair_el1, AMAIR_EL12),                                                       \
	X(contextidr_el1, contextidr_el1, CONTEXTIDR_EL12),                                        \
	X(vbar_el1, vbar_el1, VBAR_EL12),                                                          \
	X(esr_el1, esr_el1, ESR_EL12),                                                             \
	X(far_el1, far_el1, FAR_EL12),                                                             \
	X(elr_el1, elr_el1, ELR_EL12),                                                             \
	X(spsr_el1, spsr_el1, SPSR_EL12),                                                          \
	X(afsr0_el1, afsr0_el1, AFSR0_EL12),                                                       \
	X(afsr1_el1, afsr1_el1, AFSR1_EL12),                                                       \
	X(cntkctl_el1, cntkctl_el1, CNTKCTL_EL12),                                                 \
	X(cntv_ctl_el0, cntv_ctl_el0, CNTV_CTL_EL02),                                              \
	X(cntv_cval_el0, cntv_cval_el0, CNTV_CVAL_EL02),                                           \
	X(cntp_ctl_el0, cntp_ctl_el0, CNTP_CTL_EL02),                                              \
	X(cntp_cval_el0, cntp_cval_el0, CNTP_CVAL_EL02),                                           \
	X(sp_el0, sp_el0, sp_el0),                                                                 \
	X(sp_el1, sp_el1, sp_el1),                                                                 \
	X(par_el1, par_el1, par_el1),                                                              \
	X(tpidr_el0, tpidr_el0, tpidr_el0),                                                        \
	X(tpidrro_el0, tpidrro_el0, tpidrro_el0),                                                  \
	X(tpidr_el1, tpidr_el1, tpidr_el1),                                                        \
	X(mdscr_el1, mdscr_el1, mdscr_el1),                                                        \
	X(csselr_el1, csselr_el1, csselr_el1)

/* Pointer authentication keys: only with FEAT_PAuth. X(field, name) */
#define PAUTH_REGISTERS(X)                                                                         \
	X(apiakeylo_el1, APIAKEYLO_EL1),                                                           \
	X(apiakeyhi_el1, APIAKEYHI_EL1),                                                           \
	X(apibkeylo_el1, APIBKEYLO_EL1),                                                           \
	X(apibkeyhi_el1, APIBKEYHI_EL1),                                                           \
	X(apdakeylo_el1, APDAKEYLO_EL1),                                                           \
	X(apdakeyhi_el1, APDAKEYHI_EL1),                                                           \
	X(apdbkeylo_el1, APDBKEYLO_EL1),                                                           \
	X(apdbkeyhi_el1, APDBKEYHI_EL1),                                                           \
	X(apgakeylo_el1, APGAKEYLO_EL1),                                                           \
	X(apgakeyhi_el1, APGAKEYHI_EL1)

/* Only with FEAT_RAS: a guest's DISR_EL1 is this. X(field, name) */
#define RAS_REGISTERS(X) X(vdisr_el2, VDISR_EL2)
/* Only with FEAT_SME */
#define SME_REGISTERS(X) X(tpidr2_el0, TPIDR2_EL0)

/* EL2's controls over the guest, without HCR_EL2, which enables them. X(name) */
#define EL2_REGISTERS(X)                                                                           \
	X(vttbr_el2),                                                                              \
	X(vtcr_el2),                                                                               \
	X(cptr_el2),                                                                               \
	X(mdcr_el2),                                                                               \
	X(cnthctl_el2),                                                                            \
	X(cntvoff_el2),                                                                            \
	X(vmpidr_el2),                                                                             \
	X(vpidr_el2),                                                                              \
	X(hstr_el2)

/*
 * More of them, which not every CPU has. They are loaded where they differ from the CPU's, as they
 * mostly do not. X(field, name)
 */
#define HCX_REGISTERS(X) X(hcrx_el2, HCRX_EL2)
#define FGT_REGISTERS(X)                                                                           \
	X(hfgrtr_el2, HFGRTR_EL2),                                                                 \
	X(hfgwtr_el2, HFGWTR_EL2),                                                                 \
	X(hfgitr_el2, HFGITR_EL2),                                                                 \
	X(hdfgrtr_el2, HDFGRTR_EL2),                                                               \
	X(hdfgwtr_el2, HDFGWTR_EL2)
#define FGT_AMU_REGISTERS(X) X(hafgrtr_el2, HAFGRTR_EL2)
#define FGT2_REGISTERS(X)                                                                          \
	X(hfgrtr2_el2, HFGRTR2_EL2),                                                               \
	X(hfgwtr2_el2, HFGWTR2_EL2),                                                               \
	X(hfgitr2_el2, HFGITR2_EL2),                                                               \
	X(hdfgrtr2_el2, HDFGRTR2_EL2),                                                             \
	X(hdfgwtr2_el2, HDFGWTR2_EL2)
#define NV2_REGISTERS(X) X(vncr_el2, VNCR_EL2)
#define EL2_OPTIONAL_REGISTERS(X)                                                                  \
	HCX_REGISTERS(X),                                                                          \
	FGT_REGISTERS(X),                                                                          \
	FGT_AMU_REGISTERS(X),                                                                      \
	FGT2_REGISTERS(X),                                                                         \
	NV2_REGISTERS(X)

/*
 * Of EL1 in AArch32 only; AArch64's registers of EL1 are the rest of it (DDI 0487, D1.8). X(name)
 */
#define AARCH32_REGISTERS(X)                                                                       \
	X(dacr32_el2),                                                                             \
	X(ifsr32_el2),                                                                             \
	X(fpexc32_el2),                                                                            \
	X(spsr_abt),                                                                               \
	X(spsr_und),                                                                               \
	X(spsr_irq),                                                                               \
	X(spsr_fiq)

/* clang-format on */
/* Members of a structure, one for each register of a list */
#define DECLARE_REGISTERS(list) u64 list(REGISTER_FIELD)
#define REGISTER_FIELD(field, ...) field

struct el1_state {
	DECLARE_REGISTERS(EL1_REGISTERS);
	DECLARE_REGISTERS(PAUTH_REGISTERS);
	DECLARE_REGISTERS(RAS_REGISTERS);
	DECLARE_REGISTERS(SME_REGISTERS);
};

struct el2_state {
	u64 hcr_el2;
	DECLARE_REGISTERS(EL2_REGISTERS);
	DECLARE_REGISTERS(EL2_OPTIONAL_REGISTERS);
};

struct aarch32_state {
	DECLARE_REGISTERS(AARCH32_REGISTERS);
};

struct fpsimd_state {
	__uint128_t q[32];
	u64 fpcr, fpsr;
};

#define VGIC_MAX_LRS 16
#define VGIC_MAX_APRS 4

/*
 * The virtual CPU interface, in the format of the GIC's version; struct guest has one. Like the
 * guest's other registers it is in the CPU while the guest runs.
 */
struct vgic_state {
	u64 hcr;
	u64 vmcr; /* the guest's priority mask, group enables, ... */
	u64 misr, eisr; /* when the guest was last left; written, they change nothing */
	u64 ap0r[VGIC_MAX_APRS], ap1r[VGIC_MAX_APRS]; /* version 2: ap0r[0] only */
	u64 lr[VGIC_MAX_LRS];
};

/* Interrupts that another CPU injects while the guest runs, as list registers. */
struct vgic_queue {
	struct spinlock lock;
	unsigned int count;
	u64 lr[VGIC_MAX_LRS];
};

void el1_state_save(struct el1_state *state);
void el1_state_load(const struct el1_state *state);
void el1_state_load_without_keys(const struct el1_state *state);
/*
 * Set the architecture's reset values of EL1, and 0 where it leaves them UNKNOWN. To be called
 * before the others: it reads the CPU's features.
 */
void el1_state_reset(struct el1_state *state);

void el2_state_save(struct el2_state *state);
/* All but HCR_EL2: the caller writes it last when a guest is entered, first when it is left. */
void el2_state_load(const struct el2_state *state);

/* With FP allowed, and where EL1 has AArch32 */
void aarch32_state_save(struct aarch32_state *state);
void aarch32_state_load(const struct aarch32_state *state);

/* fpsimd.S: with FP allowed */
void fpsimd_save(struct fpsimd_state *state);
void fpsimd_load(const struct fpsimd_state *state);

#endif
