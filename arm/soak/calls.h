/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of the host: the immediate of an HVC, from EL0 of an SVC. For assembly too. */
#ifndef SOAK_CALLS_H
#define SOAK_CALLS_H

#define CALL_REGISTERS 1
#define CALL_TREE 2
#define CALL_VIRTUAL 3
#define CALL_TAKEN 4
#define CALL_PHYSICAL 5
#define CALL_PAUSE 6
#define CALL_END 7
#define CALL_UNEXPECTED 8

#endif
