/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FP, SIMD and SVE registers of guests.
 *
 * A guest has its own FP and SIMD registers from the start, and SVE with guest_enable_sve(). They
 * are switched when the guest is entered and left, or lazily: at the guest's first use in each run.
 * A guest that does not use them then costs the host nothing for them, but its synchronous exits go
 * through guest-dispatch.c.
 *
 * The library is compiled not to use them; a test may, from main() on, and finds its registers as
 * they were after guest_run(), with any guest; but in handlers, and guest_run() called from them,
 * FP, SIMD and SVE are the guest's. From the first guest on CPTR_EL2 traps the host's SVE until it
 * uses it again, unless the test has a handler for this exception.
 */
#ifndef ASMARM64_GUEST_FP_H
#define ASMARM64_GUEST_FP_H

#include <libcflat.h>

/* z0..z31 of @vl bytes, p0..p15 of @vl / 8, ffr of @vl / 8 */
#define SVE_REGISTERS_SIZE(vl) (32 * (vl) + 17 * (vl) / 8)

struct guest;
struct fpsimd_state;

/*
 * SVE registers while they are not in the CPU. Bits 127:0 of vectors are here, not in struct
 * fpsimd_state, which has FPCR and FPSR.
 */
struct sve_state {
	u64 zcr_el1; /* the guest's limit of the vector length */
	u64 host_zcr_el1, host_zcr_el2;
	unsigned int vl; /* the longest vector, in bytes; registers are stored with it */
	char *registers; /* SVE_REGISTERS_SIZE(vl) */
};

/* Switch FP lazily or not. Outside of guest_run(). */
void guest_set_fp_lazy(struct guest *guest, bool lazy);
/*
 * Give @guest SVE, with vectors as long as the CPU has them; CPACR_EL1.ZEN is set. False when the
 * CPU has none (system_supports_sve()) or memory is out.
 */
bool guest_enable_sve(struct guest *guest);
/* The memory of z@n of a guest with SVE; also in a handler, which may change it. */
void *guest_sve_z(struct guest *guest, int n);

/* For guest.c: let EL2 use FP, and SVE if @guest has it, whatever CPTR_EL2 traps for a guest. */
void guest_fp_untrap(const struct guest *guest);
/* For guest-optional.c; between guest_fp_untrap() and the next write of CPTR_EL2. */
void guest_fp_to_cpu(struct guest *guest);
void guest_fp_to_memory(struct guest *guest);
void guest_fp_save_host(struct guest *guest);
void guest_fp_restore_host(struct guest *guest);
/* CPTR_EL2 for the guest, with the traps of one that is lazy and has not used FP yet. */
u64 guest_fp_cptr(const struct guest *guest);
/* For guest.c, at EL2: save the host's SVE registers and trap SVE, unless it is trapped. */
void host_sve_park(void);
/* For the exception entry: true when the host used SVE and its registers are back. */
bool host_sve_unpark(void);
/* For guest-dispatch.c: true when the last exit was the trap of a lazy guest's first use. */
bool guest_fp_first_use(struct guest *guest);
void guest_fp_destroy(struct guest *guest);

/* fpsimd.S; @vl is the vector length in bytes, which ZCR_EL2 has in force. FPCR and FPSR alone. */
void sve_save(void *registers, u64 vl);
void sve_load(const void *registers, u64 vl);
u64 sve_vector_length(void);
void fp_control_save(struct fpsimd_state *state);
void fp_control_load(const struct fpsimd_state *state);

#endif
