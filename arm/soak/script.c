/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripts: what a guest is to do, what will come of it, and whether that came.
 *
 * All that is random about an op is drawn with it, how the host answers its faults included. So
 * the end of a run is known before it, and does not depend on when the CPUs did what.
 */
#include <libcflat.h>
#include <asm/processor.h>
#include "soak.h"

#define MOST_ANSWERS 4 /* to the faults of one access */

static enum op_kind draw_kind(const struct vcpu *vcpu, struct random *random, bool plain)
{
	static const unsigned char weights[OP_KINDS] = {
		[OP_READ] = 20,	 [OP_WRITE] = 20,  [OP_ADD] = 6,   [OP_CALL] = 10,
		[OP_SVC] = 3,	 [OP_BRK] = 2,	   [OP_TREE] = 20, [OP_FP] = 8,
		[OP_SYSTEM] = 6, [OP_VIRTUAL] = 4, [OP_PAUSE] = 4, [OP_PHYSICAL] = 2,
	};
	enum op_kind kind = 0;
	int sum = 0, at;

	for (int i = 0; i < OP_KINDS; i++)
		sum += weights[i];
	for (at = random_below(random, sum); at >= weights[kind]; kind++)
		at -= weights[kind];
	if (kind == OP_TREE && plain)
		return OP_READ;
	return kind == OP_VIRTUAL && vcpu->script.el0 ? OP_CALL : kind;
}

/* vCPUs that run at once have words of their own, and the counter. */
static unsigned int draw_word(const struct vcpu *vcpu, struct random *random, bool plain)
{
	unsigned int word = 1 + random_below(random, WORDS - 1);

	if (!plain)
		return word;
	return MAX(ALIGN_DOWN(word, MAX_VCPUS), (unsigned int)MAX_VCPUS) + vcpu->index;
}

static u64 call_register(const struct op *op, unsigned int n)
{
	return random_mix(op->salt + n);
}

/*
 * Often where the op before it was: what a change of the tables leaves in a TLB is seen by an
 * access before it and one behind it, in one run. The counter is for additions alone.
 */
static u64 draw_address(const struct vcpu *vcpu, const struct op *op, struct random *random,
			bool plain)
{
	unsigned int word = op->kind == OP_ADD ? COUNTER : draw_word(vcpu, random, plain);
	u64 fresh = word_ipa(vcpu->machine, random_below(random, 2), word);
	bool stays = op > vcpu->script.ops && op->kind != OP_ADD && op[-1].kind != OP_ADD;

	return stays && !random_one_in(random, 3) ? op[-1].address : fresh;
}

static void draw_op(struct vcpu *vcpu, struct op *op, struct random *random, bool plain)
{
	struct machine *machine = vcpu->machine;

	op->kind = draw_kind(vcpu, random, plain);
	op->salt = random_next(random);
	op->value = random_next(random);
	op->result = op->expected = 0;
	op->checked = true;
	op->address = draw_address(vcpu, op, random, plain);
	if (op->kind == OP_TREE)
		op->change = draw_change(machine, random,
					 random_one_in(random, 3) ? draw_page(machine, random)
								  : page_of(machine, op->address));
	for (unsigned int n = 0; n < ARRAY_SIZE(op->regs); n++)
		op->regs[n] = call_register(op, n);
}

void draw_script(struct vcpu *vcpu, struct random *random, bool plain)
{
	struct script *script = &vcpu->script;

	vcpu->plain = plain;
	vcpu->over = false;
	vcpu->next = 0;
	script->count = 1 + random_below(random, MAX_OPS);
	script->returns = random_one_in(random, 4);
	script->value = random_next(random);
	for (u64 i = 0; i < script->count; i++)
		draw_op(vcpu, &script->ops[i], random, plain);
}

/*
 * Plan: the operations to come
 */

static void simulate_access(struct vcpu *vcpu, struct model *model, const struct op *op, bool write)
{
	u32 page = page_of(vcpu->machine, op->address);

	for (int i = 0; i < MOST_ANSWERS && model_fault(model, page, write); i++) {
		struct change change = answer_fault(vcpu->machine, model, page, write, op->salt);

		assert(!model_change(model, &change));
		vcpu->faults++;
	}
	assert(!model_fault(model, page, write));
}

static u64 *model_word(struct vcpu *vcpu, const struct op *op)
{
	struct machine *machine = vcpu->machine;
	u64 offset = op->address - word_ipa(machine, 0, 0);
	u64 half = (u64)machine->half << machine_page_shift(machine);

	return &machine->words[offset % half / WORD_STEP];
}

static void simulate_op(struct vcpu *vcpu, struct model *model, struct op *op)
{
	u64 *word = model_word(vcpu, op);

	op->old = 0;
	switch (op->kind) {
	case OP_READ:
		simulate_access(vcpu, model, op, false);
		op->expected = *word;
		break;
	case OP_WRITE:
		simulate_access(vcpu, model, op, true);
		*word = op->value;
		break;
	case OP_ADD:
		simulate_access(vcpu, model, op, false);
		simulate_access(vcpu, model, op, true);
		op->expected = *word += op->value;
		op->checked = !vcpu->machine->shared;
		break;
	case OP_CALL:
		op->old = vcpu->system_seed;
		break;
	case OP_SVC:
	case OP_BRK:
		vcpu->own += !vcpu->script.el0;
		break;
	case OP_TREE:
		op->expected = model_change(model, &op->change);
		op->result = op->expected;
		break;
	case OP_FP:
		op->old = vcpu->fp_seed;
		vcpu->fp_seed = op->value;
		break;
	case OP_SYSTEM:
		op->old = vcpu->system_seed;
		vcpu->system_seed = op->value;
		break;
	case OP_VIRTUAL:
		vcpu->interrupts++;
		op->expected = vcpu->script.vgic ? FIRST_INTID + op->salt % INTIDS : 0;
		break;
	case OP_PHYSICAL:
		vcpu->physical++;
		break;
	default:
		break;
	}
}

