/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machine: QEMU's `virt` as far as the images use it, on KVM. */
#ifndef VMM_VM_H
#define VMM_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>
#include "options.h"

#define MAX_CPUS 64

/* Addresses and interrupts of QEMU's `virt` */
#define GICD_BASE 0x08000000ULL
#define GICD_SIZE 0x10000ULL
#define ITS_BASE 0x08080000ULL
#define ITS_SIZE 0x20000ULL
#define GICR_BASE 0x080a0000ULL
#define GICR_SIZE 0x20000ULL /* of one CPU */
#define UART_BASE 0x09000000ULL
#define UART_SIZE 0x1000ULL
#define UART_SPI 1
#define RAM_BASE 0x40000000ULL
#define GIC_IRQS 288
#define FIRST_PPI 16
#define MAINTENANCE_PPI 9
#define PMU_PPI 7

struct vcpu {
	struct vm *vm;
	unsigned int number;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	atomic_bool to_stop; /* it is to leave the guest and to stay out */
	atomic_bool stopped; /* it has */
};

struct vm {
	const struct options *options;
	int kvm, fd;
	struct vcpu cpus[MAX_CPUS];
	uint8_t *ram;
	uint64_t ram_size;
	uint64_t image; /* address of its first byte */
};

/* Create the machine, with all vCPUs and devices. Ends the process on an error. */
void vm_create(struct vm *vm, const struct options *options);
/* Load image, initrd and device tree, and set the registers of the boot CPU. Ends on an error. */
void vm_load(struct vm *vm);

/* The memory of the guest at [@address, @address + @size), NULL if it is not all RAM. */
void *vm_memory(struct vm *vm, uint64_t address, uint64_t size);

/* Create the GIC and, unless left out, the ITS; the vCPUs exist. Ends the process on an error. */
void gic_create(struct vm *vm);

/* Write the device tree for the machine to @buffer; returns its size, 0 if it does not fit. */
size_t machine_fdt(const struct vm *vm, uint64_t initrd, uint64_t initrd_size, void *buffer,
		   size_t size);

/* Check extension @capability of KVM: 0 for no, else its value. */
int kvm_capability(int kvm, int capability);
/* Print what KVM offers, a line each. */
void print_capabilities(int kvm);

/* Set attribute @attribute of @group on a device or vCPU; ends the process on an error. */
void set_attribute(int fd, uint32_t group, uint64_t attribute, const void *value, const char *what);

#endif
