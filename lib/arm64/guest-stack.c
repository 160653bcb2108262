/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backtraces of guests, along frame records in the guest's memory. */
#include <libcflat.h>
#include <asm/backtrace.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/ptrace.h>
#include <asm/setup.h>

static bool in_text(u64 address)
{
	return address >= (u64)_stext && address < (u64)_etext;
}

/* Code may have other addresses in the guest, with a stage 1 or a stage 2 that gives it some. */
static void add(struct guest *guest, struct backtrace *trace, const char *mark, u64 address)
{
	backtrace_add(trace, mark, in_text(address) ? address : guest_translate(guest, address));
}

/* Callers have records at higher addresses: a chain that goes down is none, or a circle. */
static void add_chain(struct guest *guest, struct backtrace *trace, u64 frame)
{
	u64 record[2];

	for (int depth = 0; depth < BACKTRACE_DEPTH && frame && IS_ALIGNED(frame, 8); depth++) {
		if (!guest_read(guest, frame, record, sizeof(record)))
			return;
		record[1] = strip_signature(record[1]);
		add(guest, trace, "", record[1]);
		if (record[0] <= frame)
			return;
		frame = record[0];
	}
}

void guest_backtrace(struct guest *guest, struct backtrace *trace, u64 pc, u64 frame)
{
	if (pc)
		add(guest, trace, "@", pc);
	if (!(guest->spsr_el2 & PSR_MODE32_BIT))
		add_chain(guest, trace, frame);
	if (guest->thread)
		backtrace_add_chain(trace, (const struct frame *)guest->host_frame);
}

bool guest_stack_guards(const struct guest *guest, u64 address)
{
	u64 stack = (u64)guest->stack;

	return address < stack && address >= stack - GUEST_STACK_GUARD;
}
