/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <unistd.h>
#include "text.h"
#include "vm.h"

static const struct {
	const char *name;
	int capability;
} capabilities[] = {
	{ "EL2", KVM_CAP_ARM_EL2 },
	{ "EL2_E2H0", KVM_CAP_ARM_EL2_E2H0 },
	{ "IPA_BITS", KVM_CAP_ARM_VM_IPA_SIZE },
	{ "PMU", KVM_CAP_ARM_PMU_V3 },
	{ "PTRAUTH", KVM_CAP_ARM_PTRAUTH_ADDRESS },
	{ "SVE", KVM_CAP_ARM_SVE },
	{ "MTE", KVM_CAP_ARM_MTE },
	{ "AARCH32", KVM_CAP_ARM_EL1_32BIT },
	{ "MAX_VCPUS", KVM_CAP_MAX_VCPUS },
	{ "COALESCED_MMIO", KVM_CAP_COALESCED_MMIO },
	{ "READONLY_MEM", KVM_CAP_READONLY_MEM },
};

void print_capabilities(int kvm)
{
	struct line line = { 0 };

	for (unsigned int i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		line_add(&line, "vmm: capability ");
		line_add(&line, capabilities[i].name);
		line_add(&line, " ");
		line_add_decimal(&line, kvm_capability(kvm, capabilities[i].capability));
		line_write(&line, STDOUT_FILENO);
	}
}
