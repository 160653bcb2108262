/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device tree of the machine, with the nodes and properties of QEMU's `virt`. */
#include "fdt.h"
#include "registers.h"
#include "vm.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* Interrupt specifiers of the GIC: kind, number, flags */
#define LEVEL_HIGH 4
#define SPI(number) 0, number, LEVEL_HIGH
#define PPI(number) 1, number, LEVEL_HIGH
#define PHANDLE_GIC 1
#define PHANDLE_CLOCK 2
#define UART_CLOCK 24000000
#define MPIDR_AFFINITY 0xff00ffffffULL

static void add_chosen(struct fdt *fdt, const struct vm *vm, uint64_t initrd, uint64_t size)
{
	uint64_t end = initrd + size;

	fdt_begin_node(fdt, "chosen");
	fdt_string(fdt, "stdout-path", "/pl011@9000000");
	if (vm->options->args[0])
		fdt_string(fdt, "bootargs", vm->options->args);
	if (size) {
		fdt_numbers(fdt, "linux,initrd-start", &initrd, 1);
		fdt_numbers(fdt, "linux,initrd-end", &end, 1);
	}
	fdt_end_node(fdt);
}

static void add_memory(struct fdt *fdt, const struct vm *vm)
{
	const uint64_t reg[] = { RAM_BASE, vm->ram_size };

	fdt_begin_node_at(fdt, "memory", RAM_BASE);
	fdt_string(fdt, "device_type", "memory");
	fdt_numbers(fdt, "reg", reg, COUNT(reg));
	fdt_end_node(fdt);
}

/* MPIDR_EL1 of a vCPU, without the fields that are not part of its affinity. */
static uint64_t affinity(const struct vcpu *cpu)
{
	uint64_t mpidr = 0;

	get_register(cpu->fd, ARM64_SYS_REG(3, 0, 0, 0, 5), &mpidr);
	return mpidr & MPIDR_AFFINITY;
}

static void add_cpus(struct fdt *fdt, const struct vm *vm)
{
	fdt_begin_node(fdt, "cpus");
	fdt_cell(fdt, "#address-cells", 2);
	fdt_cell(fdt, "#size-cells", 0);
	for (unsigned int i = 0; i < vm->options->smp; i++) {
		uint64_t reg = affinity(&vm->cpus[i]);

		fdt_begin_node_at(fdt, "cpu", reg);
		fdt_string(fdt, "device_type", "cpu");
		fdt_string(fdt, "compatible", "arm,arm-v8");
		fdt_numbers(fdt, "reg", &reg, 1);
		if (vm->options->smp > 1)
			fdt_string(fdt, "enable-method", "psci");
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);
}

/* HVC of an image at EL2 is an exception to EL2 itself. */
static void add_psci(struct fdt *fdt, const struct vm *vm)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2\0arm,psci";

	fdt_begin_node(fdt, "psci");
	fdt_strings(fdt, "compatible", compatible, sizeof(compatible));
	fdt_string(fdt, "method", vm->options->el2 ? "smc" : "hvc");
	fdt_end_node(fdt);
}

static void add_gic(struct fdt *fdt, const struct vm *vm)
{
	static const uint32_t maintenance[] = { PPI(MAINTENANCE_PPI) };
	const uint64_t reg[] = { GICD_BASE, GICD_SIZE, GICR_BASE, GICR_SIZE * vm->options->smp };
	static const uint64_t its[] = { ITS_BASE, ITS_SIZE };

	fdt_begin_node_at(fdt, "intc", GICD_BASE);
	fdt_string(fdt, "compatible", "arm,gic-v3");
	fdt_cell(fdt, "phandle", PHANDLE_GIC);
	fdt_cell(fdt, "#interrupt-cells", 3);
	fdt_empty(fdt, "interrupt-controller");
	fdt_cell(fdt, "#address-cells", 2);
	fdt_cell(fdt, "#size-cells", 2);
	fdt_empty(fdt, "ranges");
	fdt_cell(fdt, "#redistributor-regions", 1);
	fdt_numbers(fdt, "reg", reg, COUNT(reg));
	if (vm->options->el2)
		fdt_cells(fdt, "interrupts", maintenance, COUNT(maintenance));
	if (vm->options->its) {
		fdt_begin_node_at(fdt, "its", ITS_BASE);
		fdt_string(fdt, "compatible", "arm,gic-v3-its");
		fdt_empty(fdt, "msi-controller");
		fdt_cell(fdt, "#msi-cells", 1);
		fdt_numbers(fdt, "reg", its, COUNT(its));
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);
}

