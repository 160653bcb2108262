/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a run. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/console.h>
#include <asm/guest-call.h>
#include <asm/mmu.h>
#include <asm/psci.h>
#include <asm/smp.h>
#include <asm/virtio-testdev.h>

void smp_claim_end(void)
{
	static int owner; /* its number + 1 */
	int nobody = 0, me = smp_processor_id() + 1;

	/* With the MMU off exclusives may not work; that is one CPU's business. */
	if (!mmu_enabled() ||
	    __atomic_compare_exchange_n(&owner, &nobody, me, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE) ||
	    nobody == me) {
		console_claim();
		return;
	}
	console_give_up();
	halt();
}

void exit(int code)
{
	if (in_guest())
		guest_call(GUEST_CALL_EXIT, code, 0, 0);
	smp_claim_end();
	printf_line("EXIT: STATUS=%d\n", (code << 1) | 1);
	virtio_testdev_exit(code);
	psci_system_off();
	for (;;)
		wfi();
}
