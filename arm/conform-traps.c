/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: accesses to system registers, and system instructions, below a host with VHE. Rows
 * are those of kut_model/areas/traps.py.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-sysreg.h>
#include <asm/guest.h>
#include <asm/setup.h>

#include <conform/traps.h>
#include "conform-traps.h"

int main(int argc, char **argv)
{
	return conform_traps(argc, argv, true);
}
