/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoint and watchpoint registers of guests.
 *
 * A guest has none unless it is given them: MDCR_EL2.{TDA,TDOSA,TDRA} are set, and its accesses,
 * those of MDSCR_EL1 included, are exits of class ESR_ELx_EC_SYS64. So only guests that use them
 * pay for saving them, and nothing leaks.
 */
#ifndef ASMARM64_GUEST_DEBUG_H
#define ASMARM64_GUEST_DEBUG_H

#include <libcflat.h>
#include <asm/sysreg.h>

/*
 * The performance monitors are trapped for every guest: they count for the host as well. A test
 * that wants them untrapped clears these bits in guest->mdcr_el2.
 */
#define MDCR_EL2_PMU_TRAPS (MDCR_EL2_TPM | MDCR_EL2_TPMCR)
#define MDCR_EL2_DEBUG_TRAPS (MDCR_EL2_TDA | MDCR_EL2_TDOSA | MDCR_EL2_TDRA)

#define MDSCR_EL1_SS (UL(1) << 0)
#define MDSCR_EL1_KDE (UL(1) << 13)
#define MDSCR_EL1_MDE (UL(1) << 15)

struct guest;

/* Of each kind the first ID_AA64DFR0_EL1.{BRPs,WRPs} + 1 exist. */
struct debug_registers {
	u64 bvr[16], bcr[16], wvr[16], wcr[16];
	u64 os_double_lock; /* OSDLR_EL1 */
	u64 os_lock; /* OSLSR_EL1.OSLK: 1 masks all of them */
};

struct guest_debug {
	struct debug_registers guest, host;
};

/*
 * Let the guest use them, from its next entry on; they start disabled, with the OS Lock set, as
 * after reset: OSLAR_EL1 = 0 clears it. Registers are in guest->debug->guest between runs. Set
 * MDCR_EL2_TDE in guest->mdcr_el2 to have the guest's debug exceptions come to the host. False when
 * memory is out. Outside of guest_run().
 */
bool guest_enable_debug(struct guest *guest);

/* For guest.c. */
void guest_debug_destroy(struct guest *guest);
void debug_registers_save(struct debug_registers *registers);
void debug_registers_load(const struct debug_registers *registers);

#endif
