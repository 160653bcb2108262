/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Optional state: registers that not every guest has. SVE, lazily switched FP, breakpoints, list
 * registers. guest.c comes here for guests that have some of it; the others pay one branch.
 */
#include <libcflat.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>

void guest_update_optional(struct guest *guest)
{
	guest->has_optional = guest->fp_lazy || guest->sve || guest->debug || guest->optional_state;
}

void guest_set_optional_state(struct guest *guest, const struct guest_optional_state *state)
{
	guest->optional_state = state;
	guest_update_optional(guest);
}

/* To be followed by guest_fp_cptr() for CPTR_EL2. */
void guest_optional_to_cpu(struct guest *guest)
{
	guest_fp_untrap(guest);
	guest_fp_to_cpu(guest);
	if (guest->debug)
		debug_registers_load(&guest->debug->guest);
	if (guest->optional_state)
		guest->optional_state->load(guest);
}

/* EL2's state too: CPTR_EL2 is kept as the host set it, without the traps of lazy FP. */
void guest_optional_to_memory(struct guest *guest)
{
	u64 cptr = guest->cptr_el2;

	el2_state_save(&guest->el2);
	guest->cptr_el2 = cptr;
	guest_fp_untrap(guest);
	guest_fp_to_memory(guest);
	if (guest->debug)
		debug_registers_save(&guest->debug->guest);
	if (guest->optional_state)
		guest->optional_state->save(guest);
}

void guest_optional_save_host(struct guest *guest)
{
	guest_fp_untrap(guest);
	guest_fp_save_host(guest);
	if (guest->debug)
		debug_registers_save(&guest->debug->host);
}

void guest_optional_restore_host(struct guest *guest)
{
	guest_fp_untrap(guest);
	guest_fp_restore_host(guest);
	if (guest->debug)
		debug_registers_load(&guest->debug->host);
}
