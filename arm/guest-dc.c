/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to translation registers, which on a CPU without FEAT_S2FWB are exits that the framework
 * answers: neither a guest nor the host's handlers see a difference.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/guest-stage1.h>
#include <asm/guest-check.h>
#include <asm/guest.h>
#include <asm/stage2-tlb.h>

#define VMID 27
#define PATTERN 0x5a5a

/* The second one by `msr contextidr_el1, xzr` */
static u64 guest_write_twice(u64 value)
{
	u64 first;

	write_sysreg(value, contextidr_el1);
	first = read_sysreg(contextidr_el1);
	write_sysreg(0, contextidr_el1);
	return first << 32 | read_sysreg(contextidr_el1);
}

static void test_zero(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_write_twice);

	guest->x[0] = PATTERN;
	guest_check_run(guest, EXPECT_RETURN((u64)PATTERN << 32),
			"a register, and XZR, written to CONTEXTIDR_EL1");
	guest_destroy(guest);
}

static void test_count(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_write_twice);
	u64 expected = s2_features()->fwb ? 0 : 2;
	struct guest_statistics statistics;

	guest_count_exits(guest, &statistics);
	guest->x[0] = PATTERN;
	guest_check_run(guest, EXPECT_RETURN((u64)PATTERN << 32),
			"a register, and XZR, written to CONTEXTIDR_EL1, with exits counted");
	report(statistics.classes[ESR_ELx_EC_SYS64] == expected,
	       "exits of class 0x18 for two writes: expected %lu, found %lu", expected,
	       statistics.classes[ESR_ELx_EC_SYS64]);
	guest_destroy(guest);
}

static u64 guest_read(u64 value)
{
	write_sysreg(value, contextidr_el1);
	return read_sysreg(contextidr_el1);
}

static enum guest_handler_result answer_read(struct guest *guest)
{
	u64 iss = ESR_ELx_ISS(guest->esr_el2);

	if (ESR_ELx_EC(guest->esr_el2) != ESR_ELx_EC_SYS64 || !(iss & ESR_ELx_SYS64_ISS_READ))
		return GUEST_ACTION_EXIT;
	guest->x[FIELD(iss, 9, 5)] = 2 * PATTERN;
	guest_skip_instruction(guest);
	return GUEST_ACTION_RESUME;
}

/* The framework answers writes. Reads are trapped when the host wants them, and are its own. */
static void test_read(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_read);

	guest->x[0] = PATTERN;
	guest->hcr_el2 |= HCR_EL2_TRVM;
	guest_install_handler(guest, ELx_LOW_SYNC_64, answer_read);
	guest_check_run(guest, EXPECT_RETURN(2 * PATTERN),
			"CONTEXTIDR_EL1, of a handler that answers HCR_EL2.TRVM");
	guest_destroy(guest);
}

/* A host may want the memory of a guest without MMU to be what the architecture says it is. */
static void test_host_clears_dc(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_read);

	guest->x[0] = PATTERN;
	guest->hcr_el2 &= ~HCR_EL2_DC;
	guest_check_run(guest, EXPECT_RETURN(PATTERN),
			"CONTEXTIDR_EL1 of a guest whose HCR_EL2.DC the host cleared");
	report(!(guest->hcr_el2 & HCR_EL2_DC),
	       "HCR_EL2.DC, cleared by the host, after the run: expected 0, found 1 (HCR_EL2 %#lx)",
	       guest->hcr_el2);
	guest_destroy(guest);
}

static unsigned int flushes;

static void count_flush(struct s2_mmu *mmu, u64 ipa, u64 size)
{
	flushes += mmu && !ipa && size == 1UL << mmu->geometry.ipa_bits;
}

static u64 guest_turn_on(u64 stage1)
{
	guest_stage1_turn_on((const struct guest_stage1 *)stage1);
	return PATTERN;
}

/* HCR_EL2.DC may be cached in a TLB (DDI 0487, D24.2.53). QEMU's goes when HCR_EL2 changes. */
static void test_flush(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_turn_on);
	struct guest_stage1 *stage1 = guest_stage1_create(guest, 39);
	unsigned int expected = s2_features()->fwb ? 0 : 1;

	assert(stage1 && !guest_stage1_map_image(stage1, 0));
	guest->x[0] = (u64)stage1;
	flushes = 0;
	s2_tlb_observer = count_flush;
	guest_check_run(guest, EXPECT_RETURN(PATTERN), "a guest turns its MMU on");
	s2_tlb_observer = NULL;
	report(flushes == expected,
	       "translations dropped when the guest turned its MMU on: expected %u times, found %u",
	       expected, flushes);
	guest_stage1_destroy(stage1);
	guest_destroy(guest);
}

/* All registers that HCR_EL2.TVM traps (DDI 0487, D24.2.57), each with its own value */
#define WRITE_AGAIN(reg) write_sysreg(read_sysreg(reg), reg)

static u64 guest_write_all(void)
{
	WRITE_AGAIN(sctlr_el1);
	WRITE_AGAIN(ttbr0_el1);
	WRITE_AGAIN(ttbr1_el1);
	WRITE_AGAIN(tcr_el1);
	WRITE_AGAIN(esr_el1);
	WRITE_AGAIN(far_el1);
	WRITE_AGAIN(afsr0_el1);
	WRITE_AGAIN(afsr1_el1);
	WRITE_AGAIN(mair_el1);
	WRITE_AGAIN(amair_el1);
	WRITE_AGAIN(contextidr_el1);
	return 7;
}

static void test_all(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_write_all);

	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_RETURN(7), "writes of all registers that TVM traps");
	guest_destroy(guest);
}

static const struct subtest subtests[] = {
	{ "zero", test_zero },	 { "count", test_count },
	{ "read", test_read },	 { "host-clears-dc", test_host_clears_dc },
	{ "flush", test_flush }, { "all", test_all },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
