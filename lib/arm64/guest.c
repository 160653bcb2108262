/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests: their life, and running them. */
#include <libcflat.h>
#include <alloc_page.h>
#include <string.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/el2.h>
#include <asm/guest-call.h>
#include <asm/guest-debug.h>
#include <asm/guest-fp.h>
#include <asm/guest.h>
#include <asm/guest-internal.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/pstate.h>
#include <asm/setup.h>
#include <asm/stage2-internal.h>
#include <asm/stage2-vmid.h>

#define ISR_EL1_A (1UL << 8)

/*
 * The virtual addresses of a guest's block: a guard, the handlers' stack with the exit frame at its
 * top, the rest of struct guest.
 */
#define BLOCK_STACK THREAD_SIZE
#define BLOCK_DISPATCH (2 * THREAD_SIZE)
#define BLOCK_FRAME (BLOCK_DISPATCH - PAGE_SIZE) /* the page of the exit frame */
#define BLOCK_GUEST (BLOCK_DISPATCH - offsetof(struct guest, dispatch_page))
static_assert(BLOCK_GUEST + sizeof(struct guest) <= VM_SLOT_SIZE, "a guest fits its slot");
static_assert(BLOCK_GUEST % 16 == 0, "it is a stack pointer");
static_assert(sizeof(struct guest) == offsetof(struct guest, dispatch_page) + 2 * PAGE_SIZE,
	      "the system registers have a page of their own, and the rest fits the one before");

extern char guest_vectors_dc[], guest_leave_illegal[];
int guest_enter(struct guest *guest);

const char *guest_unsupported(enum s2_granule granule)
{
	if (!host_at_el2)
		return "the host is not at EL2 (no virtualization=on?)";
	if (!s2_granule_supported(granule))
		return "the CPU does not have this granule at stage 2 (ID_AA64MMFR0_EL1.TGran*)";
	return NULL;
}

const char *guest_exit_reason_name(enum guest_exit_reason reason)
{
	static const char *const names[] = {
		[GUEST_EXIT_HANDLER] = "stopped by handler",
		[GUEST_EXIT_RETURNED] = "guest returned",
		[GUEST_EXIT_INTERRUPT] = "interrupt for the host",
		[GUEST_EXIT_UNHANDLED] = "no handler for this exit",
		[GUEST_EXIT_EL1_UNHANDLED] = "exception at EL1 without handler",
		[GUEST_EXIT_ILLEGAL_ERET] = "illegal exception return",
		[GUEST_EXIT_NO_SYNDROME] = "device access without syndrome",
		[GUEST_EXIT_HOST_SERROR] = "SError of the host is pending",
		[GUEST_EXIT_NO_VMID] = "no VMID is free",
	};

	return names[reason];
}

static u64 guest_hcr(const struct guest *guest)
{
	u64 hcr = HCR_EL2_VM | HCR_EL2_RW | HCR_EL2_IMO | HCR_EL2_FMO | HCR_EL2_AMO | HCR_EL2_API |
		  HCR_EL2_APK | HCR_EL2_FB |
		  HCR_EL2_BSU_IS | /* its own TLBI and barriers reach the CPU it moves to */
		  HCR_EL2_TSC; /* SMC would be firmware's, which powers the machine off */

	if (host_vhe)
		hcr |= HCR_EL2_E2H;
	if (FIELD(read_sysreg(id_aa64mmfr1_el1), ID_AA64MMFR1_LO + 3, ID_AA64MMFR1_LO))
		hcr |= HCR_EL2_TLOR; /* LORegions are of physical addresses, and the host's */
	if (guest->s2mmu->fwb)
		return hcr | HCR_EL2_FWB;
	return hcr | HCR_EL2_DC | HCR_EL2_TVM;
}

static void reset_system_registers(struct guest *guest)
{
	el1_state_reset(&guest->el1);
	guest->hcr_el2 = guest_hcr(guest);
	guest->vttbr_el2 = guest->s2mmu->vttbr;
	guest->vtcr_el2 = guest->s2mmu->vtcr;
	guest->cptr_el2 = cptr_el2_default();
	guest->mdcr_el2 = mdcr_el2_default() | MDCR_EL2_DEBUG_TRAPS; /* guest_enable_debug() */
	if (el2_has_pmu()) /* without it they are RES0 */
		guest->mdcr_el2 |= MDCR_EL2_PMU_TRAPS;
	guest->cnthctl_el2 = cnthctl_el2_default();
	guest->cntvoff_el2 = 0;
	guest->vmpidr_el2 = guest_vmpidr(guest);
	guest->vpidr_el2 = read_sysreg(midr_el1);
	guest->hstr_el2 = 0;
	guest->sp_el1 = (u64)guest->stack + GUEST_STACK_SIZE;
	guest->vbar_el1 = (u64)guest_el1_bare_vectors;
}

