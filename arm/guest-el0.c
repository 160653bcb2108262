/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests at EL0, in AArch64 and in AArch32: where their exceptions go, and how they end. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-stage1.h>
#include <asm/io.h>
#include <asm/mmio.h>
#include <asm/processor.h>

#define VMID 24
#define TEST_IPA 0x80000000UL

/* guest-el0.S */
void guest_svc_twice(void);
extern char guest_a32_svc_twice[], guest_a32_copy[], guest_t32_if[], guest_a32_wild[];
extern char guest_a32_hvc[];
#define PSR_MODE_SVC32 0x13

static struct guest *create(void *func)
{
	return guest_require(guest_create_el0(VMID, (void (*)(void))func, S2_PAGE_4K));
}

static struct guest *create_32(const void *code)
{
	return guest_require(guest_create_el0_32(VMID, code, S2_PAGE_4K));
}

/* Address of a T32 function */
static const void *t32(const char *code)
{
	return code + 1;
}

/*
 * SVC to EL1: the guest's own handlers
 */

/* With the stack in use, so that SP_EL0 and SP_EL1 matter. */
static u64 guest_with_stack(u64 n)
{
	register u64 x0 asm("x0");
	volatile u64 words[64];

	for (u64 i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = n + i;
	x0 = words[1];
	asm volatile("svc #5" : "+r"(x0) : : "memory");
	return x0 + words[63];
}

/* Runs at EL1. */
static void multiply(struct guest_el1_regs *regs, unsigned int esr)
{
	volatile u64 words[64];

	for (u64 i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = esr & 0xffff;
	regs->regs[0] = regs->regs[0] * 100 + words[0];
}

static void test_svc_to_el1(void)
{
	struct guest *guest = create(guest_with_stack);

	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, multiply));
	guest->x[0] = 7;
	guest_check_run(guest, EXPECT_RETURN(8 * 100 + 5 + 70), "SVC #5 to a handler at EL1");
	report((guest->spsr_el2 & PSR_MODE_MASK) == PSR_MODE_EL1h,
	       "SPSR_EL2.M of the last exit, through EL1 as EL0 has no HVC: expected %#x, found %#lx",
	       PSR_MODE_EL1h, guest->spsr_el2 & PSR_MODE_MASK);
	guest_check_run(guest, EXPECT_RETURN(8 * 100 + 5 + 70), "the same, run after its end");
	guest_destroy(guest);

	guest = create(guest_svc_twice);
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, multiply));
	guest->x[0] = 3;
	guest_check_run(guest, EXPECT_RETURN(30102), "SVC #1 and SVC #2 to a handler at EL1");
	guest_destroy(guest);
}

/*
 * SVC to EL2
 */

struct seen {
	u64 esr, elr, spsr;
	unsigned int svcs, others;
};

static enum guest_handler_result count_svc(struct guest *guest)
{
	struct seen *seen = guest->data;
	u64 class = ESR_ELx_EC(guest->esr_el2);

	seen->esr = guest->esr_el2;
	seen->elr = guest->elr_el2;
	seen->spsr = guest->spsr_el2;
	if (class != ESR_ELx_EC_SVC64 && class != ESR_ELx_EC_SVC32) {
		seen->others++;
		return GUEST_ACTION_EXIT;
	}
	seen->svcs++;
	guest->x[0] = guest->x[0] * 100 + (guest->esr_el2 & 0xffff);
	return GUEST_ACTION_RESUME;
}

