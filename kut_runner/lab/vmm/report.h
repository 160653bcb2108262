/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports on stderr, one line each, for people and for kut's diagnosis:
 *
 *	vmm: end power-off				as below
 *	vmm: error TEXT
 *	vmm: image ADDRESS				before reports of vCPUs
 *	vmm: access CPU read|write ADDRESS SIZE PC	to an address without memory or device
 *	vmm: cpu CPU state running|off|stuck
 *	vmm: cpu CPU NAME=VALUE...			registers, by name
 *	vmm: cpu CPU before VALUE			the instruction before PC
 *	vmm: cpu CPU stack ADDRESS...			return addresses, innermost first
 *
 * CPU and SIZE are decimal, the others hex with "0x". "stuck" is a vCPU that does not leave the
 * kernel, whose registers cannot be read. A VMM that ends in order prints exactly one "end" or
 * "error" line, the last one.
 */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "vm.h"

enum exit_status {
	EXIT_POWER_OFF = 0,
	EXIT_USAGE = 2,
	EXIT_LACKING = 77, /* KVM lacks something that was asked for */
	EXIT_STOPPED = 124,
	EXIT_FAILED = 125,
};

/* End the process at once, without a report. */
void exit_now(enum exit_status status) __attribute__((noreturn));
/* End the process with the error "@what @text@more". */
void fail(enum exit_status status, const char *what, const char *text, const char *more)
	__attribute__((noreturn));
/* End the process with the error "@what failed: " and the reason in errno. */
void fail_errno(const char *what) __attribute__((noreturn));
/*
 * End the run in order: print the rest of the output, and "end @why". Only the first call of any
 * thread reports; the others wait for its exit.
 */
void end_run(enum exit_status status, const char *why) __attribute__((noreturn));

/* Report an access of @cpu that no memory and no device answers. */
void report_access(struct vcpu *cpu, bool is_write, uint64_t address, unsigned int size);
/* Report where the image is. */
void report_image(const struct vm *vm);
/* Report the state and the registers of @cpu, from its own thread or while it is stopped. */
void report_cpu(struct vcpu *cpu);
/* Report a vCPU that did not leave the kernel. */
void report_stuck(struct vcpu *cpu);

#endif
