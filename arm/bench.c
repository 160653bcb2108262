/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instruction counts and sizes: INFO lines of the form `bench: NAME VALUE UNIT`.
 *
 * To be run with `-icount shift=0`: virtual time then advances by 1 ns an instruction, and the
 * counter shows it, by single instructions where CNTFRQ_EL0 is 1 GHz (-cpu max of QEMU 9.1 and
 * later), by 16 at 62.5 MHz. Loops are long enough to be exact with the latter too; counts without a
 * loop (boot_to_main, map_1g_pages) are then exact to 16.
 */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>

#define ROUNDS 1600
#define CREATES 16
#define NS_PER_SECOND 1000000000UL

static u64 instructions(u64 ticks)
{
	return ticks * (NS_PER_SECOND / get_cntfrq());
}

/* Of one of @rounds. To the nearest: where in a tick the loop starts and ends is chance. */
static u64 instructions_each(u64 ticks, u64 rounds)
{
	return (instructions(ticks) + rounds / 2) / rounds;
}

static void result(const char *name, u64 value)
{
	report_info("bench: %s %lu instructions", name, value);
}

/*
 * bench.S: a handler of three instructions, and a guest: x0 times an hvc and two instructions of
 * the loop
 */
enum guest_handler_result three_instructions(struct guest *guest);
void guest_hvc_loop(void);
/* bench.S: writes to x0 pages from x1 on; a write and three instructions a round */
void guest_touch_loop(void);

static u64 time_hvc_loop(struct guest *guest, u64 rounds)
{
	u64 start;

	guest->elr_el2 = (u64)guest_hvc_loop;
	guest->x[0] = rounds;
	start = get_cntvct();
	guest_run(guest);
	return get_cntvct() - start;
}

static void bench_hvc(void)
{
	struct guest *guest = guest_create(1, guest_hvc_loop, S2_PAGE_4K);
	u64 few, many;

	guest_install_handler(guest, ELx_LOW_SYNC_64, three_instructions);
	few = time_hvc_loop(guest, ROUNDS);
	many = time_hvc_loop(guest, 2 * ROUNDS);
	/*
	 * The difference of two runs is free of what a run costs; 2 instructions a round are the
	 * loop's.
	 */
	result("hvc_round_trip", instructions_each(many - few, ROUNDS) - 2);
	guest_destroy(guest);
}

/* Enter, hvc, leave; the guest's two instructions included. */
static void bench_run(void)
{
	struct guest *guest = guest_create(1, guest_hvc_loop, S2_PAGE_4K);
	u64 start;

	guest->x[0] = UINT64_MAX;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	start = get_cntvct();
	for (int i = 0; i < ROUNDS; i++)
		guest_run(guest);
	result("guest_run", instructions_each(get_cntvct() - start, ROUNDS));
	guest_destroy(guest);
}

static void bench_create(void)
{
	u64 start;

	guest_destroy(guest_create(1, guest_hvc_loop, S2_PAGE_4K));
	start = get_cntvct();
	for (int i = 0; i < CREATES; i++)
		guest_destroy(guest_create(1, guest_hvc_loop, S2_PAGE_4K));
	result("guest_create", instructions_each(get_cntvct() - start, CREATES));
}

#define MAP_IPA 0x1000000000UL /* nothing of the guest's is near */
#define MAP_PA 0x40000000UL /* never touched through it */
#define MAPS 128

static enum guest_handler_result map_page(struct guest *guest)
{
	phys_addr_t page = (u64)guest->data;
	u64 ipa;

	if (!guest_fault_ipa(guest, &ipa) ||
	    s2mmu_map(guest->s2mmu, ipa & PAGE_MASK, page, PAGE_SIZE, S2_MAP_RW))
		return GUEST_ACTION_EXIT;
	return GUEST_ACTION_RESUME;
}

static u64 time_touch_loop(struct guest *guest, u64 ipa, u64 pages)
{
	u64 start;

	guest->elr_el2 = (u64)guest_touch_loop;
	guest->x[0] = pages;
	guest->x[1] = ipa;
	start = get_cntvct();
	guest_run(guest);
	return get_cntvct() - start;
}

/* From a write that faults to the same write done; the last-level table exists. */
static void bench_fault(void)
{
	struct guest *guest = guest_create(1, guest_touch_loop, S2_PAGE_4K);
	void *page = alloc_page();
	u64 few, many;

	guest->data = (void *)virt_to_phys(page);
	assert(!s2mmu_map(guest->s2mmu, MAP_IPA, virt_to_phys(page), PAGE_SIZE, S2_MAP_RW));
	guest_install_handler(guest, ELx_LOW_SYNC_64, map_page);
	few = time_touch_loop(guest, MAP_IPA + PAGE_SIZE, MAPS);
	many = time_touch_loop(guest, MAP_IPA + (1 + MAPS) * PAGE_SIZE, 2 * MAPS);
	assert(guest->exit_reason == GUEST_EXIT_RETURNED);
	result("stage2_fault", instructions_each(many - few, MAPS) - 3);
	guest_destroy(guest);
	free_page(page);
}

/* s2mmu_map() of @size, MAPS times, where the table exists. */
static void bench_map(const char *name, bool allow_block, u64 size)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, allow_block);
	u64 start;

	assert(!s2mmu_map(mmu, MAP_IPA, MAP_PA, size, S2_MAP_RW));
	start = get_cntvct();
	for (u64 i = 1; i <= MAPS; i++)
		s2mmu_map(mmu, MAP_IPA + i * size, MAP_PA, size, S2_MAP_RW);
	result(name, instructions_each(get_cntvct() - start, MAPS));
	s2mmu_destroy(mmu);
}

/* The tables included: 1 for level 2, 512 for level 3 */
static void bench_map_1g(void)
{
	struct s2_mmu *mmu = s2mmu_init(1, S2_PAGE_4K, false);
	u64 start = get_cntvct();

	assert(!s2mmu_map(mmu, MAP_IPA, MAP_PA, SZ_1G, S2_MAP_RW));
	result("map_1g_pages", instructions(get_cntvct() - start));
	s2mmu_destroy(mmu);
}

int main(int argc, char **argv)
{
	u64 boot = instructions(get_cntvct() - boot_counter);
	const char *unsupported = guest_unsupported(S2_PAGE_4K);

	result("boot_to_main", boot);
	report_info("bench: code_size %lu bytes", (u64)(_etext - _stext));
	report_info("bench: image_size %lu bytes", (u64)(_edata - _start));
	if (unsupported)
		return skip_all(unsupported);
	bench_hvc();
	bench_run();
	bench_create();
	bench_fault();
	bench_map("map_page", false, PAGE_SIZE);
	bench_map("map_block", true, SZ_2M);
	bench_map_1g();
	report_pass("counted");
	return report_summary();
}