static void test_svc_to_host(void)
{
	struct guest *guest = create(guest_svc_twice);
	struct seen seen = { 0 };

	guest->data = &seen;
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	guest_route_el0(guest, true);
	guest->x[0] = 4;
	guest_check_run(guest, EXPECT_RETURN(40102), "SVC #1 and SVC #2 to the host");
	report(seen.svcs == 2 && seen.others == 0 &&
		       (seen.spsr & (PSR_MODE_MASK | PSR_MODE32_BIT)) == PSR_MODE_EL0t &&
		       seen.elr == (u64)guest_svc_twice + 8,
	       "exits of a guest with two SVCs: expected 2, 0 others, SPSR_EL2.M %#x, ELR_EL2 %#lx; "
	       "found %u, %u others, SPSR_EL2 %#lx, ELR_EL2 %#lx",
	       PSR_MODE_EL0t, (u64)guest_svc_twice + 8, seen.svcs, seen.others, seen.spsr,
	       seen.elr);
	guest_destroy(guest);
}

/* HCR_EL2.TGE itself: without VHE, where stage 2 stays in force with it. */
static void test_tge(void)
{
	struct guest *guest;
	struct seen seen = { 0 };

	if (host_vhe) {
		report_skip(
			"with HCR_EL2.{E2H, TGE} = {1, 1} EL0 is the host's and has no stage 2");
		return;
	}
	guest = create(guest_svc_twice);
	guest->data = &seen;
	guest->hcr_el2 |= HCR_EL2_TGE;
	guest->x[0] = 6;
	guest->x[30] = 0; /* to return takes EL1, which is not in use with TGE */
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "a guest with HCR_EL2.TGE set");
	report(guest->x[0] == 60102 && seen.svcs == 2 && seen.others == 1,
	       "two SVCs to EL2 with HCR_EL2.TGE set: expected 2 exits, 1 other, x0 60102; "
	       "found %u, %u, x0 %lu",
	       seen.svcs, seen.others, guest->x[0]);
	guest_destroy(guest);
}

/*
 * Other exceptions
 */

static u64 guest_hvc(void)
{
	asm volatile("hvc #0" : : : "memory");
	return 0;
}

/* HVC is undefined at EL0: an exception to EL1, never one that looks like a hypercall. */
static void test_undefined(void)
{
	struct guest *guest = create(guest_hvc);
	struct seen seen = { 0 };

	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_EL1_UNHANDLED),
			"HVC at EL0, undefined, without a handler at EL1");
	guest_destroy(guest);

	guest = create(guest_hvc);
	guest->data = &seen;
	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_UNKNOWN),
			"HVC at EL0, undefined, routed to the host");
	report(seen.others == 1 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_UNKNOWN &&
		       seen.elr == (u64)guest->elr_el2,
	       "undefined HVC in the host's handler: expected 1 exit of class %#lx, ELR_EL2 %#lx; "
	       "found %u, class %#lx, ELR_EL2 %#lx",
	       ESR_ELx_EC_UNKNOWN, guest->elr_el2, seen.others, ESR_ELx_EC(seen.esr), seen.elr);
	guest_destroy(guest);
}

static enum guest_handler_result map_page(struct guest *guest)
{
	u64 ipa;

