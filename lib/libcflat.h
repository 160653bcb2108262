/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The small C library that every test image is written against.
 *
 * Names and meanings are those of kvm-unit-tests, so that a test file moves between the two trees.
 */
#ifndef LIBCFLAT_H
#define LIBCFLAT_H

#include <linux/const.h>

#ifndef __ASSEMBLY__

/* One image, nothing to interpose: no address goes through the GOT. */
#pragma GCC visibility push(hidden)

#include <linux/compiler.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef unsigned long ulong;
typedef u64 phys_addr_t;

#define INVALID_PHYS_ADDR (~(phys_addr_t)0)

#define PRId32 "d"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRId64 "ld"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRIxPTR "lx"

/*
 * A function that changes the keys of pointer authentication, and so cannot sign its own return
 * address, in a build that signs them.
 */
#ifdef __ARM_FEATURE_PAC_DEFAULT
#define __changes_keys __attribute__((__target__("branch-protection=none")))
#else
#define __changes_keys
#endif
#define __noreturn __attribute__((__noreturn__))
#define __weak __attribute__((__weak__))
#define __packed __attribute__((__packed__))
#define __aligned(n) __attribute__((__aligned__(n)))
#define __printf(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define xstr(...) xxstr(__VA_ARGS__)
#define xxstr(...) #__VA_ARGS__

/* @a is a power of two. */
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN(x, a) ALIGN_DOWN((x) + ((__typeof__(x))(a) - 1), a)
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)

#define MIN(a, b)                        \
	({                               \
		__typeof__(a) __a = (a); \
		__typeof__(b) __b = (b); \
		__a < __b ? __a : __b;   \
	})
#define MAX(a, b)                        \
	({                               \
		__typeof__(a) __a = (a); \
		__typeof__(b) __b = (b); \
		__a > __b ? __a : __b;   \
	})
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define SZ_256 (1 << 8)
#define SZ_4K (1 << 12)
#define SZ_8K (1 << 13)
#define SZ_16K (1 << 14)
#define SZ_32K (1 << 15)
#define SZ_64K (1 << 16)
#define SZ_128K (1 << 17)
#define SZ_1M (1 << 20)
#define SZ_2M (1 << 21)
#define SZ_4M (1 << 22)
#define SZ_16M (1 << 24)
#define SZ_32M (1 << 25)
#define SZ_512M (1 << 29)
#define SZ_1G (1UL << 30)
#define SZ_2G (1UL << 31)
#define SZ_1T (1UL << 40)

/* Console: whole strings, never interleaved with another CPU's. */
void puts(const char *s);
/* The next byte that comes in, 0..255. -1: getchar() waited a while in vain, __getchar() at all. */
int getchar(void);
int __getchar(void);

/*
 * End the run with @code (0..127): prints `EXIT: STATUS=n` with n = (code << 1) | 1, hands the code
 * to QEMU's testdev where the machine has one, and powers the machine off.
 */
void exit(int code) __noreturn;
/* exit() with the status 127 that means "the test program itself went wrong". */
void abort(void) __noreturn;
#define ABORT_EXIT_STATUS 127

/* True when @text fits @pattern, where `*` stands for any text. */
bool simple_glob(const char *text, const char *pattern);

/* @x in digits 0 and 1, with a ' between groups of four. */
#define BINSTR_SZ (64 + 16)
void binstr(unsigned long x, char out[BINSTR_SZ]);
void print_binstr(unsigned long x);

char *getenv(const char *name);
long atol(const char *s);

/*
 * Conversions: % c d i s u x X p, flags `0`, `-`, `#`, `+` and space, width and precision (also
 * `*`), lengths hh h l ll z t. Returns the length the whole output has, written or not.
 */
int printf(const char *fmt, ...) __printf(1, 2);
/* At the start of a line: ends the current one first, so that no other text is before it. */
int printf_line(const char *fmt, ...) __printf(1, 2);
int vprintf(const char *fmt, va_list va) __printf(1, 0);
int snprintf(char *buf, int size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, int size, const char *fmt, va_list va) __printf(3, 0);

/* The line of the source that uses this, "arm/stage2.c:123", from the top of the source tree. */
#define SOURCE_PLACE __FILE__ ":" xstr(__LINE__)

/*
 * Results: `STATUS: prefix: prefix: message` a line. Behind one that is unexpected, FAIL or XPASS,
 * `    at FILE:LINE` is where the caller is. report() returns @pass. report_summary() prints the
 * SUMMARY line and returns main()'s exit code: 0 all as expected, 1 failures, 38 (QEMU status 77)
 * when every check was skipped.
 *
 * A function that checks for its callers takes their SOURCE_PLACE and gives it to __report().
 */
void report_prefix_push(const char *prefix);
void report_prefix_pushf(const char *fmt, ...) __printf(1, 2);
void report_prefix_pop(void);
void report_prefix_popn(int n);
bool __report(const char *place, bool pass, const char *fmt, ...) __printf(3, 4);
bool __report_xfail(const char *place, bool xfail, bool pass, const char *fmt, ...) __printf(4, 5);
bool __report_kfail(const char *place, bool kfail, bool pass, const char *fmt, ...) __printf(4, 5);
void __report_fail(const char *place, const char *fmt, ...) __printf(2, 3);
#define report(pass, ...) __report(SOURCE_PLACE, pass, __VA_ARGS__)
#define report_xfail(xfail, pass, ...) __report_xfail(SOURCE_PLACE, xfail, pass, __VA_ARGS__)
#define report_kfail(kfail, pass, ...) __report_kfail(SOURCE_PLACE, kfail, pass, __VA_ARGS__)
#define report_fail(...) __report_fail(SOURCE_PLACE, __VA_ARGS__)
void report_pass(const char *fmt, ...) __printf(1, 2);
void report_skip(const char *fmt, ...) __printf(1, 2);
void report_info(const char *fmt, ...) __printf(1, 2);
/* A passed check that prints nothing. */
void report_passed(void);
/* Prints ABORT, the summary so far and the stack, and ends the run through abort(). */
void report_abort(const char *fmt, ...) __printf(1, 2) __noreturn;
int report_summary(void);

/* Print the `STACK:` line of the caller: return addresses as hex offsets from the image's start. */
void dump_stack(void);
/* The same from a frame record; @insn, if not NULL, is the exact instruction, printed with `@`. */
void dump_frame_stack(const void *insn, const void *frame);

void assert_failed(const char *place, const char *condition, const char *fmt, ...)
	__printf(3, 4) __noreturn;
#define assert(cond)                                              \
	do {                                                      \
		if (unlikely(!(cond)))                            \
			assert_failed(SOURCE_PLACE, #cond, NULL); \
	} while (0)
#define assert_msg(cond, fmt, ...)                                              \
	do {                                                                    \
		if (unlikely(!(cond)))                                          \
			assert_failed(SOURCE_PLACE, #cond, fmt, ##__VA_ARGS__); \
	} while (0)
#define static_assert _Static_assert

#endif /* __ASSEMBLY__ */
#endif /* LIBCFLAT_H */
