/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run of one vCPU on this CPU: its exits, and the host around it. */
#include <libcflat.h>
#include <errno.h>
#include <asm/deadline.h>
#include <asm/delay.h>
#include <asm/gic.h>
#include <asm/guest-fp.h>
#include <asm/processor.h>
#include <asm/timer.h>
#include <asm/vgic.h>
#include "soak.h"

#define AN_SGI 5
#define PENDING_MS 1000
#define RUN_MS 4000 /* what a run may take, on a slow machine too */

/* Interrupts and exceptions that the host has taken, for each CPU */
static struct {
	unsigned int sgis, brks;
	u64 deadline;
	bool expired;
} seen[MAX_CPUS];

/* It is on all the time: to set it on and off costs an emulator more than all else of a run. */
static void set_timer(u64 us)
{
	const struct timer *timer = timer_host();

	timer->write_cval(timer->read_counter() + usecs_to_cycles(us));
}

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar(), irq = gic_iar_irqnr(iar);
	int cpu = smp_processor_id();

	if (irq == AN_SGI) {
		seen[cpu].sgis++;
	} else if (irq == TIMER_HPTIMER_IRQ) {
		seen[cpu].expired = deadline_passed(seen[cpu].deadline);
		set_timer(RUN_MS * 1000);
	} else if (irq != WAKE_SGI && irq != GICC_INT_SPURIOUS) {
		soak_fail("interrupt of the host: expected an SGI or the timer, found INTID %u",
			  irq);
	}
	if (irq != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

static void take_brk(struct pt_regs *regs, unsigned int esr)
{
	seen[smp_processor_id()].brks++;
	regs->pc += 4;
}

void run_init(void)
{
	install_irq_handler(ELxH_IRQ, take_irq);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, take_brk);
	gic_enable_defaults();
	gic_enable_irq(TIMER_HPTIMER_IRQ);
	timer_start(timer_host(), RUN_MS * 1000);
}

void take_pending(void)
{
	local_irq_enable();
	isb(); /* what is pending is taken here */
	local_irq_disable();
}

/*
 * Exits
 */

static enum guest_handler_result broken(void)
{
	return GUEST_ACTION_EXIT;
}

/* Have an SGI pending: the guest does not get to its next instruction. */
static enum guest_handler_result send_interrupt(void)
{
	gic_ipi_send_single(AN_SGI, smp_processor_id());
	if (!wait_for(gic_irq_state(AN_SGI) == GIC_IRQ_STATE_PENDING, PENDING_MS))
		soak_fail("SGI %d after %d ms: expected pending, found %s", AN_SGI, PENDING_MS,
			  gic_irq_state_name(gic_irq_state(AN_SGI)));
	return GUEST_ACTION_RESUME;
}

static void raise_virtual(struct guest *guest, const struct vcpu *vcpu, const struct op *op)
{
	if (!vcpu->script.vgic)
		guest->hcr_el2 |= HCR_EL2_VI;
	else if (guest_inject_irq(guest, FIRST_INTID + op->salt % INTIDS) < 0)
		soak_fail("guest_inject_irq(): expected a list register, found none free");
}

/* Every other call accesses a register that is in the CPU. */
static enum guest_handler_result take_registers(struct guest *guest, struct vcpu *vcpu,
						const struct op *op)
{
	for (unsigned int n = 0; n < ARRAY_SIZE(op->regs); n++)
		if (guest->x[n] != op->regs[n])
			soak_fail("x%u of a call in the handler: expected %#lx, found %#lx", n,
				  op->regs[n], guest->x[n]);
	if (op->kind == OP_CALL && (op->salt & 1) && guest->tpidr_el0 != system_value(op->old, 0))
		soak_fail("TPIDR_EL0 in a handler: expected %#lx, found %#lx",
			  system_value(op->old, 0), guest->tpidr_el0);
	soak_transform(guest->x);
	return GUEST_ACTION_RESUME;
}

static void take_change(struct machine *machine, struct op *op)
{
	__spin_lock(&machine->lock);
	model_change(&machine->model, &op->change);
	op->result = change_tree(machine, &op->change);
	__spin_unlock(&machine->lock);
}

/* The op that the guest has stored as its current one. */
static struct op *current_op(struct vcpu *vcpu)
{
	u64 at = vcpu->script.at;

	return at >= vcpu->next && at < vcpu->until ? &vcpu->script.ops[at] : NULL;
}

static enum guest_handler_result on_call(struct guest *guest, struct vcpu *vcpu, unsigned int call)
{
	struct op *op = current_op(vcpu);

