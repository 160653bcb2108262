/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: instructions that are exceptions or that controls trap, below a host without VHE. Rows
 * are those of kut_model/areas/exceptions_nvhe.py.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/conform-sysreg.h>
#include <asm/guest.h>
#include <asm/setup.h>

#include <conform/exceptions-nvhe.h>
#include "conform-traps.h"

/* HCR_EL2.E2H stays clear, on CPUs that have FEAT_VHE, too. */
const bool host_without_vhe = true;

int main(int argc, char **argv)
{
	return conform_traps(argc, argv, false);
}
