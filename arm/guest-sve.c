/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SVE registers: each guest's own, the host's untouched, eagerly and lazily. */
#include <libcflat.h>
#include <shortage.h>
#include <string.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/guest-fp.h>
#include <asm/processor.h>
#include "guest-sve-values.h"

#define VMID 30
#define LONGEST 15UL /* ZCR_ELx.LEN */
#define SHORTEST 0UL
#define HOST_ZCR_EL1 3UL

/* In memory that host and guests share. [0] and [1]: the guests', [2]: the host's */
static struct sve_values in[3], out[3];

/*
 * Guests
 */

static const char *mode(bool lazy)
{
	return lazy ? "lazy" : "eager";
}

static struct guest *create_without(int which, void (*guest_func)(void), bool lazy)
{
	struct guest *guest = guest_create_4k(VMID + which, guest_func);

	guest->x[0] = (u64)&in[which];
	guest->x[1] = (u64)&out[which];
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_set_fp_lazy(guest, lazy);
	return guest;
}

static struct guest *create(int which, void (*guest_func)(void), bool lazy)
{
	struct guest *guest = create_without(which, guest_func, lazy);

	assert(guest_enable_sve(guest));
	return guest;
}

/* The first guest with vectors of one length, the second with another one. */
static void interleave(bool first_lazy, bool second_lazy, u64 first_zcr, u64 second_zcr)
{
	struct guest *a = create(0, guest_sve, first_lazy);
	struct guest *b = create(1, guest_sve, second_lazy);

	report_prefix_pushf("%s ZCR %lu, %s ZCR %lu", mode(first_lazy), first_zcr,
			    mode(second_lazy), second_zcr);
	fill(&in[0], 0x107, first_zcr);
	fill(&in[1], 0x2b8, second_zcr);
	guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER), "first guest, loads its registers");
	guest_check_run(b, EXPECT_REASON(GUEST_EXIT_HANDLER), "second guest, loads its registers");
	guest_check_run(a, EXPECT_RETURN(0), "first guest, stores them");
	guest_check_run(b, EXPECT_RETURN(0), "second guest, stores them");
	check_values(&in[0], &out[0], "of the first guest");
	check_values(&in[1], &out[1], "of the second guest");
	guest_destroy(a);
	guest_destroy(b);
	report_prefix_pop();
}

static void test_interleaved(void)
{
	for (int modes = 0; modes < 4; modes++) {
		interleave(modes & 1, modes & 2, LONGEST, SHORTEST);
		interleave(modes & 1, modes & 2, LONGEST, LONGEST);
	}
}

/* A new guest sees nothing of another guest's registers. */
static void test_leak(void)
{
	static struct sve_values zero;

	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *a = create(0, guest_sve, lazy);
		struct guest *b = create(1, guest_sve_store, lazy);

		fill(&in[0], 0x107, LONGEST);
		guest_check_run(a, EXPECT_REASON(GUEST_EXIT_HANDLER),
				"%s, a guest that fills its registers", mode(lazy));
		guest_check_run(b, EXPECT_RETURN(0), "%s, a new guest", mode(lazy));
		zero.zcr = LONGEST;
		check_values(&zero, &out[1], "of a new guest, all 0");
		guest_destroy(a);
		guest_destroy(b);
	}
}

/* A handler sees and changes what is in the guest's registers. */
static enum guest_handler_result change_z(struct guest *guest)
{
	u64 vl = guest->sve->vl;

	for (int n = 0; n < 32; n++) {
		u8 *z = guest_sve_z(guest, n), *expected = in[0].z + n * vl;

		if (memcmp(z, expected, vl))
			report_fail("z%d in a handler: expected %#x ... %#x, found %#x ... %#x", n,
				    expected[0], expected[vl - 1], z[0], z[vl - 1]);
		z[vl - 1] ^= 0xff;
		expected[vl - 1] ^= 0xff;
	}
	return GUEST_ACTION_RESUME;
}

static void test_handler(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *guest = create(0, guest_sve, lazy);

		fill(&in[0], 0x142, LONGEST);
		guest_install_handler(guest, ELx_LOW_SYNC_64, change_z);
		guest_check_run(guest, EXPECT_RETURN(0), "%s, a handler changes all z registers",
				mode(lazy));
		check_values(&in[0], &out[0], "that a handler changed");
		guest_destroy(guest);
	}
}

