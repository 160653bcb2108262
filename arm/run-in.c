/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions at EL1 and EL0 in the host's address space, and the exceptions that they take. */
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/esr.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/run-in.h>
#include <asm/setup.h>
#include <asm/timer.h>

#define OLD 0x1111
#define NEW 0x2222
#define AN_SGI 3
#define SOON_US 100
#define UNMAPPED_VA 0x7f0000000000UL

typedef struct run_in_result (*run_in_fn)(u64 (*func)(u64 arg), u64 arg);

static const struct level {
	const char *name;
	run_in_fn run;
	enum vector at_el1; /* of a synchronous exception to EL1 */
	unsigned int dabt; /* class of its data aborts there */
} levels[] = {
	{ "EL1", run_in_el1, ELxH_SYNC, ESR_ELx_EC_DABT_CUR },
	{ "EL0", run_in_el0, ELx_LOW_SYNC_64, ESR_ELx_EC_DABT_LOW },
};

static void for_each_level(void (*check)(const struct level *level))
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		report_prefix_push(levels[i].name);
		check(&levels[i]);
		report_prefix_pop();
	}
}

static void check_returned(struct run_in_result result, u64 value, const char *what)
{
	char syndrome[128];

	report(result.returned && result.value == value,
	       "%s: expected a return with %#lx, found %s %#lx (%s at %#lx, FAR %#lx)", what, value,
	       result.returned ? "a return with" : "an exception,", result.value,
	       esr_decode(result.esr, syndrome, sizeof(syndrome)), result.elr, result.far);
}

#define ISS_LOW 0xffff

static void check_exception(struct run_in_result result, unsigned int el, enum vector vector,
			    unsigned int ec, const char *what)
{
	report(!result.returned && result.el == el && result.vector == vector &&
		       ESR_ELx_EC(result.esr) == ec,
	       "%s: expected an exception to EL%u by %s of class %#x, found %s to EL%u by %s of class "
	       "%#lx",
	       what, el, vector_name(vector), ec, result.returned ? "a return" : "an exception",
	       result.el, vector_name(result.vector), ESR_ELx_EC(result.esr));
}

/*
 * Where it runs
 */

static u64 written;

static u64 add_one(u64 arg)
{
	written = arg;
	return arg + 1;
}

static u64 read_current_el(u64 arg)
{
	return read_sysreg(CurrentEL) >> 2;
}

static u64 read_word(u64 address)
{
	return *(volatile u64 *)address;
}

static void check_where(const struct level *level)
{
	u64 *page = alloc_page(), *mapped;

	written = 0;
	check_returned(level->run(add_one, 41), 42, "41 + 1");
	report(written == 41, "data written by it: expected 41, found %lu", written);
	/* CurrentEL is UNDEFINED at EL0. */
	if (level->run == run_in_el1)
		check_returned(level->run(read_current_el, 0), 1, "CurrentEL.EL");
	else
		check_exception(level->run(read_current_el, 0), 1, ELx_LOW_SYNC_64,
				ESR_ELx_EC_UNKNOWN, "read of CurrentEL");

	/* An address that is not the physical one, and another page there afterwards. */
	assert(page);
	*page = OLD;
	mapped = vmap(virt_to_phys(page), PAGE_SIZE);
	check_returned(level->run(read_word, (u64)mapped), OLD,
		       "word of a page that vmap() mapped");
	page = alloc_page();
	assert(page);
	*page = NEW;
	install_page(mmu_idmap, virt_to_phys(page), mapped);
	check_returned(level->run(read_word, (u64)mapped), NEW,
		       "word of the page mapped there now");
}

static void test_where(void)
{
	for_each_level(check_where);
}

static u64 report_there(u64 arg)
{
	report(arg == 7, "a check in the function: expected 7, found %lu", arg);
	return 0;
}

static void check_report(const struct level *level)
{
	check_returned(level->run(report_there, 7), 0, "function with a check");
}

static void test_report(void)
{
	for_each_level(check_report);
}

/*
 * Exceptions
 */

static u64 call_svc(u64 arg)
{
	asm volatile("svc #3" : : : "memory");
	return arg;
}

static u64 call_hvc(u64 arg)
{
	asm volatile("hvc #5" : : : "memory");
	return arg;
}

static void check_exceptions(const struct level *level)
{
	struct run_in_result result = level->run(read_word, UNMAPPED_VA);

	check_exception(result, 1, level->at_el1, level->dabt, "read of an unmapped address");
	report(result.far == UNMAPPED_VA && result.elr >= (u64)read_word &&
		       result.elr < (u64)read_word + 64,
	       "FAR and ELR: expected %#lx and an address in read_word(), %#lx; found %#lx, %#lx",
	       UNMAPPED_VA, (u64)read_word, result.far, result.elr);
	result = level->run(call_svc, 0);
	check_exception(result, 1, level->at_el1, ESR_ELx_EC_SVC64, "svc #3");
	report((result.esr & ISS_LOW) == 3, "immediate of the SVC: expected 3, found %lu",
	       result.esr & ISS_LOW);
	result = level->run(call_hvc, 0);
	if (level->run == run_in_el1)
		check_exception(result, 2, ELx_LOW_SYNC_64, ESR_ELx_EC_HVC64, "hvc #5");
	else /* UNDEFINED */
		check_exception(result, 1, ELx_LOW_SYNC_64, ESR_ELx_EC_UNKNOWN, "hvc #5");
}

static void test_exceptions(void)
{
	for_each_level(check_exceptions);
}

static u64 read_pfr0(u64 arg)
{
	return read_sysreg(id_aa64pfr0_el1);
}

static u64 read_count(u64 arg)
{
	return read_sysreg(cntpct_el0) - arg;
}

