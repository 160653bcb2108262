/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FP, SIMD and SVE registers: each guest's own, the host's untouched, eagerly and lazily. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-fp.h>
#include <asm/processor.h>

#define VMID 30

/* guest-fp.S */
void guest_fp(void);
void guest_sve(void);
void guest_sve_fresh(void);
void guest_sve_vl(void);
void guest_one_fp(void);
u64 host_fp_around_guest_run(struct guest *guest);
u64 host_sve_around_guest_run(struct guest *guest);

static struct guest *create(int vmid, void (*guest_func)(void), bool lazy)
{
	struct guest *guest = guest_create_4k(vmid, guest_func);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_set_fp_lazy(guest, lazy);
	return guest;
}

static const char *mode(bool lazy)
{
	return lazy ? "lazy" : "eager";
}

/* Run both up to their exit, then on: each counts its wrong registers. */
static void interleave(struct guest *a, struct guest *b)
{
	guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER), "first guest, loads its registers");
	guest_check_run(b, EXPECT_REASON(GUEST_EXIT_HANDLER), "second guest, loads its registers");
	guest_check_run(a, EXPECT_RETURN(0), "first guest's wrong registers");
	guest_check_run(b, EXPECT_RETURN(0), "second guest's wrong registers");
}

static void test_fp(void)
{
	for (int modes = 0; modes < 4; modes++) {
		struct guest *a = create(VMID, guest_fp, modes & 1);
		struct guest *b = create(VMID + 1, guest_fp, modes & 2);

		report_prefix_pushf("%s, %s", mode(modes & 1), mode(modes & 2));
		a->x[0] = 0x100;
		b->x[0] = 0x200;
		interleave(a, b);
		guest_destroy(a);
		guest_destroy(b);
		report_prefix_pop();
	}
}

static void guest_without_fp(void)
{
	asm volatile("hvc #0" : : : "memory");
}

/* The host's registers, whether the guest uses FP or not. */
static void test_host(void)
{
	void (*const funcs[])(void) = { guest_fp, guest_without_fp };

	for (int i = 0; i < 4; i++) {
		struct guest *guest = create(VMID, funcs[i & 1], i & 2);
		u64 wrong = host_fp_around_guest_run(guest);

		report(wrong == 0,
		       "%s, FP registers of the host after a guest that %s them: expected 0 wrong, "
		       "found %lu",
		       mode(i & 2), i & 1 ? "does not use" : "uses", wrong);
		guest_destroy(guest);
	}
}

static enum guest_handler_result note_live(struct guest *guest)
{
	*(bool *)guest->data = guest->fp_live;
	return GUEST_ACTION_EXIT;
}

/* Lazy: no register is loaded before its first use. */
static void test_first_use(void)
{
	void (*const funcs[])(void) = { guest_fp, guest_without_fp };

	for (int i = 0; i < 2; i++) {
		struct guest *guest = create(VMID, funcs[i], true);
		struct guest_statistics statistics;
		bool live = false;

		guest->data = &live;
		guest_install_handler(guest, ELx_LOW_SYNC_64, note_live);
		guest_count_exits(guest, &statistics);
		guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
				"lazy, HVC of a guest that %s FP", i ? "does not use" : "uses");
		report(live == (i == 0) && statistics.classes[ESR_ELx_EC_FP_ASIMD] == (i == 0),
		       "lazy, a guest that %s FP: expected registers in the CPU %d, traps %d; "
		       "found %d, %lu",
		       i ? "does not use" : "uses", i == 0, i == 0, live,
		       statistics.classes[ESR_ELx_EC_FP_ASIMD]);
		guest_destroy(guest);
	}
}

