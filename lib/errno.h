/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error numbers; functions return them negated. Values as in Linux. */
#ifndef ERRNO_H
#define ERRNO_H

#define ENOENT 2 /* nothing is mapped or found */
#define ENOMEM 12 /* out of pages */
#define EBUSY 16 /* in use */
#define EEXIST 17 /* already mapped */
#define EINVAL 22 /* misaligned or otherwise wrong argument */
#define ERANGE 34 /* outside what can be addressed */
#define EOPNOTSUPP 95 /* the CPU has no such feature */

/* "EEXIST" for -EEXIST; "success" for 0 and more, "unknown" for a number that is not above. */
const char *errno_name(int error);

#endif
