/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: the cases of conform-random.c below a host without VHE, on CPUs that have it, too. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#include "conform-random.c"
