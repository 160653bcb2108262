/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets in struct sve_values, for guest-sve.S. */
#ifndef GUEST_SVE_H
#define GUEST_SVE_H

#define SVE_VALUES_ZCR 0
#define SVE_VALUES_VL 8
#define SVE_VALUES_FPCR 16
#define SVE_VALUES_FPSR 24
#define SVE_VALUES_FFR 32
#define SVE_VALUES_P 64
#define SVE_VALUES_Z 576

#endif
