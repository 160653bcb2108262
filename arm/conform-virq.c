/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: virtual interrupts and SErrors, and the routing of physical interrupts. Rows are
 * those of kut_model/areas/virq.py: what is pending, HCR_EL2, masks, and a place.
 *
 * The code at EL1 and EL0 synchronizes, passes some instructions, and ends: an interrupt that is
 * pending and not masked comes before that. Interrupts are pending before it is entered, and EL2
 * masks them.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/virq.h>
#endif
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/gic.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <asm/vgic.h>

/* First instruction of the code. After ESB VDISR_EL2 is compared; UNMASK clears PSTATE.A, I and F. */
enum virq_code { VIRQ_PLAIN, VIRQ_ESB, VIRQ_UNMASK, VIRQ_WFI };
enum virq_place { VIRQ_EL1, VIRQ_EL0, VIRQ_HOST_EL0, VIRQ_EL2 };

/* Exceptions by bit, as in virq_row.taken; none: the code came to its end. */
enum virq_taken { TAKEN_IRQ, TAKEN_FIQ, TAKEN_SERROR, TAKEN_TO_EL2, TAKEN_NONE = 6, TAKEN_OTHER };

struct virq_row {
	const char *name;
	u64 hcr; /* its fields of HCR_EL2 */
	u64 sctlr; /* its fields of SCTLR_EL1 */
	u32 spsr, hcrx, vsesr;
	u32 esr; /* 0: not compared */
	u32 vdisr, isr;
	u8 place, code, needs;
	u8 taken; /* exceptions of which one is taken */
	bool lr_irq, lr_fiq; /* signals of the virtual CPU interface */
	bool irq, fiq; /* physical interrupts that are pending */
	bool reads_isr, vse; /* vse: HCR_EL2.VSE afterwards, unless an SError is taken */
};

#include CONFORM_HEADER

/* Code at EL1, which leaves ISR_EL1 in x0, and at EL0, which cannot read it */
extern const char virq_el1_plain[], virq_el1_esb[], virq_el1_unmask[], virq_el1_wfi[],
	virq_el0_plain[], virq_el0_esb[], virq_code_end[];
/* clang-format off */
asm(
".pushsection .text.conform_virq, \"ax\"\n"
".macro virq_code name, first:vararg\n"
"	virq_\\name:\n"
"	\\first\n"
"	isb\n"
"	.rept	8\n"
"	nop\n"
"	.endr\n"
".endm\n"
".macro virq_el1_code name, first:vararg\n"
"	virq_code el1_\\name, \\first\n"
"	mrs	x0, isr_el1\n"
"	hvc	#0\n"
".endm\n"
".macro virq_el0_code name, first:vararg\n"
"	virq_code el0_\\name, \\first\n"
"	svc	#0\n"
".endm\n"
"	virq_el1_code plain, nop\n"
"	virq_el1_code esb, hint #16\n"
"	virq_el1_code unmask, msr daifclr, #7\n"
"	virq_el1_code wfi, wfi\n"
"	virq_el0_code plain, nop\n"
"	virq_el0_code esb, hint #16\n"
"virq_code_end:\n"
".popsection\n");
/* clang-format on */

static const char *const el1_codes[] = {
	[VIRQ_PLAIN] = virq_el1_plain,
	[VIRQ_ESB] = virq_el1_esb,
	[VIRQ_UNMASK] = virq_el1_unmask,
	[VIRQ_WFI] = virq_el1_wfi,
};
static const char *const el0_codes[] = {
	[VIRQ_PLAIN] = virq_el0_plain,
	[VIRQ_ESB] = virq_el0_esb,
};

#define HCR_EL2_ROW                                                                        \
	(HCR_EL2_TGE | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO | HCR_EL2_VI | HCR_EL2_VF | \
	 HCR_EL2_VSE)
#define SPSR_ROW ((u64)(PSR_DAIF | PSR_ALLINT_BIT))
#define IRQ_SGI 1
#define FIQ_SGI 2

static u64 host_hcr, el1_sctlr;
static bool has_ras, has_interface, has_group0;

/*
 * Pending interrupts
 */

static void signal_by_interface(const struct virq_row *row)
{
	struct vgic_irq irq = { .intid = 40,
				.priority = GICD_INT_DEF_PRI,
				.group = row->lr_irq,
				.state = GIC_IRQ_STATE_PENDING };

	if (!row->lr_irq && !row->lr_fiq)
		return;
	write_sysreg_s(vgic_make_lr(&irq), ICH_LR0_EL2(0));
	isb();
}

