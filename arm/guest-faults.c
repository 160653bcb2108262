/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guest_fault_ipa() where HPFAR_EL2 is not valid: with the registers in memory, after guest_run(),
 * and where the address cannot be known; and PAR_EL1, which it uses, stays the guest's.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/processor.h>

#define VMID 31
#define TEST_IPA 0x100000000UL
#define TEST_VA 0x4000000000UL
#define WORD 0x128
#define GUEST_PAR 0x12345000UL

/* A write to a read-only page; returns PAR_EL1 after the host has called guest_fault_ipa(). */
static u64 guest_write(volatile u64 *word)
{
	write_sysreg(GUEST_PAR, par_el1);
	*word = 1;
	return read_sysreg(par_el1);
}

static u64 guest_write_stage1(volatile u64 *word, const struct guest_stage1 *stage1)
{
	guest_stage1_turn_on(stage1);
	return guest_write(word);
}

struct look {
	bool registers_first, known;
	u64 ipa;
	bool stage1_gone;
};

static void look_at_fault(struct guest *guest)
{
	struct look *look = guest->data;

	if (look->stage1_gone)
		guest->ttbr0_el1 = virt_to_phys(alloc_page());
	if (look->registers_first)
		look->ipa = guest->tcr_el1;
	look->known = guest_fault_ipa(guest, &look->ipa);
}

static enum guest_handler_result look_and_skip(struct guest *guest)
{
	look_at_fault(guest);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result look_and_exit(struct guest *guest)
{
	look_at_fault(guest);
	return GUEST_ACTION_EXIT;
}

static u64 *page;

static struct guest *create(void *func, struct look *look)
{
	struct guest *guest = guest_create_4k(VMID, func);

	page = page ?: alloc_page();
	assert(page);
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RO));
	guest->x[0] = TEST_IPA + WORD;
	guest->data = look;
	return guest;
}

static void test_par(void)
{
	struct look look = { .registers_first = false };
	struct guest *guest = create(guest_write, &look);

	for (int i = 0; i < 2; i++) {
		guest->elr_el2 = (u64)guest_write;
		guest->x[0] = TEST_IPA + WORD;
		guest_install_handler(guest, ELx_LOW_SYNC_64, look_and_skip);
		look.registers_first = i;
		guest_run(guest);
		report(look.known && look.ipa == TEST_IPA + WORD,
		       "IPA of a permission fault, registers in %s: expected %#lx, found %#lx (%s)",
		       i ? "memory" : "the CPU", TEST_IPA + WORD, look.ipa,
		       look.known ? "known" : "unknown");
		guest_check_exit(guest, EXPECT_RETURN(GUEST_PAR),
				 "the guest's PAR_EL1 after guest_fault_ipa(), registers in %s",
				 i ? "memory" : "the CPU");
	}
	guest_destroy(guest);
}

static void guest_hvc(void)
{
	asm volatile("hvc #0" : : : "memory");
}

static void test_after_run(void)
{
	struct look look = { .registers_first = false };
	struct guest *guest = create(guest_write, &look);
	u64 ipa = 0;
	bool known;

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_run(guest);
	known = guest_fault_ipa(guest, &ipa);
	report(known && ipa == TEST_IPA + WORD,
	       "IPA of a permission fault, after guest_run(): expected %#lx, found %#lx (%s)",
	       TEST_IPA + WORD, ipa, known ? "known" : "unknown");
	/* Not of the exit before */
	guest->elr_el2 = (u64)guest_hvc;
	guest_run(guest);
	report(guest->fault_ipa == INVALID_PHYS_ADDR,
	       "fault_ipa after a run that an HVC ended: expected none, found %#lx",
	       guest->fault_ipa);
	guest_destroy(guest);
}

/* The guest's own page tables no longer map the address when the host looks. */
static void test_unknown(void)
{
	struct look look = { .stage1_gone = true };
	struct guest *guest = create(guest_write_stage1, &look);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, PAGE_SIZE, S1_MAP_RW));
	guest->x[0] = TEST_VA + WORD;
	guest->x[1] = (u64)stage1;
	guest_install_handler(guest, ELx_LOW_SYNC_64, look_and_exit);
	guest_check_run(guest,
			EXPECT_SYNDROME(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, ESR_ELx_FSC_TYPE),
			"write to a page that is read-only at stage 2");
	report(!look.known,
	       "IPA of an address that stage 1 no longer maps: expected unknown, found %s %#lx",
	       look.known ? "known," : "unknown", look.ipa);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

