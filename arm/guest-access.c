/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's reads of a guest's memory: in a handler by the CPU's own walk, whose faults are at
 * each level of stage 2, and after the run by the tables.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-internal.h>
#include <asm/io.h>

#define VMID 37
#define PAGE SZ_4K
#define TEST_IPA 0x100000000UL
/* Beyond a page, a level-2 table and a level-1 entry that are mapped: faults at level 3, 2, 1 */
#define LEVEL_3_IPA (TEST_IPA + 2 * PAGE)
#define LEVEL_2_IPA (TEST_IPA + SZ_2M)
#define LEVEL_1_IPA (TEST_IPA + SZ_1G)
#define GUEST_PAR 0x12345000UL

static char *pages[2]; /* of TEST_IPA */

static bool reads(struct guest *guest, u64 va, const char *expected, size_t size)
{
	char found[32] = "";

	return guest_read(guest, va, found, size) && !memcmp(found, expected, size);
}

static void check_reads(struct guest *guest, const char *when)
{
	static const u64 unmapped[] = { LEVEL_3_IPA, LEVEL_2_IPA, LEVEL_1_IPA };
	char text[16];
	int len;

	report(reads(guest, TEST_IPA + 0x123, "one", 4), "%s: guest_read() inside a page", when);
	report(reads(guest, TEST_IPA + PAGE - 3, "endtwo", 7), "%s: guest_read() across pages",
	       when);
	for (unsigned int i = 0; i < ARRAY_SIZE(unmapped); i++) {
		phys_addr_t pa = guest_translate(guest, unmapped[i] + 0x123);

		report(pa == INVALID_PHYS_ADDR && !guest_read(guest, unmapped[i] + 0x123, text, 1),
		       "%s: guest_translate() of %#lx, which is not mapped: expected %#lx, found %#lx",
		       when, unmapped[i], INVALID_PHYS_ADDR, pa);
	}
	report(!guest_read(guest, LEVEL_3_IPA - 4, text, 8),
	       "%s: guest_read() across the end of what is mapped: expected failure", when);
	len = guest_read_string(guest, TEST_IPA + PAGE - 3, text, sizeof(text));
	report(len == 6 && !strcmp(text, "endtwo"),
	       "%s: guest_read_string() across pages: expected 6 \"endtwo\", found %d \"%s\"", when,
	       len, text);
	len = guest_read_string(guest, TEST_IPA + PAGE - 3, text, 5);
	report(len == 4 && !strcmp(text, "endt"),
	       "%s: guest_read_string() into 5 bytes: expected 4 \"endt\", found %d \"%s\"", when,
	       len, text);
	len = guest_read_string(guest, LEVEL_2_IPA, text, sizeof(text));
	report(len == -1, "%s: guest_read_string() of what is not mapped: expected -1, found %d",
	       when, len);
}

/* Not with what the CPU still has: tables at IPA 0, which stage 2 does not map. */
static void check_changed_registers(struct guest *guest)
{
	u64 sctlr = guest->sctlr_el1;
	phys_addr_t pa;

	guest->sctlr_el1 = sctlr | SCTLR_ELx_M;
	pa = guest_translate(guest, TEST_IPA);
	guest->sctlr_el1 = sctlr;
	report(pa == INVALID_PHYS_ADDR,
	       "guest_translate() of %#lx after a handler has set SCTLR_EL1.M, with TTBR0_EL1 0: "
	       "expected %#lx, found %#lx",
	       TEST_IPA, INVALID_PHYS_ADDR, pa);
}

static enum guest_handler_result look(struct guest *guest)
{
	if (guest->esr_el2 & 0xffff)
		return GUEST_ACTION_EXIT;
	check_reads(guest, "in a handler");
	check_changed_registers(guest);
	return GUEST_ACTION_RESUME;
}

/* PAR_EL1 after the host has read by address translation */
static void guest_main(void)
{
	asm volatile("	msr	par_el1, %0\n"
		     "	isb\n"
		     "	hvc	#0\n"
		     "	mrs	x0, par_el1\n"
		     "	hvc	#1\n"
		     :
		     : "r"(GUEST_PAR)
		     : "x0", "memory");
}

static void test_levels(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_main);

	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = alloc_page();
		assert(!s2mmu_map(guest->s2mmu, TEST_IPA + i * PAGE, virt_to_phys(pages[i]), PAGE,
				  S2_MAP_RO));
	}
	memcpy(pages[0] + 0x123, "one", 4);
	memcpy(pages[0] + PAGE - 3, "end", 3);
	memcpy(pages[1], "two", 4);
	guest_install_handler(guest, ELx_LOW_SYNC_64, look);
	guest_run(guest);
	report(guest->x[0] == GUEST_PAR, "PAR_EL1 of the guest: expected %#lx, found %#lx",
	       GUEST_PAR, guest->x[0]);
	check_reads(guest, "after the run");
	guest_destroy(guest);
	for (unsigned int i = 0; i < ARRAY_SIZE(pages); i++)
		free_page(pages[i]);
}

static const struct subtest subtests[] = { { "levels", test_levels } };

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
