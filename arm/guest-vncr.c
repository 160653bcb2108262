/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each register of asm/guest-vncr.h is in a guest's page, at its offset: an MRS of the guest at EL1
 * reads what the host wrote there, and the host finds what an MSR wrote.
 */
#include <libcflat.h>
#include <string.h>
#include <subtest.h>
#include <asm/guest-check.h>
#include <asm/guest-debug.h>
#include <asm/guest-vncr.h>
#include <asm/sysreg.h>

#define VMID 6
/* HFGRTR_EL2 and HFGWTR_EL2: nACCDATA_EL1 to nAMAIR2_EL1, which trap when they are 0 */
#define HFGxTR_EL2_N (~UL(0) << 50)
#define VALUE(offset) (UL(0x1234567800000000) + (offset))

#define ACCESSORS(name, op0, op1, crn, crm, op2)                       \
	static u64 read##name(void)                                    \
	{                                                              \
		return read_sysreg(sys_reg(op0, op1, crn, crm, op2));  \
	}                                                              \
	static u64 write##name(u64 value)                              \
	{                                                              \
		write_sysreg(value, sys_reg(op0, op1, crn, crm, op2)); \
		return 0;                                              \
	}
#define OWN(name, offset, ...) ACCESSORS(_##name, __VA_ARGS__)
#define OF_EL2(name, offset, op0, op1, crn, crm, op2) ACCESSORS(_##name##2, op0, 5, crn, crm, op2)
VNCR_EL2_REGISTERS(OWN)
VNCR_EL1_REGISTERS(OWN)
VNCR_EL1_REGISTERS(OF_EL2)
VNCR_OTHER_REGISTERS(OWN)

struct vncr_register {
	const char *name;
	u64 (*read)(void);
	u64 (*write)(u64 value);
	unsigned int offset;
};

#define ROW(name, offset, ...) { #name, read_##name, write_##name, offset },
/* CPACR_EL12, CNTV_CTL_EL02 */
#define ROW_OF_EL2(name, offset, ...) { #name "2", read_##name##2, write_##name##2, offset },
static const struct vncr_register always[] = { VNCR_EL2_REGISTERS(ROW) VNCR_OTHER_REGISTERS(ROW) };
static const struct vncr_register without_nv1[] = { VNCR_EL1_REGISTERS(ROW_OF_EL2) };
static const struct vncr_register with_nv1[] = { VNCR_EL1_REGISTERS(ROW) };

static bool undefined;

static void skip_undefined(struct pt_regs *regs, unsigned int esr)
{
	undefined = true;
	regs->pc += 4;
}

/* Whether EL2 has it under this name, as EL1 with NV and NV2 does. */
static bool is_present(const struct vncr_register *r)
{
	u64 cptr = read_sysreg(cptr_el2);

	undefined = false;
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_UNKNOWN, skip_undefined);
	write_sysreg(cptr | CPTR_VHE_ZEN | CPTR_VHE_SMEN, cptr_el2);
	isb();
	r->read();
	write_sysreg(cptr, cptr_el2);
	isb();
	install_exception_handler(EL1H_SYNC, ESR_ELx_EC_UNKNOWN, NULL);
	return !undefined;
}

static void check_read(struct guest *guest, const struct vncr_register *r)
{
	for (unsigned int offset = 0; offset < VNCR_SIZE; offset += 8)
		*guest_vncr(guest, offset) = VALUE(offset);
	guest->elr_el2 = (u64)r->read;
	guest_check_run(guest, EXPECT_RETURN(VALUE(r->offset)), "MRS %s, at offset %#x of the page",
			r->name, r->offset);
}

