/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE state of a host that uses SVE: one that has untrapped it in CPTR_EL2. The library's own code
 * leaves it trapped, and pays nothing for this.
 *
 * Loading q registers clears the rest of z, so that a guest without SVE would destroy such a host's
 * state as well.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <asm/barrier.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/processor.h>

#define VL_MAX 256

static bool host_uses_sve(u64 cptr)
{
	bool untrapped = host_vhe ? cptr & CPTR_VHE_ZEN_EL2 : !(cptr & CPTR_NVHE_TZ);

	return untrapped && system_supports_sve();
}

void guest_host_sve_begin(struct guest *guest)
{
	if (!host_uses_sve(guest->host_el2.cptr_el2))
		return;
	if (!guest->host_sve)
		guest->host_sve = memalign_pages(PAGE_SIZE, SVE_REGISTERS_SIZE(VL_MAX));
	assert_msg(guest->host_sve, "no memory for the host's SVE registers");
	guest->keeps_host_sve = true;
	guest_update_optional(guest);
}

void guest_host_sve_end(struct guest *guest)
{
	guest->keeps_host_sve = false;
	guest_update_optional(guest);
}

/* ZCR_EL2 is the host's. */
void guest_host_sve_save(struct guest *guest)
{
	sve_save(guest->host_sve, sve_vector_length());
}

void guest_host_sve_restore(struct guest *guest)
{
	isb(); /* the host's ZCR_EL2 before registers of its length */
	sve_load(guest->host_sve, sve_vector_length());
}
