/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kut-vmm: boots a raw arm64 image on /dev/kvm as QEMU's `virt` machine would, with EL2 (nested
 * virtualization) or without. It needs nothing but the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "console.h"
#include "options.h"
#include "report.h"
#include "vcpu.h"
#include "vm.h"

/* Between looks at the output of an image that does not exit, and at requests */
#define POLL_US 500000

static struct options options;
static struct vm vm;

/* The file with requests, -1 without one. */
static int open_control(void)
{
	int fd = -1;

	if (options.control) {
		fd = open(options.control, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			fail(EXIT_USAGE, options.control, "cannot be opened: ", strerror(errno));
	}
	return fd;
}

/* A port of a virtio console ends and begins again with the connection of its host. */
static void wait_for_request(int control)
{
	char byte;

	do {
		usleep(POLL_US);
		console_drain();
	} while (control < 0 || read(control, &byte, 1) != 1);
}

int main(int argc, char **argv)
{
	int control;

	parse_options(&options, argc, argv);
	control = open_control();
	vm_create(&vm, &options);
	vm_load(&vm);
	vcpus_start(&vm);
	wait_for_request(control);
	vcpus_stop(&vm);
	end_run(EXIT_STOPPED, "stopped");
}