/* The same before the guest's first run */
static void test_first(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *guest = create(0, guest_sve_store, lazy);
		u64 vl = guest->sve->vl;

		memset(&in[0], 0, sizeof(in[0]));
		in[0].zcr = LONGEST;
		for (int n = 0; n < 32; n++) {
			in[0].z[n * vl] = in[0].z[n * vl + vl - 1] = n + 1;
			memcpy(guest_sve_z(guest, n), in[0].z + n * vl, vl);
		}
		guest_check_run(guest, EXPECT_RETURN(0), "%s, a guest that was given z registers",
				mode(lazy));
		check_values(&in[0], &out[0], "that a guest was given");
		guest_destroy(guest);
	}
}

/* Saving the registers leaves them in the CPU. */
static enum guest_handler_result save_again(struct guest *guest)
{
	static char again[SVE_REGISTERS_SIZE(MAX_VL)] __aligned(16);
	u64 vl = guest->sve->vl;
	bool same;

	guest_sve_z(guest, 0);
	sve_save(again, vl);
	same = !memcmp(again, guest->sve->registers, SVE_REGISTERS_SIZE(vl));
	report(same,
	       "SVE registers saved twice in a handler: expected the same ones, found others");
	return GUEST_ACTION_EXIT;
}

static void test_save(void)
{
	struct guest *guest = create(0, guest_sve, false);

	fill(&in[0], 0x155, LONGEST);
	guest_install_handler(guest, ELx_LOW_SYNC_64, save_again);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "a guest with SVE");
	guest_destroy(guest);
}

/* A guest without guest_enable_sve() is trapped, also when its CPACR_EL1 allows SVE. */
static void test_trapped(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		struct guest *guest = create_without(0, guest_sve_vl, lazy);

		guest->cpacr_el1 |= CPACR_EL1_ZEN;
		guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_SVE),
				"%s, SVE of a guest without guest_enable_sve()", mode(lazy));
		guest_destroy(guest);
	}
}

/*
 * The host's SVE
 */

static void set_host_sve(bool enabled)
{
	u64 cptr = read_sysreg(cptr_el2);

	if (host_vhe)
		cptr = enabled ? cptr | CPTR_VHE_ZEN : cptr & ~CPTR_VHE_ZEN;
	else
		cptr = enabled ? cptr & ~CPTR_NVHE_TZ : cptr | CPTR_NVHE_TZ;
	write_sysreg(cptr, cptr_el2);
	isb();
}

static void write_zcr_el2(u64 zcr)
{
	write_sysreg(zcr, ZCR_EL2);
	isb();
}

/* @cptr: CPTR_EL2, which lets the host use SVE */
static void check_host_with(u64 cptr, struct guest *guest, const char *what, u64 zcr)
{
	u64 after, zcr_el1;

	write_sysreg(cptr, cptr_el2);
	isb();
	write_zcr_el2(zcr);
	write_sysreg_el1(HOST_ZCR_EL1, ZCR_EL1, ZCR_EL12);
	fill(&in[2], 0x377, zcr);
	host_sve_around_guest_run(guest, &in[2], &out[2]);
	out[2].zcr = read_sysreg(ZCR_EL2);
	after = read_sysreg(cptr_el2);
	zcr_el1 = read_sysreg_el1(ZCR_EL1, ZCR_EL12);
	check_values(&in[2], &out[2], what);
	report(after == cptr, "CPTR_EL2 %s: expected %#lx, found %#lx", what, cptr, after);
	report(zcr_el1 == HOST_ZCR_EL1, "ZCR_EL1 %s: expected %#lx, found %#lx", what, HOST_ZCR_EL1,
	       zcr_el1);
	set_host_sve(false);
}

static void check_host(struct guest *guest, const char *what, u64 zcr)
{
	set_host_sve(true);
	check_host_with(read_sysreg(cptr_el2), guest, what, zcr);
}

static void guest_without_fp(void)
{
	asm volatile("hvc #0" : : : "memory");
}

/* A use of FP, which clears the rest of a vector */
static u64 guest_fp(void)
{
	asm volatile("	.arch_extension fp\n"
		     "	fmov	d0, #1.0\n"
		     "	fmov	d31, #1.0\n"
		     "	hvc	#0\n"
		     :
		     :
		     : "memory");
	return 0;
}

