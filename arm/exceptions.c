/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions of the host: stack pointers, and handlers that are installed and removed. */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/gic.h>
#include <asm/processor.h>

#define BRK_NUMBER 5
#define SP_OF_HANDLER 0xbad00UL
#define AN_SGI 3

static struct {
	unsigned int calls;
	u64 sp;
} seen;

static u64 stack[32] __aligned(16);

/*
 * Stack pointers
 */

/* Code on SP_EL0 has it in regs->sp, where the handler may change it. */
static void move_stack(struct pt_regs *regs, unsigned int esr)
{
	seen.calls++;
	seen.sp = regs->sp;
	regs->sp += 64;
	regs->pc += 4;
	write_sysreg(SP_OF_HANDLER, sp_el0);
}

static u64 brk_on_sp_el0(u64 sp)
{
	u64 after;

	asm volatile("msr	sp_el0, %1\n"
		     "	msr	spsel, #0\n"
		     "	brk	%2\n"
		     "	mov	%0, sp\n"
		     "	msr	spsel, #1"
		     : "=&r"(after)
		     : "r"(sp), "i"(BRK_NUMBER)
		     : "memory");
	return after;
}

static void test_sp_el0(void)
{
	u64 sp = (u64)&stack[8], after;

	seen.calls = 0;
	install_exception_handler(ELxT_SYNC, ESR_ELx_EC_BRK64, move_stack);
	after = brk_on_sp_el0(sp);
	install_exception_handler(ELxT_SYNC, ESR_ELx_EC_BRK64, NULL);
	report(seen.calls == 1 && seen.sp == sp && after == sp + 64,
	       "BRK on SP_EL0 %#lx, whose handler adds 64: expected 1 call, SP %#lx, after it %#lx; "
	       "found %u, %#lx, %#lx",
	       sp, sp, sp + 64, seen.calls, seen.sp, after);
}

/* On the other stack pointer, SP_EL0 is the handler's to change, and regs->sp says where it was. */
static void note_stack(struct pt_regs *regs, unsigned int esr)
{
	seen.calls++;
	seen.sp = regs->sp;
	regs->pc += 4;
	write_sysreg(SP_OF_HANDLER, sp_el0);
}

static void test_sp_elx(void)
{
	u64 before, sp_el0;

	seen.calls = 0;
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, note_stack);
	write_sysreg(0, sp_el0);
	asm volatile("mov	%0, sp\n"
		     "	brk	%1"
		     : "=r"(before)
		     : "i"(BRK_NUMBER)
		     : "memory");
	sp_el0 = read_sysreg(sp_el0);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
	report(seen.calls == 1 && seen.sp == before && sp_el0 == SP_OF_HANDLER,
	       "BRK on SP %#lx, whose handler writes SP_EL0: expected 1 call, SP %#lx, SP_EL0 %#lx; "
	       "found %u, %#lx, %#lx",
	       before, before, SP_OF_HANDLER, seen.calls, seen.sp, sp_el0);
}

/*
 * Handlers of interrupts
 */

static unsigned int irqs, vectors;

static void count_irq(struct pt_regs *regs)
{
	irqs++;
	gic_write_eoir(gic_read_iar());
}

static void count_vector(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	vectors += v == ELxH_IRQ;
	gic_write_eoir(gic_read_iar());
}

static void take_sgi(void)
{
	gic_ipi_send_single(AN_SGI, 0);
	local_irq_enable();
	isb();
	local_irq_disable();
}

static void check_calls(const char *when, unsigned int expected_irqs, unsigned int expected_vectors)
{
	irqs = vectors = 0;
	take_sgi();
	report(irqs == expected_irqs && vectors == expected_vectors,
	       "an SGI, %s: expected %u calls of the IRQ handler, %u of the vector's, found %u, %u",
	       when, expected_irqs, expected_vectors, irqs, vectors);
}

static void test_irq_handlers(void)
{
	if (gic_unsupported()) {
		report_skip("%s", gic_unsupported());
		return;
	}
	gic_enable_defaults();
	install_irq_handler(ELxH_IRQ, count_irq);
	check_calls("install_irq_handler()", 1, 0);
	install_vector_handler(ELxH_IRQ, count_vector);
	check_calls("install_vector_handler() as well", 0, 1);
	install_irq_handler(ELxH_IRQ, NULL);
	check_calls("no IRQ handler any more", 0, 1);
	install_irq_handler(ELxH_IRQ, count_irq);
	install_vector_handler(ELxH_IRQ, NULL);
	check_calls("no vector handler any more", 1, 0);
	install_irq_handler(ELxH_IRQ, NULL);
}

static const struct subtest subtests[] = {
	{ "sp-el0", test_sp_el0 },
	{ "sp-elx", test_sp_elx },
	{ "irq-handlers", test_irq_handlers },
};

int main(int argc, char **argv)
{
	return run_subtests(subtests, ARRAY_SIZE(subtests), argc, argv);
}
