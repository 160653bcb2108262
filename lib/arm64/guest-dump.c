/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's exit, printed. */
#include <libcflat.h>
#include <asm/backtrace.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>
#include <asm/setup.h>

/* Print a PC, in the image also as the offset that addr2line takes. */
static void dump_pc(const char *what, u64 pc)
{
	if (pc >= (u64)_stext && pc < (u64)_etext)
		report_info("guest: %s %#lx, image offset %#lx", what, pc, pc - (u64)_start);
	else
		report_info("guest: %s %#lx", what, pc);
}

static void dump_x(const struct guest *guest)
{
	for (int i = 0; i < 31; i += 4) {
		char line[128];
		int len = 0;

		for (int r = i; r < MIN(i + 4, 31); r++)
			len += snprintf(line + len, sizeof(line) - len, " x%-2d %016lx", r,
					guest->x[r]);
		report_info("guest:%s", line);
	}
}

static void dump_stack_of(struct guest *guest, u64 pc)
{
	struct backtrace trace = {};

	guest_backtrace(guest, &trace, pc, guest->x[29]);
	report_info("guest: STACK:%s", trace.text);
}

static void dump_overflow(const struct guest *guest, u64 esr, u64 far)
{
	u64 stack = (u64)guest->stack;

	if (esr_is_abort(esr) && guest_stack_guards(guest, far))
		report_info("guest: stack overflow: %#lx is below the stack, %#lx to %#lx", far,
			    stack, stack + GUEST_STACK_SIZE - 1);
}

void guest_dump(struct guest *guest)
{
	char syndrome[128];
	u64 ipa;

	if (!guest->esr_el2) {
		report_info("guest: exit by an interrupt");
		report_info("guest: SPSR_EL2 %#lx", guest->spsr_el2);
	} else {
		report_info("guest: exit %s",
			    esr_decode(guest->esr_el2, syndrome, sizeof(syndrome)));
		report_info("guest: ESR_EL2 %#lx FAR_EL2 %#lx HPFAR_EL2 %#lx SPSR_EL2 %#lx",
			    guest->esr_el2, guest->far_el2, guest->hpfar_el2, guest->spsr_el2);
	}
	if (guest_fault_ipa(guest, &ipa))
		report_info("guest: faulting IPA %#lx", ipa);
	dump_overflow(guest, guest->esr_el2, guest->far_el2);
	dump_pc("PC", guest->elr_el2);
	dump_x(guest);
	dump_stack_of(guest, guest->elr_el2);
}

void guest_dump_el1_exception(struct guest *guest, enum vector vector)
{
	char syndrome[128];

	report_info("guest: exception at EL1 without handler, vector %s", vector_name(vector));
	if (vector_is_interrupt(vector)) {
		report_info("guest: SPSR_EL1 %#lx", guest->spsr_el1);
	} else {
		report_info("guest: %s", esr_decode(guest->esr_el1, syndrome, sizeof(syndrome)));
		report_info("guest: ESR_EL1 %#lx FAR_EL1 %#lx SPSR_EL1 %#lx", guest->esr_el1,
			    guest->far_el1, guest->spsr_el1);
		dump_overflow(guest, guest->esr_el1, guest->far_el1);
	}
	dump_pc("PC", guest->elr_el1);
	dump_x(guest);
	dump_stack_of(guest, guest->elr_el1);
}