static void check_host_around(u64 zcr, bool lazy)
{
	struct guest *with = create(0, guest_sve, lazy);
	struct guest *without = create_without(1, (void (*)(void))guest_fp, lazy);
	struct guest *idle = create_without(1, guest_without_fp, lazy);

	report_prefix_pushf("%s, host's ZCR_EL2 %lu", mode(lazy), zcr);
	fill(&in[0], 0x102, LONGEST);
	check_host(with, "of the host after a SVE guest", zcr);
	check_host(without, "of the host after an FP guest", zcr);
	check_host(idle, "of the host after an idle guest", zcr);
	guest_check_run(with, EXPECT_RETURN(0), "the SVE guest, stores its registers");
	check_values(&in[0], &out[0], "of the SVE guest");
	guest_check_run(without, EXPECT_RETURN(0), "the FP guest, goes on");
	guest_destroy(with);
	guest_destroy(without);
	guest_destroy(idle);
	report_prefix_pop();
}

static void test_host(void)
{
	for (int lazy = 0; lazy < 2; lazy++) {
		check_host_around(LONGEST, lazy);
		check_host_around(1, lazy);
	}
}

/*
 * A handler that runs another guest
 */

static enum guest_handler_result run_inner(struct guest *guest)
{
	struct guest *inner = guest->data;

	guest_check_run(inner, EXPECT_REASON(GUEST_EXIT_HANDLER), "inner guest, to its exit");
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	return GUEST_ACTION_EXIT;
}

/* A guest that uses SVE, uses FP, or neither */
#define KINDS 3
static const char *const kinds[KINDS] = { "SVE", "FP", "idle" };

static struct guest *create_kind(int which, int kind, bool lazy)
{
	static void (*const funcs[KINDS])(void) = { guest_sve, (void (*)(void))guest_fp,
						    guest_without_fp };

	return kind ? create_without(which, funcs[kind], lazy) : create(which, guest_sve, lazy);
}

static void check_nested(int outer_kind, bool outer_lazy, int inner_kind, bool inner_lazy)
{
	struct guest *outer = create_kind(0, outer_kind, outer_lazy);
	struct guest *inner = create_kind(1, inner_kind, inner_lazy);

	report_prefix_pushf("outer %s, %s, inner %s, %s", kinds[outer_kind], mode(outer_lazy),
			    kinds[inner_kind], mode(inner_lazy));
	fill(&in[0], 0x107, LONGEST);
	fill(&in[1], 0x2b8, 1);
	outer->data = inner;
	guest_install_handler(outer, ELx_LOW_SYNC_64, run_inner);
	check_host(outer, "of the host", LONGEST);
	if (!outer_kind) {
		guest_check_run(outer, EXPECT_RETURN(0), "outer guest, stores its registers");
		check_values(&in[0], &out[0], "of the outer guest");
	}
	if (!inner_kind) {
		guest_check_run(inner, EXPECT_RETURN(0), "inner guest, stores its registers");
		check_values(&in[1], &out[1], "of the inner guest");
	}
	guest_destroy(outer);
	guest_destroy(inner);
	report_prefix_pop();
}

static void test_nested(void)
{
	for (int kinds_of_both = 0; kinds_of_both < KINDS * KINDS; kinds_of_both++)
		for (int modes = 0; modes < 4; modes++)
			check_nested(kinds_of_both / KINDS, modes & 1, kinds_of_both % KINDS,
				     modes & 2);
}

/* A host that writes a q register between guest_run() and its next use of SVE */
static void test_host_fp(void)
{
	struct guest *guest = create_without(0, guest_without_fp, false);
	const u64 one = 0x3ff0000000000000;

	set_host_sve(true);
	write_zcr_el2(LONGEST);
	fill(&in[2], 0x911, LONGEST);
	host_sve_and_fp(guest, &in[2], &out[2]);
	out[2].zcr = read_sysreg(ZCR_EL2);
	memset(&in[2].z[5 * out[2].vl], 0, out[2].vl);
	memcpy(&in[2].z[5 * out[2].vl], &one, sizeof(one));
	check_values(&in[2], &out[2], "of a host that wrote d5 after a guest");
	guest_destroy(guest);
}

/* CPTR_EL2.ZEN 0b01: a host that traps the SVE of its EL0 alone */
static void test_el0_trapped(void)
{
	struct guest *guest;

	if (!host_vhe) {
		report_skip("CPTR_EL2 has no such field without VHE");
		return;
	}
	guest = create(0, guest_sve, false);
	fill(&in[0], 0x107, LONGEST);
	set_host_sve(false);
	check_host_with(read_sysreg(cptr_el2) | CPTR_VHE_ZEN_EL2, guest,
			"of a host that traps EL0's SVE", LONGEST);
	guest_destroy(guest);
}

/* SVE is open to the host: also after a guest, by a trap that the test does not see. */
static void test_open(void)
{
	struct guest *guest = create_without(0, guest_without_fp, false);
	u64 before = sve_vector_length(), after;

	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "an idle guest");
	after = sve_vector_length();
	report(before >= 16 && before == after,
	       "the host's vector length around a guest: expected the same, found %lu, %lu", before,
	       after);
	guest_destroy(guest);
}

