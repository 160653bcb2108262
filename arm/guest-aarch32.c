/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests whose EL1 is in AArch32 too: registers that only they have, and their MMU. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define VMID 26
#define PATTERN 0x600df00dU
#define FPEXC_EN (1UL << 30)

/* guest-aarch32.S */
extern char guest_a32_state[], guest_a32_stack_and_fp[], guest_a32_halves[], guest_a32_mmu_on[];

static struct guest *create(int vmid, const void *code)
{
	struct guest *guest = guest_require(guest_create_el1_32(vmid, code, S2_PAGE_4K));

	guest_install_handler(guest, ELx_LOW_SYNC_32, guest_exit_always);
	return guest;
}

/* To its next hvc */
#define check_runs(guest, ...) guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_HVC32), __VA_ARGS__)

static void test_state(void)
{
	struct guest *guests[2];

	for (int i = 0; i < 2; i++) {
		guests[i] = create(VMID + i, guest_a32_state);
		guests[i]->x[0] = i ? 0x15 : 0x0a;
		guests[i]->x[7] = i ? FPEXC_EN : 0;
	}
	for (int run = 0; run < 2; run++)
		for (int i = 0; i < 2; i++)
			check_runs(guests[i], "guest %d, run %d, up to its HVC", i, run);
	for (int i = 0; i < 2; i++) {
		const u64 *x = guests[i]->x;

		report(x[1] == x[0] && x[2] == x[0] && x[3] == x[0],
		       "DACR, IFSR, SPSR_abt of guest %d: expected %#lx, found %#lx, %#lx, %#lx", i,
		       x[0], x[1], x[2], x[3]);
		report(x[4] == x[0] && x[5] == x[0] && x[6] == x[0],
		       "SPSR_und, SPSR_irq, SPSR_fiq of guest %d: expected %#lx, found %#lx, %#lx, %#lx",
		       i, x[0], x[4], x[5], x[6]);
		report(x[8] == x[7], "FPEXC of guest %d: expected %#lx, found %#lx", i, x[7], x[8]);
		guest_destroy(guests[i]);
	}
}

/* The conditions of A32 and T32 (DDI 0487, F2.3.1) */
static bool condition(unsigned int cond, bool n, bool z, bool c, bool v)
{
	switch (cond) {
	case 0: /* EQ, NE, ... */
		return z;
	case 1:
		return !z;
	case 2:
		return c;
	case 3:
		return !c;
	case 4:
		return n;
	case 5:
		return !n;
	case 6:
		return v;
	case 7:
		return !v;
	case 8:
		return c && !z;
	case 9:
		return !c || z;
	case 10:
		return n == v;
	case 11:
		return n != v;
	case 12:
		return !z && n == v;
	case 13:
		return z || n != v;
	default:
		return true;
	}
}

#define ISS_CV (1UL << 24)

/* QEMU traps no instruction whose condition fails; a CPU may. */
static void test_conditions(void)
{
	struct guest *guest = create(VMID, guest_a32_state);
	bool holds;
	int wrong = 0;

	for (unsigned int cond = 0; cond < 16; cond++)
		for (u64 nzcv = 0; nzcv < 16; nzcv++) {
			guest->spsr_el2 = nzcv << 28;
			guest->esr_el2 = ISS_CV | (u64)cond << 20;
			wrong += guest_condition_holds(guest) !=
				 condition(cond, nzcv & 8, nzcv & 4, nzcv & 2, nzcv & 1);
		}
	report(!wrong,
	       "guest_condition_holds(), 16 conditions with 16 sets of flags: expected 0 wrong "
	       "answers, found %d",
	       wrong);
	guest->esr_el2 = 0;
	guest->spsr_el2 = 0;
	holds = guest_condition_holds(guest);
	report(holds, "guest_condition_holds() with ESR_EL2.CV clear: expected 1, found %d", holds);
	guest_destroy(guest);
}

