/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest has of the image and of the machine, and what it has not: each access that it must
 * not make is an exit.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define VMID 12

extern char boot_stack[], emergency_stack[];

static u64 constant_of_the_image = 42; /* writable */

static u64 guest_read(const volatile u64 *word)
{
	return *word;
}

static void guest_write(volatile u64 *word)
{
	*word = 0;
}

static enum guest_handler_result exit_always(struct guest *guest)
{
	return GUEST_ACTION_EXIT;
}

static struct guest *create(void (*guest_func)(void), u64 argument)
{
	struct guest *guest = guest_create(VMID, guest_func, S2_PAGE_4K);

	assert(guest);
	guest->x[0] = argument;
	guest_install_handler(guest, ELx_LOW_SYNC_64, exit_always);
	return guest;
}

/* One access to @address that must end in an abort of @type. */
static void check_denied(const char *what, void (*access)(void), const void *address, u64 type)
{
	struct guest *guest = create(access, (u64)address);
	enum guest_exit_reason reason = guest_run(guest);
	char words[128];

	report(reason == GUEST_EXIT_HANDLER && ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW &&
		       (guest->esr_el2 & ESR_ELx_FSC_TYPE) == type,
	       "%s: %s, %s", what, guest_exit_reason_name(reason),
	       esr_decode(guest->esr_el2, words, sizeof(words)));
	guest_destroy(guest);
}

static void check_allowed(const char *what, void (*access)(void), const void *address)
{
	struct guest *guest = create(access, (u64)address);
	enum guest_exit_reason reason = guest_run(guest);

	report(reason == GUEST_EXIT_RETURNED, "%s: %s", what, guest_exit_reason_name(reason));
	guest_destroy(guest);
}

#define READ ((void (*)(void))guest_read)
#define WRITE ((void (*)(void))guest_write)

static void test_image(void)
{
	static const u64 constant = 1;

	check_allowed("reads code", READ, _stext);
	check_denied("writes code", WRITE, _stext, ESR_ELx_FSC_PERM);
	check_allowed("reads a constant", READ, &constant);
	check_denied("writes a constant", WRITE, &constant, ESR_ELx_FSC_PERM);
	check_allowed("writes data", WRITE, &constant_of_the_image);
	report(constant_of_the_image == 0, "which the host sees: %lu", constant_of_the_image);
}

static void test_host_memory(void)
{
	struct guest *other = create(READ, 0);
	u64 local = 0;

	check_denied("reads the host's stack", READ, &local, ESR_ELx_FSC_FAULT);
	check_denied("reads the stack's first byte", READ, boot_stack, ESR_ELx_FSC_FAULT);
	check_denied("reads the emergency stack's last word", READ,
		     emergency_stack + 2 * THREAD_SIZE - 8, ESR_ELx_FSC_FAULT);
	check_denied("reads another guest's stack", READ, other->stack, ESR_ELx_FSC_FAULT);
	check_denied("reads another guest's tables", READ, other->s2mmu->root, ESR_ELx_FSC_FAULT);
	guest_destroy(other);
}

/* Unmapped by the host between two runs, not in a handler: HCR_EL2 and VTTBR_EL2 are the host's. */
static void test_unmap_between_runs(void)
{
	struct guest *guest = create(READ, (u64)&constant_of_the_image);
	u64 page = ALIGN_DOWN((u64)&constant_of_the_image, SZ_4K);
	enum guest_exit_reason first = guest_run(guest), second;

	assert(!s2mmu_unmap(guest->s2mmu, page, SZ_4K));
	guest->elr_el2 = (u64)guest_read;
	guest->x[0] = (u64)&constant_of_the_image;
	second = guest_run(guest);
	report(first == GUEST_EXIT_RETURNED && second == GUEST_EXIT_HANDLER &&
		       (guest->esr_el2 & ESR_ELx_FSC_TYPE) == ESR_ELx_FSC_FAULT,
	       "a page unmapped between two runs is gone in the second: %s",
	       guest_exit_reason_name(second));
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "image", test_image },
	{ "host-memory", test_host_memory },
	{ "unmap-between-runs", test_unmap_between_runs },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
