/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Format of a flattened device tree (Devicetree Specification v0.4, chapter 5). All numbers in
 * it are big-endian.
 */
#ifndef LIBFDT_FDT_H
#define LIBFDT_FDT_H

#include <libcflat.h>

#define FDT_MAGIC 0xd00dfeed
#define FDT_FIRST_SUPPORTED_VERSION 16
#define FDT_LAST_SUPPORTED_VERSION 17
#define FDT_VERSION_WITH_STRUCT_SIZE 17
#define FDT_V16_SIZE (9 * 4) /* of the header: without size_dt_struct */
#define FDT_V17_SIZE (10 * 4)

/* Tokens of the structure block; each is aligned to FDT_TAGSIZE. */
#define FDT_TAGSIZE 4
#define FDT_BEGIN_NODE 1 /* the node's name follows */
#define FDT_END_NODE 2
#define FDT_PROP 3 /* struct fdt_property */
#define FDT_NOP 4
#define FDT_END 9

typedef u32 fdt32_t;
typedef u64 fdt64_t;

struct fdt_header {
	fdt32_t magic, totalsize, off_dt_struct, off_dt_strings, off_mem_rsvmap;
	fdt32_t version, last_comp_version, boot_cpuid_phys, size_dt_strings;
	fdt32_t size_dt_struct; /* since version 17 */
};

struct fdt_property {
	fdt32_t tag, len, nameoff; /* @len bytes of @data; the name in the block of strings */
	char data[];
};

static inline u32 fdt32_to_cpu(fdt32_t value)
{
	return __builtin_bswap32(value);
}

static inline fdt32_t cpu_to_fdt32(u32 value)
{
	return __builtin_bswap32(value);
}

static inline u64 fdt64_to_cpu(fdt64_t value)
{
	return __builtin_bswap64(value);
}

static inline fdt64_t cpu_to_fdt64(u64 value)
{
	return __builtin_bswap64(value);
}

#endif
