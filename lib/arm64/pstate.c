/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSTATE of the host. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/processor.h>
#include <asm/pstate.h>

#define SSBS_HAS_REGISTER 2 /* ID_AA64PFR1_EL1.SSBS; 1: the bit alone */

#define INSN_MSR_PAN_0 0xd500409fU /* msr pan, #0 */

/* PSR_*_BIT of those that the CPU has */
static u64 present;

/* clang-format off */
/* X(bit, register): the register has the bit where SPSR_ELx has it. */
#define PSTATE_BITS(X)                    \
	X(PSR_UAO_BIT, PSTATE_UAO),       \
	X(PSR_DIT_BIT, PSTATE_DIT),       \
	X(PSR_SSBS_BIT, PSTATE_SSBS),     \
	X(PSR_TCO_BIT, PSTATE_TCO),       \
	X(PSR_ALLINT_BIT, PSTATE_ALLINT)

/* clang-format on */
static bool has_pan(void)
{
	return FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_PAN + 3, ID_AA64MMFR1_PAN);
}

static u64 find_present(void)
{
	u64 pfr0 = read_sysreg(id_aa64pfr0_el1), pfr1 = read_sysreg(id_aa64pfr1_el1);

	return (FIELD(read_sysreg(ID_AA64MMFR2_EL1), 7, 4) ? PSR_UAO_BIT : 0) |
	       (FIELD(pfr0, 51, 48) ? PSR_DIT_BIT : 0) |
	       (FIELD(pfr1, 7, 4) >= SSBS_HAS_REGISTER ? PSR_SSBS_BIT : 0) |
	       (FIELD(pfr1, ID_AA64PFR1_MTE + 3, ID_AA64PFR1_MTE) ? PSR_TCO_BIT : 0) |
	       (FIELD(pfr1, 39, 36) ? PSR_ALLINT_BIT : 0);
}

void pstate_setup(void)
{
	present = find_present();
	if (has_pan())
		write_sysreg(0, PSTATE_PAN);
}

void pstate_patch_vectors(void)
{
	char *vectors = host_at_el2 ? host_vectors_el2 : host_vectors_el1;

	if (!has_pan())
		return;
	for (enum vector vector = 0; vector < VECTOR_MAX; vector++)
		*(u32 *)(vectors + vector * VECTOR_SLOT_SIZE) = INSN_MSR_PAN_0;
	dsb(sy);
	asm volatile("ic iallu" : : : "memory");
	dsb(nsh);
	isb();
}

#define SAVE(bit, reg) (pstate |= present & (bit) ? read_sysreg(reg) : 0)
#define RESTORE(bit, reg)                                  \
	({                                                 \
		if (present & (bit))                       \
			write_sysreg((bit) & pstate, reg); \
	})

u64 pstate_save(void)
{
	u64 pstate = read_sysreg(daif);

	PSTATE_BITS(SAVE);
	return pstate;
}

void pstate_restore(u64 pstate)
{
	PSTATE_BITS(RESTORE);
	daif_restore(pstate & PSR_DAIF);
}
