/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: the rows of area s1pie on a host without VHE, on CPUs that have it, too. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#define CONFORM_HEADER <conform/s1pie-nvhe.h>
#include "conform-s1pie.c"
