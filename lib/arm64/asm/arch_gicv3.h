/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system registers of GIC version 3, in functions; in a guest too. */
#ifndef ASMARM64_ARCH_GICV3_H
#define ASMARM64_ARCH_GICV3_H

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/io.h>
#include <asm/page.h>
#include <asm/sysreg.h>

static inline void gicv3_write_pmr(u32 priority)
{
	write_sysreg_s(priority, ICC_PMR_EL1);
}

static inline void gicv3_write_sgi1r(u64 sgi)
{
	write_sysreg_s(sgi, ICC_SGI1R_EL1);
}

/* The acknowledgement is complete before the device is asked. */
static inline u32 gicv3_read_iar(void)
{
	u64 iar = read_sysreg_s(ICC_IAR1_EL1);

	dsb(sy);
	return iar;
}

static inline void gicv3_write_eoir(u32 iar)
{
	write_sysreg_s(iar, ICC_EOIR1_EL1);
	isb();
}

static inline void gicv3_write_grpen1(u32 enable)
{
	write_sysreg_s(enable, ICC_IGRPEN1_EL1);
	isb();
}

#define gicv3_read_typer(reg) readq(reg)

#endif
