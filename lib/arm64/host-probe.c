/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code at EL2 that may take an exception (asm/host-probe.h). */
#include <libcflat.h>
#include <asm/host-probe.h>
#include <asm/processor.h>
#include <asm/sysreg.h>

static struct host_probe *running;

static void on_exception(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	running->taken = true;
	running->esr = read_sysreg(esr_el2); /* with ISS2 */
	running->elr = regs->pc;
	running->far = read_sysreg(far_el2);
	regs->pc = regs->regs[30];
}

/* No other call is between the registers and the asm statement. */
static void call(struct host_probe *probe, u64 pc)
{
	register u64 x0 asm("x0") = probe->x[0];
	register u64 x1 asm("x1") = probe->x[1];
	register u64 x2 asm("x2") = probe->x[2];

	asm volatile("blr %[pc]"
		     : "+r"(x0), "+r"(x1), "+r"(x2)
		     : [pc] "r"(pc)
		     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17", "x18", "x30", "cc", "memory");
	probe->x[0] = x0;
	probe->x[1] = x1;
	probe->x[2] = x2;
}

void host_probe_run(struct host_probe *probe, u64 pc)
{
	running = probe;
	probe->taken = false;
	install_vector_handler(ELxH_SYNC, on_exception);
	call(probe, pc);
	install_vector_handler(ELxH_SYNC, NULL);
}
