/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Constants for C and for assembly, which has no suffixes and no casts. */
#ifndef LINUX_CONST_H
#define LINUX_CONST_H

#ifdef __ASSEMBLER__
#define _AC(value, suffix) value
#define _AT(type, value) value
#else
#define _AC_PASTE(value, suffix) value##suffix
#define _AC(value, suffix) _AC_PASTE(value, suffix)
#define _AT(type, value) ((type)(value))
#endif

#define _BITUL(n) (_AC(1, UL) << (n))
#define _BITULL(n) (_AC(1, ULL) << (n))

#define UL(value) _AC(value, UL)

#endif
