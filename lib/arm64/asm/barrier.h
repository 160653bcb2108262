/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Barriers and hints; all are macros, for assembly too. */
#ifndef ASMARM64_BARRIER_H
#define ASMARM64_BARRIER_H

#include <linux/compiler.h>

#define sev() asm volatile("sev" : : : "memory")
#define wfe() asm volatile("wfe" : : : "memory")
#define wfi() asm volatile("wfi" : : : "memory")
#define yield() asm volatile("yield" : : : "memory")
#define cpu_relax() yield()

/* Numbers of HINT, for instructions that the assembler's architecture does not have */
#define HINT_PACIA1716 8
#define HINT_AUTIA1716 12
#define HINT_ESB 16
#define HINT_BTI_C 34

#define isb() asm volatile("isb" : : : "memory")
#define dmb(opt) asm volatile("dmb " #opt : : : "memory")
#define dsb(opt) asm volatile("dsb " #opt : : : "memory")

#define mb() dsb(sy)
#define rmb() dsb(ld)
#define wmb() dsb(st)
#define smp_mb() dmb(ish)
#define smp_rmb() dmb(ishld)
#define smp_wmb() dmb(ishst)

/*
 * Write @value to *@p after all that went before. The barrier is for Clang 14, which pairs a store
 * from before a store-release with one from behind it, there (docs/errata.md).
 */
#define smp_store_release(p, value)                           \
	do {                                                  \
		barrier();                                    \
		__atomic_store_n(p, value, __ATOMIC_RELEASE); \
	} while (0)
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)

#endif
