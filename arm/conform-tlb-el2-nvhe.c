/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: TLB maintenance of EL2 itself on a host without VHE. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#define CONFORM_HEADER <conform/tlb-el2-nvhe.h>
#include "conform-tlb-el2.c"
