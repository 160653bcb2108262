/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SVE of guests below a host without VHE, where CPTR_EL2 has its other format. */
#include "guest-sve.c"

/* HCR_EL2.E2H stays clear: each CPU of QEMU that has SVE has FEAT_VHE, too. */
const bool host_without_vhe = true;
