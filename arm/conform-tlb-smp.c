/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: programs of conform-tlb.c that two CPUs run. */
#define CONFORM_HEADER <conform/tlb-smp.h>
#include "conform-tlb.c"
