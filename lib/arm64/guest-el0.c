/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests that begin at EL0, in AArch64 or AArch32. */
#include <libcflat.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/sysreg.h>

#define ID_AA64PFR0_EL0_AARCH32 2
/* EL1's part of the stack */
#define EL1_STACK_SIZE (GUEST_STACK_SIZE / 4)

const char *guest_aarch32_unsupported(void)
{
	if (FIELD(read_sysreg(id_aa64pfr0_el1), 3, 0) != ID_AA64PFR0_EL0_AARCH32)
		return "the CPU has no AArch32 at EL0 (ID_AA64PFR0_EL1.EL0)";
	return NULL;
}

struct guest *guest_create_el0(int vmid, void (*guest_func)(void), enum s2_granule granule)
{
	struct guest *guest = guest_create(vmid, guest_func, granule);

	if (!guest)
		return NULL;
	guest->spsr_el2 = PSR_MODE_EL0t | PSR_DAIF;
	guest->sp_el0 = guest->sp_el1;
	guest->sp_el1 = (u64)guest->stack + EL1_STACK_SIZE;
	guest->x[30] = (u64)guest_return_el0;
	return guest;
}

struct guest *guest_create_el0_32(int vmid, const void *code, enum s2_granule granule)
{
	u64 pc = (u64)code;
	struct guest *guest;

	guest_assert_aarch32_reaches(code);
	guest_assert_aarch32_reaches(guest_return_a32);
	if (guest_aarch32_unsupported())
		return NULL;
	guest = guest_create_el0(vmid, (void (*)(void))(pc & ~1UL), granule);
	if (!guest || !guest_aarch32_has_stack(guest))
		return NULL;
	guest->spsr_el2 = PSR_MODE32_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT;
	if (pc & 1)
		guest->spsr_el2 |= PSR_T32_BIT;
	/* r13 and r14 of User mode (DDI 0487, D1.8.2) */
	guest->x[13] = guest->sp_el0;
	guest->x[14] = (u64)guest_return_a32;
	guest->x[30] = 0;
	return guest;
}

void guest_route_el0(struct guest *guest, bool to_host)
{
	guest->routes_el0 = to_host;
}