static void test_stack_and_fp(void)
{
	struct guest *guest = create(VMID, guest_a32_stack_and_fp);

	guest->x[0] = PATTERN;
	guest->x[3] = FPEXC_EN;
	if (check_runs(guest, "a guest that uses stack and FP, up to its HVC"))
		report(guest->x[1] == PATTERN && guest->x[2] == PATTERN,
		       "value stored to the guest's stack and moved through an FP register: expected %#x, "
		       "found %#lx and %#lx",
		       PATTERN, guest->x[1], guest->x[2]);
	guest_destroy(guest);
}

static void test_halves(void)
{
	struct guest *guest = create(VMID, guest_a32_halves);
	const u64 *x = guest->x;

	guest->x[0] = 0x44e04000;
	guest->x[1] = 0x00ff0044;
	check_runs(guest, "a guest that writes registers of 32 and 64 bits, up to its HVC");
	report(x[2] == x[0] && x[3] == x[1],
	       "PRRR and NMRR after their writes: expected %#lx and %#lx, found %#lx and %#lx",
	       x[0], x[1], x[2], x[3]);
	report(x[4] == x[0] && x[5] == x[1],
	       "TTBR1 after MCRR: expected %#lx:%#lx, found %#lx:%#lx", x[1], x[0], x[5], x[4]);
	report(x[7] == x[1] && x[8] == x[0],
	       "TTBR0 after MCRR: expected %#lx:%#lx, found %#lx:%#lx", x[0], x[1], x[8], x[7]);
	report(x[6] == x[1],
	       "CONTEXTIDR after a write, and one whose condition fails: expected %#lx, found %#lx",
	       x[1], x[6]);
	guest_destroy(guest);
}

/* Short descriptors (DDI 0487, G5.4): sections of 1 MiB, read and write, write-back */
#define TABLE_SIZE SZ_16K
#define SECTION_SHIFT 20
#define SECTION(pa) ((u32)(pa) | 1U << 16 | 3U << 10 | 3U << 2 | 2)
#define SECTION_VA 0x70000000U

static void test_mmu_on(void)
{
	struct guest *guest = create(VMID, guest_a32_mmu_on);
	u32 *table = memalign_pages(TABLE_SIZE, TABLE_SIZE), *page = alloc_page();
	u64 table_pa = virt_to_phys(table), pa = virt_to_phys(page), offset = pa & (SZ_1M - 1);

	assert(!s2mmu_map(guest->s2mmu, table_pa, table_pa, TABLE_SIZE, S2_MAP_RO));
	assert(!s2mmu_map(guest->s2mmu, pa, pa, SZ_4K, S2_MAP_RW));
	for (u32 mib = __pa(_stext) >> SECTION_SHIFT; mib <= __pa(_end) >> SECTION_SHIFT; mib++)
		table[mib] = SECTION(mib << SECTION_SHIFT);
	table[SECTION_VA >> SECTION_SHIFT] = SECTION(pa - offset);
	*page = PATTERN;
	guest->x[0] = table_pa;
	guest->x[1] = 1; /* domain 0: as the descriptors say */
	guest->x[2] = 0;
	guest->x[4] = SECTION_VA + offset;
	if (check_runs(guest, "a guest that turns its MMU on, up to its HVC"))
		report(guest->x[0] == PATTERN,
		       "read through the guest's own page table: expected %#x, found %#lx", PATTERN,
		       guest->x[0]);
	guest_destroy(guest);
	free_page(page);
	free_pages(table);
}

static const struct subtest subtests[] = {
	{ "state", test_state },	   { "stack-and-fp", test_stack_and_fp },
	{ "conditions", test_conditions }, { "halves", test_halves },
	{ "mmu-on", test_mmu_on },
};

int main(int argc, char **argv)
{
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	return run_subtests_unless(unsupported ?: guest_aarch32_el1_unsupported(), subtests,
				   ARRAY_SIZE(subtests), argc, argv);
}