/* A trap that the host itself has set goes to the handler, lazy or eager. */
static void test_trapped_by_host(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *guest = create(VMID, guest_one_fp, lazy);
		struct guest_statistics statistics;

		guest_count_exits(guest, &statistics);
		guest->cptr_el2 = host_vhe ? 0 : guest->cptr_el2 | 1UL << 10; /* FPEN, TFP */
		guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_FP_ASIMD),
				"%s, FP trapped by the host", mode(lazy));
		report(statistics.classes[ESR_ELx_EC_FP_ASIMD] == 1,
		       "%s, exits for FP trapped by the host: expected 1, found %lu", mode(lazy),
		       statistics.classes[ESR_ELx_EC_FP_ASIMD]);
		guest_destroy(guest);
	}
}

/*
 * SVE
 */

static struct guest *create_sve(int vmid, void (*guest_func)(void), bool lazy)
{
	struct guest *guest = create(vmid, guest_func, lazy);

	assert(guest_enable_sve(guest));
	return guest;
}

static void test_sve_interleaved(void)
{
	for (int modes = 0; modes < 4; modes++) {
		struct guest *a = create_sve(VMID, guest_sve, modes & 1);
		struct guest *b = create_sve(VMID + 1, guest_sve, modes & 2);

		report_prefix_pushf("%s, %s", mode(modes & 1), mode(modes & 2));
		/* The longest vectors, and the shortest */
		a->x[0] = 0x107;
		a->x[1] = 15;
		b->x[0] = 0x205;
		b->x[1] = 0;
		interleave(a, b);
		guest_destroy(a);
		guest_destroy(b);
		report_prefix_pop();
	}
}

/* A new guest sees nothing of another guest's Z registers. */
static void test_sve_leak(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *a = create_sve(VMID, guest_sve, lazy);
		struct guest *b = create_sve(VMID + 1, guest_sve_fresh, lazy);

		a->x[0] = 0x107;
		a->x[1] = 15;
		guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER),
				"%s, a guest that fills its Z registers", mode(lazy));
		guest_check_run(b, EXPECT_RETURN(0),
				"%s, Z registers of a new guest that are not 0", mode(lazy));
		guest_destroy(a);
		guest_destroy(b);
	}
}

static enum guest_handler_result change_z3(struct guest *guest)
{
	u64 *z3 = guest_sve_z(guest, 3);

	report(z3[0] == 0x103 && z3[guest->sve->vl / 8 - 1] == 0x103,
	       "first and last doubleword of z3 in a handler: expected 0x103 and 0x103, found %#lx "
	       "and %#lx",
	       z3[0], z3[guest->sve->vl / 8 - 1]);
	z3[guest->sve->vl / 8 - 1]++;
	return GUEST_ACTION_RESUME;
}

static void test_sve_handler(void)
{
	struct guest *guest = create_sve(VMID, guest_sve, false);

	guest->x[0] = 0x100;
	guest->x[1] = 15;
	guest_install_handler(guest, ELx_LOW_SYNC_64, change_z3);
	guest_check_run(guest, EXPECT_RETURN(1),
			"Z registers that differ after a handler changed z3");
	guest_destroy(guest);
}

/* A guest without guest_enable_sve() is trapped, also when its CPACR_EL1 allows SVE. */
static void test_sve_trapped(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *guest = create(VMID, guest_sve_vl, lazy);

		guest->cpacr_el1 |= CPACR_EL1_ZEN;
		guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_SVE),
				"%s, SVE of a guest without guest_enable_sve()", mode(lazy));
		guest_destroy(guest);
	}
}

/*
 * The host's SVE
 */

static void enable_host_sve(u64 zcr)
{
	u64 cptr = read_sysreg(cptr_el2);

	write_sysreg(host_vhe ? cptr | CPTR_VHE_ZEN : cptr & ~CPTR_NVHE_TZ, cptr_el2);
	isb();
	write_sysreg(zcr, ZCR_EL2);
	isb();
}

#define HOST_ZCR_EL1 3UL

static u64 read_zcr_el1(void)
{
	return host_vhe ? read_sysreg(ZCR_EL12) : read_sysreg(ZCR_EL1);
}

