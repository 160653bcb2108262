/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's memory that a guest sees, at the host's addresses. */
#include <libcflat.h>
#include <errno.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/setup.h>

/* True when stage 2 maps the range one to one already, as some do for all of memory. */
static bool is_there(struct s2_mmu *mmu, u64 start, u64 size)
{
	u64 address = start;

	while (address < start + size && s2mmu_translate(mmu, address) == address)
		address += s2_page_size(mmu);
	return address >= start + size;
}

static int map(struct s2_mmu *mmu, u64 start, u64 size, unsigned long flags, bool *mapped)
{
	int err = s2mmu_map(mmu, start, start, size, flags | S2_MAP_NOREPLACE);

	*mapped = !err;
	return err == -EEXIST && is_there(mmu, start, size) ? 0 : err;
}

/* Once for all vCPUs. */
static int map_image(struct s2_mmu *mmu)
{
	extern char boot_stack[];
	u64 text = __pa(_stext), data = __pa(_sdata), end = __pa(boot_stack);
	bool text_mapped, mapped;
	int err;

	if (mmu->has_image)
		return 0;
	err = map(mmu, text, data - text, S2_MAP_RO, &text_mapped);
	if (err)
		return err;
	err = map(mmu, data, end - data, S2_MAP_RW, &mapped);
	if (err && text_mapped)
		s2mmu_unmap(mmu, text, data - text);
	mmu->has_image = !err;
	return err;
}

int guest_map_initial(struct guest *guest)
{
	return map_image(guest->s2mmu)
		       ?: map(guest->s2mmu, __pa(guest->stack), GUEST_STACK_SIZE, S2_MAP_RW,
			      &guest->mapped_stack);
}

int guest_map_el1_page(struct guest *guest, void *page)
{
	return map(guest->s2mmu, __pa(page), s2_page_size(guest->s2mmu), S2_MAP_RO,
		   &guest->mapped_el1_page);
}

void guest_unmap_own(struct guest *guest)
{
	if (guest->mapped_stack)
		s2mmu_unmap(guest->s2mmu, __pa(guest->stack), GUEST_STACK_SIZE);
	if (guest->mapped_el1_page)
		s2mmu_unmap(guest->s2mmu, __pa(guest->el1_page), s2_page_size(guest->s2mmu));
}
