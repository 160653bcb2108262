/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of kvm-unit-tests whose meaning a test could take for another: values and types. */
#include <libcflat.h>
#include <argv.h>
#include <alloc.h>
#include <alloc_page.h>
#include <bitops.h>
#include <errata.h>
#include <on-cpus.h>
#include <string.h>
#include <subtest.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/asm-offsets.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/processor.h>
#include <asm/psci.h>
#include <asm/smp.h>
#include <asm/timer.h>

/* Compilers know both extensions */
#if !defined(CC_HAS_SVE) || !defined(CC_HAS_MTE)
#error "sources of kvm-unit-tests leave out what they test"
#endif

/* From 0, of an unsigned long */
static void test_fls(void)
{
	for (unsigned int bit = 0; bit < BITS_PER_LONG; bit++) {
		if (fls(BIT(bit)) != bit || fls(BIT(bit) | 1) != bit)
			report_fail("fls(%#lx): expected %u, found %lu", BIT(bit), bit,
				    fls(BIT(bit)));
	}
	report_equal(fls(~0UL), 63, "fls(~0UL)");
	report_equal(get_order(17), 5, "get_order(17)");
	report_equal(GENMASK_ULL(41, 40), 0x30000000000, "GENMASK_ULL(41, 40)");
	report_equal(upper_32_bits(0x123456789abcdef0), 0x12345678, "upper_32_bits()");
	report_equal(lower_32_bits(0x123456789abcdef0), 0x9abcdef0, "lower_32_bits()");
}

/* Of volatile words, too */
static void test_bits(void)
{
	static volatile unsigned long words[2];

	set_bit(65, words);
	report(words[0] == 0 && words[1] == 2 && test_bit(65, words),
	       "set_bit(65): expected 0, 0x2, found %#lx, %#lx", words[0], words[1]);
	report_equal(test_and_clear_bit(65, words), true, "test_and_clear_bit() of a set bit");
	report_equal(test_and_set_bit(65, words), false, "test_and_set_bit() of a clear bit");
	clear_bit(65, words);
	report_equal(words[1], 0, "the word after clear_bit()");
}

static void test_once(void)
{
	struct {
		u32 a, b;
	} pair = { 1, 2 }, copy;
	u8 byte = 0xa5;
	unsigned long results[2] = { WRITE_ONCE(byte, 0x5a), READ_ONCE(byte) };

	copy = READ_ONCE(pair);
	report(copy.a == 1 && copy.b == 2,
	       "READ_ONCE() of a structure: expected 1, 2, found %u, %u", copy.a, copy.b);
	report(results[0] == 0x5a && results[1] == 0x5a,
	       "WRITE_ONCE() of a byte, then READ_ONCE(): expected 0x5a, 0x5a, found %#lx, %#lx",
	       results[0], results[1]);
}

/* The numbers of QEMU's virt, which are those of the BSA (Arm DEN0094, 3.8.2) */
static void test_timers(void)
{
	report_equal(TIMER_PTIMER_IRQ, 30, "INTID of the EL1 physical timer");
	report_equal(TIMER_VTIMER_IRQ, 27, "INTID of the EL1 virtual timer");
	report_equal(TIMER_HPTIMER_IRQ, 26, "INTID of the EL2 physical timer");
	report(TIMER_HVTIMER_IRQ == 28 || TIMER_HVTIMER_IRQ == 0,
	       "INTID of the EL2 virtual timer: expected 28, or 0 for none, found %u",
	       TIMER_HVTIMER_IRQ);
}

static void test_exceptions(void)
{
	static_assert(__builtin_types_compatible_p(__typeof__(ESR_ELx_EC_SVC64), unsigned long),
		      "as ESR_ELx");
	report_equal(sizeof(struct pt_regs), 288, "size of struct pt_regs");
	report_equal(offsetof(struct pt_regs, pstate), S_PSTATE, "S_PSTATE");
	report_equal(offsetof(struct pt_regs, sp), S_SP, "S_SP");
	report_equal(sizeof(struct pt_regs), S_FP, "S_FP");
	report_equal(sizeof(struct pt_regs) + 16, S_FRAME_SIZE, "S_FRAME_SIZE");
}

static void check_thread(void *data)
{
	struct thread_info *info = current_thread_info(),
			   *found = thread_info_sp(current_stack_pointer);

	report(info == found && info->cpu == smp_processor_id(),
	       "current_thread_info() of CPU %d: expected at the base of the stack, %p, with cpu %d, "
	       "found %p, cpu %d",
	       smp_processor_id(), found, smp_processor_id(), info, info->cpu);
	report(info->pgtable == mmu_idmap, "its pgtable: expected %p, found %p", mmu_idmap,
	       info->pgtable);
	/* Room for a test's own */
	memset(info->ext, 0xff, 64);
}

