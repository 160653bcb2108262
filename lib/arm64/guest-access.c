/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's memory, read at the guest's addresses. */
#include <libcflat.h>
#include <memregions.h>
#include <string.h>
#include <asm/at.h>
#include <asm/guest-internal.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

/* The smallest page: a translation holds up to its end. */
#define CHUNK SZ_4K
#define CHUNK_OFFSET(va) ((va) & (CHUNK - 1UL))

/* With the registers in the CPU that AT uses. */
static phys_addr_t translate_in_cpu(u64 va)
{
	u64 par = at_s12e1r(va);

	return par & PAR_EL1_F ? INVALID_PHYS_ADDR : PAR_EL1_PA(par) | CHUNK_OFFSET(va);
}

/* While it does not run, with its MMU off. */
static phys_addr_t translate_in_memory(struct guest *guest, u64 va)
{
	if (guest->sctlr_el1 & SCTLR_ELx_M)
		return INVALID_PHYS_ADDR;
	return s2mmu_translate(guest->s2mmu, va);
}

phys_addr_t guest_translate(struct guest *guest, u64 va)
{
	/* Of one that runs elsewhere, or whose handler runs another guest, the state is nowhere. */
	if (this_percpu()->guest != guest)
		return guest->thread ? INVALID_PHYS_ADDR : translate_in_memory(guest, va);
	if (guest->regs_in_memory)
		guest_registers_for_at(guest);
	return translate_in_cpu(va);
}

/* The host's address of memory, not of a device; NULL if it is none. */
static const char *host_address(phys_addr_t pa)
{
	const struct mem_region *region = memregions_find(pa);

	if (!region || region->flags & MR_F_IO || !follow_pte(mmu_idmap, pa))
		return NULL;
	return phys_to_virt(pa);
}

/* The memory from @va to the end of its page, of *@size bytes; NULL if it cannot be read. */
static const char *chunk_at(struct guest *guest, u64 va, size_t *size)
{
	phys_addr_t pa = guest_translate(guest, va);

	*size = CHUNK - CHUNK_OFFSET(va);
	return pa == INVALID_PHYS_ADDR ? NULL : host_address(pa);
}

bool guest_read(struct guest *guest, u64 va, void *to, size_t size)
{
	while (size) {
		size_t there, count;
		const char *from = chunk_at(guest, va, &there);

		if (!from)
			return false;
		count = MIN(size, there);
		memcpy(to, from, count);
		va += count;
		to += count;
		size -= count;
	}
	return true;
}

int guest_read_string(struct guest *guest, u64 va, char *to, int size)
{
	int len = 0;

	while (len < size - 1) {
		size_t there, count;
		const char *from = chunk_at(guest, va + len, &there);

		if (!from)
			return -1;
		there = MIN(there, (size_t)(size - 1 - len));
		count = strnlen(from, there);
		memcpy(to + len, from, count);
		len += count;
		if (count < there)
			break;
	}
	to[len] = '\0';
	return len;
}
