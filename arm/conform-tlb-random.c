/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: random programs of conform-tlb.c, for two CPUs: of the area, or of an initrd. */
#define CONFORM_HEADER <conform/tlb-random.h>
#define TLB_INITRD
#include "conform-tlb.c"
