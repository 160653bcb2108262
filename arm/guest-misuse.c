/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Misuse of the framework and of the library ends in an assertion, or an abort, that names it.
 *
 * An assertion of the host would end the run. So each call is made by an opaque guest, with a struct
 * guest in its own memory: there assert() is a hypercall, whose handler finds the text.
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest-call.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/guest-hypercall.h>
#include <asm/guest-internal.h>
#include <asm/guest-stage1.h>
#include <asm/thread_info.h>
#include "guest-misuse/misuse.h"

#define VMID 29

/* Nothing of it may change in the host: it is none that guest_create() made. */
static struct guest subject;
static struct thread_info thread;
static struct sve_state sve;
static struct guest_debug debug;

static struct {
	bool asserted;
	char text[256];
} seen;

static enum guest_handler_result catch_assertion(struct guest *guest)
{
	u64 number = guest->esr_el2 & 0xffff;

	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_HVC64 || number != GUEST_HVC_CALL)
		return GUEST_ACTION_EXIT;
	if (guest->x[0] == GUEST_CALL_PROBE) {
		guest->x[0] = 1;
		return GUEST_ACTION_RESUME;
	}
	seen.asserted = guest->x[0] == GUEST_CALL_ASSERT || guest->x[0] == GUEST_CALL_ABORT;
	guest_read_string(guest, guest->x[1], seen.text, sizeof(seen.text));
	return GUEST_ACTION_EXIT;
}

/* At EL1: TPIDR_EL2 leads to the data of a CPU; bits 0 and 2 of SCTLR_EL2 are 0, as MMU off. */
static void read_tpidr(struct guest_el1_regs *regs, unsigned int esr)
{
	regs->regs[*(u32 *)regs->elr & 0x1f] = (u64)&thread;
	regs->elr += 4;
}

static void check(const struct misuse *misuse)
{
	struct guest *guest = guest_create_4k(VMID, misuse->call);

	memset(&subject, 0, sizeof(subject));
	seen.asserted = false;
	seen.text[0] = '\0';
	guest_set_opaque(guest, true);
	assert(guest_install_el1_handler(guest, ELxH_SYNC, read_tpidr));
	guest_install_handler(guest, ELx_LOW_SYNC_64, catch_assertion);
	guest_run(guest);
	report(guest->exit_reason == GUEST_EXIT_HANDLER && seen.asserted &&
		       strstr(seen.text, misuse->text),
	       "%s: expected an assertion with \"%s\", found %s \"%s\"", misuse->what, misuse->text,
	       seen.asserted ? "one with" : guest_exit_reason_name(guest->exit_reason), seen.text);
	guest_destroy(guest);
}

void check_misuses(const struct misuse *misuses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(&misuses[i]);
}

/*
 * A vector or class that is none
 */

static void handler_of_host_sync(void)
{
	guest_install_handler(&subject, ELxT_SYNC, guest_exit_always);
}

static void handler_of_host_serror(void)
{
	guest_install_handler(&subject, ELxH_ERROR, guest_exit_always);
}

static void handler_of_vector_max(void)
{
	guest_install_handler(&subject, VECTOR_MAX, guest_exit_always);
}

static void handler_of_class(void)
{
	guest_install_class_handler(&subject, EC_MAX, guest_exit_always);
}

static void el1_handler_of_vector_max(void)
{
	guest_install_el1_handler(&subject, VECTOR_MAX, NULL);
}

static void call_vector_of_host(void)
{
	guest_c_exception_handler(&subject, ELxH_ERROR * VECTOR_SLOT_SIZE);
}

static void call_vector_max(void)
{
	guest_c_exception_handler(&subject, VECTOR_MAX * VECTOR_SLOT_SIZE);
}

