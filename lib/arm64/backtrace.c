/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Backtraces along frame records (AAPCS64, 6.4.6). */
#include <libcflat.h>
#include <asm/backtrace.h>
#include <asm/mmu.h>
#include <asm/setup.h>

/* True for a record that can be read: the stack may be overwritten. */
static bool readable(const struct frame *frame)
{
	if (!frame || !IS_ALIGNED((uintptr_t)frame, 8))
		return false;
	if (mmu_enabled())
		return follow_pte(mmu_idmap, (uintptr_t)frame) &&
		       follow_pte(mmu_idmap, (uintptr_t)frame + sizeof(*frame) - 1);
	return (char *)frame >= _start && (char *)frame < _end;
}

/* The bit of an address that selects its half of the address space, with signatures above. */
#define VA_HALF 55

u64 strip_signature(u64 address)
{
	u64 mask = (1UL << VA_BITS) - 1;

	return address & 1UL << VA_HALF ? address | ~mask : address & mask;
}

void backtrace_add(struct backtrace *trace, const char *mark, u64 address)
{
	int room = sizeof(trace->text) - trace->len;

	if (address >= (u64)_stext && address < (u64)_etext)
		trace->len += MIN(snprintf(trace->text + trace->len, room, " %s%lx", mark,
					   address - (u64)_start),
				  room - 1);
}

void backtrace_add_chain(struct backtrace *trace, const struct frame *frame)
{
	for (int depth = 0; depth < BACKTRACE_DEPTH && readable(frame); depth++) {
		backtrace_add(trace, "", strip_signature((u64)frame->ret));
		frame = frame->next;
	}
}
