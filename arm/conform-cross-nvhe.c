/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: the rows of conform-cross.c below a host without VHE, on CPUs that have it, too. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#define CONFORM_HEADER <conform/cross-nvhe.h>
#include "conform-cross.c"