static void test_range(void)
{
	static const struct misuse misuses[] = {
		{ "guest_install_handler(ELxT_SYNC)", handler_of_host_sync,
		  "is no vector of a guest's exits" },
		{ "guest_install_handler(ELxH_ERROR)", handler_of_host_serror,
		  "is no vector of a guest's exits" },
		{ "guest_install_handler(VECTOR_MAX)", handler_of_vector_max,
		  "is no vector of a guest's exits" },
		{ "guest_install_class_handler(EC_MAX)", handler_of_class,
		  "0x40 is no exception class" },
		{ "guest_install_el1_handler(VECTOR_MAX)", el1_handler_of_vector_max,
		  "vector < VECTOR_MAX" },
		{ "guest_c_exception_handler() for ELxH_ERROR", call_vector_of_host,
		  "vector >= ELx_LOW_SYNC_64" },
		{ "guest_c_exception_handler() for VECTOR_MAX", call_vector_max,
		  "vector < VECTOR_MAX" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * A guest that runs
 */

static void destroy_running(void)
{
	subject.thread = &thread;
	guest_destroy(&subject);
}

static void run_running(void)
{
	subject.thread = &thread;
	guest_run(&subject);
}

static void set_lazy_running(void)
{
	subject.thread = &thread;
	guest_set_fp_lazy(&subject, true);
}

static void enable_sve_running(void)
{
	subject.thread = &thread;
	guest_enable_sve(&subject);
}

static void enable_debug_running(void)
{
	subject.thread = &thread;
	guest_enable_debug(&subject);
}

static void test_running(void)
{
	static const struct misuse misuses[] = {
		{ "guest_destroy() of a guest that runs", destroy_running, "the guest runs" },
		{ "guest_run() of a guest that runs", run_running, "the guest runs already" },
		{ "guest_set_fp_lazy() of a guest that runs", set_lazy_running, "!guest->thread" },
		{ "guest_enable_sve() of a guest that runs", enable_sve_running, "!guest->thread" },
		{ "guest_enable_debug() of a guest that runs", enable_debug_running,
		  "!guest->thread" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * State that is there already, or is not
 */

static void enable_sve_twice(void)
{
	subject.sve = &sve;
	guest_enable_sve(&subject);
}

static void enable_debug_twice(void)
{
	subject.debug = &debug;
	guest_enable_debug(&subject);
}

static void z_without_sve(void)
{
	guest_sve_z(&subject, 0);
}

static void z_of(int n)
{
	subject.sve = &sve;
	subject.regs_in_memory = true;
	guest_sve_z(&subject, n);
}

static void z_below(void)
{
	z_of(-1);
}

static void z_above(void)
{
	z_of(32);
}

static void test_optional(void)
{
	static const struct misuse misuses[] = {
		{ "guest_enable_sve(), twice", enable_sve_twice, "!guest->sve" },
		{ "guest_enable_debug(), twice", enable_debug_twice, "!guest->debug" },
		{ "guest_sve_z() of a guest without SVE", z_without_sve, "guest->sve" },
		{ "guest_sve_z(-1)", z_below, "n >= 0" },
		{ "guest_sve_z(32)", z_above, "n < 32" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * guest_skip_instruction() after a call, and after what no instruction has caused
 */

static void skip_after(u64 class)
{
	subject.esr_el2 = class << ESR_ELx_EC_SHIFT | ESR_ELx_IL;
	guest_skip_instruction(&subject);
}

#define DEFINE_SKIP(name)                      \
	static void skip_##name(void)          \
	{                                      \
		skip_after(ESR_ELx_EC_##name); \
	}
DEFINE_SKIP(HVC64)
DEFINE_SKIP(SVC64)
DEFINE_SKIP(HVC32)
DEFINE_SKIP(SVC32)
DEFINE_SKIP(SERROR)

static void skip_interrupt(void)
{
	subject.esr_el2 = 0;
	guest_skip_instruction(&subject);
}

static void test_skip(void)
{
	static const char text[] = "ELR_EL2 is behind the instruction";
	static const char asynchronous[] = "the exit is an interrupt or SError";
	static const struct misuse misuses[] = {
		{ "guest_skip_instruction() after HVC", skip_HVC64, text },
		{ "guest_skip_instruction() after SVC", skip_SVC64, text },
		{ "guest_skip_instruction() after HVC of AArch32", skip_HVC32, text },
		{ "guest_skip_instruction() after SVC of AArch32", skip_SVC32, text },
		{ "guest_skip_instruction() after an interrupt", skip_interrupt, asynchronous },
		{ "guest_skip_instruction() after an SError", skip_SERROR, asynchronous },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * A host without MMU, as SCTLR_EL2 of these guests says
 */

static void create_without_mmu(void)
{
	guest_create_on(NULL, create_without_mmu);
}

static void test_no_mmu(void)
{
	static const struct misuse misuses[] = {
		{ "guest_create_on() with the host's MMU off", create_without_mmu,
		  "guests need the host's MMU" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * A stage 1 of a size that is none
 */

static void create_stage1(unsigned int va_bits, unsigned int high_va_bits)
{
	const struct guest_stage1_config config = { .granule = S2_PAGE_4K,
						    .va_bits = va_bits,
						    .high_va_bits = high_va_bits };

	guest_stage1_create_config(&subject, &config);
}

static void stage1_24(void)
{
	create_stage1(24, 0);
}

static void stage1_49(void)
{
	create_stage1(49, 0);
}

static void stage1_high_24(void)
{
	create_stage1(39, 24);
}

static void stage1_high_49(void)
{
	create_stage1(39, 49);
}

static void test_stage1(void)
{
	static const struct misuse misuses[] = {
		{ "a stage 1 of 24 bits", stage1_24, "expected 25..48, found 24, 24" },
		{ "a stage 1 of 49 bits", stage1_49, "expected 25..48, found 49, 49" },
		{ "a stage 1 of 39 bits, 24 for TTBR1_EL1", stage1_high_24,
		  "expected 25..48, found 39, 24" },
		{ "a stage 1 of 39 bits, 49 for TTBR1_EL1", stage1_high_49,
		  "expected 25..48, found 39, 49" },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

/*
 * Code that AArch32 does not reach
 */

#define AARCH32_END (1UL << 32)

static void create_el0_32_above(void)
{
	guest_create_el0_32(VMID, (const void *)AARCH32_END, S2_PAGE_4K);
}

static void create_el1_32_above(void)
{
	guest_create_el1_32(VMID, (const void *)AARCH32_END, S2_PAGE_4K);
}

static void test_aarch32(void)
{
	static const char text[] = "code below 4 GiB, not 0x100000000";
	static const struct misuse misuses[] = {
		{ "guest_create_el0_32() with code at 4 GiB", create_el0_32_above, text },
		{ "guest_create_el1_32() with code at 4 GiB", create_el1_32_above, text },
	};

	check_misuses(misuses, ARRAY_SIZE(misuses));
}

static const struct subtest subtests[] = {
	{ "range", test_range },
	{ "running", test_running },
	{ "optional", test_optional },
	{ "skip", test_skip },
	{ "no-mmu", test_no_mmu },
	{ "stage1", test_stage1 },
	{ "aarch32", test_aarch32 },
	{ "library", test_library_misuse },
	{ "interrupts", test_misuse_of_interrupts },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