static void test_threads(void)
{
	on_cpus(check_thread, NULL);
	on_cpus(check_thread, NULL);
}

/* All physical addresses that page tables of 48 bits can hold (DDI 0487, D24.2.86) */
static u64 pa_size(void)
{
	return MIN(FIELD(read_sysreg(id_aa64mmfr0_el1), 3, 0), 5UL);
}

/*
 * HCR_EL2 of the host: RW; with FEAT_VHE E2H and TGE, without AMO, IMO and FMO; with FEAT_PAuth API
 * and APK
 */
static void check_hcr(void)
{
	bool pauth = (read_sysreg(id_aa64isar1_el1) & ID_AA64ISAR1_PAUTH) ||
		     (read_sysreg_s(ID_AA64ISAR2_EL1) & ID_AA64ISAR2_PAUTH);
	u64 expected = 0x80000000 | (host_vhe ? 0x408000000 : 0x38) | (pauth ? 0x30000000000 : 0);

	report_equal(read_sysreg(hcr_el2), expected, "HCR_EL2 of CPU %d", smp_processor_id());
}

/* Registers of a CPU in main(), or in a function that on_cpu() runs. With E2H, those of EL2 */
static void check_registers(void *data)
{
	u64 sctlr = 0x30d01985, tcr = 0xb5903510, mair = 0xf008bbff440c0400;
	u64 cpacr = system_supports_sve() ? 0x330000 : 0x300000;
	/* In a build that signs return addresses EnIA is set */
	u64 others = SCTLR_ELx_EnIA | SCTLR_EL1_BY_FEATURE;

	if (host_at_el2)
		check_hcr();
	report_equal(read_sysreg(sctlr_el1) & ~others, sctlr & ~others,
		     "SCTLR of CPU %d, all but the bits %#lx", smp_processor_id(), others);
	report_equal(read_sysreg(cpacr_el1), cpacr, "CPACR of CPU %d", smp_processor_id());
	report_equal(read_sysreg(mair_el1), mair, "MAIR of CPU %d", smp_processor_id());
	if (PAGE_SIZE == SZ_4K)
		report_equal(lower_32_bits(read_sysreg(tcr_el1)), tcr, "TCR[31:0] of CPU %d",
			     smp_processor_id());
	report_equal(FIELD(read_sysreg(tcr_el1), 34, 32), pa_size(), "TCR.IPS of CPU %d",
		     smp_processor_id());
	report_equal(read_sysreg(cntkctl_el1), host_at_el2 ? 3 : 0, "CNTKCTL of CPU %d",
		     smp_processor_id());
	report_equal(read_sysreg(daif), PSR_DAIF, "DAIF of CPU %d", smp_processor_id());
}

/* The same of EL2 without E2H, where some have other fields */
static void check_nvhe_registers(void *data)
{
	u64 sctlr = 0x30c51835, tcr = 0x80803510 | pa_size() << 16, mair = 0xf008bbff440c0400;

	check_hcr();
	report_equal(read_sysreg(sctlr_el2) & ~SCTLR_ELx_EnIA, sctlr,
		     "SCTLR_EL2 of CPU %d, all but EnIA", smp_processor_id());
	report_equal(read_sysreg(mair_el2), mair, "MAIR_EL2 of CPU %d", smp_processor_id());
	if (PAGE_SIZE == SZ_4K)
		report_equal(read_sysreg(tcr_el2), tcr, "TCR_EL2 of CPU %d", smp_processor_id());
	report_equal(read_sysreg(daif), PSR_DAIF, "DAIF of CPU %d", smp_processor_id());
}

static void test_registers(void)
{
	on_cpus(host_at_el2 && !host_vhe ? check_nvhe_registers : check_registers, NULL);
}

#define PTE_WITHOUT_ADDRESS(pte) ((pte) & ~UL(0x0000fffffffff000))

static void check_pte(void *va, u64 expected, const char *what)
{
	pteval_t *pte = follow_pte(mmu_idmap, (uintptr_t)va);

	report(pte && PTE_WITHOUT_ADDRESS(*pte) == expected,
	       "entry of %s, without address: expected %#lx, found %#lx", what, expected,
	       pte ? PTE_WITHOUT_ADDRESS(*pte) : 0);
}

static void test_entries(void)
{
	u64 device_xn = host_at_el2 && !host_vhe ? PTE_UXN : PTE_UXN | PTE_PXN;
	void *page = alloc_page();

	assert(page);
	check_pte(page, 0x753, "a page of alloc_page()");
	check_pte(vmap(virt_to_phys(page), PAGE_SIZE), 0x753, "a page of vmap()");
	check_pte(ioremap(0x09010000, 0x1000), 0x747 | device_xn, "a device");
	report_equal(PTE_UNCACHED, 0x4, "PTE_UNCACHED");
	report_equal(PTE_TAGGED, 0x1c, "PTE_TAGGED");
}

