/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FP, SIMD and SVE registers: switching them, eagerly or lazily. */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/processor.h>

#define ZCR_LONGEST 0xf

static u64 with_sve(u64 cptr)
{
	return host_vhe ? cptr | CPTR_VHE_ZEN : cptr & ~CPTR_NVHE_TZ;
}

/* Of FP, which are traps of SVE as well (DDI 0487, CPTR_EL2.FPEN and TFP) */
static u64 with_traps(u64 cptr)
{
	return host_vhe ? cptr & ~CPTR_VHE_FPEN : cptr | CPTR_NVHE_TFP;
}

static bool traps_fp(u64 cptr)
{
	return host_vhe ? (cptr & CPTR_VHE_FPEN) != CPTR_VHE_FPEN : cptr & CPTR_NVHE_TFP;
}

static bool traps_sve(u64 cptr)
{
	return host_vhe ? (cptr & CPTR_VHE_ZEN) != CPTR_VHE_ZEN : cptr & CPTR_NVHE_TZ;
}

void guest_fp_untrap(const struct guest *guest)
{
	u64 cptr = cptr_el2_default();

	write_sysreg(guest->sve ? with_sve(cptr) : cptr, cptr_el2);
	isb();
}

/* The longest vectors for save and load, and for the guest, which has ZCR_EL1 for less. */
static void use_longest_vectors(void)
{
	write_sysreg(ZCR_LONGEST, ZCR_EL2);
	isb();
}

static bool held_back(const struct guest *guest)
{
	return guest->fp_lazy && !guest->fp_live;
}

static void load_sve(const struct guest *guest)
{
	const struct sve_state *sve = guest->sve;

	use_longest_vectors();
	sve_load(sve->registers, sve->vl);
	write_sysreg_el1(sve->zcr_el1, ZCR_EL1, ZCR_EL12);
	fp_control_load(&guest->fpsimd);
}

static void save_sve(struct guest *guest)
{
	struct sve_state *sve = guest->sve;

	/* ZCR_EL2 is as load_sve() left it. */
	sve->zcr_el1 = read_sysreg_el1(ZCR_EL1, ZCR_EL12);
	sve_save(sve->registers, sve->vl);
	fp_control_save(&guest->fpsimd);
}

void guest_fp_to_cpu(struct guest *guest)
{
	if (held_back(guest))
		return;
	if (guest->sve)
		load_sve(guest);
	else
		fpsimd_load(&guest->fpsimd);
}

void guest_fp_to_memory(struct guest *guest)
{
	if (held_back(guest))
		return;
	if (guest->sve)
		save_sve(guest);
	else
		fpsimd_save(&guest->fpsimd);
}

static void save_host(struct guest *guest)
{
	struct sve_state *sve = guest->sve;

	fpsimd_save(&guest->host_fpsimd);
	if (!sve)
		return;
	sve->host_zcr_el1 = read_sysreg_el1(ZCR_EL1, ZCR_EL12);
	sve->host_zcr_el2 = read_sysreg(ZCR_EL2);
}

void guest_fp_save_host(struct guest *guest)
{
	if (!guest->fp_lazy)
		save_host(guest);
}

static void restore_host_lengths(const struct sve_state *sve)
{
	write_sysreg_el1(sve->host_zcr_el1, ZCR_EL1, ZCR_EL12);
	write_sysreg(sve->host_zcr_el2, ZCR_EL2);
}

void guest_fp_restore_host(struct guest *guest)
{
	const struct sve_state *sve = guest->sve;

	if (held_back(guest))
		return;
	guest->fp_live = false;
	/* With the longest vectors in force this also clears what is beyond bit 127. */
	fpsimd_load(&guest->host_fpsimd);
	if (sve)
		restore_host_lengths(sve);
}

u64 guest_fp_cptr(const struct guest *guest)
{
	return held_back(guest) ? with_traps(guest->cptr_el2) : guest->cptr_el2;
}

bool guest_fp_first_use(struct guest *guest)
{
	unsigned int ec = ESR_ELx_EC(guest->esr_el2);

	if (!held_back(guest) || (ec != ESR_ELx_EC_FP_ASIMD && ec != ESR_ELx_EC_SVE))
		return false;
	if (!guest->regs_in_memory)
		guest_registers_to_memory(guest);
	/* A trap that the host has set itself is the handler's. */
	if (ec == ESR_ELx_EC_SVE ? traps_sve(guest->cptr_el2) : traps_fp(guest->cptr_el2))
		return false;
	save_host(guest);
	guest->fp_live = true; /* so that RESUME loads the guest's */
	return true;
}

void guest_set_fp_lazy(struct guest *guest, bool lazy)
{
	assert(!guest->thread);
	guest->fp_lazy = lazy;
	guest_update_optional(guest);
	guest_update_dispatch(guest);
}

bool guest_enable_sve(struct guest *guest)
{
	struct sve_state *sve;
	u64 vl, daif, cptr, zcr;

	assert(!guest->thread && !guest->sve);
	if (!system_supports_sve())
		return false;
	daif = read_sysreg(daif);
	cptr = read_sysreg(cptr_el2);
	daif_set(PSR_DAIF);
	write_sysreg(with_sve(cptr), cptr_el2);
	isb();
	zcr = read_sysreg(ZCR_EL2);
	use_longest_vectors();
	vl = sve_vector_length();
	write_sysreg(zcr, ZCR_EL2);
	write_sysreg(cptr, cptr_el2);
	isb();
	daif_restore(daif);

	sve = memalign_pages(PAGE_SIZE, sizeof(*sve) + 16 + SVE_REGISTERS_SIZE(vl));
	if (!sve)
		return false;
	sve->vl = vl;
	sve->registers = (char *)ALIGN((u64)(sve + 1), 16);
	sve->zcr_el1 = ZCR_LONGEST;
	guest->sve = sve;
	guest_update_optional(guest);
	guest->cptr_el2 = with_sve(guest->cptr_el2);
	guest->cpacr_el1 |= CPACR_EL1_ZEN;
	return true;
}

void *guest_sve_z(struct guest *guest, int n)
{
	assert(guest->sve && n >= 0 && n < 32);
	if (!guest->regs_in_memory)
		guest_registers_to_memory(guest);
	return guest->sve->registers + n * guest->sve->vl;
}

void guest_fp_destroy(struct guest *guest)
{
	free_pages(guest->sve);
}
