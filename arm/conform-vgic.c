/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: the virtual CPU interface of GIC version 3. Rows are those of kut_model/gic/: a state
 * of ICH_*_EL2, accesses of EL1 or EL2 to the registers of the CPU interface, what they read, and
 * the state afterwards.
 *
 * The accesses run one after the other from a list, with interrupts masked. List registers with HW 1
 * have physical SPIs that nothing asserts, and that are made active before.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>
#include <asm/vgic.h>

#define NR_LRS 4
#define MAX_OPERATIONS 16

/* X(name, register, instruction): x3 is what is written or read. */
#define VGIC_OPERATIONS(X)                                            \
	X(END, "", "hvc #0")                                          \
	X(END_AT_EL2, "", "ret")                                      \
	X(READ_ISR, "ISR_EL1", "mrs x3, isr_el1")                     \
	X(READ_PMR, "ICC_PMR_EL1", "mrs x3, s3_0_c4_c6_0")            \
	X(READ_IAR0, "ICC_IAR0_EL1", "mrs x3, s3_0_c12_c8_0")         \
	X(READ_HPPIR0, "ICC_HPPIR0_EL1", "mrs x3, s3_0_c12_c8_2")     \
	X(READ_BPR0, "ICC_BPR0_EL1", "mrs x3, s3_0_c12_c8_3")         \
	X(READ_AP0R, "ICC_AP0R0_EL1", "mrs x3, s3_0_c12_c8_4")        \
	X(READ_AP1R, "ICC_AP1R0_EL1", "mrs x3, s3_0_c12_c9_0")        \
	X(READ_RPR, "ICC_RPR_EL1", "mrs x3, s3_0_c12_c11_3")          \
	X(READ_IAR1, "ICC_IAR1_EL1", "mrs x3, s3_0_c12_c12_0")        \
	X(READ_HPPIR1, "ICC_HPPIR1_EL1", "mrs x3, s3_0_c12_c12_2")    \
	X(READ_BPR1, "ICC_BPR1_EL1", "mrs x3, s3_0_c12_c12_3")        \
	X(READ_CTLR, "ICC_CTLR_EL1", "mrs x3, s3_0_c12_c12_4")        \
	X(READ_IGRPEN0, "ICC_IGRPEN0_EL1", "mrs x3, s3_0_c12_c12_6")  \
	X(READ_IGRPEN1, "ICC_IGRPEN1_EL1", "mrs x3, s3_0_c12_c12_7")  \
	X(WRITE_PMR, "ICC_PMR_EL1", "msr s3_0_c4_c6_0, x3")           \
	X(WRITE_EOIR0, "ICC_EOIR0_EL1", "msr s3_0_c12_c8_1, x3")      \
	X(WRITE_BPR0, "ICC_BPR0_EL1", "msr s3_0_c12_c8_3, x3")        \
	X(WRITE_DIR, "ICC_DIR_EL1", "msr s3_0_c12_c11_1, x3")         \
	X(WRITE_EOIR1, "ICC_EOIR1_EL1", "msr s3_0_c12_c12_1, x3")     \
	X(WRITE_BPR1, "ICC_BPR1_EL1", "msr s3_0_c12_c12_3, x3")       \
	X(WRITE_CTLR, "ICC_CTLR_EL1", "msr s3_0_c12_c12_4, x3")       \
	X(WRITE_IGRPEN0, "ICC_IGRPEN0_EL1", "msr s3_0_c12_c12_6, x3") \
	X(WRITE_IGRPEN1, "ICC_IGRPEN1_EL1", "msr s3_0_c12_c12_7, x3")

#define OPERATION_NUMBER(name, register, instruction) VGIC_##name,
enum { VGIC_OPERATIONS(OPERATION_NUMBER) };
#define OPERATION_REGISTER(name, register, instruction) [VGIC_##name] = register,
static const char *const operation_registers[] = { VGIC_OPERATIONS(OPERATION_REGISTER) };

struct vgic_operation {
	u32 code, written;
	u32 expected, known; /* what is read, in the bits that are known */
};

/* Controls of the physical interface: ICC_*_EL1 */
struct vgic_physical {
	u8 pmr, bpr0, bpr1, igrpen0, igrpen1, ctlr;
};

