/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "console.h"
#include "registers.h"
#include "report.h"
#include "text.h"

#define PER_LINE 6
#define MAX_FRAMES 64
#define PSTATE_EL_SHIFT 2
#define PSTATE_EL_MASK 3
#define HCR_VM 1

static pthread_mutex_t end_lock = PTHREAD_MUTEX_INITIALIZER;

static void begin(struct line *line, const char *kind)
{
	*line = (struct line){ 0 };
	line_add(line, "vmm: ");
	line_add(line, kind);
	line_add(line, " ");
}

static void begin_cpu(struct line *line, const struct vcpu *cpu, const char *what)
{
	begin(line, "cpu");
	line_add_decimal(line, cpu->number);
	line_add(line, what);
}

void exit_now(enum exit_status status)
{
	_exit(status);
}

void fail(enum exit_status status, const char *what, const char *text, const char *more)
{
	struct line line;

	pthread_mutex_lock(&end_lock);
	console_drain();
	begin(&line, "error");
	line_add(&line, what);
	line_add(&line, " ");
	line_add(&line, text);
	line_add(&line, more);
	line_write(&line, STDERR_FILENO);
	exit_now(status);
}

void fail_errno(const char *what)
{
	fail(EXIT_FAILED, what, "failed: ", strerror(errno));
}

void end_run(enum exit_status status, const char *why)
{
	struct line line;

	pthread_mutex_lock(&end_lock);
	console_drain();
	begin(&line, "end");
	line_add(&line, why);
	line_write(&line, STDERR_FILENO);
	exit_now(status);
}

void report_access(struct vcpu *cpu, bool is_write, uint64_t address, unsigned int size)
{
	struct line line;
	uint64_t pc = 0;

	get_register(cpu->fd, CORE_REGISTER(regs.pc), &pc);
	begin(&line, "access");
	line_add_decimal(&line, cpu->number);
	line_add(&line, is_write ? " write " : " read ");
	line_add_hex(&line, address);
	line_add(&line, " ");
	line_add_decimal(&line, size);
	line_add(&line, " ");
	line_add_hex(&line, pc);
	line_write(&line, STDERR_FILENO);
}

void report_image(const struct vm *vm)
{
	struct line line;

	begin(&line, "image");
	line_add_hex(&line, vm->image);
	line_write(&line, STDERR_FILENO);
}

void report_stuck(struct vcpu *cpu)
{
	struct line line;

	begin_cpu(&line, cpu, " state stuck");
	line_write(&line, STDERR_FILENO);
}

static bool is_off(const struct vcpu *cpu)
{
	struct kvm_mp_state state;

	return !ioctl(cpu->fd, KVM_GET_MP_STATE, &state) && state.mp_state == KVM_MP_STATE_STOPPED;
}

static void report_registers(struct vcpu *cpu, const struct register_name *names, size_t count)
{
	struct line line;
	unsigned int shown = 0;
	uint64_t value;

	for (size_t i = 0; i < count; i++) {
		if (!get_register(cpu->fd, names[i].id, &value))
			continue;
		if (!shown)
			begin_cpu(&line, cpu, "");
		line_add(&line, " ");
		line_add(&line, names[i].name);
		line_add(&line, "=");
		line_add_hex(&line, value);
		if (++shown == PER_LINE) {
			line_write(&line, STDERR_FILENO);
			shown = 0;
		}
	}
	if (shown)
		line_write(&line, STDERR_FILENO);
}

static void report_general_registers(struct vcpu *cpu)
{
	static const char digits[] = "0123456789";
	struct register_name names[31];
	char text[31][4];

	for (unsigned int i = 0; i < 31; i++) {
		char *p = text[i];

		*p++ = 'x';
		if (i >= 10)
			*p++ = digits[i / 10];
		*p++ = digits[i % 10];
		*p = 0;
		names[i] = (struct register_name){ text[i], general_register(i) };
	}
	report_registers(cpu, names, 31);
}

static void report_before(struct vcpu *cpu, uint64_t pc)
{
	const uint32_t *code = vm_memory(cpu->vm, pc - sizeof(*code), sizeof(*code));
	struct line line;

	if (!code || pc % sizeof(*code))
		return;
	begin_cpu(&line, cpu, " before ");
	line_add_hex(&line, *code);
	line_write(&line, STDERR_FILENO);
}

/* Frame records (AAPCS64, 6.4.6) from x29, each higher up than the one before. */
static void report_stack(struct vcpu *cpu)
{
	struct line line;
	uint64_t frame = 0;

	get_register(cpu->fd, general_register(29), &frame);
	begin_cpu(&line, cpu, " stack");
	for (int i = 0; i < MAX_FRAMES; i++) {
		const uint64_t *record = vm_memory(cpu->vm, frame, 2 * sizeof(*record));

		if (!record || frame % sizeof(*record))
			break;
		if (record[1]) {
			line_add(&line, " ");
			line_add_hex(&line, record[1]);
		}
		if (record[0] <= frame)
			break;
		frame = record[0];
	}
	line_write(&line, STDERR_FILENO);
}

/*
 * Whether virtual addresses are those of memory: images map it one to one, and the guests of an
 * image run behind a stage 2.
 */
static bool is_mapped_one_to_one(struct vcpu *cpu)
{
	uint64_t pstate = 0, hcr = 0;

	get_register(cpu->fd, CORE_REGISTER(regs.pstate), &pstate);
	if (!cpu->vm->options->el2 || (pstate >> PSTATE_EL_SHIFT & PSTATE_EL_MASK) == 2)
		return true;
	return get_register(cpu->fd, ARM64_SYS_REG(3, 4, 1, 1, 0), &hcr) && !(hcr & HCR_VM);
}

void report_cpu(struct vcpu *cpu)
{
	struct line line;
	uint64_t pc = 0;

	begin_cpu(&line, cpu, is_off(cpu) ? " state off" : " state running");
	line_write(&line, STDERR_FILENO);
	report_registers(cpu, core_registers, nr_core_registers);
	report_general_registers(cpu);
	if (cpu->vm->options->el2)
		report_registers(cpu, el2_registers, nr_el2_registers);
	report_registers(cpu, el1_registers, nr_el1_registers);
	if (is_mapped_one_to_one(cpu)) {
		get_register(cpu->fd, CORE_REGISTER(regs.pc), &pc);
		report_before(cpu, pc);
		report_stack(cpu);
	}
}
