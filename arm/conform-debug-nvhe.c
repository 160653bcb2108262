/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conformance: breakpoints, watchpoints and software step below a host without VHE. */
#include <asm/setup.h>

const bool host_without_vhe = true;

#define CONFORM_HEADER <conform/debug-nvhe.h>
#include "conform-debug.c"
