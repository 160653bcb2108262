/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual CPUs that share a stage 2. */
#include <libcflat.h>
#include <objects.h>
#include <asm/barrier.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>
#include <asm/setup.h>
#include <asm/spinlock.h>

#define MPIDR_RES1 (1UL << 31)
#define AFF0_BITS 4 /* the CPUs that a GICv3 reaches with one write of ICC_SGI1R_EL1 */
#define AFF1_SHIFT 8

u64 guest_vmpidr(const struct guest *guest)
{
	u64 aff0 = guest->vcpu & ((1U << AFF0_BITS) - 1), aff1 = guest->vcpu >> AFF0_BITS;

	return MPIDR_RES1 | aff1 << AFF1_SHIFT | aff0;
}

/* From the second vCPU on, record for each CPU which of them ran there last. */
static bool count_vcpus(struct s2_mmu *mmu)
{
	u32 *last_vcpu;

	spin_lock(&mmu->lock);
	last_vcpu = mmu->last_vcpu ?: object_alloc(nr_cpus * sizeof(*last_vcpu));
	/* A vCPU that runs meanwhile may see it: the zeros first. */
	smp_store_release(&mmu->last_vcpu, last_vcpu);
	spin_unlock(&mmu->lock);
	return last_vcpu;
}

struct guest *guest_create_vcpu(struct guest *guest, void (*guest_func)(void))
{
	struct s2_mmu *mmu = guest->s2mmu;

	return count_vcpus(mmu) ? guest_create_on(s2mmu_share(mmu), guest_func) : NULL;
}

/*
 * TLB entries are by VMID, and the vCPUs share one: each must find the stage-1 translations of its
 * own TTBRs and ASIDs, as if the CPU were its own (DDI 0487, D8.16.3).
 */
void guest_drop_other_vcpus(struct guest *guest)
{
	u32 *last = &guest->s2mmu->last_vcpu[smp_processor_id()], me = guest->vcpu + 1;

	if (*last == me)
		return;
	*last = me;
	asm volatile("tlbi vmalle1\n"
		     "	ic	iallu\n"
		     "	dsb	nsh\n"
		     "	isb"
		     :
		     :
		     : "memory");
}