/* In the order of the binding: secure, non-secure, virtual, EL2's physical, EL2's virtual. */
static void add_timer(struct fdt *fdt, const struct vm *vm)
{
	static const uint32_t interrupts[] = {
		PPI(13), PPI(14), PPI(11), PPI(10), PPI(12),
	};
	static const char compatible[] = "arm,armv8-timer\0arm,armv7-timer";
	bool has_vhe = vm->options->el2 && !vm->options->e2h0;

	fdt_begin_node(fdt, "timer");
	fdt_strings(fdt, "compatible", compatible, sizeof(compatible));
	fdt_empty(fdt, "always-on");
	fdt_cells(fdt, "interrupts", interrupts, COUNT(interrupts) - (has_vhe ? 0 : 3));
	fdt_end_node(fdt);
}

static void add_pmu(struct fdt *fdt)
{
	static const uint32_t interrupts[] = { PPI(PMU_PPI) };

	fdt_begin_node(fdt, "pmu");
	fdt_string(fdt, "compatible", "arm,armv8-pmuv3");
	fdt_cells(fdt, "interrupts", interrupts, COUNT(interrupts));
	fdt_end_node(fdt);
}

static void add_uart(struct fdt *fdt)
{
	static const uint64_t reg[] = { UART_BASE, UART_SIZE };
	static const uint32_t interrupts[] = { SPI(UART_SPI) };
	static const uint32_t clocks[] = { PHANDLE_CLOCK, PHANDLE_CLOCK };
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char names[] = "uartclk\0apb_pclk";

	fdt_begin_node_at(fdt, "pl011", UART_BASE);
	fdt_strings(fdt, "compatible", compatible, sizeof(compatible));
	fdt_numbers(fdt, "reg", reg, COUNT(reg));
	fdt_cells(fdt, "interrupts", interrupts, COUNT(interrupts));
	fdt_cells(fdt, "clocks", clocks, COUNT(clocks));
	fdt_strings(fdt, "clock-names", names, sizeof(names));
	fdt_end_node(fdt);

	fdt_begin_node(fdt, "apb-pclk");
	fdt_string(fdt, "compatible", "fixed-clock");
	fdt_cell(fdt, "#clock-cells", 0);
	fdt_cell(fdt, "clock-frequency", UART_CLOCK);
	fdt_cell(fdt, "phandle", PHANDLE_CLOCK);
	fdt_end_node(fdt);
}

size_t machine_fdt(const struct vm *vm, uint64_t initrd, uint64_t initrd_size, void *buffer,
		   size_t size)
{
	struct fdt fdt;

	fdt_begin(&fdt, buffer, size);
	fdt_begin_node(&fdt, "");
	fdt_string(&fdt, "compatible", "linux,dummy-virt");
	fdt_string(&fdt, "model", "linux,dummy-virt");
	fdt_cell(&fdt, "#address-cells", 2);
	fdt_cell(&fdt, "#size-cells", 2);
	fdt_cell(&fdt, "interrupt-parent", PHANDLE_GIC);
	add_chosen(&fdt, vm, initrd, initrd_size);
	add_memory(&fdt, vm);
	add_cpus(&fdt, vm);
	add_psci(&fdt, vm);
	add_gic(&fdt, vm);
	add_timer(&fdt, vm);
	if (vm->options->pmu)
		add_pmu(&fdt);
	add_uart(&fdt);
	fdt_end_node(&fdt);
	return fdt_end(&fdt);
}