/* What stage 1 permits does not matter: an address that may be read only has an IPA too. */
static u64 guest_read_stage1(volatile u64 *word, const struct guest_stage1 *stage1)
{
	guest_stage1_turn_on(stage1);
	return *word;
}

static void test_read_only(void)
{
	struct look look = { .registers_first = false };

	for (int i = 0; i < 2; i++) {
		struct guest *guest = create(guest_read_stage1, &look);
		struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);

		assert(!s2mmu_protect(guest->s2mmu, TEST_IPA, PAGE_SIZE, S2_MAP_WRITE));
		assert(stage1 && !guest_stage1_map_image(stage1, 0));
		assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, PAGE_SIZE, S1_MAP_RO));
		guest->x[0] = TEST_VA + WORD;
		guest->x[1] = (u64)stage1;
		look.registers_first = i;
		guest_install_handler(guest, ELx_LOW_SYNC_64, look_and_exit);
		guest_check_run(
			guest, EXPECT_ABORT(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, TEST_IPA + WORD),
			"read of a page, read-only at stage 1, that stage 2 does not permit");
		report(look.known && look.ipa == TEST_IPA + WORD,
		       "IPA of it in the handler, registers in %s: expected %#lx, found %#lx (%s)",
		       i ? "memory" : "the CPU", TEST_IPA + WORD, look.ipa,
		       look.known ? "known" : "unknown");
		guest_stage1_destroy(stage1);
		guest_destroy(guest);
	}
}

/* Fetches too have an IPA: of a page that is not mapped, and of one that may not be executed. */
static void test_fetch(void)
{
	struct look look = { .registers_first = false };
	struct guest *guest = create(guest_write, &look);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest->elr_el2 = TEST_IPA + PAGE_SIZE + WORD;
	guest_check_run(
		guest,
		EXPECT_ABORT(ESR_ELx_EC_IABT_LOW, ESR_ELx_FSC_FAULT, TEST_IPA + PAGE_SIZE + WORD),
		"fetch from a page that is not mapped");
	assert(!s2mmu_protect(guest->s2mmu, TEST_IPA, PAGE_SIZE, S2_MAP_RO | S2_MAP_XN));
	guest->elr_el2 = TEST_IPA + WORD;
	guest_check_run(guest, EXPECT_ABORT(ESR_ELx_EC_IABT_LOW, ESR_ELx_FSC_PERM, TEST_IPA + WORD),
			"fetch from a page that may not be executed");
	guest_destroy(guest);
}

/* Other faults, with an HPFAR_EL2 that no walk would give. */
static void check_syndrome(struct guest *guest, unsigned int fsc, bool expected)
{
	bool known;
	u64 ipa = 0;

	guest->esr_el2 = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | fsc;
	guest->hpfar_el2 = 0x76543 << 4;
	guest->far_el2 = TEST_IPA + 0x21;
	known = guest_fault_ipa(guest, &ipa);
	report(known == expected && (!known || ipa == 0x76543021),
	       "IPA by HPFAR_EL2 for fault status %#x: expected %s, found %s, %#lx", fsc,
	       expected ? "known, 0x76543021" : "unknown", known ? "known" : "unknown", ipa);
}

/* In a handler, where guest_fault_ipa() may translate. */
static enum guest_handler_result check_syndromes(struct guest *guest)
{
	static const unsigned int unknown[] = { 0x10, 0x18, 0x21, 0x30, 0x31, 0x34, 0x35 };
	static const unsigned int known[] = { 0x00, 0x03, 0x04, 0x07, 0x09, 0x0b, 0x29, 0x2b };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		check_syndrome(guest, known[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
		check_syndrome(guest, unknown[i], false);
	return GUEST_ACTION_EXIT;
}

/* DDI 0487, ISS encoding of a Data Abort, DFSC: level -1 has codes of its own. */
static void test_syndromes(void)
{
	struct look look = { .registers_first = false };
	struct guest *guest = create(guest_write, &look);

	guest_install_handler(guest, ELx_LOW_SYNC_64, check_syndromes);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "write to a read-only page");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "par", test_par },	     { "after-run", test_after_run },
	{ "unknown", test_unknown }, { "read-only", test_read_only },
	{ "fetch", test_fetch },     { "syndromes", test_syndromes },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
