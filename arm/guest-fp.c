/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FP and SIMD registers: each guest's own, the host's untouched, eagerly and lazily. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-fp.h>
#include <asm/processor.h>

#define VMID 30

/* guest-fp.S */
void guest_fp(void);
void guest_one_fp(void);
u64 host_fp_around_guest_run(struct guest *guest, u64 seed);

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

/* The host's registers, whether the guest uses FP or not, and others in a second run. */
static void test_host(void)
{
	void (*const funcs[])(void) = { guest_fp, guest_without_fp };

	for (int i = 0; i < 4; i++) {
		struct guest *guest = create(VMID, funcs[i & 1], i & 2);

		for (u64 run = 0; run < 2; run++) {
			u64 wrong = host_fp_around_guest_run(guest, 0x7700 + 0x100 * run);

			report(wrong == 0,
			       "%s, FP registers of the host after run %lu of a guest that %s them: "
			       "expected 0 wrong, found %lu",
			       mode(i & 2), run, i & 1 ? "does not use" : "uses", wrong);
			guest->elr_el2 = (u64)guest_without_fp;
		}
		guest_destroy(guest);
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

/* Outer and inner guest, each eager or lazy, and an outer one that has not used FP yet */
static void test_nested(void)
{
	void (*const funcs[])(void) = { guest_fp, guest_without_fp };

	for (int i = 0; i < 8; i++) {
		struct guest *outer = create(VMID, funcs[i & 1], i & 2);
		struct guest *inner = create(VMID + 1, guest_fp, i & 4);
		u64 wrong;

		report_prefix_pushf("outer %s, %s, inner %s", mode(i & 2),
				    i & 1 ? "idle" : "uses FP", mode(i & 4));
		outer->x[0] = 0x100;
		inner->x[0] = 0x200;
		outer->data = inner;
		guest_install_handler(outer, ELx_LOW_SYNC_64, run_inner);
		wrong = host_fp_around_guest_run(outer, 0x7700);
		report(!wrong, "FP registers of the host: expected 0 wrong, found %lu", wrong);
		if (!(i & 1))
			guest_check_run(outer, EXPECT_RETURN(0), "outer guest's wrong registers");
		guest_check_run(inner, EXPECT_RETURN(0), "inner guest's wrong registers");
		guest_destroy(outer);
		guest_destroy(inner);
		report_prefix_pop();
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

static const struct subtest subtests[] = {
	{ "fp", test_fp },
	{ "host", test_host },
	{ "nested", test_nested },
	{ "first-use", test_first_use },
	{ "trapped-by-host", test_trapped_by_host },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
