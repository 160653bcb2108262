/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device registers. */
#ifndef ASMARM64_IO_H
#define ASMARM64_IO_H

#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/page.h>

/*
 * One plain load or store with base register only: the form that gives a hypervisor a syndrome to
 * emulate it from (ESR_ELx.ISV).
 */
#define __define_io(bits, suffix, width, reg)                                          \
	static inline u##bits __raw_read##suffix(const volatile void *addr)            \
	{                                                                              \
		u##bits val;                                                           \
		asm volatile("ldr" width " %" reg "0, [%1]" : "=r"(val) : "r"(addr));  \
		return val;                                                            \
	}                                                                              \
	static inline void __raw_write##suffix(u##bits val, volatile void *addr)       \
	{                                                                              \
		asm volatile("str" width " %" reg "0, [%1]" : : "rZ"(val), "r"(addr)); \
	}                                                                              \
	/* Ordered: a read before later accesses, a write after earlier ones. */       \
	static inline u##bits read##suffix(const volatile void *addr)                  \
	{                                                                              \
		u##bits val = __raw_read##suffix(addr);                                \
		rmb();                                                                 \
		return val;                                                            \
	}                                                                              \
	static inline void write##suffix(u##bits val, volatile void *addr)             \
	{                                                                              \
		wmb();                                                                 \
		__raw_write##suffix(val, addr);                                        \
	}

__define_io(8, b, "b", "w")
__define_io(16, w, "h", "w")
__define_io(32, l, "", "w")
__define_io(64, q, "", "x")

/* Also of an address in the vmalloc region, which is not mapped one to one. */
phys_addr_t virt_to_phys(const volatile void *va);

static inline void *phys_to_virt(phys_addr_t pa)
{
	return __va(pa);
}

/* Map [@pa, @pa + @size) as device registers (Device-nGnRE). Aborts the run when memory is out. */
void *ioremap(phys_addr_t pa, size_t size);

#endif