	if (call == CALL_END)
		return GUEST_ACTION_EXIT;
	if (call == CALL_UNEXPECTED || !op) {
		soak_fail("op %lu: expected a call of the script, found call %u, ESR_EL1 %#lx",
			  vcpu->script.at, call, vcpu->script.unexpected);
		return broken();
	}
	switch (call) {
	case CALL_REGISTERS:
		return take_registers(guest, vcpu, op);
	case CALL_TREE:
		take_change(vcpu->machine, op);
		break;
	case CALL_VIRTUAL:
		raise_virtual(guest, vcpu, op);
		break;
	case CALL_TAKEN:
		guest->hcr_el2 &= ~HCR_EL2_VI;
		break;
	case CALL_PHYSICAL:
		return send_interrupt();
	default:
		return GUEST_ACTION_EXIT;
	}
	return GUEST_ACTION_RESUME;
}

/*
 * vCPUs that run at once may map one page together: the second gets -EEXIST. All other changes are
 * one at a time.
 */
static void answer(struct vcpu *vcpu, u32 page, bool write, u64 salt)
{
	struct machine *machine = vcpu->machine;
	struct change change;
	bool together;
	int err;

	__spin_lock(&machine->lock);
	change = answer_fault(machine, &machine->model, page, write, salt);
	together = machine->shared && change.kind == CHANGE_MAP;
	if (together)
		__spin_unlock(&machine->lock);
	err = change_tree(machine, &change);
	if (together)
		__spin_lock(&machine->lock);
	if (err && !(together && err == -EEXIST))
		soak_fail("change of the page tables on a fault on page %#x: expected 0, found %d",
			  page, err);
	if (!err || !together)
		model_change(&machine->model, &change);
	__spin_unlock(&machine->lock);
}

static unsigned int expected_fault(struct machine *machine, u32 page, bool write)
{
	unsigned int fault;

	__spin_lock(&machine->lock);
	fault = model_fault(&machine->model, page, write);
	__spin_unlock(&machine->lock);
	return fault;
}

static enum guest_handler_result on_abort(struct guest *guest, struct vcpu *vcpu)
{
	struct machine *machine = vcpu->machine;
	struct op *op = current_op(vcpu);
	unsigned int found = guest->esr_el2 & ESR_ELx_FSC_TYPE, expected;
	bool write = guest->esr_el2 & ESR_ELx_WNR;
	u64 ipa;
	u32 page;

	if (!op || !guest_fault_ipa(guest, &ipa) || ipa != op->address) {
		soak_fail("op %lu: expected a fault at %#lx, found %s (ESR_EL2 %#lx), FAR_EL2 %#lx",
			  vcpu->script.at, op ? op->address : 0, esr_class_name(guest->esr_el2),
			  guest->esr_el2, guest->far_el2);
		return broken();
	}
	page = page_of(machine, ipa);
	expected = expected_fault(machine, page, write);
	if (found != expected && !machine->shared) {
		soak_fail("op %lu: fault of a %s of %#lx: expected FSC %#x, found %#x",
			  vcpu->script.at, write ? "write" : "read", ipa, expected, found);
		return broken();
	}
	vcpu->faults_seen++;
	if (expected)
		answer(vcpu, page, write, op->salt);
	return GUEST_ACTION_RESUME;
}

enum guest_handler_result on_sync(struct guest *guest)
{
	struct vcpu *vcpu = guest->data;

	switch (ESR_ELx_EC(guest->esr_el2)) {
	case ESR_ELx_EC_HVC64:
	case ESR_ELx_EC_SVC64:
		return on_call(guest, vcpu, guest->esr_el2 & 0xffff);
	case ESR_ELx_EC_BRK64:
		guest->elr_el2 += 4;
		return on_call(guest, vcpu, CALL_REGISTERS);
	case ESR_ELx_EC_DABT_LOW:
		return on_abort(guest, vcpu);
	default:
		soak_fail(
			"op %lu: expected a call or a fault, found %s (ESR_EL2 %#lx), ELR_EL2 %#lx",
			vcpu->script.at, esr_class_name(guest->esr_el2), guest->esr_el2,
			guest->elr_el2);
		return broken();
	}
}

/* The host takes it at once and the guest goes on, unless that has lasted too long. */
static enum guest_handler_result on_irq(struct guest *guest)
{
	guest_take_interrupts(guest);
	return seen[smp_processor_id()].expired ? GUEST_ACTION_EXIT : GUEST_ACTION_RESUME;
}

/*
 * The host
 */

