/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls of the framework's own code in a guest. */
#include <libcflat.h>
#include <asm/guest-hypercall.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>

#define SYNDROME_IMMEDIATE(esr) ((esr) & 0xffff)
/* No address, and no HPFAR_EL2 either: guest_fault_ipa() */
#define NO_HPFAR UINT64_MAX

/* The guest's last exception to EL1, whose registers are in the CPU. */
struct el1_entry {
	u64 esr, elr, spsr, far;
};

static struct el1_entry read_el1_entry(void)
{
	if (host_vhe)
		return (struct el1_entry){
			read_sysreg(ESR_EL12),
			read_sysreg(ELR_EL12),
			read_sysreg(SPSR_EL12),
			read_sysreg(FAR_EL12),
		};
	return (struct el1_entry){
		read_sysreg(esr_el1),
		read_sysreg(elr_el1),
		read_sysreg(spsr_el1),
		read_sysreg(far_el1),
	};
}

static int returned(struct guest *guest)
{
	guest->exit_reason = GUEST_EXIT_RETURNED;
	guest->exit_code = guest->x[0];
	return 1;
}

static bool is_return_from_el0(const struct el1_entry *entry)
{
	bool svc = ESR_ELx_EC(entry->esr) == ESR_ELx_EC_SVC64 ||
		   ESR_ELx_EC(entry->esr) == ESR_ELx_EC_SVC32;

	return svc &&
	       (entry->elr == (u64)guest_return_el0 + 4 || entry->elr == (u64)guest_return_a32 + 4);
}

/* Make the exit look as if the exception had been taken from EL0 to EL2, as with HCR_EL2.TGE. */
static int route_to_host(struct guest *guest, const struct el1_entry *entry)
{
	guest->esr_el2 = entry->esr;
	guest->elr_el2 = entry->elr;
	guest->spsr_el2 = entry->spsr;
	guest->far_el2 = entry->far;
	guest->hpfar_el2 = NO_HPFAR;
	return 0;
}

/* The guest has taken an exception to EL1 for which it has no handler. */
static int unhandled_at_el1(struct guest *guest, enum vector vector)
{
	if (vector == ELx_LOW_SYNC_64 || vector == ELx_LOW_SYNC_32) {
		struct el1_entry entry = read_el1_entry();

		if (is_return_from_el0(&entry))
			return returned(guest);
		if (guest->routes_el0)
			return route_to_host(guest, &entry);
	}
	guest->exit_reason = GUEST_EXIT_EL1_UNHANDLED;
	guest_dump_el1_exception(guest, vector);
	return 1;
}

int guest_own_hypercall(struct guest *guest)
{
	unsigned int number = SYNDROME_IMMEDIATE(guest->esr_el2);
	u64 from = guest->elr_el2 - 4;

	if (number == GUEST_HVC_RETURNED &&
	    (from == (u64)guest_return || guest_el1_saw_return(guest, from)))
		return returned(guest);
	if (number >= GUEST_HVC_EL1_EXCEPTION && number < GUEST_HVC_EL1_EXCEPTION + VECTOR_MAX &&
	    guest_el1_vectors_contain(guest, from))
		return unhandled_at_el1(guest, number - GUEST_HVC_EL1_EXCEPTION);
	return 0;
}