/* A host that traps its SVE has no state that could be lost. */
static unsigned int sve_traps;

static void count_sve_trap(struct pt_regs *regs, unsigned int esr)
{
	sve_traps++;
	regs->pc += 4;
}

static void test_disabled(void)
{
	struct guest *guest = create(0, guest_sve, false);

	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_SVE, count_sve_trap);
	set_host_sve(false);
	sve_traps = 0;
	sve_vector_length();
	fill(&in[0], 0x107, LONGEST);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "a guest with SVE");
	sve_vector_length();
	report(sve_traps == 2,
	       "SVE in a host that traps it, before and after a guest with SVE: "
	       "expected 2 traps, found %u",
	       sve_traps);
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_SVE, NULL);
	guest_destroy(guest);
}

/*
 * guest_enable_sve()
 */

/* It looks at the vector length, and leaves the host's registers as they are. */
static void check_enable(bool host_sve, u64 daif)
{
	struct guest *guest = create_without(0, guest_sve_vl, false);
	u64 daif_before = read_sysreg(daif), cptr, daif_after, cptr_after, zcr_after;

	set_host_sve(true);
	write_zcr_el2(1);
	set_host_sve(host_sve);
	cptr = read_sysreg(cptr_el2);
	write_sysreg(daif, daif);
	assert(guest_enable_sve(guest));
	daif_after = read_sysreg(daif);
	write_sysreg(daif_before, daif);
	cptr_after = read_sysreg(cptr_el2);
	set_host_sve(true);
	zcr_after = read_sysreg(ZCR_EL2);
	set_host_sve(false);
	report(daif_after == daif && cptr_after == cptr && zcr_after == 1,
	       "DAIF, CPTR_EL2 and ZCR_EL2 of a host that %s SVE, after guest_enable_sve(): "
	       "expected %#lx, %#lx, 0x1, found %#lx, %#lx, %#lx",
	       host_sve ? "uses" : "traps", daif, cptr, daif_after, cptr_after, zcr_after);
	guest_destroy(guest);
}

static void test_enable(void)
{
	for (u64 bit = PSR_F_BIT; bit <= PSR_D_BIT; bit <<= 1)
		check_enable(bit & (PSR_F_BIT | PSR_A_BIT), bit);
	check_enable(true, 0);
	check_enable(false, PSR_DAIF);
}

/* Without memory the guest stays one without SVE. */
static void test_shortage(void)
{
	struct guest *guest = create_without(0, guest_sve_vl, false);
	struct held_pages *held = hold_all_pages();
	bool enabled = guest_enable_sve(guest);

	release_pages(held);
	report(!enabled, "guest_enable_sve() without memory: expected 0, found %d", enabled);
	guest->cpacr_el1 |= CPACR_EL1_ZEN;
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_SVE),
			"SVE of a guest that could not be given it");
	assert(guest_enable_sve(guest));
	guest_check_run(guest, EXPECT_RETURN(guest->sve->vl),
			"vector length of a guest that was given SVE later");
	guest_destroy(guest);
}

/* First: no guest has been there before. */
static void test_boot(void)
{
	u64 vl = sve_vector_length();

	report(vl >= 16 && vl <= MAX_VL,
	       "the host's vector length at first: expected 16..%d, found %lu", MAX_VL, vl);
	report(host_vhe == !host_without_vhe, /* all CPUs with SVE have VHE */
	       "HCR_EL2.E2H of a host whose image %s it: expected %d, found %d",
	       host_without_vhe ? "clears" : "leaves", !host_without_vhe, host_vhe);
}

static const struct subtest subtests[] = {
	{ "boot", test_boot },
	{ "interleaved", test_interleaved },
	{ "leak", test_leak },
	{ "handler", test_handler },
	{ "first", test_first },
	{ "save", test_save },
	{ "trapped", test_trapped },
	{ "host", test_host },
	{ "nested", test_nested },
	{ "disabled", test_disabled },
	{ "enable", test_enable },
	{ "shortage", test_shortage },
	{ "host-fp", test_host_fp },
	{ "open", test_open },
	{ "el0-trapped", test_el0_trapped },
};

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (!reason && !system_supports_sve())
		reason = "the CPU has no SVE (ID_AA64PFR0_EL1.SVE)";
	return run_subtests_unless(reason, subtests, ARRAY_SIZE(subtests), argc, argv);
}
