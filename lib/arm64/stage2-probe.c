/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that makes one access at a time. */
#include <libcflat.h>
#include <asm/stage2-probe.h>

#define DONE_IPA 0UL /* the access that ends a probe */

void s2_probe_read(void);
void s2_probe_write(void);
void s2_probe_execute(void);

static enum guest_handler_result exit_always(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

struct guest *s2_probe_create(struct s2_mmu *mmu)
{
	struct guest *guest = guest_create_on(mmu, s2_probe_read);

	if (guest)
		guest_install_handler(guest, ELx_LOW_SYNC_64, exit_always);
	return guest;
}

bool s2_probe(struct guest *guest, int el, enum s2_access access, u64 ipa, u64 *value)
{
	static void (*const code[])(void) = {
		[S2_READ] = s2_probe_read,
		[S2_WRITE] = s2_probe_write,
		[S2_EXECUTE] = s2_probe_execute,
	};

	guest->elr_el2 = (u64)code[access];
	guest->spsr_el2 = (el ? PSR_MODE_EL1h : PSR_MODE_EL0t) | PSR_DAIF;
	guest->x[0] = value ? *value : 0;
	guest->x[1] = ipa;
	guest->x[3] = DONE_IPA;
	if (guest_run(guest) != GUEST_EXIT_HANDLER ||
	    ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_DABT_LOW || guest->fault_ipa != DONE_IPA)
		return false;
	if (value)
		*value = guest->x[0];
	return true;
}

bool s2_probe_faults(struct guest *guest, enum s2_access access, u64 ipa, unsigned int fsc)
{
	return !s2_probe(guest, 1, access, ipa, NULL) && (guest->esr_el2 & ESR_ELx_FSC) == fsc &&
	       guest->fault_ipa == ipa;
}

bool s2_probe_reads(struct guest *guest, u64 ipa, u64 expected)
{
	u64 value = ~expected;

	return s2_probe(guest, 1, S2_READ, ipa, &value) && value == expected;
}
