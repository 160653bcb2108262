/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to the guest framework; not for tests. */
#ifndef ASMARM64_GUEST_INTERNAL_H
#define ASMARM64_GUEST_INTERNAL_H

#include <libcflat.h>
#include <asm/guest.h>

/* guest-entry.S: VBAR_EL2 while a guest runs */
extern char guest_vectors[];

/* guest-el1-code.S */
extern char guest_el1_bare_vectors[], guest_el1_full_vectors[], guest_el1_full_end[];
extern char guest_el1_handlers[], guest_el1_known[], guest_el1_returned[], guest_el1_called[];
extern char guest_return[], guest_return_el0[], guest_return_a32[];

/* guest-el1.c */
bool guest_el1_create_page(struct guest *guest);
bool guest_el1_vectors_contain(const struct guest *guest, u64 pc);
/*
 * @pc is the instruction of the guest's own vectors that reports the return of its function at EL0,
 * or guest_call() at EL0.
 */
bool guest_el1_saw_return(const struct guest *guest, u64 pc);
bool guest_el1_saw_call(const struct guest *guest, u64 pc);

/* guest-aarch32.c: the trapped instruction's condition, true where it has none */
bool guest_condition_holds(const struct guest *guest);
/* guest-aarch32.c: an assertion that @code is below 4 GiB */
void guest_assert_aarch32_reaches(const void *code);
/* guest-aarch32.c: the stack is below 4 GiB; else the guest is destroyed. */
bool guest_aarch32_has_stack(struct guest *guest);

/* guest-dc.c */
/*
 * For guest-entry.S: not 0 when the last exit was a trapped write that HCR_EL2.DC made necessary,
 * and has been done.
 */
int guest_answer_dc(struct guest *guest, enum vector vector);
/* The registers are in memory: if the host turned the guest's MMU on or off, HCR_EL2.DC follows. */
void guest_check_dc(struct guest *guest);
/* guest.c: an SError of the host's own is pending, masked or not */
bool guest_host_serror_pending(void);
/*
 * guest.c: move the registers into the CPU (they must be in memory), and to memory (they must be in
 * the CPU)
 */
void guest_registers_to_cpu(struct guest *guest);
void guest_registers_to_memory(struct guest *guest);
/*
 * guest.c: the registers are in memory, where they stay, and the CPU gets those that an AT
 * instruction uses. Not the keys: the return addresses of the handler and its callees are signed
 * with those that are in the CPU, which a handler may have changed in memory.
 */
void guest_registers_for_at(struct guest *guest);

/* guest-optional.c: FP and the optional state, for guests with has_optional */
void guest_update_optional(struct guest *guest);
void guest_optional_to_cpu(struct guest *guest);
void guest_optional_to_memory(struct guest *guest);
void guest_optional_save_host(struct guest *guest);
void guest_optional_restore_host(struct guest *guest);

/* guest-dispatch.c: to be called after a change to what decides the handler of an exit */
void guest_update_dispatch(struct guest *guest);
void guest_install_default_handlers(struct guest *guest);
/* Count an exit in guest->statistics, unless NULL. */
void guest_count_exit(struct guest *guest, enum vector vector);

/* guest-hypercall.c, for guest-entry.S: GUEST_HYPERCALL_* */
int guest_own_hypercall(struct guest *guest);

/* guest-call-host.c: answer guest_call(), whose arguments and result are in the registers. */
void guest_answer_call(struct guest *guest);

/*
 * guest-access.c: memory as the guest sees it, through its stage 1 and stage 2, at any of the
 * guest's addresses. While it does not run, stage 1 is not available: only with its MMU off.
 */
phys_addr_t guest_translate(struct guest *guest, u64 va); /* INVALID_PHYS_ADDR: not readable */
/* False when a part is not readable, or is no memory. */
bool guest_read(struct guest *guest, u64 va, void *to, size_t size);
/*
 * Read a string up to its end or to @size - 1 bytes; its length, without the NUL that is added
 * always. -1: not readable.
 */
int guest_read_string(struct guest *guest, u64 va, char *to, int size);

/*
 * guest-stack.c: the guest's stack as a backtrace, followed by the host's that runs it. @pc: 0
 * leaves it out. @frame: the guest's x29.
 */
struct backtrace;
void guest_backtrace(struct guest *guest, struct backtrace *trace, u64 pc, u64 frame);
/* @address is in the guard below the guest's stack. */
bool guest_stack_guards(const struct guest *guest, u64 address);

/* guest-memory.c: errors of s2mmu_map(); what is mapped one to one already is as good. */
int guest_map_initial(struct guest *guest);
int guest_map_el1_page(struct guest *guest, void *page);
/* Unmap what these have mapped, and nothing else. */
void guest_unmap_own(struct guest *guest);

/* guest-fault.c */
void guest_record_fault_ipa(struct guest *guest);

/* guest-vcpu.c */
u64 guest_vmpidr(const struct guest *guest);
/*
 * With the guest's registers in the CPU: drop the translations that another vCPU of its stage 2
 * left there.
 */
void guest_drop_other_vcpus(struct guest *guest);

/* guest-dump.c */
void guest_dump_el1_exception(struct guest *guest, enum vector vector);

#endif
