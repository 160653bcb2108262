/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests: creating guests that must exist, and checks of their exits.
 *
 * The checks report for their callers, whose place a failure names. The message says what is
 * expected and what was found, both decoded:
 *
 *   write to a read-only page: expected stopped by handler, data abort from a lower EL: permission
 *   fault, IPA 0x1000; found guest returned 0
 */
#ifndef ASMARM64_GUEST_CHECK_H
#define ASMARM64_GUEST_CHECK_H

#include <libcflat.h>
#include <asm/esr.h>
#include <asm/guest.h>

/* A handler: every exit ends guest_run(). */
enum guest_handler_result guest_exit_always(struct guest *guest);

/* @guest, an expression that creates one. Where that fails the run ends with an assertion. */
#define guest_require(guest) __guest_require(SOURCE_PLACE, guest, #guest)
struct guest *__guest_require(const char *place, struct guest *guest, const char *expression);
/* guest_create() with pages of 4 KiB, required; @func is a function of any type. */
#define guest_create_4k(vmid, func) \
	guest_require(guest_create(vmid, (void (*)(void))(func), S2_PAGE_4K))

/* Expected end of a guest_run(). Only the members that the expectation sets are compared. */
struct guest_exit {
	enum guest_exit_reason reason;
	u64 esr, esr_mask; /* ESR_EL2, in the bits of the mask */
	bool has_ipa, has_value;
	u64 ipa; /* the address that faulted at stage 2 */
	u64 value; /* what the guest's function returned */
};

#define ESR_ELx_EC_BITS ((u64)ESR_ELx_EC_MASK << ESR_ELx_EC_SHIFT)

#define EXPECT_REASON(why) ((struct guest_exit){ .reason = (why) })
#define EXPECT_RETURN(result) \
	((struct guest_exit){ .reason = GUEST_EXIT_RETURNED, .has_value = true, .value = (result) })
/* The others end in a handler. @iss counts in the bits of @mask; 0 is the class alone. */
#define EXPECT_SYNDROME(ec, iss, mask)                        \
	((struct guest_exit){                                 \
		.reason = GUEST_EXIT_HANDLER,                 \
		.esr = (u64)(ec) << ESR_ELx_EC_SHIFT | (iss), \
		.esr_mask = ESR_ELx_EC_BITS | (mask),         \
	})
#define EXPECT_CLASS(ec) EXPECT_SYNDROME(ec, 0, 0)
/* @type: ESR_ELx_FSC_FAULT, _ACCESS or _PERM, at any level. */
#define EXPECT_ABORT(ec, type, address)                         \
	((struct guest_exit){                                   \
		.reason = GUEST_EXIT_HANDLER,                   \
		.esr = (u64)(ec) << ESR_ELx_EC_SHIFT | (type),  \
		.esr_mask = ESR_ELx_EC_BITS | ESR_ELx_FSC_TYPE, \
		.has_ipa = true,                                \
		.ipa = (address),                               \
	})
/* A trapped MRS or MSR of S<op0>_<op1>_C<crn>_C<crm>_<op2>, with any general-purpose register. */
#define EXPECT_MRS(op0, op1, crn, crm, op2)                                                  \
	EXPECT_SYNDROME(ESR_ELx_EC_SYS64,                                                    \
			ESR_ELx_SYS64_ISS(op0, op1, crn, crm, op2) | ESR_ELx_SYS64_ISS_READ, \
			ESR_ELx_SYS64_ISS_REGISTER | ESR_ELx_SYS64_ISS_READ)
#define EXPECT_MSR(op0, op1, crn, crm, op2)                                           \
	EXPECT_SYNDROME(ESR_ELx_EC_SYS64, ESR_ELx_SYS64_ISS(op0, op1, crn, crm, op2), \
			ESR_ELx_SYS64_ISS_REGISTER | ESR_ELx_SYS64_ISS_READ)

/*
 * guest_check_exit(guest, EXPECT_...(), fmt, ...) reports whether the last guest_run() ended as
 * expected; guest_check_run() runs the guest before it. Both return the check's result.
 */
#define guest_check_exit(guest, expected, ...) \
	__guest_check_exit(SOURCE_PLACE, guest, &(expected), __VA_ARGS__)
#define guest_check_run(guest, expected, ...) \
	__guest_check_run(SOURCE_PLACE, guest, &(expected), __VA_ARGS__)
bool __guest_check_exit(const char *place, const struct guest *guest,
			const struct guest_exit *expected, const char *fmt, ...) __printf(4, 5);
bool __guest_check_run(const char *place, struct guest *guest, const struct guest_exit *expected,
		       const char *fmt, ...) __printf(4, 5);

#endif
