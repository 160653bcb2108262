/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "console.h"
#include "registers.h"
#include "report.h"
#include "vm.h"

#define SLOT 0

int kvm_capability(int kvm, int capability)
{
	int value = ioctl(kvm, KVM_CHECK_EXTENSION, capability);

	return value > 0 ? value : 0;
}

void *vm_memory(struct vm *vm, uint64_t address, uint64_t size)
{
	uint64_t offset = address - RAM_BASE;

	if (size > vm->ram_size || offset > vm->ram_size - size)
		return NULL;
	return vm->ram + offset;
}

static void check_capabilities(const struct vm *vm)
{
	const struct options *options = vm->options;

	if (options->el2 && !kvm_capability(vm->kvm, KVM_CAP_ARM_EL2))
		fail(EXIT_LACKING, "this KVM", "offers no EL2 (KVM_CAP_ARM_EL2)", "");
	if (options->e2h0 && !kvm_capability(vm->kvm, KVM_CAP_ARM_EL2_E2H0))
		fail(EXIT_LACKING, "this KVM", "offers no EL2 without VHE (KVM_CAP_ARM_EL2_E2H0)",
		     "");
	if (options->sve && !kvm_capability(vm->kvm, KVM_CAP_ARM_SVE))
		fail(EXIT_LACKING, "this KVM", "offers no SVE (KVM_CAP_ARM_SVE)", "");
	if (options->smp > (unsigned int)kvm_capability(vm->kvm, KVM_CAP_MAX_VCPUS))
		fail(EXIT_LACKING, "this KVM", "offers fewer CPUs (KVM_CAP_MAX_VCPUS)", "");
}

static void create_memory(struct vm *vm)
{
	struct kvm_userspace_memory_region region = {
		.slot = SLOT,
		.guest_phys_addr = RAM_BASE,
	};

	vm->ram_size = vm->options->memory << 20;
	vm->ram = mmap(NULL, vm->ram_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram == MAP_FAILED)
		fail_errno("mmap of the guest's memory");
	region.memory_size = vm->ram_size;
	region.userspace_addr = (uintptr_t)vm->ram;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		fail_errno("KVM_SET_USER_MEMORY_REGION");
}

static void create_cpus(struct vm *vm)
{
	int size = ioctl(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	for (unsigned int i = 0; i < vm->options->smp; i++) {
		struct vcpu *cpu = &vm->cpus[i];

		cpu->vm = vm;
		cpu->number = i;
		cpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, i);
		if (cpu->fd < 0)
			fail_errno("KVM_CREATE_VCPU");
		cpu->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
		if (cpu->run == MAP_FAILED)
			fail_errno("mmap of a vCPU");
	}
}

static void add_feature(struct kvm_vcpu_init *init, unsigned int feature)
{
	init->features[feature / 32] |= 1U << feature % 32;
}

static struct kvm_vcpu_init features(const struct vm *vm)
{
	const struct options *options = vm->options;
	struct kvm_vcpu_init init = { 0 };

	if (ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init))
		fail_errno("KVM_ARM_PREFERRED_TARGET");
	add_feature(&init, KVM_ARM_VCPU_PSCI_0_2);
	if (options->pmu)
		add_feature(&init, KVM_ARM_VCPU_PMU_V3);
	if (options->pauth && kvm_capability(vm->kvm, KVM_CAP_ARM_PTRAUTH_ADDRESS)) {
		add_feature(&init, KVM_ARM_VCPU_PTRAUTH_ADDRESS);
		add_feature(&init, KVM_ARM_VCPU_PTRAUTH_GENERIC);
	}
	if (options->sve)
		add_feature(&init, KVM_ARM_VCPU_SVE);
	if (options->el2)
		add_feature(&init, KVM_ARM_VCPU_HAS_EL2);
	if (options->e2h0)
		add_feature(&init, KVM_ARM_VCPU_HAS_EL2_E2H0);
	return init;
}

static void set_id_field(const struct vcpu *cpu, const struct id_field *field)
{
	uint64_t value;

	if (!get_register(cpu->fd, field->id, &value))
		fail_errno(field->name);
	value &= ~(0xfULL << field->lsb);
	value |= (uint64_t)field->value << field->lsb;
	if (!set_register(cpu->fd, field->id, value))
		fail(EXIT_LACKING, "this KVM", "does not take this field of ", field->name);
}

static void initialize_cpus(struct vm *vm)
{
	const struct options *options = vm->options;
	static const int sve = KVM_ARM_VCPU_SVE;

	for (unsigned int i = 0; i < options->smp; i++) {
		const struct vcpu *cpu = &vm->cpus[i];
		struct kvm_vcpu_init init = features(vm);

		if (i)
			add_feature(&init, KVM_ARM_VCPU_POWER_OFF);
		if (ioctl(cpu->fd, KVM_ARM_VCPU_INIT, &init))
			fail_errno("KVM_ARM_VCPU_INIT");
		for (unsigned int k = 0; !i && k < options->nr_id_fields; k++)
			set_id_field(cpu, &options->id_fields[k]);
		if (options->sve && ioctl(cpu->fd, KVM_ARM_VCPU_FINALIZE, &sve))
			fail_errno("KVM_ARM_VCPU_FINALIZE");
	}
}

static void create_pmus(struct vm *vm)
{
	static const int irq = FIRST_PPI + PMU_PPI;

	for (unsigned int i = 0; i < vm->options->smp; i++) {
		set_attribute(vm->cpus[i].fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ,
			      &irq, "the interrupt of the PMU");
		set_attribute(vm->cpus[i].fd, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT,
			      NULL, "the initialization of the PMU");
	}
}

/* Accesses that KVM cannot describe exit too; without it they are an error of KVM_RUN. */
static void ask_for_all_accesses(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };

	if (kvm_capability(vm->kvm, KVM_CAP_ARM_NISV_TO_USER) &&
	    ioctl(vm->fd, KVM_ENABLE_CAP, &cap))
		fail_errno("KVM_ENABLE_CAP of KVM_CAP_ARM_NISV_TO_USER");
}

static void open_kvm(struct vm *vm)
{
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		fail(EXIT_LACKING, "/dev/kvm", "cannot be opened: ", strerror(errno));
}

void vm_create(struct vm *vm, const struct options *options)
{
	vm->options = options;
	open_kvm(vm);
	if (options->capabilities) {
		print_capabilities(vm->kvm);
		exit_now(EXIT_POWER_OFF);
	}
	check_capabilities(vm);
	vm->fd = ioctl(vm->kvm, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		fail_errno("KVM_CREATE_VM");
	ask_for_all_accesses(vm);
	create_memory(vm);
	create_cpus(vm);
	console_create(vm);
	initialize_cpus(vm);
	gic_create(vm);
	if (options->pmu)
		create_pmus(vm);
}
