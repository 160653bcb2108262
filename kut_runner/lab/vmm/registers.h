/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of a vCPU, by KVM_GET_ONE_REG and KVM_SET_ONE_REG. */
#ifndef VMM_REGISTERS_H
#define VMM_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>

/* A member of struct kvm_regs with 64 bits. */
#define CORE_REGISTER(member) \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))

/* A register of a report. */
struct register_name {
	const char *name;
	uint64_t id;
};

/* What a report has of each vCPU beside x0 to x30, by exception level. */
extern const struct register_name core_registers[], el1_registers[], el2_registers[];
extern const size_t nr_core_registers, nr_el1_registers, nr_el2_registers;

/* Read register @id of vCPU @fd; false if KVM does not offer it. */
bool get_register(int fd, uint64_t id, uint64_t *value);
/* Write it; false on an error, for which errno has the reason. */
bool set_register(int fd, uint64_t id, uint64_t value);
/* Id of general-purpose register x@number. */
uint64_t general_register(unsigned int number);
/* Id of an AArch64 ID register by its name, 0 for an unknown one. */
uint64_t id_register(const char *name);

#endif
