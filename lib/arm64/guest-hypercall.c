/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls of the framework's own code in a guest. */
#include <libcflat.h>
#include <asm/guest-call.h>
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
	guest->return_value = guest->x[0];
	return GUEST_HYPERCALL_LEAVE;
}

static bool is_return_from_el0(const struct el1_entry *entry)
{
	bool svc = ESR_ELx_EC(entry->esr) == ESR_ELx_EC_SVC64 ||
		   ESR_ELx_EC(entry->esr) == ESR_ELx_EC_SVC32;

	return svc &&
	       (entry->elr == (u64)guest_return_el0 + 4 || entry->elr == (u64)guest_return_a32 + 4);
}

/* Make the exit look as if the exception had been taken to EL2, as with HCR_EL2.TGE from EL0. */
static void present_as_exit(struct guest *guest, const struct el1_entry *entry)
{
	guest->esr_el2 = entry->esr;
	guest->elr_el2 = entry->elr;
	guest->spsr_el2 = entry->spsr;
	guest->far_el2 = entry->far;
	guest->hpfar_el2 = NO_HPFAR;
}

/* @address, of the guest's, is that of guest_call(), whatever maps it there. */
static bool is_call(struct guest *guest, u64 address)
{
	if (guest->is_opaque)
		return false;
	return address == (u64)guest_call || guest_translate(guest, address) == __pa(guest_call);
}

/* HVC is undefined at EL0: an exception to EL1. */
static bool is_call_from_el0(struct guest *guest, const struct el1_entry *entry)
{
	return ESR_ELx_EC(entry->esr) == ESR_ELx_EC_UNKNOWN && is_call(guest, entry->elr);
}

/* From where the call came to EL1: the host returns to EL0. */
static int answer_call_from_el0(struct guest *guest, const struct el1_entry *entry)
{
	guest->elr_el2 = entry->elr + 4;
	guest->spsr_el2 = entry->spsr;
	guest_answer_call(guest);
	return GUEST_HYPERCALL_RESUME;
}

/* The guest has taken an exception to EL1 for which it has no handler. */
static int unhandled_at_el1(struct guest *guest, enum vector vector)
{
	bool is_sync_from_el0 = vector == ELx_LOW_SYNC_64 || vector == ELx_LOW_SYNC_32;
	struct el1_entry entry = read_el1_entry();

	if (vector_is_interrupt(vector))
		entry.esr = 0;
	if (is_sync_from_el0 && is_return_from_el0(&entry))
		return returned(guest);
	if (vector == ELx_LOW_SYNC_64 && is_call_from_el0(guest, &entry))
		return answer_call_from_el0(guest, &entry);
	present_as_exit(guest, &entry);
	if (guest->routes_el0 && is_sync_from_el0)
		return GUEST_HYPERCALL_OTHER;
	guest->exit_reason = GUEST_EXIT_EL1_UNHANDLED;
	guest->el1_vector = vector;
	if (!guest->reports_el1)
		guest_dump_el1_exception(guest, vector);
	return GUEST_HYPERCALL_LEAVE;
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
	if (number == GUEST_HVC_CALL && is_call(guest, from)) {
		guest_answer_call(guest);
		return GUEST_HYPERCALL_RESUME;
	}
	if (number == GUEST_HVC_CALL_EL0 && guest_el1_saw_call(guest, from)) {
		struct el1_entry entry = read_el1_entry();

		return answer_call_from_el0(guest, &entry);
	}
	return GUEST_HYPERCALL_OTHER;
}