	if (!guest_fault_ipa(guest, &ipa) || (ipa & PAGE_MASK) != TEST_IPA ||
	    s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(guest->data), PAGE_SIZE, S2_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static u64 guest_read(const volatile u32 *word)
{
	return *word;
}

/* A stage-2 fault at EL0 is taken to EL2 directly. */
static void test_stage2_fault(void)
{
	struct guest *guest = create(guest_read);
	u32 *page = alloc_page();

	page[2] = 0x1eaf;
	guest->data = page;
	guest->x[0] = TEST_IPA + 8;
	guest_install_handler(guest, ELx_LOW_SYNC_64, map_page);
	guest_check_run(guest, EXPECT_RETURN(0x1eaf), "read of a page that a handler maps");
	guest_destroy(guest);
	free_page(page);
}

/* A stage-1 fault is routed too, and has no IPA. */
static enum guest_handler_result expect_no_ipa(struct guest *guest)
{
	u64 ipa;
	bool known = guest_fault_ipa(guest, &ipa);

	report(!known && guest->far_el2 == TEST_IPA + 24 &&
		       ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW,
	       "a stage-1 fault routed to the host: expected data abort from a lower EL, FAR_EL2 "
	       "%#lx, IPA unknown; found %s, FAR_EL2 %#lx, IPA %s",
	       TEST_IPA + 24, esr_class_name(guest->esr_el2), guest->far_el2,
	       known ? "known" : "unknown");
	return GUEST_ACTION_EXIT;
}

static void test_stage1_fault(void)
{
	struct guest *guest = create(guest_read);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 32);
	u32 *page = alloc_page();

	assert(stage1 && !guest_stage1_map_image(stage1, S1_MAP_USER));
	assert(!guest_stage1_map(stage1, TEST_IPA, TEST_IPA, PAGE_SIZE, S1_MAP_RO));
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
	guest_stage1_enable(stage1);
	guest_route_el0(guest, true);
	guest->x[0] = TEST_IPA + 24; /* not where another test had a fault */
	guest_install_handler(guest, ELx_LOW_SYNC_64, expect_no_ipa);
	guest_check_run(guest,
			EXPECT_SYNDROME(ESR_ELx_EC_DABT_LOW, ESR_ELx_FSC_PERM, ESR_ELx_FSC_TYPE),
			"read at EL0 of a page of EL1's");
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
	free_page(page);
}

/*
 * AArch32
 */

static void test_a32_svc_to_el1(void)
{
	struct guest *guest = create_32(guest_a32_svc_twice);

	report_prefix_push("to EL1");
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_32, multiply));
	guest->x[0] = 3;
	guest_check_run(guest, EXPECT_RETURN(30102), "A32, SVC #1 and SVC #2");
	guest_check_run(guest, EXPECT_RETURN(30102), "the same, run after its end");
	guest_destroy(guest);
	report_prefix_pop();
}

static void test_a32_svc_to_host(void)
{
	struct guest *guest = create_32(guest_a32_svc_twice);
	struct seen seen = { 0 };

	report_prefix_push("to the host");
	guest->data = &seen;
	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	guest->x[0] = 4;
	guest_check_run(guest, EXPECT_RETURN(40102), "A32, SVC #1 and SVC #2");
	report(seen.svcs == 2 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_SVC32 &&
		       (seen.spsr & 0x1f) == PSR_MODE32_BIT,
	       "exits of an A32 guest with two SVCs in User mode: expected 2, class %#lx, "
	       "SPSR_EL2[4:0] %#x; found %u, class %#lx, SPSR_EL2 %#lx",
	       ESR_ELx_EC_SVC32, PSR_MODE32_BIT, seen.svcs, ESR_ELx_EC(seen.esr), seen.spsr);
	guest_destroy(guest);
	report_prefix_pop();
}

static void test_a32_memory(void)
{
	struct guest *guest = create_32(guest_a32_copy);
	u32 *page = alloc_page();

	page[1] = 0x32;
	guest->data = page;
	guest->x[0] = TEST_IPA + 4;
	guest_install_handler(guest, ELx_LOW_SYNC_64, map_page);
	guest_check_run(guest, EXPECT_RETURN(0x32), "A32, load from a page that a handler maps");
	report(page[2] == 0x33, "word written by an A32 guest: expected 0x33, found %#x", page[2]);
	guest_destroy(guest);
	free_page(page);
}

/* Emulated accesses: of 16-bit instructions, in an IT block. */
static void test_t32_mmio(void)
{
	static struct mmio_testdev testdev;

	for (u64 r1 = 0; r1 < 2; r1++) {
		struct guest *guest = create_32(t32(guest_t32_if));

		assert(!mmio_add_testdev(guest, &testdev, TEST_IPA));
		testdev.bytes[0] = 0x77;
		guest->x[0] = TEST_IPA;
		guest->x[1] = r1;
		report_prefix_push(r1 ? "condition fails" : "condition holds");
		guest_check_run(guest, EXPECT_RETURN(r1 ? 9 : 0x77),
				"T32, load from a device in an IT block");
		report(testdev.reads == 1 - r1, "reads of the device: expected %lu, found %u",
		       1 - r1, testdev.reads);
		report_prefix_pop();
		guest_destroy(guest);
	}
}

