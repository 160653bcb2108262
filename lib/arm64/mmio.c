/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Emulated devices: decoding of accesses, and the choice of the device. */
#include <libcflat.h>
#include <errno.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>
#include <asm/mmio.h>

/* Faults on the guest's own translation tables and cache maintenance are no loads or stores. */
static bool is_access(u64 esr)
{
	return ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW && !(esr & (ESR_ELx_S1PTW | ESR_ELx_CM));
}

/*
 * By SCTLR_EL1.EE and E0E, in AArch32 by PSTATE.E. SCTLR_EL1 is read from the CPU where it
 * holds the guest's: moving the registers costs time.
 */
static bool is_big_endian(const struct guest *guest)
{
	u64 sctlr;

	if (guest->spsr_el2 & PSR_MODE32_BIT)
		return guest->spsr_el2 & PSR_AA32_E_BIT;
	if (guest->regs_in_memory)
		sctlr = guest->sctlr_el1;
	else
		sctlr = read_sysreg_el1(sctlr_el1, SCTLR_EL12);
	return sctlr &
	       ((guest->spsr_el2 & PSR_MODE_MASK) == PSR_MODE_EL0t ? SCTLR_EL1_E0E : SCTLR_ELx_EE);
}

enum mmio_decoded mmio_decode(struct guest *guest, struct mmio_access *access)
{
	u64 esr = guest->esr_el2;

	*access = (struct mmio_access){ 0 };
	if (!is_access(esr) || !guest_fault_ipa(guest, &access->ipa))
		return MMIO_NO_ACCESS;
	access->write = esr & ESR_ELx_WNR;
	if (!(esr & ESR_ELx_ISV))
		return MMIO_NO_SYNDROME;
	access->size = 1U << FIELD(esr, ESR_ELx_SAS_SHIFT + 1, ESR_ELx_SAS_SHIFT);
	access->reg = FIELD(esr, ESR_ELx_SRT_SHIFT + 4, ESR_ELx_SRT_SHIFT);
	access->sign_extend = esr & ESR_ELx_SSE;
	access->sf = esr & ESR_ELx_SF;
	access->big_endian = is_big_endian(guest);
	return MMIO_DECODED;
}

static u64 swapped(u64 value, unsigned int bytes)
{
	return __builtin_bswap64(value) >> (64 - 8 * bytes);
}

static u64 cut(u64 value, unsigned int bytes)
{
	return bytes == 8 ? value : value & ((1UL << 8 * bytes) - 1);
}

static u64 sign_extended(u64 value, unsigned int bytes)
{
	unsigned int unused = 64 - 8 * bytes;

	return (u64)((s64)(value << unused) >> unused);
}

u64 mmio_store_value(const struct guest *guest, const struct mmio_access *access)
{
	u64 value = access->reg == MMIO_XZR ? 0 : guest->x[access->reg];

	return access->big_endian ? swapped(value, access->size) : cut(value, access->size);
}

void mmio_load_value(struct guest *guest, const struct mmio_access *access, u64 value)
{
	if (access->big_endian)
		value = swapped(value, access->size);
	value = access->sign_extend ? sign_extended(value, access->size) : cut(value, access->size);
	/* Writing W clears the upper half of X. */
	if (access->reg != MMIO_XZR)
		guest->x[access->reg] = access->sf ? value : cut(value, 4);
}

static bool contains(const struct mmio_device *device, u64 ipa, u64 size)
{
	return ipa >= device->base && ipa - device->base < device->size &&
	       size <= device->size - (ipa - device->base);
}

static bool overlap(const struct mmio_device *a, const struct mmio_device *b)
{
	return a->base <= b->base + (b->size - 1) && b->base <= a->base + (a->size - 1);
}

int mmio_add_device(struct guest *guest, struct mmio_device *device)
{
	if (!device->size || device->base + (device->size - 1) < device->base)
		return -EINVAL;
	for (unsigned int i = 0; i < guest->nr_devices; i++)
		if (overlap(device, guest->devices[i]))
			return -EINVAL;
	if (guest->nr_devices == ARRAY_SIZE(guest->devices))
		return -ENOMEM;
	guest->devices[guest->nr_devices++] = device;
	guest_update_dispatch(guest);
	return 0;
}

void mmio_remove_device(struct guest *guest, struct mmio_device *device)
{
	unsigned int i = 0;

	while (i < guest->nr_devices && guest->devices[i] != device)
		i++;
	if (i < guest->nr_devices)
		guest->devices[i] = guest->devices[--guest->nr_devices];
	guest_update_dispatch(guest);
}

static struct mmio_device *find(struct guest *guest, u64 ipa, u64 size)
{
	for (unsigned int i = 0; i < guest->nr_devices; i++)
		if (contains(guest->devices[i], ipa, size))
			return guest->devices[i];
	return NULL;
}

static void complete(struct guest *guest, struct mmio_device *device,
		     const struct mmio_access *access)
{
	u64 offset = access->ipa - device->base;

	spin_lock(&device->lock);
	if (access->write)
		device->write(guest, device, offset, access->size, mmio_store_value(guest, access));
	else
		mmio_load_value(guest, access, device->read(guest, device, offset, access->size));
	spin_unlock(&device->lock);
	guest_skip_instruction(guest);
}

static void report_no_syndrome(struct guest *guest, const struct mmio_device *device,
			       const struct mmio_access *access)
{
	guest->exit_reason = GUEST_EXIT_NO_SYNDROME;
	report_info("guest: %s of %s at IPA %#lx by an instruction without syndrome (ISV 0): "
		    "a pair, an index written back, SIMD, an atomic or the like; PC %#lx",
		    access->write ? "write" : "read", device->name, access->ipa, guest->elr_el2);
}

enum mmio_result mmio_emulate(struct guest *guest)
{
	struct mmio_access access;
	enum mmio_decoded decoded = mmio_decode(guest, &access);
	struct mmio_device *device;

	if (decoded == MMIO_NO_ACCESS)
		return MMIO_NOT_OURS;
	device = find(guest, access.ipa, access.size ?: 1);
	if (!device)
		return MMIO_NOT_OURS;
	if (decoded == MMIO_NO_SYNDROME) {
		report_no_syndrome(guest, device, &access);
		return MMIO_REPORTED;
	}
	complete(guest, device, &access);
	return MMIO_DONE;
}