void simulate(struct vcpu *vcpu, struct model *model)
{
	struct script *script = &vcpu->script;
	bool paused = false;

	vcpu->faults = vcpu->own = vcpu->interrupts = 0;
	vcpu->physical = vcpu->sgi_at_entry;
	vcpu->own_before = script->own;
	vcpu->interrupts_before = script->interrupts;
	for (vcpu->until = vcpu->next; vcpu->until < script->count && !paused; vcpu->until++) {
		simulate_op(vcpu, model, &script->ops[vcpu->until]);
		paused = script->ops[vcpu->until].kind == OP_PAUSE;
	}
	vcpu->over = !paused;
}

/*
 * Record: the operations so far
 */

static bool is_call(enum op_kind kind)
{
	return kind == OP_CALL || kind == OP_SVC || kind == OP_BRK;
}

static void check_call(const struct op *op, u64 number)
{
	u64 regs[ARRAY_SIZE(op->regs)];

	for (unsigned int n = 0; n < ARRAY_SIZE(regs); n++)
		regs[n] = call_register(op, n);
	soak_transform(regs);
	for (unsigned int n = 0; n < ARRAY_SIZE(regs); n++)
		if (op->regs[n] != regs[n])
			soak_fail("op %lu, x%u after a call: expected %#lx, found %#lx", number, n,
				  regs[n], op->regs[n]);
}

static void check_op(const struct op *op, u64 number)
{
	static const char *const names[OP_KINDS] = {
		[OP_READ] = "word read",
		[OP_WRITE] = "word after a write",
		[OP_ADD] = "word after an addition",
		[OP_TREE] = "error of a change of the page tables",
		[OP_FP] = "wrong FP registers",
		[OP_SYSTEM] = "wrong system registers",
		[OP_VIRTUAL] = "virtual interrupt",
	};

	if (is_call(op->kind))
		check_call(op, number);
	else if (op->checked && op->result != op->expected)
		soak_fail("op %lu, %s: expected %#lx, found %#lx", number, names[op->kind],
			  op->expected, op->result);
}

static void check_count(const char *what, u64 expected, u64 found)
{
	if (expected != found)
		soak_fail("%s: expected %lu, found %lu", what, expected, found);
}

static void check_end(const struct vcpu *vcpu)
{
	const struct guest *guest = vcpu->guest;
	bool returns = vcpu->over && vcpu->script.returns;
	enum guest_exit_reason reason = returns ? GUEST_EXIT_RETURNED : GUEST_EXIT_HANDLER;

	if (guest->exit_reason != reason)
		soak_fail("end of a guest's run: expected \"%s\", found \"%s\"",
			  guest_exit_reason_name(reason),
			  guest_exit_reason_name(guest->exit_reason));
	if (returns && guest->return_value != vcpu->script.value)
		soak_fail("value returned by a guest: expected %#lx, found %#lx",
			  vcpu->script.value, guest->return_value);
	check_count("ops done by a guest", vcpu->over ? vcpu->until : vcpu->until - 1,
		    vcpu->script.at);
}

/* The guest's registers, which are in memory now. */
static void check_registers(const struct vcpu *vcpu)
{
	const struct guest *guest = vcpu->guest;
	u64 seed = vcpu->fp_seed, system = system_value(vcpu->system_seed, 0);

	if (guest->tpidr_el0 != system)
		soak_fail("TPIDR_EL0 of a guest: expected %#lx, found %#lx", system,
			  guest->tpidr_el0);
	if (guest->tpidr_el1 != (u64)&vcpu->script)
		soak_fail("TPIDR_EL1 of a guest: expected %p, found %#lx", &vcpu->script,
			  guest->tpidr_el1);
	for (u64 n = 0; n < 32 && !guest->sve; n++)
		if ((u64)guest->fpsimd.q[n] != seed * (n + 1))
			soak_fail("q%lu of a guest: expected %#lx, found %#lx", n, seed * (n + 1),
				  (u64)guest->fpsimd.q[n]);
}

void check_script(struct vcpu *vcpu)
{
	struct script *script = &vcpu->script;

	check_end(vcpu);
	if (!vcpu->machine->shared)
		check_count("faults of a guest", vcpu->faults, vcpu->faults_seen);
	check_count("exceptions of a guest to EL1", vcpu->own, script->own - vcpu->own_before);
	check_count("virtual interrupts of a guest", vcpu->interrupts,
		    script->interrupts - vcpu->interrupts_before);
	for (u64 i = vcpu->next; i < vcpu->until; i++)
		check_op(&script->ops[i], i);
	check_registers(vcpu);
	vcpu->next = vcpu->until;
}
