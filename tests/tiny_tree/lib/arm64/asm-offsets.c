// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include "regs.h"
#define OFFSET(sym, type, member) \
	__asm__ volatile("\n.ascii \"->" #sym " %0 \"" : : "i"(offsetof(type, member)))

void offsets(void);
void offsets(void)
{
	OFFSET(REGS_PC, struct regs, pc);
}
