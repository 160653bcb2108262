/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by guest-host-state.c and its assembly. */
#ifndef GUEST_HOST_STATE_H
#define GUEST_HOST_STATE_H

#define CLOBBERED 0x5a00 /* + n: x<n> of guest_clobber() */

#endif
