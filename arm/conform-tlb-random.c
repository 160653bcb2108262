/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: random programs of conform-tlb.c, for two CPUs. */
#define CONFORM_HEADER <conform/tlb-random.h>
#include "conform-tlb.c"