static void write_zcr_el1(u64 zcr)
{
	if (host_vhe)
		write_sysreg(zcr, ZCR_EL12);
	else
		write_sysreg(zcr, ZCR_EL1);
}

static void check_host_sve(struct guest *guest, const char *name, u64 zcr)
{
	u64 cptr = read_sysreg(cptr_el2), wrong, enabled, zcr_after, cptr_after;

	enable_host_sve(zcr);
	write_zcr_el1(HOST_ZCR_EL1);
	enabled = read_sysreg(cptr_el2);
	/* guest_sve(): other values, and the longest vectors */
	guest->x[0] = 0x102;
	guest->x[1] = 15;
	wrong = host_sve_around_guest_run(guest);
	zcr_after = read_sysreg(ZCR_EL2);
	cptr_after = read_sysreg(cptr_el2);
	report(!wrong && zcr_after == zcr && cptr_after == enabled,
	       "SVE state of the host after %s guest: expected 0 registers wrong, ZCR_EL2 %#lx, "
	       "CPTR_EL2 %#lx; found %lu, %#lx, %#lx",
	       name, zcr, enabled, wrong, zcr_after, cptr_after);
	report(read_zcr_el1() == HOST_ZCR_EL1,
	       "ZCR_EL1 of the host after %s guest: expected %#lx, found %#lx", name, HOST_ZCR_EL1,
	       read_zcr_el1());
	write_sysreg(cptr, cptr_el2);
	isb();
}

static void test_sve_host(void)
{
	static const u64 lengths[] = { 15, 1 };

	for (int i = 0; i < 4; i++) {
		u64 zcr = lengths[i & 1];
		bool lazy = i & 2;
		struct guest *with = create_sve(VMID, guest_sve, lazy);
		struct guest *without = create(VMID + 1, guest_fp, lazy);
		struct guest *idle = create(VMID + 2, guest_without_fp, lazy);

		report_prefix_pushf("%s, host's ZCR_EL2 %lu", mode(lazy), zcr);
		check_host_sve(with, "a SVE", zcr);
		check_host_sve(without, "an FP", zcr);
		check_host_sve(idle, "an idle", zcr);
		guest_check_run(with, EXPECT_RETURN(0), "wrong registers of the SVE guest");
		guest_check_run(without, EXPECT_RETURN(0), "wrong registers of the FP guest");
		guest_destroy(with);
		guest_destroy(without);
		guest_destroy(idle);
		report_prefix_pop();
	}
}

/* The host has not enabled SVE: it has no SVE state that could be lost. */
static unsigned int sve_traps;

static void count_sve_trap(struct pt_regs *regs, unsigned int esr)
{
	sve_traps++;
	regs->pc += 4;
}

static void test_sve_disabled(void)
{
	struct guest *guest = create_sve(VMID, guest_sve, false);

	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_SVE, count_sve_trap);
	sve_traps = 0;
	sve_vector_length();
	guest->x[0] = 0x107;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "a guest with SVE");
	sve_vector_length();
	report(sve_traps == 2,
	       "SVE in a host that did not enable it, before and after a guest with SVE: "
	       "expected 2 traps, found %u",
	       sve_traps);
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_SVE, NULL);
	guest_destroy(guest);
}

static void test_sve(void)
{
	static void (*const tests[])(void) = { test_sve_interleaved, test_sve_leak,
					       test_sve_handler,     test_sve_trapped,
					       test_sve_host,	     test_sve_disabled };

	if (!system_supports_sve()) {
		report_skip("the CPU has no SVE (ID_AA64PFR0_EL1.SVE)");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i]();
}

static const struct subtest subtests[] = {
	{ "fp", test_fp },
	{ "host", test_host },
	{ "first-use", test_first_use },
	{ "trapped-by-host", test_trapped_by_host },
	{ "sve", test_sve },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
