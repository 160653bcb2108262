/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual CPU interface of GIC version 3: system registers (IHI 0069, 12.4). */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/sysreg.h>
#include <asm/vgic.h>

#define VTR_NR_LRS(vtr) (FIELD(vtr, 4, 0) + 1)
/*
 * PREbits is 4, 5, 6 for 5, 6, 7 bits of preemption: one, two, four registers of active priorities
 * of each group
 */
#define VTR_NR_APRS(vtr) (1U << FIELD(vtr, 28, 26) >> 4)

/* clang-format off */
/* Registers have their number in their name: X(index, name) from the last to the first */
#define LIST_REGISTERS(X)                             \
	X(15, ICH_LR8_EL2(7)), X(14, ICH_LR8_EL2(6)), \
	X(13, ICH_LR8_EL2(5)), X(12, ICH_LR8_EL2(4)), \
	X(11, ICH_LR8_EL2(3)), X(10, ICH_LR8_EL2(2)), \
	X(9, ICH_LR8_EL2(1)), X(8, ICH_LR8_EL2(0)),   \
	X(7, ICH_LR0_EL2(7)), X(6, ICH_LR0_EL2(6)),   \
	X(5, ICH_LR0_EL2(5)), X(4, ICH_LR0_EL2(4)),   \
	X(3, ICH_LR0_EL2(3)), X(2, ICH_LR0_EL2(2)),   \
	X(1, ICH_LR0_EL2(1)), X(0, ICH_LR0_EL2(0))
#define ACTIVE_PRIORITIES(X) X(3), X(2), X(1), X(0)
/* clang-format on */

#define LOAD_LR(n, name)                                    \
	({                                                  \
		if (nr_lrs > (n))                           \
			write_sysreg_s(state->lr[n], name); \
	})
#define SAVE_LR(n, name)                                    \
	({                                                  \
		if (nr_lrs > (n))                           \
			state->lr[n] = read_sysreg_s(name); \
	})
#define LOAD_APR(n)                                                      \
	({                                                               \
		if (nr_aprs > (n)) {                                     \
			write_sysreg_s(state->ap0r[n], ICH_AP0R_EL2(n)); \
			write_sysreg_s(state->ap1r[n], ICH_AP1R_EL2(n)); \
		}                                                        \
	})
#define SAVE_APR(n)                                                      \
	({                                                               \
		if (nr_aprs > (n)) {                                     \
			state->ap0r[n] = read_sysreg_s(ICH_AP0R_EL2(n)); \
			state->ap1r[n] = read_sysreg_s(ICH_AP1R_EL2(n)); \
		}                                                        \
	})

void vgicv3_load(const struct vgic_state *state)
{
	u64 vtr = read_sysreg_s(ICH_VTR_EL2);
	unsigned int nr_lrs = VTR_NR_LRS(vtr), nr_aprs = VTR_NR_APRS(vtr);

	LIST_REGISTERS(LOAD_LR);
	ACTIVE_PRIORITIES(LOAD_APR);
	write_sysreg_s(state->vmcr, ICH_VMCR_EL2);
	write_sysreg_s(state->hcr, ICH_HCR_EL2);
}

void vgicv3_save(struct vgic_state *state)
{
	u64 vtr = read_sysreg_s(ICH_VTR_EL2);
	unsigned int nr_lrs = VTR_NR_LRS(vtr), nr_aprs = VTR_NR_APRS(vtr);

	state->misr = read_sysreg_s(ICH_MISR_EL2);
	state->eisr = read_sysreg_s(ICH_EISR_EL2);
	LIST_REGISTERS(SAVE_LR);
	ACTIVE_PRIORITIES(SAVE_APR);
	state->vmcr = read_sysreg_s(ICH_VMCR_EL2);
	state->hcr = read_sysreg_s(ICH_HCR_EL2); /* with EOIcount */
}
