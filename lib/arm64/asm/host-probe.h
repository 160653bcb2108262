/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code at EL2 that may take a synchronous exception of EL2 itself, for rows of the conformance suite.
 */
#ifndef ASMARM64_HOST_PROBE_H
#define ASMARM64_HOST_PROBE_H

#include <libcflat.h>

struct host_probe {
	u64 x[3]; /* x0, x1, x2: before and after */
	bool taken; /* an exception; its registers follow */
	u64 esr, elr, far;
};

/*
 * Call the code at @pc with the registers of @probe. It ends in RET, or in an exception, which is
 * then like a return: it may not change x30. No registers but x0 to x18 and the vector registers may
 * change.
 */
void host_probe_run(struct host_probe *probe, u64 pc);

#endif