static struct guest *alloc_block(void)
{
	char *block = vm_slot_alloc();
	struct guest *guest = (struct guest *)(block + BLOCK_GUEST);

	if (!block)
		return NULL;
	if (!vm_populate(block + BLOCK_STACK, BLOCK_FRAME - BLOCK_STACK) ||
	    !vm_populate_as(block + BLOCK_FRAME, PAGE_SIZE, MMU_DATA_PRIVILEGED) ||
	    !vm_populate(block + BLOCK_DISPATCH, 2 * PAGE_SIZE)) {
		vm_slot_free(block);
		return NULL;
	}
	guest->block = block;
	guest->registers_pte = follow_pte(mmu_idmap, (uintptr_t)guest->registers_page);
	guest->regs_in_memory = true;
	return guest;
}

/* Zeroed, with a guard that is not. */
static void *alloc_stack(void)
{
	char *block = memalign_pages_flags(GUEST_STACK_GUARD, GUEST_STACK_GUARD + GUEST_STACK_SIZE,
					   FLAG_DONTZERO);

	if (!block)
		return NULL;
	clear_pages(block + GUEST_STACK_GUARD, GUEST_STACK_SIZE / PAGE_SIZE);
	return block + GUEST_STACK_GUARD;
}

static void free_stack(void *stack)
{
	if (stack)
		free_pages(stack - GUEST_STACK_GUARD);
}

struct guest *guest_create_on(struct s2_mmu *mmu, void (*guest_func)(void))
{
	struct guest *guest;

	assert_msg(mmu_enabled(), "guests need the host's MMU");
	guest = alloc_block();
	if (!guest) {
		s2mmu_destroy(mmu);
		return NULL;
	}
	guest->s2mmu = mmu;
	guest->vcpu = __atomic_fetch_add(&mmu->vcpus, 1, __ATOMIC_RELAXED);
	guest->stack = alloc_stack();
	if (!guest->stack || guest_map_initial(guest)) {
		guest_destroy(guest);
		return NULL;
	}
	reset_system_registers(guest);
	guest->emulates_dc = guest->hcr_el2 & HCR_EL2_DC;
	guest->vectors = guest->emulates_dc ? guest_vectors_dc : guest_vectors;
	guest->elr_el2 = (u64)guest_func;
	guest->spsr_el2 = PSR_MODE_EL1h | PSR_DAIF;
	guest->x[30] = (u64)guest_return;
	guest->fault_ipa = INVALID_PHYS_ADDR;
	guest->printed_pc = UINT64_MAX;
	if (!this_percpu()->guest)
		host_sve_park();
	guest_install_default_handlers(guest);
	guest_call_enable();
	return guest;
}

struct guest *guest_create(int vmid, void (*guest_func)(void), enum s2_granule granule)
{
	struct s2_mmu *mmu = guest_unsupported(granule) ? NULL : s2mmu_init(vmid, granule, false);

	return mmu ? guest_create_on(mmu, guest_func) : NULL;
}

void guest_destroy(struct guest *guest)
{
	assert_msg(!guest->thread, "the guest runs");
	if (guest->s1mmu)
		guest->destroy_s1mmu(guest->s1mmu);
	/* The other guests on the stage 2 go on, and must not see memory that is freed. */
	if (__atomic_load_n(&guest->s2mmu->users, __ATOMIC_RELAXED) > 1)
		guest_unmap_own(guest);
	s2mmu_destroy(guest->s2mmu);
	guest_fp_destroy(guest);
	guest_debug_destroy(guest);
	free_pages(guest->el1_page);
	free_pages(guest->vncr_page);
	free_stack(guest->stack);
	vm_slot_free(guest->block);
}

