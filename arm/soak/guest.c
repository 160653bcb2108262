/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code of the guests: the ops of a script, and EL1's handlers. */
#include <libcflat.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include "soak.h"

#define PAR_PA UL(0x0000fffffffff000)

/* The number is an immediate: HVC from EL1, SVC from EL0. */
#define call(script, number)                                               \
	do {                                                               \
		if ((script)->el0)                                         \
			asm volatile("svc %0" : : "i"(number) : "memory"); \
		else                                                       \
			asm volatile("hvc %0" : : "i"(number) : "memory"); \
	} while (0)

/* The change of registers by a call's handler, at EL1 or EL2. */
void soak_transform(u64 *regs)
{
	for (u64 i = 0; i < 31; i++)
		regs[i] = regs[i] * 6364136223846793005UL + i + 1;
}

/* Of register @n of OP_SYSTEM: 0 for the seed of a new guest. */
u64 system_value(u64 seed, unsigned int n)
{
	return seed * (n + 1);
}

/* clang-format off */
/* X(name, the bits that it has) */
#define SYSTEM_REGISTERS_EL0(X)                                                                    \
	X(tpidr_el0, ~0UL)
#define SYSTEM_REGISTERS_EL1(X)                                                                    \
	X(tpidrro_el0, ~0UL)                                                                       \
	X(sp_el0, ~0UL)                                                                            \
	X(contextidr_el1, UINT32_MAX)                                                              \
	X(mair_el1, ~0UL)                                                                          \
	X(ttbr0_el1, PAR_PA)                                                                       \
	X(ttbr1_el1, PAR_PA)                                                                       \
	X(par_el1, PAR_PA)                                                                         \
	X(cntv_cval_el0, ~0UL)                                                                     \
	X(cntp_cval_el0, ~0UL)

/* clang-format on */
#define EXCHANGE(name, mask)                                             \
	wrong += read_sysreg(name) != (system_value(op->old, n) & mask); \
	write_sysreg(system_value(op->value, n) & mask, name);           \
	n++;

/* Count registers with another value than they were left with, then change them. */
static u64 exchange_system(const struct script *script, const struct op *op)
{
	unsigned int n = 0;
	u64 wrong = 0;

	SYSTEM_REGISTERS_EL0(EXCHANGE)
	if (!script->el0) {
		SYSTEM_REGISTERS_EL1(EXCHANGE)
	}
	return wrong;
}

/* Exclusives, so that a read and a write fault come one after the other. */
static u64 add(u64 address, u64 value)
{
	u64 sum;
	u32 fail;

	asm volatile("1:	ldaxr	%0, [%2]\n"
		     "	add	%0, %0, %3\n"
		     "	stlxr	%w1, %0, [%2]\n"
		     "	cbnz	%w1, 1b\n"
		     : "=&r"(sum), "=&r"(fail)
		     : "r"(address), "r"(value)
		     : "memory");
	return sum;
}

static void open_interrupts(void)
{
	local_irq_enable();
	isb();
	local_irq_disable();
}

static void do_op(struct script *script, struct op *op)
{
	switch (op->kind) {
	case OP_READ:
		op->result = *(volatile u64 *)op->address;
		break;
	case OP_WRITE:
		*(volatile u64 *)op->address = op->value;
		break;
	case OP_ADD:
		op->result = add(op->address, op->value);
		break;
	case OP_CALL:
		(script->el0 ? soak_call_svc : soak_call_host)(op->regs);
		break;
	case OP_SVC:
		soak_call_svc(op->regs);
		break;
	case OP_BRK:
		soak_call_brk(op->regs);
		break;
	case OP_TREE:
		call(script, CALL_TREE);
		break;
	case OP_FP:
		op->result = soak_fp(op->old, op->value);
		break;
	case OP_SYSTEM:
		op->result = exchange_system(script, op);
		break;
	case OP_VIRTUAL:
		call(script, CALL_VIRTUAL);
		open_interrupts();
		op->result = script->intid;
		break;
	case OP_PHYSICAL:
		call(script, CALL_PHYSICAL);
		break;
	case OP_PAUSE:
		call(script, CALL_PAUSE);
		break;
	case OP_KINDS:
		break;
	}
}

/* Returns the script's value, or calls CALL_END and goes on with the next script. */
u64 soak_guest(struct script *script)
{
	for (;;) {
		for (script->at = 0; script->at < script->count; script->at++)
			do_op(script, &script->ops[script->at]);
		if (script->returns)
			return script->value;
		call(script, CALL_END);
	}
}

/* EL1's own handlers. TPIDR_EL1 is where the script is. */
static struct script *own_script(void)
{
	return (struct script *)read_sysreg(tpidr_el1);
}

void soak_on_sync(struct guest_el1_regs *regs, unsigned int esr)
{
	struct script *script = own_script();

	script->own++;
	soak_transform(regs->regs);
	if (ESR_ELx_EC(esr) == ESR_ELx_EC_BRK64) {
		regs->elr += 4;
	} else if (ESR_ELx_EC(esr) != ESR_ELx_EC_SVC64) {
		script->unexpected = esr;
		call(script, CALL_UNEXPECTED);
	}
}

void soak_on_irq(struct guest_el1_regs *regs, unsigned int esr)
{
	struct script *script = own_script();
	u32 iar;

	script->interrupts++;
	script->intid = 0;
	if (!script->vgic) {
		call(script, CALL_TAKEN);
		return;
	}
	iar = gic_read_iar();
	script->intid = gic_iar_irqnr(iar);
	if (script->intid != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}