struct vgic_row {
	const char *name;
	u64 lr[NR_LRS], lr_after[NR_LRS];
	u32 vmcr, vmcr_after, vmcr_known;
	u32 hcr, hcr_after; /* ICH_HCR_EL2 */
	u32 ap[2], ap_after[2]; /* ICH_AP<group>R0_EL2 */
	u32 first; /* of vgic_operations */
	u16 hw[NR_LRS]; /* physical interrupts that are active before; 0: none */
	u8 hw_active; /* afterwards, by list register */
	u8 eisr, elrsr, misr, misr_known;
	bool line, line_known; /* the maintenance interrupt */
	bool ap_known;
	bool imo, fmo, at_el2;
	bool has_physical; /* accesses may be to the physical interface */
	struct vgic_physical physical_after;
};

#include <conform/vgic.h>

/*
 * void vgic_run(const struct vgic_operation *x0, u64 *x1): run the accesses up to an end, and store
 * x3 after each one; changes x2 to x5.
 */
extern const char vgic_run[];
#define OPERATION_CODE(name, register, instruction) \
	".balign 16\n" instruction "\nisb\nb vgic_next\n"
/* clang-format off */
asm(
".pushsection .text.conform_vgic, \"ax\"\n"
".balign 16\n"
"vgic_code:\n"
VGIC_OPERATIONS(OPERATION_CODE)
"vgic_next:\n"
"	dsb	sy\n" /* the effect on ISR_EL1, and on the physical interrupt */
"	isb\n"
"	str	x3, [x1], #8\n"
"vgic_run:\n"
"	ldp	w2, w3, [x0], #16\n"
"	adr	x4, vgic_code\n"
"	add	x4, x4, x2, lsl #4\n"
"	br	x4\n"
".popsection\n");
/* clang-format on */

#define ICH_HCR_KNOWN (0xffUL | 0x1fUL << 27) /* enables and EOIcount */
#define VTR_FIVE_BITS 4UL
#define NR_IRQS 256 /* more than those of HW 1 */

static u64 host_hcr;

/*
 * The state before a row
 */

static void set_active(u32 irq, bool active)
{
	u32 offset = (active ? GICD_ISACTIVER : GICD_ICACTIVER) + irq / 32 * 4;

	writel(BIT(irq % 32), (char *)gicv3_dist_base() + offset);
}

static struct vgic_physical read_physical(void)
{
	return (struct vgic_physical){
		.pmr = read_sysreg_s(ICC_PMR_EL1),
		.bpr0 = read_sysreg_s(ICC_BPR0_EL1),
		.bpr1 = read_sysreg_s(ICC_BPR1_EL1),
		.igrpen0 = read_sysreg_s(ICC_IGRPEN0_EL1),
		.igrpen1 = read_sysreg_s(ICC_IGRPEN1_EL1),
		.ctlr = read_sysreg_s(ICC_CTLR_EL1) & 3,
	};
}

static void write_physical(const struct vgic_physical *physical)
{
	write_sysreg_s(physical->ctlr, ICC_CTLR_EL1);
	write_sysreg_s(physical->bpr0, ICC_BPR0_EL1);
	write_sysreg_s(physical->bpr1, ICC_BPR1_EL1);
	write_sysreg_s(physical->igrpen0, ICC_IGRPEN0_EL1);
	write_sysreg_s(physical->igrpen1, ICC_IGRPEN1_EL1);
	write_sysreg_s(physical->pmr, ICC_PMR_EL1);
	isb();
}

static void write_lrs(const u64 *lr)
{
	write_sysreg_s(lr[0], ICH_LR0_EL2(0));
	write_sysreg_s(lr[1], ICH_LR0_EL2(1));
	write_sysreg_s(lr[2], ICH_LR0_EL2(2));
	write_sysreg_s(lr[3], ICH_LR0_EL2(3));
}

static void prepare(const struct vgic_row *row)
{
	for (unsigned int i = 0; i < NR_LRS; i++)
		if (row->hw[i])
			set_active(row->hw[i], true);
	write_lrs(row->lr);
	write_sysreg_s(row->ap[0], ICH_AP0R_EL2(0));
	write_sysreg_s(row->ap[1], ICH_AP1R_EL2(0));
	write_sysreg_s(row->vmcr, ICH_VMCR_EL2);
	write_sysreg_s(row->hcr, ICH_HCR_EL2);
	if (row->has_physical)
		write_physical(&vgic_physical);
	isb();
}

