/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a run. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/console.h>
#include <asm/psci.h>
#include <asm/virtio-testdev.h>

void exit(int code)
{
	console_start_line();
	printf("EXIT: STATUS=%d\n", (code << 1) | 1);
	virtio_testdev_exit(code);
	psci_system_off();
	for (;;)
		wfi();
}
