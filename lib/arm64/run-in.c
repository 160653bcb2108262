/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions of the host at EL1 and EL0: guests with the host's translation tables, whose stage 2 is
 * off.
 */
#include <libcflat.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/mmu.h>
#include <asm/run-in.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

const char *run_in_unsupported(void)
{
	return host_at_el2 ? NULL : "the host is not at EL2 (no virtualization=on?)";
}

/* Any will do: stage 2 is off. */
static enum s2_granule any_granule(void)
{
	enum s2_granule granule = S2_PAGE_4K;

	while (granule < S2_PAGE_64K && !s2_granule_supported(granule))
		granule++;
	return granule;
}

/*
 * The caller's, with EL1&0 in use. An interrupt that the caller masks is EL1's, and masked there:
 * at EL2 it would be taken whatever PSTATE is.
 */
static u64 hcr_value(u64 daif)
{
	u64 hcr = read_sysreg(hcr_el2) & ~(HCR_EL2_TGE | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO);

	return hcr | HCR_EL2_RW | HCR_EL2_API | HCR_EL2_APK | (daif & PSR_I_BIT ? 0 : HCR_EL2_IMO) |
	       (daif & PSR_F_BIT ? 0 : HCR_EL2_FMO) | (daif & PSR_A_BIT ? 0 : HCR_EL2_AMO);
}

/* EL2's controls are the caller's, EL1's translation is the host's. */
static void share_address_space(struct guest *guest)
{
	el2_state_save(&guest->el2);
	guest->vttbr_el2 = guest->s2mmu->vttbr;
	guest->vtcr_el2 = guest->s2mmu->vtcr;
	guest->hcr_el2 = hcr_value(read_sysreg(daif));
	guest->emulates_dc = false;
	guest->vectors = guest_vectors;
	guest->mair_el1 = MAIR_VALUE;
	guest->tcr_el1 = mmu_tcr_el1();
	guest->ttbr0_el1 = read_sysreg(ttbr0_el2);
	guest->sctlr_el1 |= SCTLR_ELx_M | SCTLR_ELx_C | SCTLR_ELx_I;
}

static struct run_in_result result_of(const struct guest *guest)
{
	struct run_in_result result = {
		.el = guest->exit_reason == GUEST_EXIT_EL1_UNHANDLED ? 1 : 2,
		.vector = guest->exit_reason == GUEST_EXIT_EL1_UNHANDLED ? guest->el1_vector
									 : guest->exit_code,
		.esr = guest->esr_el2,
		.elr = guest->elr_el2,
		.spsr = guest->spsr_el2,
		.far = guest->far_el2,
	};

	if (guest->exit_reason == GUEST_EXIT_RETURNED)
		return (struct run_in_result){ .returned = true, .value = guest->return_value };
	return result;
}

static enum guest_handler_result end(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static struct run_in_result run(struct guest *guest, u64 arg)
{
	struct run_in_result result;

	assert_msg(guest, "no memory");
	share_address_space(guest);
	guest->x[0] = arg;
	guest->reports_el1 = true;
	guest_install_handler(guest, ELx_LOW_SYNC_64, end);
	guest_install_handler(guest, ELx_LOW_ERROR_64, end);
	guest_install_handler(guest, ELx_LOW_IRQ_64, guest_take_interrupts);
	guest_install_handler(guest, ELx_LOW_FIQ_64, guest_take_interrupts);
	guest_run(guest);
	result = result_of(guest);
	guest_destroy(guest); /* which drops the translations */
	return result;
}

struct run_in_result run_in_el1(u64 (*func)(u64 arg), u64 arg)
{
	return run(guest_create(S2_VMID_AUTO, (void (*)(void))func, any_granule()), arg);
}

struct run_in_result run_in_el0(u64 (*func)(u64 arg), u64 arg)
{
	return run(guest_create_el0(S2_VMID_AUTO, (void (*)(void))func, any_granule()), arg);
}
