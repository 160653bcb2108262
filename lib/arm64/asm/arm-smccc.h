/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to firmware or a hypervisor (SMC Calling Convention, Arm DEN0028). */
#ifndef ASMARM64_ARM_SMCCC_H
#define ASMARM64_ARM_SMCCC_H

struct smccc_result {
	unsigned long r0, r1, r2, r3, r4, r5, r6, r7, r8, r9;
};

/*
 * Call @function_id with x1..x11 = @arg0..@arg10. Returns the low half of x0; x0..x9 end in @result
 * unless it is NULL.
 */
typedef int (*smccc_invoke_fn)(unsigned long function_id, unsigned long arg0, unsigned long arg1,
			       unsigned long arg2, unsigned long arg3, unsigned long arg4,
			       unsigned long arg5, unsigned long arg6, unsigned long arg7,
			       unsigned long arg8, unsigned long arg9, unsigned long arg10,
			       struct smccc_result *result);
int arm_smccc_hvc(unsigned long function_id, unsigned long arg0, unsigned long arg1,
		  unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5,
		  unsigned long arg6, unsigned long arg7, unsigned long arg8, unsigned long arg9,
		  unsigned long arg10, struct smccc_result *result);
int arm_smccc_smc(unsigned long function_id, unsigned long arg0, unsigned long arg1,
		  unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5,
		  unsigned long arg6, unsigned long arg7, unsigned long arg8, unsigned long arg9,
		  unsigned long arg10, struct smccc_result *result);

#endif
