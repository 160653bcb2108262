/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests at EL0, in AArch64 and in AArch32: where their exceptions go, and how they end. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest.h>
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

static struct guest *create(void (*guest_func)(void))
{
	struct guest *guest = guest_create_el0(VMID, guest_func, S2_PAGE_4K);

	assert(guest);
	return guest;
}

static struct guest *create_32(const void *code)
{
	struct guest *guest = guest_create_el0_32(VMID, code, S2_PAGE_4K);

	assert(guest);
	return guest;
}

/* A T32 function's address */
static const void *t32(const char *code)
{
	return code + 1;
}

static bool ends(struct guest *guest, enum guest_exit_reason expected)
{
	enum guest_exit_reason reason = guest_run(guest);

	return report(reason == expected, "guest_run(): expected \"%s\", found \"%s\"",
		      guest_exit_reason_name(expected), guest_exit_reason_name(reason));
}

static bool returns(struct guest *guest, u64 expected)
{
	bool returned = ends(guest, GUEST_EXIT_RETURNED);

	return report(guest->exit_code == expected, "value: expected %#lx, found %#lx", expected,
		      guest->exit_code) &&
	       returned;
}

/*
 * SVC to EL1: the guest's own handlers
 */

/* With the stack in use, so that SP_EL0 and SP_EL1 matter. */
static u64 guest_with_stack(u64 n)
{
	volatile u64 words[64];
	register u64 x0 asm("x0");

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
	struct guest *guest = create((void (*)(void))guest_with_stack);

	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, multiply));
	guest->x[0] = 7;
	returns(guest, 8 * 100 + 5 + 70);
	report((guest->spsr_el2 & PSR_MODE_MASK) == PSR_MODE_EL1h,
	       "the end came by EL1, as EL0 cannot call EL2: SPSR_EL2 %#lx", guest->spsr_el2);
	guest_destroy(guest);

	guest = create(guest_svc_twice);
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_64, multiply));
	guest->x[0] = 3;
	returns(guest, 30102);
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
	returns(guest, 40102);
	report(seen.svcs == 2 && seen.others == 0 &&
		       (seen.spsr & (PSR_MODE_MASK | PSR_MODE32_BIT)) == PSR_MODE_EL0t &&
		       seen.elr == (u64)guest_svc_twice + 8,
	       "two SVCs from EL0 at their places: %u, SPSR_EL2 %#lx, ELR_EL2 %#lx", seen.svcs,
	       seen.spsr, seen.elr);
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
	guest->x[30] = 0; /* the way back is by EL1, which there is none of */
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	ends(guest, GUEST_EXIT_HANDLER);
	report(guest->x[0] == 60102 && seen.svcs == 2 && seen.others == 1,
	       "two SVCs without a detour: x0 expected 60102, found %lu", guest->x[0]);
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
	struct guest *guest = create((void (*)(void))guest_hvc);
	struct seen seen = { 0 };

	ends(guest, GUEST_EXIT_EL1_UNHANDLED);
	guest_destroy(guest);

	guest = create((void (*)(void))guest_hvc);
	guest->data = &seen;
	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	ends(guest, GUEST_EXIT_HANDLER);
	report(seen.others == 1 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_UNKNOWN &&
		       seen.elr == (u64)guest->elr_el2,
	       "routed to the host it is of class 0: ESR_EL2 %#lx", seen.esr);
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

/* A stage-2 fault comes from EL0 to the host at once. */
static void test_stage2_fault(void)
{
	struct guest *guest = create((void (*)(void))guest_read);
	u32 *page = alloc_page();

	page[2] = 0x1eaf;
	guest->data = page;
	guest->x[0] = TEST_IPA + 8;
	guest_install_handler(guest, ELx_LOW_SYNC_64, map_page);
	returns(guest, 0x1eaf);
	guest_destroy(guest);
	free_page(page);
}

/* A stage-1 fault is routed too, and has no IPA. */
static enum guest_handler_result expect_no_ipa(struct guest *guest)
{
	u64 ipa;

	report(!guest_fault_ipa(guest, &ipa) && guest->far_el2 == TEST_IPA + 24 &&
		       ESR_ELx_EC(guest->esr_el2) == ESR_ELx_EC_DABT_LOW,
	       "a fault of stage 1: FAR_EL2 %#lx, and no IPA", guest->far_el2);
	return GUEST_ACTION_EXIT;
}

