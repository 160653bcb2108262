/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: instructions that are exceptions or that controls trap, below a host with VHE. Rows
 * are those of kut_model/areas/exceptions.py.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-sysreg.h>
#include <asm/guest.h>
#include <asm/setup.h>

#include <conform/exceptions.h>
#include "conform-traps.h"

int main(int argc, char **argv)
{
	return conform_traps(argc, argv, true);
}