static void restore(const struct vgic_row *row, const struct vgic_physical *host)
{
	static const u64 none[NR_LRS];

	write_sysreg_s(0, ICH_HCR_EL2);
	write_lrs(none);
	write_sysreg_s(0, ICH_AP0R_EL2(0));
	write_sysreg_s(0, ICH_AP1R_EL2(0));
	if (row->has_physical)
		write_physical(host);
	for (unsigned int i = 0; i < NR_LRS; i++)
		if (row->hw[i])
			set_active(row->hw[i], false);
	isb();
}

/*
 * Accesses
 */

static u64 row_hcr(const struct vgic_row *row)
{
	u64 hcr = host_hcr & ~(HCR_EL2_TGE | HCR_EL2_IMO | HCR_EL2_FMO);

	return hcr | (row->imo ? HCR_EL2_IMO : 0) | (row->fmo ? HCR_EL2_FMO : 0);
}

static void run_at_el2(const struct vgic_operation *operations, u64 *results)
{
	register const struct vgic_operation *x0 asm("x0") = operations;
	register u64 *x1 asm("x1") = results;

	asm volatile("blr %2"
		     : "+r"(x0), "+r"(x1)
		     : "r"(vgic_run)
		     : "x2", "x3", "x4", "x30", "memory");
}

/* Returns whether the accesses came to their end. */
static bool execute(const struct vgic_row *row, u64 *results, struct probe *probe)
{
	const struct vgic_operation *operations = &vgic_operations[row->first];

	if (row->at_el2) {
		write_sysreg(row_hcr(row), hcr_el2);
		isb();
		run_at_el2(operations, results);
		write_sysreg(host_hcr, hcr_el2);
		isb();
		return true;
	}
	*probe = (struct probe){
		.x = { (u64)operations, (u64)results },
		.pc = (u64)vgic_run,
		.spsr = PSR_MODE_EL1h | PSR_DAIF,
		.hcr = row_hcr(row),
	};
	probe_run(probe);
	return probe->el == 2 && ESR_ELx_EC(probe->esr) == ESR_ELx_EC_HVC64;
}

/*
 * Checks
 */

struct text {
	char at[256];
	size_t used; /* more than its size when it is cut */
};

struct differences {
	struct text expected, found;
};

static void add(struct text *text, const char *name, u64 value)
{
	if (text->used < sizeof(text->at))
		text->used += snprintf(text->at + text->used, sizeof(text->at) - text->used,
				       "%s%s %#lx", text->used ? ", " : "", name, value);
}

static void compare(struct differences *differences, const char *name, u64 expected, u64 found,
		    u64 known)
{
	if ((expected & known) == (found & known))
		return;
	add(&differences->expected, name, expected & known);
	add(&differences->found, name, found & known);
}

/* Active priorities are compared as 0 or 1 only: ICV_AP0R0_EL1 is IMPLEMENTATION DEFINED. */
static u64 compared(u32 operation, u64 result)
{
	return operation == VGIC_READ_AP0R || operation == VGIC_READ_AP1R ? !!result : result;
}

static void compare_results(struct differences *differences, const struct vgic_row *row,
			    const u64 *results)
{
	const struct vgic_operation *operation = &vgic_operations[row->first];

	for (unsigned int i = 0; operation[i].code > VGIC_END_AT_EL2; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s (access %u)",
			 operation_registers[operation[i].code], i + 1);
		compare(differences, name, operation[i].expected,
			compared(operation[i].code, results[i]), operation[i].known);
	}
}

static void compare_state(struct differences *differences, const struct vgic_row *row)
{
	u64 lrs = BIT(NR_LRS) - 1;

	compare(differences, "ICH_LR0_EL2", row->lr_after[0], read_sysreg_s(ICH_LR0_EL2(0)), ~0UL);
	compare(differences, "ICH_LR1_EL2", row->lr_after[1], read_sysreg_s(ICH_LR0_EL2(1)), ~0UL);
	compare(differences, "ICH_LR2_EL2", row->lr_after[2], read_sysreg_s(ICH_LR0_EL2(2)), ~0UL);
	compare(differences, "ICH_LR3_EL2", row->lr_after[3], read_sysreg_s(ICH_LR0_EL2(3)), ~0UL);
	compare(differences, "ICH_VMCR_EL2", row->vmcr_after, read_sysreg_s(ICH_VMCR_EL2),
		row->vmcr_known);
	compare(differences, "ICH_HCR_EL2", row->hcr_after, read_sysreg_s(ICH_HCR_EL2),
		ICH_HCR_KNOWN);
	if (row->ap_known) {
		compare(differences, "ICH_AP0R0_EL2", row->ap_after[0],
			read_sysreg_s(ICH_AP0R_EL2(0)), ~0UL);
		compare(differences, "ICH_AP1R0_EL2", row->ap_after[1],
			read_sysreg_s(ICH_AP1R_EL2(0)), ~0UL);
	}
	compare(differences, "ICH_EISR_EL2", row->eisr, read_sysreg_s(ICH_EISR_EL2), lrs);
	compare(differences, "ICH_ELRSR_EL2", row->elrsr, read_sysreg_s(ICH_ELRSR_EL2), lrs);
	compare(differences, "ICH_MISR_EL2", row->misr, read_sysreg_s(ICH_MISR_EL2),
		row->misr_known);
}