/* Move the registers from memory into the CPU, and unmap their page. Also for guest-entry.S. */
__changes_keys void guest_registers_to_cpu(struct guest *guest)
{
	u64 hcr;

	if (guest->emulates_dc)
		guest_check_dc(guest);
	hcr = guest->hcr_el2;
	el1_state_load(&guest->el1);
	if (guest->has_optional)
		guest_optional_to_cpu(guest);
	else
		fpsimd_load(&guest->fpsimd);
	if (!(hcr & HCR_EL2_RW))
		aarch32_state_load(&guest->aarch32);
	el2_state_load(&guest->el2);
	if (guest->has_optional)
		write_sysreg(guest_fp_cptr(guest), cptr_el2);
	mmu_page_hide(guest->registers_pte, guest->registers_page);
	guest->regs_in_memory = false;
	isb(); /* the guest's page tables and controls before the bits that enable them */
	write_sysreg(hcr, hcr_el2);
	isb();
	if (guest->s2mmu->last_vcpu)
		guest_drop_other_vcpus(guest);
}

void guest_registers_for_at(struct guest *guest)
{
	if (guest->emulates_dc)
		guest_check_dc(guest);
	el1_state_load_without_keys(&guest->el1);
	if (!(guest->hcr_el2 & HCR_EL2_RW))
		aarch32_state_load(&guest->aarch32);
	write_sysreg(guest->vtcr_el2, vtcr_el2);
	write_sysreg(guest->vttbr_el2, vttbr_el2);
	isb(); /* the page tables and controls before the bits that enable them */
	write_sysreg(guest->hcr_el2, hcr_el2);
	isb();
	if (guest->s2mmu->last_vcpu)
		guest_drop_other_vcpus(guest);
}

void guest_registers_to_memory(struct guest *guest)
{
	mmu_page_show(guest->registers_pte);
	el1_state_save(&guest->el1);
	if (guest->has_optional) {
		guest_optional_to_memory(guest);
	} else {
		el2_state_save(&guest->el2);
		/* Its traps apply to EL2 as well, which uses FP from here on. */
		if (guest->cptr_el2 != cptr_el2_untrapped)
			guest_fp_untrap(guest);
		fpsimd_save(&guest->fpsimd);
	}
	if (!(guest->hcr_el2 & HCR_EL2_RW))
		aarch32_state_save(&guest->aarch32);
	guest->regs_in_memory = true;
}

/* The host may use SVE, or trap its own FP. FP is untrapped from here until restore_host(). */
static void untrap_host_fp(struct guest *guest)
{
	/* In a handler FP is the other guest's, and already in memory. */
	if (!this_percpu()->guest) {
		host_sve_park();
		guest->host_el2.cptr_el2 = read_sysreg(cptr_el2);
	}
	guest_fp_untrap(guest);
}

static void save_host(struct guest *guest)
{
	el1_state_save(&guest->host_el1);
	el2_state_save(&guest->host_el2);
	if (guest->host_el2.cptr_el2 != cptr_el2_untrapped)
		untrap_host_fp(guest);
	if (guest->has_optional)
		guest_optional_save_host(guest);
	else
		fpsimd_save(&guest->host_fpsimd);
	guest->host_vbar = read_sysreg(vbar_el2);
}

__changes_keys static void restore_host(struct guest *guest)
{
	write_sysreg(guest->host_el2.hcr_el2, hcr_el2);
	isb(); /* the guest's regime is disabled before its registers change */
	if (guest->has_optional)
		guest_optional_restore_host(guest);
	else
		fpsimd_load(&guest->host_fpsimd);
	el2_state_load(&guest->host_el2);
	write_sysreg(guest->host_vbar, vbar_el2);
	el1_state_load(&guest->host_el1);
	isb(); /* all of it before an exception that the caller unmasks */
}

/*
 * An SError that is pending here was caused by the host; in the guest it would look like the
 * guest's. Weak, because no QEMU makes one: a test replaces it.
 */
__weak bool guest_host_serror_pending(void)
{
	dsb(sy);
	isb();
	return read_sysreg(isr_el1) & ISR_EL1_A;
}

/* A VMID for the guest's stage 2, until s2_vmid_put(). */
static bool take_vmid(struct guest *guest)
{
	u64 baddr = (1UL << VTTBR_VMID_SHIFT) - 1;

	if (!s2_vmid_get(guest->s2mmu))
		return false;
	guest->vttbr_el2 = (guest->vttbr_el2 & baddr) | (guest->s2mmu->vttbr & ~baddr);
	return true;
}

