/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conformance: EL1 and EL0 in AArch32. A row is an instruction of kut_model/areas/aarch32.py, with
 * stage 1 off. Stage 2 maps the image one to one, and not the address of loads and stores.
 */
#ifndef CONFORM_HEADER
#define CONFORM_HEADER <conform/aarch32.h>
#endif
#include <libcflat.h>
#include <alloc_page.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/conform-probe.h>
#include <asm/conform-stage2.h>
#include <asm/conform.h>
#include <asm/esr.h>
#include <asm/guest.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/sysreg.h>

enum aarch32_action {
	AARCH32_ACCESS, /* a load or store, which is an abort to EL2 */
	AARCH32_CALL, /* an exception to EL2, or one of EL1 */
	AARCH32_EL1_READS, /* a register that EL2 has written */
	AARCH32_EL1_WRITES, /* one that EL2 reads */
};

struct aarch32_row {
	const char *name;
	u32 esr; /* of the exception to EL2 */
	u32 mask; /* bits of a register to compare */
	u8 action, needs, mode;
	bool el1, t32; /* EL1 is in AArch32; the instruction is of T32 */
	u8 after; /* ELR_EL2 or LR of EL1's mode, less the address of the instruction */
	u8 vector; /* number of the vector of EL1; 0: EL2 takes the exception */
};

#include CONFORM_HEADER

#define IPA 0x80000000UL /* its page has no leaf, the next one has */
#define CODE_BYTES 8
#define MASKED 0x1c0 /* A, I and F */
#define VECTORS 8
#define LR_SVC 18 /* as AArch64 numbers them */
#define LR_UND 22
#define CPACR_CP10_CP11 (UL(0xf) << 20)

/* Vectors of EL1 in AArch32: HVC #0 in each. */
asm(".pushsection .text.conform_aarch32, \"ax\"\n.balign 32\n"
    "aarch32_vectors:\n"
    "	.rept 8\n"
    "	.inst 0xe1400070\n"
    "	.endr\n"
    "aarch32_code:\n" AARCH32_CODE "aarch32_el2_code:\n" AARCH32_EL2_CODE "	.popsection\n");
extern const char aarch32_vectors[], aarch32_code[], aarch32_el2_code[];
extern const char probe_el1_vectors[];

static struct s2_mmu *mmu;
static u64 host_hcr;

static bool create(void)
{
	mmu = conform_stage2();
	if (!mmu)
		return false;
	conform_map_image(mmu, S2_MAP_RO);
	conform_map_page(mmu, IPA + SZ_4K, alloc_page(), S2_MAP_RO);
	return true;
}

/* Run the instruction. Returns the vector of EL1 in AArch32 that it is taken to, 0 for none. */
static unsigned int execute(u32 number, u64 x0, struct probe *probe)
{
	const struct aarch32_row *row = &aarch32_rows[number];
	u64 offset, daif = read_sysreg(daif);

	*probe = (struct probe){ .x = { x0, IPA }, .pc = (u64)aarch32_code + number * CODE_BYTES };
	probe->spsr = row->mode | MASKED | (row->t32 ? PSR_T32_BIT : 0);
	probe->hcr = host_hcr | HCR_EL2_VM | HCR_EL2_DC | (row->el1 ? 0 : HCR_EL2_RW);
	daif_set(PSR_DAIF);
	write_sysreg_el1(row->el1 ? (u64)aarch32_vectors : (u64)probe_el1_vectors, vbar_el1,
			 VBAR_EL12);
	probe_run(probe);
	daif_restore(daif);
	offset = probe->elr - (u64)aarch32_vectors;
	if (ESR_ELx_EC(probe->esr) != ESR_ELx_EC_HVC32 || !offset || offset > VECTORS * 4)
		return 0;
	return offset / 4 - 1;
}

static enum conform_verdict check_el2(const struct aarch32_row *row, const struct probe *probe)
{
	u64 vector = (row->el1 ? ELx_LOW_SYNC_32 : ELx_LOW_SYNC_64) * VECTOR_SLOT_SIZE;
	bool access = row->action == AARCH32_ACCESS;
	u64 hpfar = read_sysreg(hpfar_el2);
	char expected[160], found[160];