static void set_physical(const struct virq_row *row, bool pending)
{
	if (row->irq)
		gic_irq_set_pending(IRQ_SGI, pending);
	if (row->fiq)
		gic_irq_set_pending(FIQ_SGI, pending);
	dsb(sy);
	isb();
}

static u64 row_hcr(const struct virq_row *row)
{
	return (host_hcr & ~HCR_EL2_ROW) | row->hcr;
}

static void prepare(const struct virq_row *row)
{
	if (has_ras) {
		write_sysreg_s(row->vsesr, VSESR_EL2);
		write_sysreg_s(0, VDISR_EL2);
	}
	if (row->hcrx)
		write_sysreg_s(row->hcrx, HCRX_EL2);
	if (row->sctlr)
		write_sysreg_el1(el1_sctlr | row->sctlr, sctlr_el1, SCTLR_EL12);
	signal_by_interface(row);
	set_physical(row, true);
}

static void restore(const struct virq_row *row)
{
	set_physical(row, false);
	if (row->lr_irq || row->lr_fiq)
		write_sysreg_s(0, ICH_LR0_EL2(0));
	if (row->hcrx)
		write_sysreg_s(0, HCRX_EL2);
	if (row->sctlr)
		write_sysreg_el1(el1_sctlr, sctlr_el1, SCTLR_EL12);
	isb();
}

/*
 * Checks
 */

static const char *const taken_names[] = {
	[TAKEN_IRQ] = "IRQ to EL1",
	[TAKEN_FIQ] = "FIQ to EL1",
	[TAKEN_SERROR] = "SError to EL1",
	[TAKEN_TO_EL2 + TAKEN_IRQ] = "IRQ to EL2",
	[TAKEN_TO_EL2 + TAKEN_FIQ] = "FIQ to EL2",
	[TAKEN_TO_EL2 + TAKEN_SERROR] = "SError to EL2",
};

/* Offset of the vector for a synchronous exception to @el from the place of a row. */
static u64 sync_vector(const struct virq_row *row, unsigned int el)
{
	bool same = row->place == VIRQ_EL1 && el == 1;

	return (same ? EL1H_SYNC : ELx_LOW_SYNC_64) * VECTOR_SLOT_SIZE;
}

static unsigned int taken_by(const struct virq_row *row, const struct probe *probe)
{
	u64 vector = probe->el == 1 ? probe->el1_vector : probe->vector;
	u64 kind = (vector - sync_vector(row, probe->el)) / VECTOR_SLOT_SIZE;
	u64 ec = ESR_ELx_EC(probe->esr);

	if (kind >= 1 && kind <= 3)
		return (probe->el == 2 ? TAKEN_TO_EL2 : 0) + TAKEN_IRQ + kind - 1;
	if (!kind && ec == (row->place == VIRQ_EL1 ? ESR_ELx_EC_HVC64 : ESR_ELx_EC_SVC64))
		return TAKEN_NONE;
	return TAKEN_OTHER;
}

static void describe(u32 taken, char *text, size_t size)
{
	size_t used = 0;

	for (unsigned int i = 0; i < TAKEN_NONE; i++)
		if (taken & BIT(i) && used < size)
			used += snprintf(text + used, size - used, "%s%s", used ? " or " : "",
					 taken_names[i]);
	if (!used)
		snprintf(text, size,
			 taken & BIT(TAKEN_OTHER) ? "another exception" : "no interrupt");
}

/* PSTATE of an interrupt, in the bits of SPSR_ROW */
static u64 interrupted_pstate(const struct virq_row *row)
{
	return PSR_D_BIT | (row->code == VIRQ_UNMASK ? 0 : row->spsr);
}

static bool is_in_code(const struct virq_row *row, const struct probe *probe)
{
	return probe->elr >= (u64)virq_el1_plain && probe->elr < (u64)virq_code_end &&
	       (probe->out_spsr & SPSR_ROW) == interrupted_pstate(row);
}

static enum conform_verdict check_taken(const struct virq_row *row, const struct probe *probe)
{
	unsigned int taken = taken_by(row, probe);
	char expected[96], found[96];
	bool vse = row->vse && taken != TAKEN_SERROR;