/* What is mapped already may be mapped again, in part and as a part. No device is accessed. */
static void test_ioremap(void)
{
	u64 block = pt_level_size(PAGE_SHIFT, PT_LEVEL_LAST - 1), page = PAGE_SIZE;
	phys_addr_t whole = UL(0x2000000000), part = whole + 4 * block;

	ioremap(whole, 2 * block);
	report_equal((u64)ioremap(whole + block + page, page), whole + block + page,
		     "ioremap() of a page of a block");
	ioremap(part + page, page);
	report_equal((u64)ioremap(part, 2 * block), part,
		     "ioremap() of blocks of which a page is mapped");
	report(mmu_page_entry(mmu_idmap, part + page),
	       "after it: expected the table that maps the page, found %p",
	       mmu_page_entry(mmu_idmap, part + page));
	for (u64 pa = part; pa < part + 2 * block; pa += block - page)
		report_equal(virt_to_pte_phys(mmu_idmap, __va(pa)), pa, "address that %#lx has",
			     pa);
}

/* The page @mem is executed by the host, once user mode has no access to it. */
static void check_execution(u32 *mem, const char *what)
{
	register u64 result asm("x0") = 0;

	mem[0] = 0xd2800540; /* mov x0, #42 */
	mem[1] = 0xd65f03c0; /* ret */
	mmu_clear_user(mmu_idmap, (uintptr_t)mem);
	asm volatile("dc cvau, %0; dsb ish; ic ivau, %0; dsb ish; isb" : : "r"(mem) : "memory");
	/* Not in C, where compilers assume that only functions are called */
	asm volatile("blr %1" : "+r"(result) : "r"(mem) : "x30", "memory");
	report_equal(result, 42, "result of code in %s", what);
}

static void test_execution(void)
{
	check_execution(alloc_page(), "a page of alloc_page()");
	check_execution(vmap(virt_to_phys(alloc_page()), PAGE_SIZE), "a page of vmap()");
	check_execution(malloc(PAGE_SIZE), "memory of malloc()");
}

static void test_psci(void)
{
	smccc_invoke_fn expected = psci_get_conduit() == PSCI_CONDUIT_SMC ? arm_smccc_smc
									  : arm_smccc_hvc;

	report(psci_invoke_fn == expected, "psci_invoke_fn: expected the conduit's, %p, found %p",
	       expected, psci_invoke_fn);
	report(psci_invoke(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0) >= 2,
	       "psci_invoke() of PSCI_VERSION: expected at least 0.2, found %#x",
	       psci_invoke(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0));
}

static void check_format(const char *found, const char *expected, const char *what)
{
	report(!strcmp(found, expected), "%s: expected \"%s\", found \"%s\"", what, expected,
	       found);
}

static void test_pointers(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%p", NULL);
	check_format(text, "0", "%p of NULL");
	snprintf(text, sizeof(text), "%p", (void *)0x1234);
	check_format(text, "0x1234", "%p of 0x1234");
	check_format(__argv[0], "arm/library-meanings.flat", "argv[0]");
}

/* setup_env() adds nothing to what was there: each call is a new environment. */
static void set_environment(const char *text)
{
	setup_env(text, strlen(text));
}

static void test_errata(void)
{
	set_environment("OTHER=y\n");
	report(!ERRATA(abc) && ERRATA_RELAXED(abc),
	       "ERRATA(), ERRATA_RELAXED() without a word about them: expected 0, 1, found %d, %d",
	       ERRATA(abc), ERRATA_RELAXED(abc));
	set_environment("ERRATA_abc=n\n");
	report(!ERRATA(abc) && !ERRATA_RELAXED(abc), "of one denied: expected 0, 0, found %d, %d",
	       ERRATA(abc), ERRATA_RELAXED(abc));
	set_environment("ERRATA_abc=n\nERRATA_FORCE=y\n");
	report(ERRATA(abc) && ERRATA_RELAXED(abc),
	       "of one denied, with ERRATA_FORCE=y: expected 1, 1, found %d, %d", ERRATA(abc),
	       ERRATA_RELAXED(abc));
	report(ERRATA(other), "of another one, with ERRATA_FORCE=y: expected 1, found %d",
	       ERRATA(other));
}

static const struct subtest subtests[] = {
	{ "fls", test_fls },
	{ "bits", test_bits },
	{ "once", test_once },
	{ "timers", test_timers },
	{ "exceptions", test_exceptions },
	{ "threads", test_threads },
	{ "registers", test_registers },
	{ "entries", test_entries },
	{ "ioremap", test_ioremap },
	{ "execution", test_execution },
	{ "psci", test_psci },
	{ "pointers", test_pointers },
	{ "errata", test_errata },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
