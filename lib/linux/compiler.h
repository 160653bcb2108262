/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes and single accesses, by the names of Linux. */
#ifndef LINUX_COMPILER_H
#define LINUX_COMPILER_H

#ifndef __ASSEMBLER__

#include <stdint.h>

#define barrier() asm volatile("" : : : "memory")

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#define noinline __attribute__((__noinline__))
#define __unused __attribute__((__unused__))

/* True when the sum, the difference or the product of @a and @b does not fit their type. */
#define __overflows(op, a, b, type)                         \
	({                                                  \
		__typeof__(type) __result;                  \
		__builtin_##op##_overflow(a, b, &__result); \
	})
#define check_add_overflow(a, b) __overflows(add, a, b, (a) + (b))
#define check_sub_overflow(a, b) __overflows(sub, a, b, (a) - (b))
#define check_mul_overflow(a, b) __overflows(mul, a, b, (a) * (b))

/* Copy 1, 2, 4 or 8 bytes by one load and one store. */
typedef uint8_t __attribute__((__may_alias__)) __once_8;
typedef uint16_t __attribute__((__may_alias__)) __once_16;
typedef uint32_t __attribute__((__may_alias__)) __once_32;
typedef uint64_t __attribute__((__may_alias__)) __once_64;
static __always_inline void __copy_once(volatile void *to, const volatile void *from,
					unsigned int size)
{
	switch (size) {
	case 1:
		*(volatile __once_8 *)to = *(const volatile __once_8 *)from;
		break;
	case 2:
		*(volatile __once_16 *)to = *(const volatile __once_16 *)from;
		break;
	case 4:
		*(volatile __once_32 *)to = *(const volatile __once_32 *)from;
		break;
	case 8:
		*(volatile __once_64 *)to = *(const volatile __once_64 *)from;
		break;
	}
}

/*
 * Read or write @x once: the compiler does not repeat, merge or split the access, nor reorder it
 * with another one. @x has 1, 2, 4 or 8 bytes, and may be a structure.
 */
#define __assert_once(x) \
	_Static_assert(sizeof(x) <= 8 && !(sizeof(x) & (sizeof(x) - 1)), "one access")
#define READ_ONCE(x)                                        \
	({                                                  \
		__assert_once(x);                           \
		union {                                     \
			__typeof__(x) value;                \
			char bytes[1];                      \
		} __once = { .bytes = { 0 } };              \
		__copy_once(__once.bytes, &(x), sizeof(x)); \
		__once.value;                               \
	})
#define WRITE_ONCE(x, new)                                  \
	({                                                  \
		__assert_once(x);                           \
		union {                                     \
			__typeof__(x) value;                \
			char bytes[1];                      \
		} __once = { .value = (new) };              \
		__copy_once(&(x), __once.bytes, sizeof(x)); \
		__once.value;                               \
	})

#endif /* !__ASSEMBLER__ */
#endif
