/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's own exception handlers. */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <asm/guest-call.h>
#include <asm/guest.h>
#include <asm/guest-hypercall.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/mmu.h>

#define VECTORS_SIZE (VECTOR_MAX * VECTOR_SLOT_SIZE)

bool guest_el1_vectors_contain(const struct guest *guest, u64 pc)
{
	u64 bare = (u64)guest_el1_bare_vectors, own = (u64)guest->el1_page;

	return (pc >= bare && pc < bare + VECTORS_SIZE) ||
	       (own && pc >= own && pc < own + VECTORS_SIZE);
}

/* @pc is what @code, behind the full vectors, is in the guest's own page. */
static bool is_copy_of(const struct guest *guest, const char *code, u64 pc)
{
	u64 offset = code - guest_el1_full_vectors;

	return guest->el1_page && pc == (u64)guest->el1_page + offset;
}

bool guest_el1_saw_return(const struct guest *guest, u64 pc)
{
	return is_copy_of(guest, guest_el1_returned, pc);
}

bool guest_el1_saw_call(const struct guest *guest, u64 pc)
{
	return is_copy_of(guest, guest_el1_called, pc);
}

/* Have the guest's own vectors know guest_call(), unless the guest is opaque: no PC is -1. */
static void set_known_call(struct guest *guest)
{
	u64 *known = (u64 *)(guest->el1_page + (guest_el1_known - guest_el1_full_vectors));

	known[2] = guest->is_opaque ? UINT64_MAX : (u64)guest_call;
}

void guest_set_opaque(struct guest *guest, bool opaque)
{
	guest->is_opaque = opaque;
	if (guest->el1_page)
		set_known_call(guest);
}

/* Create the guest's own page of vectors: bare ones, followed by the code of the full ones. */
bool guest_el1_create_page(struct guest *guest)
{
	u64 size = s2_page_size(guest->s2mmu);
	size_t code_size = guest_el1_full_end - guest_el1_full_vectors;
	char *page = memalign_pages(size, size);
	u64 *known;

	if (!page)
		return false;
	assert(code_size <= GUEST_EL1_PAGE_SIZE);
	if (guest_map_el1_page(guest, page)) {
		free_pages(page);
		return false;
	}
	memcpy(page, guest_el1_full_vectors, code_size);
	memcpy(page, guest_el1_bare_vectors, VECTORS_SIZE);
	known = (u64 *)(page + (guest_el1_known - guest_el1_full_vectors));
	known[0] = (u64)guest_return_el0 + 4;
	known[1] = (u64)guest_return_a32 + 4;
	guest->el1_page = page;
	set_known_call(guest);
	return true;
}

bool guest_install_el1_handler(struct guest *guest, enum vector vector, guest_el1_handler_t handler)
{
	size_t slot = vector * VECTOR_SLOT_SIZE;
	guest_el1_handler_t *handlers;
	char *page;

	assert(vector < VECTOR_MAX);
	if (!guest->el1_page && !guest_el1_create_page(guest))
		return false;
	page = guest->el1_page;
	handlers = (guest_el1_handler_t *)(page + (guest_el1_handlers - guest_el1_full_vectors));
	handlers[vector] = handler;
	memcpy(page + slot, (handler ? guest_el1_full_vectors : guest_el1_bare_vectors) + slot,
	       VECTOR_SLOT_SIZE);
	sync_icache(page, GUEST_EL1_PAGE_SIZE);
	guest->vbar_el1 = (u64)page;
	return true;
}
