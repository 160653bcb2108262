/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by selftest.c and its assembly. */
#ifndef SELFTEST_H
#define SELFTEST_H

#define BRK_NUMBER 0x55
#define BRK_REGISTER 0x100 /* + n: x<n> at the BRK */

#endif
