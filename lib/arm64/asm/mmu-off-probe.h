/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code at EL2 under another SCTLR_EL2, also with the MMU off, and the exception that it may take, for
 * rows of the conformance suite.
 */
#ifndef ASMARM64_MMU_OFF_PROBE_H
#define ASMARM64_MMU_OFF_PROBE_H

#include <libcflat.h>

struct mmu_off_probe {
	u64 sctlr, pc, address; /* before: SCTLR_EL2, the code, x1 */
	u64 taken; /* after: 1 if it took a synchronous exception; its registers follow */
	u64 esr, elr, far;
};

/*
 * Call the code at @pc of the image, which has the same physical address. It ends in RET or an
 * exception, and may use x0 to x18 but no stack. The caller has DAIF set.
 */
void mmu_off_probe_run(struct mmu_off_probe *probe);

#endif
