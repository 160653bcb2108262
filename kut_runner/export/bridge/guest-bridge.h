/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest framework needs of its host and of the architecture beyond the library.
 *
 * Names that the library has are the library's; see the #ifndef of each.
 */
#ifndef _ASMARM64_GUEST_BRIDGE_H_
#define _ASMARM64_GUEST_BRIDGE_H_

#include <linux/const.h>
#include <asm/esr.h>
#include <asm/page.h>
#include <asm/pgtable-hwdef.h>
#include <asm/ptrace.h>
#include <asm/sysreg.h>
#include <asm/thread_info.h>

/* The name of a register that the assembler may not know */
#define guest_sys_reg(op0, op1, crn, crm, op2) S##op0##_##op1##_C##crn##_C##crm##_##op2

#ifdef __ASSEMBLER__
#include <asm/asm-offsets.h>
@ENUMERATORS@#else
#include <libcflat.h>
#include <alloc.h>
#include <alloc_page.h>
#include <bitops.h>
#include <errno.h>
#include <memregions.h>
#include <string.h>
#include <util.h>
#include <vmalloc.h>
#include <asm/barrier.h>
#include <asm/esr.h>
#include <asm/gic.h>
#include <asm/io.h>
#include <asm/mmu.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/smp.h>
#include <asm/spinlock.h>

/* The vectors, by names that hold at EL2 too */
#define ELxT_SYNC EL1T_SYNC
#define ELxT_IRQ EL1T_IRQ
#define ELxT_FIQ EL1T_FIQ
#define ELxT_ERROR EL1T_ERROR
#define ELxH_SYNC EL1H_SYNC
#define ELxH_IRQ EL1H_IRQ
#define ELxH_FIQ EL1H_FIQ
#define ELxH_ERROR EL1H_ERROR
#define ELx_LOW_SYNC_64 EL0_SYNC_64
#define ELx_LOW_IRQ_64 EL0_IRQ_64
#define ELx_LOW_FIQ_64 EL0_FIQ_64
#define ELx_LOW_ERROR_64 EL0_ERROR_64
#define ELx_LOW_SYNC_32 EL0_SYNC_32
#define ELx_LOW_IRQ_32 EL0_IRQ_32
#define ELx_LOW_FIQ_32 EL0_FIQ_32
#define ELx_LOW_ERROR_32 EL0_ERROR_32

#define __aligned(n) __attribute__((__aligned__(n)))
#define __noreturn __attribute__((__noreturn__))
#define __weak __attribute__((__weak__))
#define __printf(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define __changes_keys
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define SOURCE_PLACE __FILE__ ":" xstr(__LINE__)
#define __report(place, ...) ((void)(place), report(__VA_ARGS__))
#define VM_SLOT_SIZE (4UL * THREAD_SIZE)
#define GICD_INT_DEF_PRI 0xa0

/* The image: what a guest sees read-only, and what it may write */
extern char _text[], _etext[], edata[], stacktop[];
#define _stext _text
#define _start _text
#define _sdata _etext
#define _end stacktop
#define boot_stack edata

/* The host is at EL2 with HCR_EL2.E2H, or at EL1. */
#define host_at_el2 (current_level() == CurrentEL_EL2)
#define host_vhe host_at_el2
extern u64 cptr_el2_untrapped;
u64 cptr_el2_default(void);
u64 cnthctl_el2_default(void);
u64 mdcr_el2_default(void);
bool el2_has_pmu(void);

#define GUEST_ICC_PMR_EL1 guest_sys_reg(3, 0, 4, 6, 0)
#define GUEST_ICC_IGRPEN1_EL1 guest_sys_reg(3, 0, 12, 12, 7)

struct guest;
struct percpu {
	int cpu;
	struct guest *guest;
	struct thread_info *thread;
	bool sve_parked;
	u64 parked_zen;
	void *emergency_stack;
};
struct percpu *this_percpu(void);
void guest_host_stack_prepare(struct guest *guest);
void guest_host_exception(enum vector v, struct pt_regs *regs, unsigned int esr);

void assert_failed(const char *place, const char *condition, const char *fmt, ...)
	__printf(3, 4) __noreturn;
const char *vector_name(enum vector v);
const char *esr_class_name(u64 esr);
bool esr_is_abort(u64 esr);
const char *esr_decode(u64 esr, char *buf, int size);
const char *esr_decode_masked(u64 esr, u64 mask, char *buf, int size);

void clear_pages(void *mem, unsigned long count);
void sync_icache(const void *start, size_t size);
void mmu_page_hide(pteval_t *pte, const void *va);
void mmu_page_show(pteval_t *pte);
void *vm_slot_alloc(void);
void vm_slot_free(void *slot);
enum mmu_prot { MMU_DATA, MMU_DATA_PRIVILEGED };
bool vm_populate_as(void *start, size_t size, enum mmu_prot prot);
bool vm_populate(void *start, size_t size);
struct mem_region *guest_bridge_ram_regions(void);
#define ram_regions guest_bridge_ram_regions()
#define nr_ram_regions 1

/* free_pages(NULL) of the library looks NULL up in the page tables, with its lock held. */
static inline void guest_free_pages(void *mem)
{
	if (mem)
		free_pages(mem);
}
#define free_pages(mem) guest_free_pages(mem)

/* Version 2's virtual interface: not found here */
struct vgic_v2_data {
	void *hyp_base;
	phys_addr_t vcpu_base;
	u64 vcpu_size;
	unsigned int nr_lrs;
};
extern struct vgic_v2_data vgic_v2_data;
const char *gic_unsupported(void);
void gic_enable_cpu_interface(void);
void gic_set_priority_mask(u8 priority);
void gic_set_eoi_split(bool split);
void gic_write_dir(u32 irq);
u32 gic_read_iar_group0(void);
void gic_write_eoir_group0(u32 iar);
void gic_irq_set_pending(int irq, bool pending);
unsigned int gic_maintenance_irq(void);
const char *gic_irq_state_name(enum gic_irq_state state);
#endif /* !__ASSEMBLER__ */

@MACROS@
#define CNTHCTL_EL2_E2H (CNTHCTL_VHE_EL1PCTEN | CNTHCTL_VHE_EL1PTEN | CNTKCTL_EL1_ALL)

#ifndef __ASSEMBLER__
@CMACROS@
@INLINES@
struct exception_frame {
	struct pt_regs regs;
	u64 record[2];
};
#endif
#endif
