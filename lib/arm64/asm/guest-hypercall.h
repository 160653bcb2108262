/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls of the framework's own code inside a guest. They are recognised by number and address:
 * a guest may use every immediate for itself.
 */
#ifndef ASMARM64_GUEST_HYPERCALL_H
#define ASMARM64_GUEST_HYPERCALL_H

/* A bit of the immediate that all of them have */
#define GUEST_HVC_FRAMEWORK 0x8000
/* + enum vector: an exception to EL1 without handler */
#define GUEST_HVC_EL1_EXCEPTION 0xff00
/* the guest's function has returned */
#define GUEST_HVC_RETURNED 0xff80
/* guest_call(), and the same from EL0 by way of the guest's own page of vectors */
#define GUEST_HVC_CALL 0xff90
#define GUEST_HVC_CALL_EL0 0xff91

/* Results of guest_own_hypercall(), which guest-entry.S tests by bit */
#define GUEST_HYPERCALL_OTHER 0 /* for the handler */
#define GUEST_HYPERCALL_LEAVE 1
#define GUEST_HYPERCALL_RESUME 2
#define GUEST_HYPERCALL_RESUME_BIT 1

/* Bytes of a page of guest vectors in use: the table, the code behind it, and the handlers. */
#define GUEST_EL1_PAGE_SIZE 4096

#endif
