/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <sys/ioctl.h>
#include "registers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Encodings: DDI 0487, D24 */
const struct register_name core_registers[] = {
	{ "pc", CORE_REGISTER(regs.pc) },      { "pstate", CORE_REGISTER(regs.pstate) },
	{ "SP_EL0", CORE_REGISTER(regs.sp) },  { "SP_EL1", CORE_REGISTER(sp_el1) },
	{ "ELR_EL1", CORE_REGISTER(elr_el1) }, { "SPSR_EL1", CORE_REGISTER(spsr[KVM_SPSR_EL1]) },
};

const struct register_name el1_registers[] = {
	{ "ESR_EL1", ARM64_SYS_REG(3, 0, 5, 2, 0) },
	{ "FAR_EL1", ARM64_SYS_REG(3, 0, 6, 0, 0) },
	{ "VBAR_EL1", ARM64_SYS_REG(3, 0, 12, 0, 0) },
	{ "SCTLR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 0) },
	{ "TCR_EL1", ARM64_SYS_REG(3, 0, 2, 0, 2) },
	{ "TTBR0_EL1", ARM64_SYS_REG(3, 0, 2, 0, 0) },
	{ "TTBR1_EL1", ARM64_SYS_REG(3, 0, 2, 0, 1) },
	{ "MAIR_EL1", ARM64_SYS_REG(3, 0, 10, 2, 0) },
	{ "CPACR_EL1", ARM64_SYS_REG(3, 0, 1, 0, 2) },
	{ "TPIDR_EL1", ARM64_SYS_REG(3, 0, 13, 0, 4) },
};

const struct register_name el2_registers[] = {
	{ "HCR_EL2", ARM64_SYS_REG(3, 4, 1, 1, 0) },
	{ "ESR_EL2", ARM64_SYS_REG(3, 4, 5, 2, 0) },
	{ "ELR_EL2", ARM64_SYS_REG(3, 4, 4, 0, 1) },
	{ "SPSR_EL2", ARM64_SYS_REG(3, 4, 4, 0, 0) },
	{ "FAR_EL2", ARM64_SYS_REG(3, 4, 6, 0, 0) },
	{ "HPFAR_EL2", ARM64_SYS_REG(3, 4, 6, 0, 4) },
	{ "VBAR_EL2", ARM64_SYS_REG(3, 4, 12, 0, 0) },
	{ "SP_EL2", ARM64_SYS_REG(3, 6, 4, 1, 0) },
	{ "SCTLR_EL2", ARM64_SYS_REG(3, 4, 1, 0, 0) },
	{ "TCR_EL2", ARM64_SYS_REG(3, 4, 2, 0, 2) },
	{ "TTBR0_EL2", ARM64_SYS_REG(3, 4, 2, 0, 0) },
	{ "VTCR_EL2", ARM64_SYS_REG(3, 4, 2, 1, 2) },
	{ "VTTBR_EL2", ARM64_SYS_REG(3, 4, 2, 1, 0) },
	{ "CPTR_EL2", ARM64_SYS_REG(3, 4, 1, 1, 2) },
	{ "MDCR_EL2", ARM64_SYS_REG(3, 4, 1, 1, 1) },
	{ "CNTHCTL_EL2", ARM64_SYS_REG(3, 4, 14, 1, 0) },
	{ "HCRX_EL2", ARM64_SYS_REG(3, 4, 1, 2, 2) },
	{ "VNCR_EL2", ARM64_SYS_REG(3, 4, 2, 2, 0) },
	{ "TPIDR_EL2", ARM64_SYS_REG(3, 4, 13, 0, 2) },
};

const size_t nr_core_registers = COUNT(core_registers);
const size_t nr_el1_registers = COUNT(el1_registers);
const size_t nr_el2_registers = COUNT(el2_registers);

static const struct register_name id_registers[] = {
	{ "ID_AA64PFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 0) },
	{ "ID_AA64PFR1_EL1", ARM64_SYS_REG(3, 0, 0, 4, 1) },
	{ "ID_AA64PFR2_EL1", ARM64_SYS_REG(3, 0, 0, 4, 2) },
	{ "ID_AA64ZFR0_EL1", ARM64_SYS_REG(3, 0, 0, 4, 4) },
	{ "ID_AA64DFR0_EL1", ARM64_SYS_REG(3, 0, 0, 5, 0) },
	{ "ID_AA64DFR1_EL1", ARM64_SYS_REG(3, 0, 0, 5, 1) },
	{ "ID_AA64ISAR0_EL1", ARM64_SYS_REG(3, 0, 0, 6, 0) },
	{ "ID_AA64ISAR1_EL1", ARM64_SYS_REG(3, 0, 0, 6, 1) },
	{ "ID_AA64ISAR2_EL1", ARM64_SYS_REG(3, 0, 0, 6, 2) },
	{ "ID_AA64ISAR3_EL1", ARM64_SYS_REG(3, 0, 0, 6, 3) },
	{ "ID_AA64MMFR0_EL1", ARM64_SYS_REG(3, 0, 0, 7, 0) },
	{ "ID_AA64MMFR1_EL1", ARM64_SYS_REG(3, 0, 0, 7, 1) },
	{ "ID_AA64MMFR2_EL1", ARM64_SYS_REG(3, 0, 0, 7, 2) },
	{ "ID_AA64MMFR3_EL1", ARM64_SYS_REG(3, 0, 0, 7, 3) },
	{ "ID_AA64MMFR4_EL1", ARM64_SYS_REG(3, 0, 0, 7, 4) },
};

bool get_register(int fd, uint64_t id, uint64_t *value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)value };

	return !ioctl(fd, KVM_GET_ONE_REG, &reg);
}

bool set_register(int fd, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	return !ioctl(fd, KVM_SET_ONE_REG, &reg);
}

uint64_t general_register(unsigned int number)
{
	return CORE_REGISTER(regs.regs[0]) + number * (sizeof(uint64_t) / sizeof(uint32_t));
}

uint64_t id_register(const char *name)
{
	for (size_t i = 0; i < COUNT(id_registers); i++)
		if (!strcmp(name, id_registers[i].name))
			return id_registers[i].id;
	return 0;
}
