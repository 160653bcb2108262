/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by stage2.c and its assembly. */
#ifndef STAGE2_H
#define STAGE2_H

#define HVC_ROUNDS 8 /* of guest_all_registers() */

#endif