/*
 * A trap of another register, at its place with HCR_EL2.E2H and without. At EL0 CNTKCTL_EL1, in its
 * reset state, traps to EL1 first.
 */
static void check_count_trap(void)
{
	u64 old = read_sysreg(cnthctl_el2);

	write_sysreg(old & ~(host_vhe ? CNTHCTL_VHE_EL1PCTEN : CNTHCTL_NVHE_EL1PCTEN), cnthctl_el2);
	check_exception(run_in_el1(read_count, 0), 2, ELx_LOW_SYNC_64, ESR_ELx_EC_SYS64,
			"read of CNTPCT_EL0 with CNTHCTL_EL2.EL1PCTEN clear");
	write_sysreg(old, cnthctl_el2);
}

static u64 write_contextidr(u64 arg)
{
	write_sysreg(arg, contextidr_el1);
	return arg;
}

/* A trap by HCR_EL2, which is the caller's before and after. */
static void check_hcr_trap(u64 bit, u64 (*func)(u64 arg), const char *what)
{
	u64 hcr = read_sysreg(hcr_el2), trapping = hcr | bit, after;

	write_sysreg(trapping, hcr_el2);
	isb();
	check_exception(run_in_el1(func, 0), 2, ELx_LOW_SYNC_64, ESR_ELx_EC_SYS64, what);
	after = read_sysreg(hcr_el2);
	write_sysreg(hcr, hcr_el2);
	isb();
	report(after == trapping, "HCR_EL2 after it: expected %#lx, found %#lx", trapping, after);
}

static void test_traps(void)
{
	check_returned(run_in_el1(read_pfr0, 0), read_sysreg(id_aa64pfr0_el1),
		       "ID_AA64PFR0_EL1, not trapped");
	check_hcr_trap(HCR_EL2_TID3, read_pfr0, "read of ID_AA64PFR0_EL1 with HCR_EL2.TID3");
	/* Guests without FEAT_S2FWB have this trap too, which the framework answers for them. */
	check_hcr_trap(HCR_EL2_TVM, write_contextidr, "write of CONTEXTIDR_EL1 with HCR_EL2.TVM");
	check_count_trap();
}

/*
 * Interrupts
 */

static volatile unsigned int irqs;

static void take_irq(struct pt_regs *regs)
{
	u32 iar = gic_read_iar();

	irqs++;
	timer_stop(timer_host());
	if (gic_iar_irqnr(iar) != GICC_INT_SPURIOUS)
		gic_write_eoir(iar);
}

static u64 wait_for_irq(u64 arg)
{
	while (!irqs)
		;
	return irqs;
}

static u64 count_to(u64 arg)
{
	for (volatile u64 i = 0; i < arg; i++)
		;
	return irqs;
}

static void check_interrupts(const struct level *level)
{
	irqs = 0;
	timer_start(timer_host(), SOON_US);
	local_irq_enable();
	check_returned(level->run(wait_for_irq, 0), 1,
		       "IRQs taken by the host while it waits for one");
	local_irq_disable();

	irqs = 0;
	timer_start(timer_host(), 0);
	check_returned(level->run(count_to, 1000), 0, "IRQs taken while the caller masks them");
	local_irq_enable();
	isb();
	local_irq_disable();
	report(irqs == 1, "IRQs taken when the caller unmasks them: expected 1, found %u", irqs);
}

/* An interrupt of group 0 */
static void take_fiq(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	u32 iar = gic_read_iar_group0();

	irqs++;
	gic_write_eoir_group0(iar);
}

static void check_fiqs(const struct level *level)
{
	irqs = 0;
	gic_irq_set_pending(AN_SGI, true);
	check_returned(level->run(count_to, 1000), 0, "FIQs taken while the caller masks them");
	daif_clear(PSR_F_BIT);
	isb();
	daif_set(PSR_F_BIT);
	report(irqs == 1, "FIQs taken when the caller unmasks them: expected 1, found %u", irqs);
}

static void test_fiqs(void)
{
	if (gic_unsupported()) {
		report_skip("%s", gic_unsupported());
		return;
	}
	gic_enable_defaults();
	if (!gic_irq_set_group(AN_SGI, 0)) {
		report_skip("group 0 belongs to the Secure state (GICD_CTLR.DS is 0)");
		return;
	}
	install_vector_handler(ELxH_FIQ, take_fiq);
	for_each_level(check_fiqs);
	install_vector_handler(ELxH_FIQ, NULL);
	gic_irq_set_group(AN_SGI, 1);
}

static void test_interrupts(void)
{
	if (gic_unsupported()) {
		report_skip("%s", gic_unsupported());
		return;
	}
	install_irq_handler(ELxH_IRQ, take_irq);
	gic_enable_defaults();
	gic_enable_irq(TIMER_HPTIMER_IRQ);
	for_each_level(check_interrupts);
	gic_disable_irq(TIMER_HPTIMER_IRQ);
}

static void test_leak(void)
{
	unsigned long before;

	run_in_el1(add_one, 0);
	before = alloc_pages_in_use();
	run_in_el1(add_one, 0);
	run_in_el0(call_svc, 0);
	report(alloc_pages_in_use() == before, "pages lost: expected 0, found %ld",
	       alloc_pages_in_use() - before);
}

static const struct subtest subtests[] = {
	{ "where", test_where },
	{ "report", test_report },
	{ "exceptions", test_exceptions },
	{ "traps", test_traps },
	{ "interrupts", test_interrupts },
	{ "fiqs", test_fiqs },
	{ "leak", test_leak },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(run_in_unsupported(), subtests, ARRAY_SIZE(subtests), argc,
				   argv);
}