	if (probe->el == 2 && probe->vector == vector && probe->esr == row->esr &&
	    probe->elr == probe->pc + row->after &&
	    (!access || (probe->far == IPA && hpfar == IPA >> 8)))
		return CONFORM_PASS;
	return conform_fail("expected an exception to EL2, vector %#lx, ESR %#x (%s), ELR %+d, "
			    "found EL%u, vector %#lx, ESR %#lx (%s), ELR %+ld, FAR %#lx, "
			    "HPFAR %#lx",
			    vector, row->esr, esr_decode(row->esr, expected, sizeof(expected)),
			    row->after, probe->el, probe->vector, probe->esr,
			    esr_decode(probe->esr, found, sizeof(found)),
			    (long)(probe->elr - probe->pc), probe->far, hpfar);
}

static enum conform_verdict check_el1(const struct aarch32_row *row, unsigned int vector,
				      const struct probe *probe)
{
	u64 lr = probe->x[row->vector == 1 ? LR_UND : LR_SVC] - probe->pc;

	if (vector == row->vector && (u32)lr == row->after)
		return CONFORM_PASS;
	return conform_fail("expected vector %#x of EL1, LR %+d, found vector %#x, LR %+d, ESR_EL2 "
			    "%#lx",
			    row->vector * 4, row->after, vector * 4, (int)lr, probe->esr);
}

/* Code at EL2 for the register of a row. */
static u64 el2_code(u32 number, bool write)
{
	return (u64)aarch32_el2_code + ((number - AARCH32_FIRST_REGISTER) * 2 + write) * CODE_BYTES;
}

static u64 read_el2(u32 number)
{
	return ((u64(*)(void))el2_code(number, false))();
}

static void write_el2(u32 number, u64 value)
{
	((void (*)(u64))el2_code(number, true))(value);
	isb();
}

static enum conform_verdict run_register(u32 number)
{
	const struct aarch32_row *row = &aarch32_rows[number];
	u64 held = read_el2(number), value = held ^ row->mask, found;
	struct probe probe;

	if (row->action == AARCH32_EL1_READS)
		write_el2(number, value);
	execute(number, value, &probe);
	found = row->action == AARCH32_EL1_READS ? probe.x[0] : read_el2(number);
	write_el2(number, held);
	if (ESR_ELx_EC(probe.esr) == ESR_ELx_EC_HVC32 && probe.elr == probe.pc + CODE_BYTES &&
	    !((found ^ value) & row->mask))
		return CONFORM_PASS;
	return conform_fail("expected %#lx (bits %#x), found %#lx, ESR_EL2 %#lx, ELR %+ld",
			    value & row->mask, row->mask, found & row->mask, probe.esr,
			    (long)(probe.elr - probe.pc));
}

static enum conform_verdict run(u32 number)
{
	const struct aarch32_row *row = &aarch32_rows[number];
	struct probe probe;
	unsigned int vector;

	if (conform_lacks(aarch32_needs[row->needs]))
		return CONFORM_SKIP;
	if (row->action >= AARCH32_EL1_READS)
		return run_register(number);
	vector = execute(number, 0, &probe);
	return row->vector ? check_el1(row, vector, &probe) : check_el2(row, &probe);
}

static void id(u32 row, char *buffer, size_t size)
{
	snprintf(buffer, size, "aarch32.%s", aarch32_rows[row].name);
}

static const struct conform_area area = { CONFORM_AREA, CONFORM_ROWS, CONFORM_HASH, id, run };

int main(int argc, char **argv)
{
	const char *reason = guest_unsupported(S2_PAGE_4K);

	if (reason || !create())
		return skip_all(reason ?: "no 39-bit stage 2");
	if ((u64)aarch32_el2_code >> 32)
		return skip_all("the image is above 4 GiB, where AArch32 has no addresses");
	probe_setup_el1();
	write_sysreg_el1(SCTLR_EL1_RES1, sctlr_el1, SCTLR_EL12);
	write_sysreg_el1(CPACR_CP10_CP11, cpacr_el1, CPACR_EL12);
	if (host_vhe)
		write_sysreg(CPTR_VHE_FPEN, cptr_el2);
	else
		write_sysreg(read_sysreg(cptr_el2) & ~CPTR_NVHE_TFP, cptr_el2);
	write_sysreg(read_sysreg(mdcr_el2) | MDCR_EL2_TDE, mdcr_el2);
	host_hcr = read_sysreg(hcr_el2) & ~(HCR_EL2_RW | HCR_EL2_TGE);
	write_sysreg(mmu->vtcr, vtcr_el2);
	write_sysreg(mmu->vttbr, vttbr_el2);
	isb();
	return conform_main(&area, argc, argv);
}
