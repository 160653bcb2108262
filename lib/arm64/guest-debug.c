/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breakpoint and watchpoint registers. */
#include <libcflat.h>
#include <objects.h>
#include <asm/barrier.h>
#include <asm/guest-debug.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>

#define OSLSR_EL1_OSLK(oslsr) FIELD(oslsr, 1, 1)

/* Registers have their number in their name. */
/* clang-format off */
#define PAIRS(X) \
	X(15), X(14), X(13), X(12), X(11), X(10), X(9), X(8), \
	X(7), X(6), X(5), X(4), X(3), X(2), X(1), X(0)
/* clang-format on */

/* Those above @last do not exist. */
#define SAVE_BREAKPOINT(n)                                                \
	({                                                                \
		if (last >= (n)) {                                        \
			registers->bvr[n] = read_sysreg(dbgbvr##n##_el1); \
			registers->bcr[n] = read_sysreg(dbgbcr##n##_el1); \
		}                                                         \
	})
#define SAVE_WATCHPOINT(n)                                                \
	({                                                                \
		if (last >= (n)) {                                        \
			registers->wvr[n] = read_sysreg(dbgwvr##n##_el1); \
			registers->wcr[n] = read_sysreg(dbgwcr##n##_el1); \
		}                                                         \
	})
#define LOAD_BREAKPOINT(n)                                                \
	({                                                                \
		if (last >= (n)) {                                        \
			write_sysreg(registers->bvr[n], dbgbvr##n##_el1); \
			write_sysreg(registers->bcr[n], dbgbcr##n##_el1); \
		}                                                         \
	})
#define LOAD_WATCHPOINT(n)                                                \
	({                                                                \
		if (last >= (n)) {                                        \
			write_sysreg(registers->wvr[n], dbgwvr##n##_el1); \
			write_sysreg(registers->wcr[n], dbgwcr##n##_el1); \
		}                                                         \
	})

static int last_breakpoint(void)
{
	return FIELD(read_sysreg(id_aa64dfr0_el1), 15, 12);
}

static int last_watchpoint(void)
{
	return FIELD(read_sysreg(id_aa64dfr0_el1), 23, 20);
}

static void save_breakpoints(struct debug_registers *registers)
{
	int last = last_breakpoint();

	PAIRS(SAVE_BREAKPOINT);
}

static void save_watchpoints(struct debug_registers *registers)
{
	int last = last_watchpoint();

	PAIRS(SAVE_WATCHPOINT);
}

static void load_breakpoints(const struct debug_registers *registers)
{
	int last = last_breakpoint();

	PAIRS(LOAD_BREAKPOINT);
}

static void load_watchpoints(const struct debug_registers *registers)
{
	int last = last_watchpoint();

	PAIRS(LOAD_WATCHPOINT);
}

void debug_registers_save(struct debug_registers *registers)
{
	save_breakpoints(registers);
	save_watchpoints(registers);
	registers->os_double_lock = read_sysreg(osdlr_el1); /* RAZ/WI without FEAT_DoubleLock */
	registers->os_lock = OSLSR_EL1_OSLK(read_sysreg(oslsr_el1));
}

void debug_registers_load(const struct debug_registers *registers)
{
	load_breakpoints(registers);
	load_watchpoints(registers);
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
