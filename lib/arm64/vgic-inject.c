/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injecting virtual interrupts. List registers are in the CPU that runs the guest: interrupts that
 * another CPU injects meanwhile wait in a queue.
 */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/guest-internal.h>
#include <asm/thread_info.h>
#include <asm/vgic.h>

/* Two list registers of one INTID are UNPREDICTABLE (IHI 0069, ICH_LR<n>_EL2.vINTID). */
static int choose_lr(const u64 *lrs, int nr, u32 intid)
{
	int free = -1;

	for (int i = nr - 1; i >= 0; i--) {
		if (vgic_lr_state(lrs[i]) == GIC_IRQ_STATE_INACTIVE)
			free = i;
		else if (vgic_lr_intid(lrs[i]) == intid)
			return i;
	}
	return free;
}

/*
 * True when @lr has to wait until the guest has ended the interrupt in @current: pending and active
 * is UNPREDICTABLE with a physical interrupt (IHI 0069, ICH_LR<n>_EL2.State; IHI 0048, 5.3.8).
 */
static bool must_wait(u64 current, u64 lr)
{
	return (vgic_lr_state(current) & GIC_IRQ_STATE_ACTIVE) &&
	       (vgic_lr_state(lr) & GIC_IRQ_STATE_PENDING) &&
	       (vgic_lr_has_hw(current) || vgic_lr_has_hw(lr));
}

static int put_lr(struct guest *guest, u64 lr)
{
	u64 *lrs = guest->vgic.lr;
	int i = choose_lr(lrs, vgic_nr_lrs(), vgic_lr_intid(lr));

	if (i < 0)
		return i;
	if (must_wait(lrs[i], lr))
		return VGIC_QUEUED;
	if (vgic_lr_state(lrs[i]) & GIC_IRQ_STATE_ACTIVE)
		lr |= vgic_lr_active();
	lrs[i] = lr;
	return i;
}

static int enqueue(struct vgic_queue *queue, u64 lr)
{
	int i = choose_lr(queue->lr, queue->count, vgic_lr_intid(lr));

	if (i < 0 && queue->count == VGIC_MAX_LRS)
		return -1;
	queue->lr[i < 0 ? queue->count++ : (unsigned int)i] = lr;
	return VGIC_QUEUED;
}

/*
 * Under the lock: a guest that no CPU runs has its registers in memory until load() has the lock.
 */
static int inject(struct guest *guest, u64 lr)
{
	struct thread_info *thread = smp_load_acquire(&guest->thread);
	bool remote = thread && thread != current_thread_info();
	int i = remote ? VGIC_QUEUED : put_lr(guest, lr);

	return i == VGIC_QUEUED ? enqueue(&guest->vgic_queue, lr) : i;
}

int guest_vgic_inject(struct guest *guest, const struct vgic_irq *irq)
{
	u64 daif = read_sysreg(daif);
	int i;

	assert_msg(guest->has_vgic, "guest_vgic_enable() comes first");
	assert_msg(!irq->hw_irq || irq->state != GIC_IRQ_STATE_ACTIVE_PENDING,
		   "INTID %u: pending and active is UNPREDICTABLE with hw_irq", irq->intid);
	/* A handler of an interrupt may inject as well. */
	daif_set(PSR_I_BIT | PSR_F_BIT);
	/* Not by a fault under the lock, which save() takes */
	if (guest->thread == current_thread_info() && !guest->regs_in_memory)
		guest_registers_to_memory(guest);
	spin_lock(&guest->vgic_queue.lock);
	i = inject(guest, vgic_make_lr(irq));
	spin_unlock(&guest->vgic_queue.lock);
	daif_restore(daif);
	return i;
}

void vgic_take_queued(struct guest *guest)
{
	struct vgic_queue *queue = &guest->vgic_queue;
	unsigned int left = 0;

	spin_lock(&queue->lock);
	for (unsigned int i = 0; i < queue->count; i++) {
		int lr = put_lr(guest, queue->lr[i]);

		if (lr < 0 || lr == VGIC_QUEUED)
			queue->lr[left++] = queue->lr[i];
	}
	queue->count = left;
	spin_unlock(&queue->lock);
}
