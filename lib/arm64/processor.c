/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's exceptions: handlers that tests install, and the dump for everything unexpected. */
#include <libcflat.h>
#include <asm/console.h>
#include <asm/guest-fp.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/user.h>
#include <asm/smp.h>

static const char *const vector_names[VECTOR_MAX] = {
	"ELxT_SYNC",	   "ELxT_IRQ",	     "ELxT_FIQ",       "ELxT_ERROR",
	"ELxH_SYNC",	   "ELxH_IRQ",	     "ELxH_FIQ",       "ELxH_ERROR",
	"ELx_LOW_SYNC_64", "ELx_LOW_IRQ_64", "ELx_LOW_FIQ_64", "ELx_LOW_ERROR_64",
	"ELx_LOW_SYNC_32", "ELx_LOW_IRQ_32", "ELx_LOW_FIQ_32", "ELx_LOW_ERROR_32",
};

/* A synchronous vector has one handler for each exception class, the others have one. */
static exception_fn exception_handlers[VECTOR_MAX][EC_MAX];
static vector_fn vector_handlers[VECTOR_MAX];
static irq_handler_fn irq_handlers[VECTOR_MAX];

static bool is_sync(enum vector v)
{
	return v % VECTORS_PER_GROUP == 0;
}

void install_vector_handler(enum vector v, vector_fn fn)
{
	assert(v < VECTOR_MAX);
	vector_handlers[v] = fn;
}

void install_exception_handler(enum vector v, unsigned int ec, exception_fn fn)
{
	assert(v < VECTOR_MAX && is_sync(v) && ec < EC_MAX);
	exception_handlers[v][ec] = fn;
}

void install_irq_handler(enum vector v, irq_handler_fn fn)
{
	assert(v < VECTOR_MAX && v % VECTORS_PER_GROUP == ELxT_IRQ);
	irq_handlers[v] = fn;
}

const char *vector_name(enum vector v)
{
	return v < VECTOR_MAX ? vector_names[v] : "no vector";
}

static unsigned long read_far(void)
{
	return host_at_el2 ? read_sysreg(far_el2) : read_sysreg(far_el1);
}

bool get_far(unsigned int esr, unsigned long *far)
{
	*far = read_far();
	switch (ESR_ELx_EC(esr)) {
	case ESR_ELx_EC_IABT_LOW:
	case ESR_ELx_EC_IABT_CUR:
	case ESR_ELx_EC_DABT_LOW:
	case ESR_ELx_EC_DABT_CUR:
		return (esr & ESR_ELx_FSC) != ESR_ELx_FSC_EXTABT || !(esr & ESR_ELx_FnV);
	case ESR_ELx_EC_PC_ALIGN:
	case ESR_ELx_EC_WATCHPT_LOW:
	case ESR_ELx_EC_WATCHPT_CUR:
		return true;
	default:
		return false;
	}
}

void show_regs(struct pt_regs *regs)
{
	printf("pc : [<%016lx>] lr : [<%016lx>] pstate: %08lx\n", regs->pc, regs->regs[30],
	       regs->pstate);
	printf("sp : %016lx\n", regs->sp);
	for (int i = 29; i >= 0; i -= 2)
		printf("x%-2d: %016lx x%-2d: %016lx\n", i, regs->regs[i], i - 1, regs->regs[i - 1]);
}

static void dump_and_abort(const char *what, enum vector v, struct pt_regs *regs, unsigned int esr)
{
	bool sync = is_sync(v);
	unsigned long far;
	char syndrome[128];

	smp_claim_end();
	printf_line("%s\n", what);
	printf("Load address: %lx\n", (unsigned long)_start);
	printf("PC: %lx PC offset: %lx\n", (unsigned long)regs->pc,
	       (unsigned long)regs->pc - (unsigned long)_start);
	printf("Vector: %d (%s)\n", v, vector_name(v));
	if (sync) {
		printf("ESR_EL%d: %8s%08x, ec=%#x (%s)\n", host_at_el2 ? 2 : 1, "", esr,
		       ESR_ELx_EC(esr), esr_decode(esr, syndrome, sizeof(syndrome)));
		if (get_far(esr, &far))
			printf("FAR_EL%d: %016lx\n", host_at_el2 ? 2 : 1, far);
		else
			printf("FAR_EL%d: not valid for this class\n", host_at_el2 ? 2 : 1);
	}
	printf("Exception frame registers:\n");
	show_regs(regs);
	dump_frame_stack((void *)regs->pc,
			 (void *)container_of(regs, struct exception_frame, regs)->record[0]);
	abort();
}

void do_stack_overflow(struct pt_regs *regs, unsigned int esr);
void do_stack_overflow(struct pt_regs *regs, unsigned int esr)
{
	dump_and_abort("Stack overflow", ELxH_SYNC, regs, esr);
}

static bool has_handler(enum vector v, unsigned int esr)
{
	return vector_handlers[v] || (is_sync(v) && exception_handlers[v][ESR_ELx_EC(esr)]);
}

static void call_handler(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	unsigned int ec = ESR_ELx_EC(esr);

	if (vector_handlers[v])
		vector_handlers[v](v, regs, esr);
	else if (is_sync(v) && exception_handlers[v][ec])
		exception_handlers[v][ec](regs, esr);
	else if (irq_handlers[v])
		irq_handlers[v](regs);
	else
		dump_and_abort("Unhandled exception", v, regs, esr);
}

void do_handle_exception(enum vector v, struct pt_regs *regs, unsigned int esr);
void do_handle_exception(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	if (is_sync(v) && ESR_ELx_EC(esr) == ESR_ELx_EC_SVE && !has_handler(v, esr) &&
	    host_sve_unpark())
		return;
	if (v < ELx_LOW_SYNC_64 && guest_fixup_exception(v, regs, esr))
		return;
	if (v < ELx_LOW_SYNC_64) {
		call_handler(v, regs, esr);
		return;
	}
	user_mode_left();
	if (v != ELx_LOW_SYNC_64 || !user_mode_answered(regs, esr, has_handler(v, esr)))
		call_handler(v, regs, esr);
	user_mode_entered(regs);
}
