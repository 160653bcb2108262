/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of all SVE registers, and their comparison. */
#ifndef GUEST_SVE_VALUES_H
#define GUEST_SVE_VALUES_H

#include <libcflat.h>
#include <string.h>
#include <asm/guest.h>
#include "guest-sve.h"

#define MAX_VL 256

/* All registers. z and p are arrays of registers of the length in force. */
struct sve_values {
	u64 zcr, vl; /* ZCR_EL1, and the vector length in bytes */
	u64 fpcr, fpsr;
	u8 ffr[MAX_VL / 8];
	u8 p[16 * MAX_VL / 8];
	u8 z[32 * MAX_VL];
};
static_assert(offsetof(struct sve_values, zcr) == SVE_VALUES_ZCR &&
		      offsetof(struct sve_values, vl) == SVE_VALUES_VL &&
		      offsetof(struct sve_values, fpcr) == SVE_VALUES_FPCR &&
		      offsetof(struct sve_values, fpsr) == SVE_VALUES_FPSR &&
		      offsetof(struct sve_values, ffr) == SVE_VALUES_FFR &&
		      offsetof(struct sve_values, p) == SVE_VALUES_P &&
		      offsetof(struct sve_values, z) == SVE_VALUES_Z,
	      "guest-sve.S has them");

/* guest-sve.S: they load and store such values. */
void guest_sve(void);
void guest_sve_store(void);
void guest_sve_vl(void);
void host_sve_around_guest_run(struct guest *guest, const struct sve_values *in,
			       struct sve_values *out);
void host_sve_and_fp(struct guest *guest, const struct sve_values *in, struct sve_values *out);

/* Flags and a rounding mode that every FPCR and FPSR have */
#define FPCR_BITS (3UL << 22)
#define FPSR_BITS 0x9fUL

static void fill_bytes(u8 *bytes, size_t size, u64 *pattern)
{
	for (size_t i = 0; i < size; i++) {
		*pattern = *pattern * 6364136223846793005UL + 1442695040888963407UL;
		bytes[i] = *pattern >> 56;
	}
}

/* Other values for each @seed, and no register like another one. FFR is ones up to a bit. */
static void fill(struct sve_values *values, u64 seed, u64 zcr)
{
	unsigned int ones = 3 + seed * 37 % 200;
	u64 pattern = seed;

	*values = (struct sve_values){
		.zcr = zcr,
		.fpcr = seed << 22 & FPCR_BITS,
		.fpsr = seed & FPSR_BITS,
	};
	for (unsigned int i = 0; i < ones; i++)
		values->ffr[i / 8] |= 1 << i % 8;
	fill_bytes(values->p, sizeof(values->p), &pattern);
	fill_bytes(values->z, sizeof(values->z), &pattern);
}

/* The registers, of @count in an array, that differ. The first is @first, unless there is one. */
static int differences(const u8 *a, const u8 *b, size_t size, int count, const char *name,
		       char first[8])
{
	int wrong = 0;

	for (int n = 0; n < count; n++) {
		if (!memcmp(a + n * size, b + n * size, size))
			continue;
		if (!first[0])
			snprintf(first, 8, "%s%d", name, n);
		wrong++;
	}
	return wrong;
}

static bool __check_values(const char *place, const struct sve_values *in,
			   const struct sve_values *out, const char *what)
{
	char first[8] = "";
	u64 vl = out->vl;
	int wrong = differences(in->z, out->z, vl, 32, "z", first) +
		    differences(in->p, out->p, vl / 8, 16, "p", first) +
		    differences(in->ffr, out->ffr, vl / 8, 1, "ffr", first);
	bool controls = (out->fpcr & FPCR_BITS) == in->fpcr && (out->fpsr & FPSR_BITS) == in->fpsr;

	__report(
		place, !wrong && vl >= 16,
		"z0..z31, p0..p15 and FFR, vectors of %lu bytes, %s: expected 0 wrong, found %d%s%s",
		vl, what, wrong, wrong ? ", the first " : "", first);
	return __report(place, controls && in->zcr == out->zcr,
			"FPCR, FPSR and ZCR %s: expected %#lx, %#lx, %#lx, found %#lx, %#lx, %#lx",
			what, in->fpcr, in->fpsr, in->zcr, out->fpcr, out->fpsr, out->zcr);
}
#define check_values(...) __check_values(SOURCE_PLACE, __VA_ARGS__)

#endif
