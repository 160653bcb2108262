/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoint and watchpoint registers. */
#include <libcflat.h>
#include <objects.h>
#include <asm/barrier.h>
#include <asm/guest-debug.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>

#define OSLSR_EL1_OSLK(oslsr) FIELD(oslsr, 1, 1)

/* Pairs above the last one do not exist: the highest comes first, and falls through. */
#define PAIRS(X) \
	X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)

#define SAVE_BREAKPOINT(n)                                        \
	case n:                                                   \
		registers->bvr[n] = read_sysreg(dbgbvr##n##_el1); \
		registers->bcr[n] = read_sysreg(dbgbcr##n##_el1); \
		__attribute__((fallthrough));
#define SAVE_WATCHPOINT(n)                                        \
	case n:                                                   \
		registers->wvr[n] = read_sysreg(dbgwvr##n##_el1); \
		registers->wcr[n] = read_sysreg(dbgwcr##n##_el1); \
		__attribute__((fallthrough));
#define LOAD_BREAKPOINT(n)                                        \
	case n:                                                   \
		write_sysreg(registers->bvr[n], dbgbvr##n##_el1); \
		write_sysreg(registers->bcr[n], dbgbcr##n##_el1); \
		__attribute__((fallthrough));
#define LOAD_WATCHPOINT(n)                                        \
	case n:                                                   \
		write_sysreg(registers->wvr[n], dbgwvr##n##_el1); \
		write_sysreg(registers->wcr[n], dbgwcr##n##_el1); \
		__attribute__((fallthrough));

static unsigned int last_breakpoint(void)
{
	return FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12);
}

static unsigned int last_watchpoint(void)
{
	return FIELD(read_sysreg(id_aa64dfr0_el1), 23, 20);
}

void debug_registers_save(struct debug_registers *registers)
{
	switch (last_breakpoint()) {
		PAIRS(SAVE_BREAKPOINT)
	default:
		break;
	}
	switch (last_watchpoint()) {
		PAIRS(SAVE_WATCHPOINT)
	default:
		break;
	}
	registers->os_double_lock = read_sysreg(osdlr_el1); /* RAZ/WI without FEAT_DoubleLock */
	registers->os_lock = OSLSR_EL1_OSLK(read_sysreg(oslsr_el1));
}

void debug_registers_load(const struct debug_registers *registers)
{
	switch (last_breakpoint()) {
		PAIRS(LOAD_BREAKPOINT)
	default:
		break;
	}
	switch (last_watchpoint()) {
		PAIRS(LOAD_WATCHPOINT)
	default:
		break;
	}
	write_sysreg(registers->os_double_lock, osdlr_el1);
	write_sysreg(registers->os_lock, oslar_el1);
}

bool guest_enable_debug(struct guest *guest)
{
	assert(!guest->thread && !guest->debug);
	guest->debug = object_alloc(sizeof(*guest->debug));
	if (!guest->debug)
		return false;
	guest_update_optional(guest);
	guest->debug->guest.os_lock = 1;
	guest->mdcr_el2 &= ~MDCR_EL2_DEBUG_TRAPS;
	return true;
}

void guest_debug_destroy(struct guest *guest)
{
	object_free(guest->debug);
}