static bool is_active(u32 irq)
{
	return gic_irq_state(irq) & GIC_IRQ_STATE_ACTIVE;
}

static void compare_interrupts(struct differences *differences, const struct vgic_row *row)
{
	for (unsigned int i = 0; i < NR_LRS; i++)
		if (row->hw[i])
			compare(differences, "active physical interrupt of HW",
				row->hw_active >> i & 1, is_active(row->hw[i]), 1);
	if (row->line_known)
		compare(differences, "maintenance interrupt", row->line,
			gic_irq_state(gic_maintenance_irq()) & GIC_IRQ_STATE_PENDING, 1);
}

static void compare_physical(struct differences *differences, const struct vgic_row *row)
{
	const struct vgic_physical *expected = &row->physical_after;
	struct vgic_physical found = read_physical();

	compare(differences, "physical ICC_PMR_EL1", expected->pmr, found.pmr, ~0UL);
	compare(differences, "physical ICC_BPR0_EL1", expected->bpr0, found.bpr0, ~0UL);
	compare(differences, "physical ICC_BPR1_EL1", expected->bpr1, found.bpr1, ~0UL);
	compare(differences, "physical ICC_IGRPEN0_EL1", expected->igrpen0, found.igrpen0, ~0UL);
	compare(differences, "physical ICC_IGRPEN1_EL1", expected->igrpen1, found.igrpen1, ~0UL);
	compare(differences, "physical ICC_CTLR_EL1", expected->ctlr, found.ctlr, ~0UL);
}

static enum conform_verdict run(u32 number)
{
	const struct vgic_row *row = &vgic_rows[number];
	struct vgic_physical host = read_physical();
	struct differences differences = { .expected.used = 0 };
	u64 results[MAX_OPERATIONS] = { 0 };
	struct probe probe;
	bool ended;

	prepare(row);
	ended = execute(row, results, &probe);
	if (ended) {
		compare_results(&differences, row, results);
		compare_state(&differences, row);
		compare_interrupts(&differences, row);
		if (row->has_physical)
			compare_physical(&differences, row);
	}
	restore(row, &host);
	if (!ended)
		return conform_fail("expected that accesses are made, found an exception to EL%u, "
				    "ESR %#lx, after %ld of them",
				    probe.el, probe.esr, (u64 *)probe.x[1] - results);
	if (!differences.expected.used)
		return CONFORM_PASS;
	return conform_fail("expected %s, found %s", differences.expected.at, differences.found.at);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "vgic.%s", vgic_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

static const char *unsupported(void)
{
	u64 vtr;

	if (vgic_unsupported())
		return vgic_unsupported();
	if (gic_version() != 3)
		return "the GIC is not version 3";
	vtr = read_sysreg_s(ICH_VTR_EL2);
	if (FIELD(vtr, 31, 29) != VTR_FIVE_BITS || FIELD(vtr, 28, 26) != VTR_FIVE_BITS)
		return "virtual priorities do not have 5 bits (ICH_VTR_EL2.PRIbits, PREbits)";
	if (vgic_nr_lrs() < NR_LRS)
		return "fewer than 4 list registers (ICH_VTR_EL2.ListRegs)";
	if (gic_nr_irqs() < NR_IRQS)
		return "fewer than 256 interrupt IDs (GICD_TYPER.ITLinesNumber)";
	return NULL;
}

int main(int argc, char **argv)
{
	const char *reason = unsupported();
	int code;

	if (reason)
		return skip_all(reason);
	gic_enable_defaults();
	gic_disable_irq(gic_maintenance_irq()); /* rows read whether it is pending */
	probe_setup_el1();
	host_hcr = read_sysreg(hcr_el2);
	code = conform_main(&area, argc, argv);
	vgic_host_set_open(false);
	return code;
}