/* EL2 uses no register of an AArch32 guest as an address, not even r13 and r14. */
static enum guest_handler_result look_at_wild(struct guest *guest)
{
	u64 sp = (u64)__builtin_frame_address(0), bottom = (u64)guest - THREAD_SIZE;
	int wrong = 0;

	for (int r = 0; r <= 14; r++)
		wrong += guest->x[r] != 0xffffffff;
	report(!wrong,
	       "r0..r14 in a handler, each 0xffffffff zero-extended: expected 0 wrong, found %d "
	       "(r13 %#lx)",
	       wrong, guest->x[13]);
	report(sp > bottom && sp < (u64)guest,
	       "SP in a handler of an A32 guest: expected %#lx..%#lx, found %#lx", bottom,
	       (u64)guest, sp);
	return GUEST_ACTION_EXIT;
}

static void test_a32_wild(void)
{
	struct guest *guest = create_32(guest_a32_wild);

	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, look_at_wild);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"an A32 guest with wild registers, with a handler");
	guest_destroy(guest);

	/* Without a handler it is reported. */
	guest = create_32(guest_a32_wild);
	guest_route_el0(guest, true);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_UNHANDLED),
			"an A32 guest with wild registers, without a handler");
	guest_destroy(guest);
}

/* With EL1 in AArch32 too, exits use the AArch32 vectors. */
static enum guest_handler_result note_hvc32(struct guest *guest)
{
	struct seen *seen = guest->data;

	seen->esr = guest->esr_el2;
	seen->spsr = guest->spsr_el2;
	seen->svcs++;
	return GUEST_ACTION_EXIT;
}

static void test_a32_el1(void)
{
	struct guest *guest;
	struct seen seen = { 0 };

	if (guest_aarch32_el1_unsupported()) {
		report_skip("%s", guest_aarch32_el1_unsupported());
		return;
	}
	guest = guest_require(guest_create_el1_32(VMID, guest_a32_hvc, S2_PAGE_4K));
	guest->data = &seen;
	guest_install_handler(guest, ELx_LOW_SYNC_32, note_hvc32);
	guest_check_run(guest, EXPECT_SYNDROME(ESR_ELx_EC_HVC32, 0x8006, 0xffff),
			"HVC #0x8006 in Supervisor mode");
	report(seen.svcs == 1 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_HVC32 &&
		       (seen.esr & 0xffff) == 0x8006 && (seen.spsr & 0x1f) == PSR_MODE_SVC32,
	       "HVC #0x8006 by the AArch32 vector: expected 1 exit, class %#lx, SPSR_EL2[4:0] %#x; "
	       "found %u, ESR_EL2 %#lx, SPSR_EL2 %#lx",
	       ESR_ELx_EC_HVC32, PSR_MODE_SVC32, seen.svcs, seen.esr, seen.spsr);
	guest_destroy(guest);
}

static void (*const aarch32_tests[])(void) = {
	test_a32_svc_to_el1, test_a32_svc_to_host, test_a32_memory,
	test_t32_mmio,	     test_a32_wild,	   test_a32_el1,
};

static void test_aarch32(void)
{
	const char *unsupported = guest_aarch32_unsupported();

	if (unsupported) {
		report_skip("%s", unsupported);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(aarch32_tests); i++)
		aarch32_tests[i]();
}

static const struct subtest subtests[] = {
	{ "svc-to-el1", test_svc_to_el1 },
	{ "svc-to-host", test_svc_to_host },
	{ "tge", test_tge },
	{ "undefined", test_undefined },
	{ "stage2-fault", test_stage2_fault },
	{ "stage1-fault", test_stage1_fault },
	{ "aarch32", test_aarch32 },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
