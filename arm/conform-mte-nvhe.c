/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: allocation tags below a host without VHE, and at its EL2. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#define CONFORM_HEADER <conform/mte-nvhe.h>
#include "conform-mte.c"