enum guest_exit_reason guest_run(struct guest *guest)
{
	struct percpu *cpu = this_percpu();
	struct guest *outer = cpu->guest;
	u64 pstate = pstate_save();

	assert_msg(!guest->thread, "the guest runs already");
	guest->exit_reason = GUEST_EXIT_HOST_SERROR;
	if (guest_host_serror_pending())
		return guest->exit_reason;
	guest->exit_reason = GUEST_EXIT_NO_VMID;
	if (guest->s2mmu->vmid_pool && !take_vmid(guest))
		return guest->exit_reason;
	daif_set(PSR_DAIF);

	/* In a handler of another guest, whose registers leave the CPU here. */
	if (outer && !outer->regs_in_memory)
		guest_registers_to_memory(outer);
	save_host(guest);
	smp_store_release(&guest->thread, cpu->thread);
	guest->exit_reason = GUEST_EXIT_HANDLER;
	cpu->guest = guest;
	write_sysreg(guest->vectors, vbar_el2);
	guest_registers_to_cpu(guest);

	guest_enter(guest);

	guest_record_fault_ipa(guest);
	if (!guest->regs_in_memory)
		guest_registers_to_memory(guest);
	restore_host(guest);
	if (guest->s2mmu->vmid_pool)
		s2_vmid_put(guest->s2mmu);
	cpu->guest = outer;
	smp_store_release(&guest->thread, NULL);
	pstate_restore(pstate);
	return guest->exit_reason;
}

/*
 * eret with an illegal SPSR_EL2 stays at EL2, with PSTATE.IL and at the guest's PC. Where the host
 * cannot fetch there, PC alignment fault and instruction abort come first (DDI 0487, D1.3.5).
 */
static bool is_illegal_eret(const struct guest *guest, const struct pt_regs *regs)
{
	return regs->sp == (u64)guest && regs->pstate & PSR_IL_BIT;
}

static void fixup_illegal_eret(struct guest *guest, struct pt_regs *regs)
{
	guest->exit_reason = GUEST_EXIT_ILLEGAL_ERET;
	guest->esr_el2 = (u64)ESR_ELx_EC_ILL << ESR_ELx_EC_SHIFT | ESR_ELx_IL;
	report_info("guest: illegal exception return: SPSR_EL2 %#lx, ELR_EL2 %#lx", guest->spsr_el2,
		    guest->elr_el2);
	regs->pc = (u64)guest_leave_illegal;
	regs->pstate = PSR_MODE_EL2h | PSR_DAIF;
}

/*
 * A vector in which PAN is still the guest's loads from dispatch_page: once more, without PAN. ESR,
 * ELR, SPSR, FAR and HPFAR_EL2 of the exit are in struct guest already.
 */
static bool fixup_guests_pan(struct guest *guest, struct pt_regs *regs)
{
	if (regs->sp != (u64)guest || !(regs->pstate & PSR_PAN_BIT) ||
	    (read_sysreg(far_el2) & PAGE_MASK) != (u64)guest->dispatch_page)
		return false;
	regs->pstate &= ~(u64)PSR_PAN_BIT;
	return true;
}

/* The first access of a handler to the registers */
static bool fixup_registers_page(struct guest *guest)
{
	if (guest->regs_in_memory ||
	    (read_sysreg(far_el2) & PAGE_MASK) != (u64)guest->registers_page)
		return false;
	guest_registers_to_memory(guest);
	return true;
}

/* in_guest() of the host */
static bool fixup_call(struct pt_regs *regs, unsigned int esr)
{
	if (ESR_ELx_EC(esr) != ESR_ELx_EC_HVC64 || regs->pc != (u64)guest_call + 4)
		return false;
	regs->regs[0] = 0;
	return true;
}

/* An interrupt that an illegal eret unmasks may come before its exception, and stays pending. */
bool guest_fixup_exception(enum vector v, struct pt_regs *regs, unsigned int esr)
{
	bool sync = v == ELxT_SYNC || v == ELxH_SYNC;
	struct guest *guest = this_percpu()->guest;

	if (sync && fixup_call(regs, esr))
		return true;
	if (!guest || !(sync || vector_is_interrupt(v)))
		return false;
	if (is_illegal_eret(guest, regs)) {
		fixup_illegal_eret(guest, regs);
		return true;
	}
	return sync && ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_CUR &&
	       (fixup_guests_pan(guest, regs) || fixup_registers_page(guest));
}
