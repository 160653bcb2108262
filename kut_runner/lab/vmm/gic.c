/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/ioctl.h>
#include "report.h"
#include "vm.h"

void set_attribute(int fd, uint32_t group, uint64_t attribute, const void *value, const char *what)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = attribute,
		.addr = (uintptr_t)value,
	};

	if (ioctl(fd, KVM_SET_DEVICE_ATTR, &attr))
		fail_errno(what);
}

static int create_device(struct vm *vm, uint32_t type, const char *what)
{
	struct kvm_create_device device = { .type = type };

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		fail_errno(what);
	return device.fd;
}

static void create_its(struct vm *vm)
{
	static const uint64_t base = ITS_BASE;
	int its = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS, "KVM_CREATE_DEVICE of the ITS");

	set_attribute(its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, &base,
		      "the address of the ITS");
	set_attribute(its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL,
		      "the initialization of the ITS");
}

void gic_create(struct vm *vm)
{
	static const uint64_t distributor = GICD_BASE, redistributors = GICR_BASE;
	static const uint32_t irqs = GIC_IRQS, maintenance = FIRST_PPI + MAINTENANCE_PPI;
	int gic = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3, "KVM_CREATE_DEVICE of the GICv3");

	set_attribute(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor,
		      "the address of the distributor");
	set_attribute(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributors,
		      "the address of the redistributors");
	set_attribute(gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs, "the number of interrupts");
	if (vm->options->el2)
		set_attribute(gic, KVM_DEV_ARM_VGIC_GRP_MAINT_IRQ, 0, &maintenance,
			      "the maintenance interrupt");
	set_attribute(gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL,
		      "the initialization of the GIC");
	if (vm->options->its)
		create_its(vm);
}
