/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "console.h"
#include "report.h"
#include "text.h"
#include "vcpu.h"

/* For a vCPU to leave the kernel */
#define STOP_POLLS 2000
#define STOP_POLL_US 1000

static pthread_mutex_t access_lock = PTHREAD_MUTEX_INITIALIZER;

static void interrupted(int signal)
{
	(void)signal;
}

/* An error of KVM, or an exit that this VMM cannot handle. */
static void __attribute__((noreturn)) fail_cpu(struct vcpu *cpu, const char *what, uint64_t value)
{
	struct line line = { 0 };

	report_image(cpu->vm);
	report_cpu(cpu);
	line_add_decimal(&line, value);
	line.text[line.length] = 0;
	fail(EXIT_FAILED, "KVM_RUN", what, line.text);
}

/* As on real machines: an external abort. */
static void abort_access(struct vcpu *cpu, bool is_write, uint64_t address, unsigned int size)
{
	struct kvm_vcpu_events events = { .exception.ext_dabt_pending = 1 };

	pthread_mutex_lock(&access_lock);
	report_access(cpu, is_write, address, size);
	pthread_mutex_unlock(&access_lock);
	if (ioctl(cpu->fd, KVM_SET_VCPU_EVENTS, &events))
		fail_errno("KVM_SET_VCPU_EVENTS");
}

static void handle_mmio(struct vcpu *cpu)
{
	struct kvm_run *run = cpu->run;
	uint64_t value = 0;

	memcpy(&value, run->mmio.data, run->mmio.len);
	if (run->mmio.is_write && console_write(run->mmio.phys_addr, value))
		return;
	abort_access(cpu, run->mmio.is_write, run->mmio.phys_addr, run->mmio.len);
}

static void __attribute__((noreturn)) handle_system_event(struct vcpu *cpu)
{
	switch (cpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		end_run(EXIT_POWER_OFF, "power-off");
	case KVM_SYSTEM_EVENT_RESET:
		end_run(EXIT_POWER_OFF, "reset");
	default:
		fail_cpu(cpu, "reported system event ", cpu->run->system_event.type);
	}
}

static void handle_exit(struct vcpu *cpu)
{
	switch (cpu->run->exit_reason) {
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(cpu);
		break;
	case KVM_EXIT_ARM_NISV:
		/* Bit 6 of the syndrome is WnR; its size is not known. */
		abort_access(cpu, cpu->run->arm_nisv.esr_iss >> 6 & 1, cpu->run->arm_nisv.fault_ipa,
			     0);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(cpu);
	default:
		fail_cpu(cpu, "ended with exit reason ", cpu->run->exit_reason);
	}
}

static void stay_stopped(struct vcpu *cpu)
{
	report_cpu(cpu);
	cpu->stopped = true;
	for (;;)
		pause();
}

static void *run_vcpu(void *argument)
{
	struct vcpu *cpu = argument;

	for (;;) {
		int error = ioctl(cpu->fd, KVM_RUN, 0) ? errno : 0;

		console_drain();
		if (cpu->to_stop)
			stay_stopped(cpu);
		if (!error)
			handle_exit(cpu);
		else if (error != EINTR && error != EAGAIN)
			fail_cpu(cpu, "failed with error ", error);
	}
	return NULL;
}

void vcpus_start(struct vm *vm)
{
	struct sigaction action = { .sa_handler = interrupted };

	sigaction(SIGUSR1, &action, NULL);
	for (unsigned int i = 0; i < vm->options->smp; i++) {
		struct vcpu *cpu = &vm->cpus[i];
		int error = pthread_create(&cpu->thread, NULL, run_vcpu, cpu);

		if (error) {
			errno = error;
			fail_errno("the start of a thread");
		}
	}
}

static void stop(struct vcpu *cpu)
{
	cpu->to_stop = true;
	cpu->run->immediate_exit = 1; /* if it is not in the kernel yet */
	pthread_kill(cpu->thread, SIGUSR1);
	for (int i = 0; i < STOP_POLLS && !cpu->stopped; i++)
		usleep(STOP_POLL_US);
	if (!cpu->stopped)
		report_stuck(cpu);
}

/* One after the other, so that their reports do not mix. */
void vcpus_stop(struct vm *vm)
{
	report_image(vm);
	for (unsigned int i = 0; i < vm->options->smp; i++)
		stop(&vm->cpus[i]);
}