static void test_stage1_fault(void)
{
	struct guest *guest = create((void (*)(void))guest_read);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 32);
	u32 *page = alloc_page();

	assert(stage1 && !guest_stage1_map_image(stage1, S1_MAP_USER));
	assert(!guest_stage1_map(stage1, TEST_IPA, TEST_IPA, PAGE_SIZE, S1_MAP_RO));
	assert(!s2mmu_map(guest->s2mmu, TEST_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
	guest_stage1_enable(stage1);
	guest_route_el0(guest, true);
	guest->x[0] = TEST_IPA + 24; /* not where another test had a fault */
	guest_install_handler(guest, ELx_LOW_SYNC_64, expect_no_ipa);
	ends(guest, GUEST_EXIT_HANDLER);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
	free_page(page);
}

/*
 * AArch32
 */

static void test_a32_svc(void)
{
	struct guest *guest = create_32(guest_a32_svc_twice);
	struct seen seen = { 0 };

	report_prefix_push("to EL1");
	assert(guest_install_el1_handler(guest, ELx_LOW_SYNC_32, multiply));
	guest->x[0] = 3;
	returns(guest, 30102);
	guest_destroy(guest);
	report_prefix_pop();

	report_prefix_push("to the host");
	guest = create_32(guest_a32_svc_twice);
	guest->data = &seen;
	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, count_svc);
	guest->x[0] = 4;
	returns(guest, 40102);
	report(seen.svcs == 2 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_SVC32 &&
		       (seen.spsr & 0x1f) == PSR_MODE32_BIT,
	       "two SVCs of User mode: %u, SPSR_EL2 %#lx", seen.svcs, seen.spsr);
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
	returns(guest, 0x32);
	report(page[2] == 0x33, "and has written 0x33: %#x", page[2]);
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
		report_prefix_push(r1 ? "not taken" : "taken");
		returns(guest, r1 ? 9 : 0x77);
		report(testdev.reads == 1 - r1, "%u reads", testdev.reads);
		report_prefix_pop();
		guest_destroy(guest);
	}
}

/* Registers of an AArch32 guest are numbers to EL2, sp and lr included. */
static enum guest_handler_result look_at_wild(struct guest *guest)
{
	u64 sp = (u64)__builtin_frame_address(0), bottom = (u64)guest - THREAD_SIZE;
	bool all = true;

	for (int r = 0; r <= 14; r++)
		all &= guest->x[r] == 0xffffffff;
	report(all, "r0..r14 reach the handler, zero-extended: r13 %#lx", guest->x[13]);
	report(sp > bottom && sp < (u64)guest, "which runs on its own stack: %#lx", sp);
	return GUEST_ACTION_EXIT;
}

static void test_a32_wild(void)
{
	struct guest *guest = create_32(guest_a32_wild);

	guest_route_el0(guest, true);
	guest_install_handler(guest, ELx_LOW_SYNC_64, look_at_wild);
	ends(guest, GUEST_EXIT_HANDLER);
	guest_destroy(guest);

	/* Without a handler it is reported. */
	guest = create_32(guest_a32_wild);
	guest_route_el0(guest, true);
	ends(guest, GUEST_EXIT_UNHANDLED);
	guest_destroy(guest);
}

/* AArch32 at EL1 too: then the AArch32 vectors are what an exit comes by. */
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
	guest = guest_create_el1_32(VMID, guest_a32_hvc, S2_PAGE_4K);
	assert(guest);
	guest->data = &seen;
	guest_install_handler(guest, ELx_LOW_SYNC_32, note_hvc32);
	ends(guest, GUEST_EXIT_HANDLER);
	report(seen.svcs == 1 && ESR_ELx_EC(seen.esr) == ESR_ELx_EC_HVC32 &&
		       (seen.esr & 0xffff) == 0x8006 && (seen.spsr & 0x1f) == PSR_MODE_SVC32,
	       "HVC #0x8006 of SVC mode by the AArch32 vector: %u, ESR_EL2 %#lx, SPSR_EL2 %#lx",
	       seen.svcs, seen.esr, seen.spsr);
	guest_destroy(guest);
}

static void (*const aarch32_tests[])(void) = { test_a32_svc, test_a32_memory, test_t32_mmio,
					       test_a32_wild, test_a32_el1 };

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
