/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether code runs in a guest: the part of the calls to the host that guests run. */
#include <libcflat.h>
#include <vmalloc.h>
#include <asm/guest-call.h>
#include <asm/setup.h>
#include <asm/thread_info.h>
#include <asm/user.h>

static bool enabled;

void guest_call_enable(void)
{
	enabled = true;
}

/* The host's stacks are in the image's last section or in the vmalloc region, guests' nowhere. */
static bool on_host_stack(void)
{
	extern char boot_stack[];
	char *sp = (char *)current_stack_pointer;

	return (sp > boot_stack && sp <= _end) || vm_contains(sp);
}

bool in_guest(void)
{
	/* The probe is for code of the host on a stack of its own. */
	return enabled && !on_host_stack() && !is_user() && guest_call(GUEST_CALL_PROBE, 0, 0, 0);
}