	if (taken == TAKEN_NONE ? row->taken : taken == TAKEN_OTHER || !(row->taken >> taken & 1)) {
		describe(row->taken, expected, sizeof(expected));
		describe(BIT(taken), found, sizeof(found));
		return conform_fail("expected %s, found %s (ESR %#lx, ELR %#lx)", expected, found,
				    probe->esr, probe->elr);
	}
	if (taken != TAKEN_NONE && !is_in_code(row, probe))
		return conform_fail("expected ELR in the code and SPSR %#lx (bits %#lx), "
				    "found ELR %#lx, SPSR %#lx",
				    interrupted_pstate(row), SPSR_ROW, probe->elr, probe->out_spsr);
	if (!!(probe->out_hcr & HCR_EL2_VSE) != vse)
		return conform_fail("expected HCR_EL2.VSE %d, found %d", vse, !vse);
	return CONFORM_PASS;
}

static enum conform_verdict check_values(const struct virq_row *row, const struct probe *probe)
{
	u64 vdisr = row->code == VIRQ_ESB ? read_sysreg_s(VDISR_EL2) : 0;

	if (row->esr && probe->esr != row->esr)
		return conform_fail("expected ESR_EL1 %#x, found %#lx", row->esr, probe->esr);
	if (row->reads_isr && probe->x[0] != row->isr)
		return conform_fail("expected ISR_EL1 %#x, found %#lx", row->isr, probe->x[0]);
	if (vdisr != row->vdisr)
		return conform_fail("expected VDISR_EL2 %#x, found %#lx", row->vdisr, vdisr);
	return CONFORM_PASS;
}

/*
 * Rows
 */

static enum conform_verdict run_at_el2(const struct virq_row *row)
{
	u64 isr;

	write_sysreg(row_hcr(row), hcr_el2);
	isb();
	isr = read_sysreg(isr_el1);
	write_sysreg(host_hcr, hcr_el2);
	isb();
	return isr == row->isr
		       ? CONFORM_PASS
		       : conform_fail("expected ISR_EL1 %#x at EL2, found %#lx", row->isr, isr);
}

static enum conform_verdict run_below(const struct virq_row *row)
{
	struct probe probe = {
		.pc = (u64)(row->place == VIRQ_EL1 ? el1_codes : el0_codes)[row->code],
		.spsr = (row->place == VIRQ_EL1 ? PSR_MODE_EL1h : PSR_MODE_EL0t) | PSR_D_BIT |
			row->spsr,
		.hcr = row_hcr(row),
	};
	enum conform_verdict verdict;

	probe_run(&probe);
	verdict = check_taken(row, &probe);
	return verdict == CONFORM_PASS ? check_values(row, &probe) : verdict;
}

static enum conform_verdict run(u32 number)
{
	const struct virq_row *row = &virq_rows[number];
	u64 daif = read_sysreg(daif);
	enum conform_verdict verdict;

	if (conform_lacks(virq_needs[row->needs]))
		return CONFORM_SKIP;
	if ((row->lr_irq || row->lr_fiq) && !has_interface)
		return conform_skip("virtual-CPU-interface", "GIC");
	if (row->fiq && !has_group0)
		return conform_skip("group-0-interrupts", "GICD_CTLR.DS");
	daif_set(PSR_DAIF);
	prepare(row);
	verdict = row->place == VIRQ_EL2 ? run_at_el2(row) : run_below(row);
	restore(row);
	daif_restore(daif);
	return verdict;
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "virq.%s", virq_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

static void setup_interrupts(void)
{
	gic_enable_defaults();
	gic_enable_irq(IRQ_SGI);
	gic_enable_irq(FIQ_SGI);
	has_group0 = gic_irq_set_group(FIQ_SGI, 0);
	has_interface = !vgic_unsupported() && gic_version() == 3;
	if (!has_interface)
		return;
	gic_disable_irq(gic_maintenance_irq());
	write_sysreg_s(vgic_vmcr_enabled(), ICH_VMCR_EL2);
	write_sysreg_s(VGIC_HCR_EN, ICH_HCR_EL2);
	isb();
}

int main(int argc, char **argv)
{
	const char *reason = conform_unsupported(VIRQ_VHE) ?: gic_unsupported();

	if (reason)
		return skip_all(reason);
	setup_interrupts();
	probe_setup_el1();
	host_hcr = read_sysreg(hcr_el2);
	el1_sctlr = read_sysreg_el1(sctlr_el1, SCTLR_EL12);
	has_ras = guest_serror_has_syndrome();
	return conform_main(&area, argc, argv);
}
