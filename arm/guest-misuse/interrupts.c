/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Misuse of virtual interrupts. */
#include <libcflat.h>
#include <asm/thread_info.h>
#include <asm/vgic.h>
#include "misuse.h"

#define AN_INTID 40

/* None that guest_create() made */
static struct guest without_vgic, with_vgic = { .has_vgic = true }, running;
static struct thread_info another;

static void inject_early(void)
{
	guest_inject_irq(&without_vgic, AN_INTID);
}

static void inject_pending_and_active(void)
{
	const struct vgic_irq irq = { .intid = AN_INTID,
				      .group = 1,
				      .state = GIC_IRQ_STATE_ACTIVE_PENDING,
				      .hw_irq = AN_INTID };

	guest_vgic_inject(&with_vgic, &irq);
}

static void inject_serror_elsewhere(void)
{
	running.thread = &another;
	guest_inject_serror(&running, 0);
}

void test_misuse_of_interrupts(void)
{
	static const struct misuse misuses[] = {
		{ "guest_inject_irq() of a guest without vGIC", inject_early,
		  "guest_vgic_enable() comes first" },
		{ "hw_irq of an interrupt that is pending and active", inject_pending_and_active,
		  "pending and active is UNPREDICTABLE" },
		{ "guest_inject_serror() while another CPU runs the guest", inject_serror_elsewhere,
		  "another CPU runs the guest" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}