static void check_write(struct guest *guest, const struct vncr_register *r)
{
	unsigned int others = 0;

	memset(guest->vncr_page, 0, VNCR_SIZE);
	guest->elr_el2 = (u64)r->write;
	guest->x[0] = VALUE(r->offset);
	guest_check_run(guest, EXPECT_RETURN(0), "MSR %s", r->name);
	for (unsigned int offset = 0; offset < VNCR_SIZE; offset += 8)
		others += offset != r->offset && *guest_vncr(guest, offset);
	report(*guest_vncr(guest, r->offset) == VALUE(r->offset) && !others,
	       "page after MSR %s: expected %#lx at offset %#x and 0 other values, found %#lx and %u",
	       r->name, VALUE(r->offset), r->offset, *guest_vncr(guest, r->offset), others);
}

/* Traps to EL2 and EL1 have priority. */
static void permit_all(struct guest *guest)
{
	guest->hcr_el2 |= HCR_EL2_EnSCXT | HCR_EL2_ATA;
	guest->hcrx_el2 |= HCRX_EL2_TCR2En | HCRX_EL2_SCTLR2En;
	guest->hfgrtr_el2 = HFGxTR_EL2_N;
	guest->hfgwtr_el2 = HFGxTR_EL2_N;
	guest->mdcr_el2 &= ~MDCR_EL2_DEBUG_TRAPS;
	guest->cptr_el2 |= CPTR_VHE_ZEN | CPTR_VHE_SMEN;
	guest->cpacr_el1 |= CPACR_EL1_ZEN | CPACR_EL1_SMEN;
}

static void check_registers(const struct vncr_register *registers, size_t count, u64 hcr)
{
	struct guest *guest = guest_create_4k(VMID, registers[0].read);
	u64 lr = guest->x[30];

	assert(guest_vncr_enable(guest));
	guest->hcr_el2 |= hcr;
	permit_all(guest);
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	for (const struct vncr_register *r = registers; r < registers + count; r++) {
		if (!is_present(r)) {
			report_skip("%s is UNDEFINED at EL2: the CPU does not have its feature",
				    r->name);
			continue;
		}
		guest->x[30] = lr;
		check_read(guest, r);
		guest->x[30] = lr;
		check_write(guest, r);
	}
	guest_destroy(guest);
}

static void test_always(void)
{
	check_registers(always, ARRAY_SIZE(always), 0);
}

static void test_nv1(void)
{
	check_registers(with_nv1, ARRAY_SIZE(with_nv1), HCR_EL2_NV1);
}

static void test_without_nv1(void)
{
	check_registers(without_nv1, ARRAY_SIZE(without_nv1), 0);
}

/* Each guest has a page of its own. */
static void test_two(void)
{
	struct guest *guests[2];

	for (unsigned int i = 0; i < 2; i++) {
		guests[i] = guest_create_4k(S2_VMID_AUTO, read_TPIDR_EL2);
		assert(guest_vncr_enable(guests[i]));
		guest_install_handler(guests[i], ELx_LOW_SYNC_64, guest_exit_always);
		*guest_vncr(guests[i], VNCR_TPIDR_EL2) = VALUE(i);
	}
	for (unsigned int i = 0; i < 2; i++) {
		guest_check_run(guests[i], EXPECT_RETURN(VALUE(i)), "MRS TPIDR_EL2 of guest %u", i);
		guest_destroy(guests[i]);
	}
}

static const struct subtest subtests[] = {
	{ "always", test_always },
	{ "nv1", test_nv1 },
	{ "without-nv1", test_without_nv1 },
	{ "two", test_two },
};

static const char *unsupported(void)
{
	return guest_unsupported(S2_PAGE_4K) ?: guest_vncr_unsupported()
		?: host_vhe ? NULL : "EL2 has the _EL12 names on a host with VHE only";
}

int main(int argc, char **argv)
{
	/* QEMU traps accesses to SCXTNUM_EL1 by the host's bit, which is for its user mode. */
	if (host_vhe)
		write_sysreg(read_sysreg(sctlr_el2) & ~SCTLR_EL1_TSCXT, sctlr_el2);
	return run_subtests_unless(unsupported(), subtests, ARRAY_SIZE(subtests), argc, argv);
}
