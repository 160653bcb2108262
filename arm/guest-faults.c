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
#include <asm/setup.h>

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

/*
 * Controls over the translation, as a handler changes them before it asks
 */

#define OTHER_VMID 30
#define OTHER_IPA 0x180000000UL

struct change {
	struct guest_stage1 *stage1; /* to be turned on */
	struct s2_mmu *mmu; /* in place of the guest's */
	u64 hcr_clear;
	bool known;
	u64 ipa;
};

static enum guest_handler_result change_and_look(struct guest *guest)
{
	struct change *change = guest->data;

	if (change->stage1)
		guest_stage1_enable(change->stage1);
	if (change->mmu) {
		guest->vttbr_el2 = change->mmu->vttbr;
		guest->vtcr_el2 = change->mmu->vtcr;
	}
	guest->hcr_el2 &= ~change->hcr_clear;
	change->known = guest_fault_ipa(guest, &change->ipa);
	return GUEST_ACTION_EXIT;
}

static void check_change(struct guest *guest, struct change *change, u64 expected, const char *what)
{
	guest->data = change;
	guest_install_handler(guest, ELx_LOW_SYNC_64, change_and_look);
	guest_check_run(guest,
			EXPECT_SYNDROME(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, ESR_ELx_FSC_TYPE),
			"write to a read-only page");
	report(change->known == (expected != INVALID_PHYS_ADDR) &&
		       (!change->known || change->ipa == expected),
	       "IPA in a handler that %s: expected %#lx, found %#lx (%s)", what, expected,
	       change->ipa, change->known ? "known" : "unknown");
}

/* The address has another meaning with the guest's MMU on. */
static void test_mmu_turned_on(void)
{
	struct guest *guest = create(guest_write, NULL);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);
	struct change change = { .stage1 = stage1 };

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	assert(!guest_stage1_map(stage1, TEST_IPA, OTHER_IPA, PAGE_SIZE, S1_MAP_RW));
	check_change(guest, &change, OTHER_IPA + WORD, "turns the guest's MMU on");
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

/* The walk of stage 1 goes through stage 2. */
static void check_stage2(struct s2_mmu *mmu, u64 hcr_clear, u64 expected, const char *what)
{
	struct guest *guest = create(guest_write_stage1, NULL);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);
	struct change change = { .mmu = mmu, .hcr_clear = hcr_clear };

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	assert(!guest_stage1_map(stage1, TEST_VA, TEST_IPA, PAGE_SIZE, S1_MAP_RW));
	guest->x[0] = TEST_VA + WORD;
	guest->x[1] = (u64)stage1;
	check_change(guest, &change, expected, what);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

static void test_stage2(void)
{
	struct s2_mmu *empty = s2mmu_init(OTHER_VMID, S2_PAGE_4K, true), *large;
	u64 start = ram_regions[0].start, size = ram_regions[0].end - start;

	assert(empty);
	check_stage2(empty, 0, INVALID_PHYS_ADDR, "takes all memory from stage 2");
	check_stage2(empty, HCR_EL2_VM, TEST_IPA + WORD, "takes stage 2 away");
	s2mmu_destroy(empty);
	large = s2_granule_supported(S2_PAGE_64K) ? s2mmu_init(OTHER_VMID, S2_PAGE_64K, true)
						  : NULL;
	if (!large) {
		report_skip("no pages of 64 KiB at stage 2 (ID_AA64MMFR0_EL1.TGran64_2)");
		return;
	}
	assert(!s2mmu_map(large, start, start, size, S2_MAP_RW));
	check_stage2(large, 0, TEST_IPA + WORD, "gives stage 2 pages of 64 KiB");
	s2mmu_destroy(large);
}

/*
 * A handler's return addresses may be signed with the key that is in the CPU, so a key that it
 * changes for the guest must not be in force before the guest is.
 */
#define NEW_KEY 0x123456789abcdefUL

static struct {
	u64 key_before, key_after, ipa, ipa_again;
} with_key;

static enum guest_handler_result change_key(struct guest *guest)
{
	with_key.key_before = read_sysreg(APIAKEYLO_EL1);
	guest->apiakeylo_el1 = NEW_KEY;
	guest_fault_ipa(guest, &with_key.ipa);
	with_key.key_after = read_sysreg(APIAKEYLO_EL1);
	guest_fault_ipa(guest, &with_key.ipa_again);
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

static u64 guest_write_and_read_key(volatile u64 *word)
{
	*word = 1;
	return read_sysreg(APIAKEYLO_EL1);
}

static bool has_address_keys(void)
{
	return (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_API_APA) ||
	       (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_APA3);
}

static void test_keys(void)
{
	struct look look = { .registers_first = false };
	struct guest *guest;

	if (!has_address_keys()) {
		report_skip("the CPU has no pointer authentication (ID_AA64ISAR1_EL1.{APA,API})");
		return;
	}
	guest = create(guest_write_and_read_key, &look);
	guest_install_handler(guest, ELx_LOW_SYNC_64, change_key);
	guest_check_run(guest, EXPECT_RETURN(NEW_KEY),
			"the guest's APIAKeyLo_EL1, which a handler changed");
	report(with_key.ipa == TEST_IPA + WORD && with_key.ipa_again == TEST_IPA + WORD,
	       "IPA, twice, in a handler that changed a key: expected %#lx, found %#lx and %#lx",
	       TEST_IPA + WORD, with_key.ipa, with_key.ipa_again);
	report(with_key.key_after == with_key.key_before,
	       "APIAKeyLo_EL1 in the CPU after guest_fault_ipa(): expected %#lx, found %#lx",
	       with_key.key_before, with_key.key_after);
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "par", test_par },
	{ "after-run", test_after_run },
	{ "unknown", test_unknown },
	{ "read-only", test_read_only },
	{ "fetch", test_fetch },
	{ "syndromes", test_syndromes },
	{ "mmu-turned-on", test_mmu_turned_on },
	{ "stage2", test_stage2 },
	{ "keys", test_keys },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