/* clang-format off */
#define HOST_REGISTERS(X)                                                                          \
	X(hcr_el2) X(vbar_el2) X(vttbr_el2) X(vtcr_el2) X(cptr_el2) X(mdcr_el2) X(cnthctl_el2)     \
	X(cntvoff_el2) X(vmpidr_el2) X(vpidr_el2) X(hstr_el2) X(tpidr_el2) X(sctlr_el2)            \
	X(ttbr0_el2) X(tcr_el2) X(mair_el2) X(sp_el0) X(sp_el1) X(tpidr_el0) X(tpidrro_el0)        \
	X(tpidr_el1) X(par_el1) X(mdscr_el1) X(csselr_el1) X(daif)

/* clang-format on */
#define HOST_FIELD(name) u64 name;
#define HOST_READ(name) state->name = read_sysreg(name);
#define HOST_COMPARE(name)                                                             \
	if (before->name != after->name)                                               \
		soak_fail(#name " of the host after a run: expected %#lx, found %#lx", \
			  before->name, after->name);

struct host_state {
	HOST_REGISTERS(HOST_FIELD)
};

static void read_host_state(struct host_state *state)
{
	host_sve_park(); /* as the first guest of a CPU does */
	HOST_REGISTERS(HOST_READ)
}

static void compare_host_state(const struct host_state *before, const struct host_state *after)
{
	HOST_REGISTERS(HOST_COMPARE)
}

static void set_host_registers(u64 seed)
{
	write_sysreg(seed, sp_el0);
	write_sysreg(seed + 1, tpidr_el0);
	write_sysreg(seed + 2, tpidrro_el0);
	write_sysreg(seed + 3, tpidr_el1);
}

static enum guest_exit_reason run_once(struct vcpu *vcpu)
{
	struct host_state before, after;
	enum guest_exit_reason reason;
	u64 wrong;

	set_host_registers(vcpu->host_seed);
	if (vcpu->irqs_open)
		local_irq_enable();
	read_host_state(&before);
	reason = soak_run_guest(vcpu->guest, vcpu->host_seed, &wrong);
	read_host_state(&after);
	local_irq_disable();
	compare_host_state(&before, &after);
	if (wrong)
		soak_fail("FP and callee-saved registers of the host: expected 0 wrong, found %lu",
			  wrong);
	return reason;
}

/* Continue after the last pause, or start from the beginning. */
static void enter(struct vcpu *vcpu)
{
	struct guest *guest = vcpu->guest;

	if (guest->exit_reason == GUEST_EXIT_RETURNED) {
		guest->elr_el2 = (u64)soak_guest;
		guest->spsr_el2 = (vcpu->script.el0 ? PSR_MODE_EL0t : PSR_MODE_EL1h) | PSR_DAIF;
		guest->x[0] = (u64)&vcpu->script;
	}
	guest_install_handler(guest, ELx_LOW_IRQ_64, vcpu->irqs_in_handler ? on_irq : NULL);
}

static void run_to_its_end(struct vcpu *vcpu, int cpu)
{
	enum guest_exit_reason reason;

	do {
		reason = run_once(vcpu);
		if (reason == GUEST_EXIT_INTERRUPT)
			take_pending();
	} while (reason == GUEST_EXIT_INTERRUPT && !seen[cpu].expired && !soak_failed());
	if (seen[cpu].expired)
		soak_fail("guest after %d ms: expected op %lu, found it at op %lu", RUN_MS,
			  vcpu->until, vcpu->script.at);
}

static void check_host(const struct vcpu *vcpu, int cpu, unsigned int sgis)
{
	unsigned int brks = seen[cpu].brks;

	if (seen[cpu].sgis - sgis != vcpu->physical)
		soak_fail("SGIs taken by the host: expected %lu, found %u", vcpu->physical,
			  seen[cpu].sgis - sgis);
	asm volatile("brk #0" : : : "memory");
	if (seen[cpu].brks != brks + 1)
		soak_fail("BRK at EL2 after the run: expected 1 exception, found %u",
			  seen[cpu].brks - brks);
}

void run_vcpu(struct vcpu *vcpu)
{
	int cpu = smp_processor_id();
	unsigned int sgis = seen[cpu].sgis;

	vcpu->faults_seen = 0;
	enter(vcpu);
	seen[cpu].expired = false;
	seen[cpu].deadline = deadline_after_ms(RUN_MS);
	set_timer(vcpu->timer_us ?: RUN_MS * 1000);
	if (vcpu->sgi_at_entry)
		gic_ipi_send_single(AN_SGI, cpu);
	run_to_its_end(vcpu, cpu);
	take_pending();
	check_host(vcpu, cpu, sgis);
}
