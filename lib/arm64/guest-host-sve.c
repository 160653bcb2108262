/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE state of the host, which may use SVE from the boot on.
 *
 * A guest's FP destroys it: a load of q registers clears the rest of z. To save it for each run
 * would make all of them slow, so it is parked: the first guest_create() or guest_run() of a CPU
 * saves the registers and has CPTR_EL2 trap the host's SVE, later ones find it trapped. The host's
 * next use brings the registers back.
 */
#include <libcflat.h>
#include <string.h>
#include <asm/barrier.h>
#include <asm/guest-fp.h>
#include <asm/guest-state.h>
#include <asm/processor.h>

#define VL_MAX 256
static_assert(SVE_REGISTERS_SIZE(VL_MAX) <= THREAD_SIZE * 3 / 4, "a dump needs some of the stack");

/*
 * The low end of the emergency stack, whose other end is used when the run is lost: the registers
 * need memory that every CPU has.
 */
static char *parking(const struct percpu *cpu)
{
	return (char *)cpu->emergency_stack - THREAD_SIZE;
}

/* Whether EL2 may use SVE: ZEN has a bit of its own for EL0, which then traps that alone. */
static bool is_open(u64 cptr)
{
	return host_vhe ? cptr & CPTR_VHE_ZEN_EL2 : !(cptr & CPTR_NVHE_TZ);
}

/* @zen: CPTR_EL2.ZEN that the host had */
static u64 opened(u64 cptr, u64 zen)
{
	return host_vhe ? cptr | zen : cptr & ~CPTR_NVHE_TZ;
}

static u64 closed(u64 cptr)
{
	return host_vhe ? cptr & ~CPTR_VHE_ZEN : cptr | CPTR_NVHE_TZ;
}

/* @cptr: one that lets EL2 use SVE; also of a host that traps its own FP */
static void open_all(u64 cptr)
{
	write_sysreg(host_vhe ? cptr | CPTR_VHE_FPEN : cptr & ~CPTR_NVHE_TFP, cptr_el2);
	isb();
}

void host_sve_park(void)
{
	struct percpu *cpu = this_percpu();
	u64 cptr = read_sysreg(cptr_el2), daif = read_sysreg(daif);

	if (!is_open(cptr) || !system_supports_sve())
		return;
	daif_set(PSR_DAIF);
	open_all(cptr);
	sve_save(parking(cpu), sve_vector_length());
	write_sysreg(closed(cptr), cptr_el2);
	isb();
	cpu->parked_zen = cptr & CPTR_VHE_ZEN;
	cpu->sve_parked = true;
	daif_restore(daif);
}

/*
 * A q register that the host has written since: that clears the rest of z. A write of the same
 * value cannot be seen: there the rest comes back.
 */
static void merge_q_registers(char *registers, u64 vl)
{
	struct fpsimd_state now;

	fpsimd_save(&now);
	for (int n = 0; n < 32; n++) {
		char *z = registers + n * vl;

		if (!memcmp(z, &now.q[n], sizeof(now.q[n])))
			continue;
		memset(z, 0, vl);
		memcpy(z, &now.q[n], sizeof(now.q[n]));
	}
}

bool host_sve_unpark(void)
{
	struct percpu *cpu = this_percpu();
	u64 cptr = opened(read_sysreg(cptr_el2), cpu->parked_zen), vl;

	if (!cpu->sve_parked || cpu->guest)
		return false;
	open_all(cptr);
	vl = sve_vector_length();
	merge_q_registers(parking(cpu), vl);
	sve_load(parking(cpu), vl);
	write_sysreg(cptr, cptr_el2);
	isb();
	cpu->sve_parked = false;
	return true;
}
