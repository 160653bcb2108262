/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests: code at EL1 and EL0 behind a stage 2, run by the host at EL2.
 *
 * guest_run() enters the guest. Each exception that it takes to EL2 calls the handler of its
 * vector, on a stack of the guest's own, with the guest's registers in struct guest.
 * GUEST_ACTION_RESUME goes back into the guest with whatever the handler changed there;
 * GUEST_ACTION_EXIT makes guest_run() return. After that the host's state is what it was before.
 */
#ifndef ASMARM64_GUEST_H
#define ASMARM64_GUEST_H

#include <libcflat.h>
#include <asm/guest-state.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/stage2_mmu.h>

#define GUEST_STACK_SIZE SZ_64K
/* Below it, allocated and not mapped, unless memory is mapped one to one. */
#define GUEST_STACK_GUARD SZ_64K
#define GUEST_MAX_DEVICES 16

struct guest;
struct s1_mmu;

enum guest_handler_result { GUEST_ACTION_RESUME, GUEST_ACTION_EXIT };
static_assert(GUEST_ACTION_RESUME == 0, "guest-entry.S tests a handler's result with CBZ");

/*
 * Runs at EL2 with exceptions masked and HCR_EL2 the guest's. The FP and SIMD registers are the
 * guest's too: the host is compiled not to use them. An exception that the handler itself causes is
 * the host's.
 */
typedef enum guest_handler_result (*guest_handler_t)(struct guest *guest);

enum guest_exit_reason {
	GUEST_EXIT_HANDLER, /* a handler answered GUEST_ACTION_EXIT */
	GUEST_EXIT_RETURNED, /* the guest's function returned; return_value is its value */
	GUEST_EXIT_INTERRUPT, /* an IRQ or FIQ without handler: taken when guest_run() ends */
	/* no handler for this exit; printed, the first time in a row of those of one instruction */
	GUEST_EXIT_UNHANDLED,
	/* An exception to EL1 without handler there; printed. Its syndrome is in esr_el2 etc. */
	GUEST_EXIT_EL1_UNHANDLED,
	GUEST_EXIT_ILLEGAL_ERET, /* spsr_el2 is no state to return to; printed */
	GUEST_EXIT_NO_SYNDROME, /* an emulated device's access that cannot be decoded; printed */
	GUEST_EXIT_HOST_SERROR, /* never entered: an SError of the host's is pending, and masked */
	GUEST_EXIT_NO_VMID, /* never entered: S2_VMID_AUTO, and every VMID is in use */
};

/* A vector's handler, and the frame record that ends the handler's backtrace in guest_run(). */
struct guest_dispatch {
	guest_handler_t handler;
	void *frame;
};

/* Exits since guest_count_exits(), those that the framework answered itself included. */
struct guest_statistics {
	u64 vectors[VECTOR_MAX];
	u64 classes[EC_MAX]; /* of the synchronous ones, by exception class */
};

/*
 * Registers that move with the others for guests that were given them (guest_set_optional_state()),
 * such as list registers. By pointers: images without such guests are linked without the code.
 */
struct guest_optional_state {
	void (*load)(struct guest *guest); /* into the CPU, with HCR_EL2 still the host's */
	void (*save)(struct guest *guest); /* to memory, and disabled in the CPU */
};

/*
 * The order of the first members is that of guest-entry.S.
 *
 * They are the end of a page that the host's user mode may not access: a vector can save registers
 * there whatever PSTATE.PAN is, which at an exit is the guest's. The next page is like the rest of
 * memory: with PAN set the load of the handler's address faults on a VHE host, and the host's
 * vector clears PAN (guest_fixup_exception()). So guests that do not set PAN do not pay for it.
 *
 * The last page holds the system registers while they are not in the CPU. During guest_run() it is
 * unmapped: the first access of a handler faults, which moves the registers to memory and maps the
 * page, and RESUME moves them back. So handlers that do not look at them do not pay for them.
 * Meanwhile the page is the CPU's that runs the guest: others must not look at it.
 */
struct guest {
	u64 x[31];
	u64 elr_el2;
	u64 regs_in_memory; /* not 0: the values are those of the last page, not the CPU's */
	u64 spsr_el2;
	u64 esr_el2; /* 0 after an interrupt, which has no syndrome */
	u64 far_el2; /* of the last exit of a class that has one */
	u64 hpfar_el2; /* likewise; see guest_fault_ipa() */
	u64 exit_code; /* enum vector of the last exit; handlers must not change it */

	union {
		char dispatch_page[PAGE_SIZE];
		struct {
			struct guest_dispatch dispatch[VECTOR_MAX - ELx_LOW_SYNC_64];
			void *host_sp;
			u64 host_frame[2]; /* frame record of guest_run() */

			/* Changed by guest_install_handler() and guest_install_class_handler() */
			guest_handler_t handlers[VECTOR_MAX];
			guest_handler_t class_handlers[EC_MAX];
			struct mmio_device *devices[GUEST_MAX_DEVICES]; /* of mmio_add_device() */
			unsigned int nr_devices;
			struct guest_statistics *statistics; /* NULL: exits are not counted */
			struct s2_mmu *s2mmu;
			struct s1_mmu *s1mmu; /* NULL without stage1_mmu.h */
			/* By pointer: few images have the code. */
			void (*destroy_s1mmu)(struct s1_mmu *mmu);
			enum guest_exit_reason exit_reason;
			u64 return_value; /* with GUEST_EXIT_RETURNED */
			/* With GUEST_EXIT_EL1_UNHANDLED: of the guest's table */
			enum vector el1_vector;
			/* guest_fault_ipa() of the last exit to the caller, or INVALID_PHYS_ADDR */
			u64 fault_ipa;
			void *data; /* for handlers */

			/* The framework's own */
			struct thread_info *thread; /* of the CPU that runs it, or NULL */
			u64 printed_pc; /* of the last exit without a handler that was printed */
			/* By the guest, not by the maker of its stage 2 */
			bool mapped_stack, mapped_el1_page;
			bool has_optional; /* fp_lazy, sve, debug or optional_state */
			bool fp_lazy; /* guest_set_fp_lazy() */
			bool fp_live; /* lazy, and the guest has used FP in this run */
			struct sve_state *sve; /* NULL: the guest has no SVE */
			struct guest_debug *debug; /* NULL: the guest has no debug registers */
			bool routes_el0; /* guest_route_el0() */
			bool reports_el1; /* run-in.c: exceptions at EL1 are not printed */
			bool is_opaque; /* guest_set_opaque() */
			const struct guest_optional_state *optional_state; /* NULL: none */
			bool has_vgic, has_vserror; /* what of it */
			struct vgic_queue vgic_queue;
			/* The CPU's, while the guest's is in it (version 3) */
			struct vgic_state host_vgic;
			const char *vectors; /* VBAR_EL2 while it runs */
			bool emulates_dc; /* HCR_EL2.DC in place of FWB, with the guest's MMU off */
			bool mmu_was_on; /* with it: SCTLR_EL1.M when HCR_EL2.DC was changed */
			unsigned int vcpu; /* among the guests on s2mmu */
			void *block; /* host memory: guard, handler stack, this structure */
			void *stack; /* the guest's, GUEST_STACK_SIZE bytes, with its guard below */
			void *el1_page; /* the guest's vectors, once a handler was installed */
			char *vncr_page; /* guest_vncr_enable(), or NULL */
			pteval_t *registers_pte;
			struct el1_state host_el1;
			struct el2_state host_el2;
			u64 host_vbar;
			struct fpsimd_state host_fpsimd;
		};
	};

	union {
		char registers_page[PAGE_SIZE];
		struct {
			union {
				struct el2_state el2;
				struct {
					u64 hcr_el2;
					DECLARE_REGISTERS(EL2_REGISTERS);
					/* 0 at first; without the feature they have no effect */
					DECLARE_REGISTERS(EL2_OPTIONAL_REGISTERS);
				};
			};
			union {
				struct el1_state el1;
				struct {
					DECLARE_REGISTERS(EL1_REGISTERS);
					DECLARE_REGISTERS(PAUTH_REGISTERS);
					DECLARE_REGISTERS(RAS_REGISTERS);
					DECLARE_REGISTERS(SME_REGISTERS);
				};
			};
			struct fpsimd_state fpsimd;
			struct aarch32_state aarch32; /* with HCR_EL2.RW clear */
			struct vgic_state vgic; /* with guest_vgic_enable() */
			u64 vsesr_el2; /* with guest_inject_serror() and FEAT_RAS */
		};
	};
};

/* The reason why guests cannot run here, for report_skip(), or NULL. */
const char *guest_unsupported(enum s2_granule granule);

/*
 * A guest that begins at @guest_func, at EL1 with its MMU off and a stack of its own. The image is
 * mapped at its own addresses: code and constants read-only, data writable, the host's stacks not
 * at all; so is the guest's stack. NULL when memory is out or guest_unsupported(). Arguments go
 * into x[0..7]; a value that @guest_func returns ends in return_value. @vmid may be S2_VMID_AUTO:
 * guest_run() then puts one that is free into vttbr_el2.
 */
struct guest *guest_create(int vmid, void (*guest_func)(void), enum s2_granule granule);
/*
 * The same on an existing stage 2: the caller's reference to it becomes the guest's, also on
 * failure. The first guest on it maps the image. Memory that is mapped one to one already stays so,
 * with the permissions it has; NULL where something else is mapped.
 */
struct guest *guest_create_on(struct s2_mmu *mmu, void (*guest_func)(void));
/*
 * One more virtual CPU for the machine of @guest: it shares the stage 2, with its VMID, and has
 * everything else for itself. They may run in parallel, each on any CPU. Numbers are in the order
 * of creation, and in MPIDR_EL1 (Aff0, 16 to an Aff1). guest_destroy() of one unmaps its stack for
 * the others; the last frees the stage 2. NULL as guest_create().
 */
struct guest *guest_create_vcpu(struct guest *guest, void (*guest_func)(void));
/*
 * The same at EL0. The lowest quarter of the stack is EL1's, for handlers of the guest's own; SVC
 * goes to them, or with guest_route_el0() to the host.
 */
struct guest *guest_create_el0(int vmid, void (*guest_func)(void), enum s2_granule granule);
/*
 * The same at EL0 in AArch32: @code is A32, or T32 when bit 0 of the address is set. Arguments are
 * r0..r3; to return is `bx lr` with the value in r0. Exits come by the AArch64 vectors, as EL1 is
 * AArch64's. NULL also when guest_aarch32_unsupported(), and when there is no memory below 4 GiB
 * for the stack.
 */
struct guest *guest_create_el0_32(int vmid, const void *code, enum s2_granule granule);
/*
 * A guest whose EL1 is in AArch32 too, beginning there in Supervisor mode, exceptions masked, with
 * its stack in r13: HCR_EL2.RW is clear, and exits come by the AArch32 vectors. @code must end with
 * an exit of its own. NULL also when guest_aarch32_el1_unsupported(), and when there is no memory
 * below 4 GiB for the stack.
 */
struct guest *guest_create_el1_32(int vmid, const void *code, enum s2_granule granule);
/* The reason why AArch32 guests cannot run here, at EL0 or EL1, for report_skip(), or NULL. */
const char *guest_aarch32_unsupported(void);
const char *guest_aarch32_el1_unsupported(void);
/*
 * Have synchronous exceptions that the guest takes from EL0 to EL1 call the host's handlers, with
 * the syndrome and return state that HCR_EL2.TGE would give; but the guest keeps its stage 1 and
 * stage 2, and a VHE host can do it. Only where the guest has no EL1 handler for the vector, and
 * has not set VBAR_EL1 itself.
 *
 * The handler is that of ELx_LOW_SYNC_64, for AArch32 too: EL1's execution state decides, as for
 * every exit (DDI 0487, D1.3.1). SPSR_EL2 has the guest's.
 */
void guest_route_el0(struct guest *guest, bool to_host);
/*
 * Have printf(), report(), assert(), exit() and the like in the guest be exits like others, rather
 * than calls of the host: HVC with the immediate GUEST_HVC_CALL, an undefined instruction at EL0.
 */
void guest_set_opaque(struct guest *guest, bool opaque);
/* Free the guest and, with its last user, the stage 2. Not while it runs. */
void guest_destroy(struct guest *guest);

/*
 * Run until something ends it; the reason is returned and left in exit_reason. May be called again
 * to go on, and from a handler of another guest.
 */
enum guest_exit_reason guest_run(struct guest *guest);
const char *guest_exit_reason_name(enum guest_exit_reason reason);

/*
 * @vector: one of the ELx_LOW ones. NULL brings back the default: print the exit decoded, and EXIT.
 */
void guest_install_handler(struct guest *guest, enum vector vector, guest_handler_t handler);
/*
 * @ec: an ESR_ELx_EC_* class; its synchronous exits, from AArch64 and AArch32, go to @handler
 * rather than to their vector's. NULL gives them back to the vector's. A guest without any such
 * handler does not pay for the choice.
 */
void guest_install_class_handler(struct guest *guest, unsigned int ec, guest_handler_t handler);
/*
 * Count the guest's exits in @statistics, which is zeroed; NULL ends it. Costs some 30
 * instructions an exit, and nothing while it is off. Hypercalls of the framework, such as the one
 * that says that the guest's function returned, are not counted.
 */
void guest_count_exits(struct guest *guest, struct guest_statistics *statistics);
/* Print the counts that are not 0 as INFO lines. */
void guest_print_statistics(const struct guest_statistics *statistics);
/*
 * Call the handler of the vector at @vector_offset (0x400..0x780) of the table: 0 resume, 1 exit.
 */
int guest_c_exception_handler(struct guest *guest, unsigned long vector_offset);

/*
 * The address that faulted at stage 2, with its page offset; for a fault on a stage-1 walk, the
 * page of the table's descriptor. False when the exit is no abort or the address is unknown. Also
 * where HPFAR_EL2 is not valid: a permission fault is resolved with AT S1E1R.
 */
bool guest_fault_ipa(struct guest *guest, u64 *ipa);

/*
 * Set the guest's optional state, one at a time; NULL: none. Not while its registers are in the
 * CPU.
 */
void guest_set_optional_state(struct guest *guest, const struct guest_optional_state *state);

/*
 * Continue behind the instruction that caused the last exit, which the host has emulated: a trapped
 * one (an SMC is), BRK, a load or store that faulted. An assertion fails after HVC, SVC and a
 * software step, whose ELR_EL2 is behind the instruction already, and after interrupts and SErrors,
 * which no instruction causes.
 */
void guest_skip_instruction(struct guest *guest);

/*
 * Handlers for ELx_LOW_IRQ_* and ELx_LOW_FIQ_*: the host takes its interrupts, in its own handlers,
 * and the guest goes on.
 */
enum guest_handler_result guest_take_interrupts(struct guest *guest);

/* Print the last exit, the guest's registers and its stack as INFO lines. */
void guest_dump(struct guest *guest);

/*
 * A guest's own exceptions, as its C handlers see them. SP_EL0, ELR_EL1 and SPSR_EL1 become what a
 * handler leaves in sp (unless the exception is from EL1h), elr and spsr.
 */
struct guest_el1_regs {
	u64 regs[31];
	u64 sp;
	u64 elr;
	u64 spsr;
	u64 frame[2]; /* a frame record, so that a backtrace crosses the exception */
};
typedef void (*guest_el1_handler_t)(struct guest_el1_regs *regs, unsigned int esr);

/*
 * Have the guest's exceptions of @vector (the guest's table: ELxT, ELxH from EL1 itself, ELx_LOW
 * from EL0) call @handler, in the guest. Sets VBAR_EL1. False when memory is out.
 */
bool guest_install_el1_handler(struct guest *guest, enum vector vector,
			       guest_el1_handler_t handler);

/* For the host's exception entry: true when the exception was the framework's and is handled. */
bool guest_fixup_exception(enum vector v, struct pt_regs *regs, unsigned int esr);

#endif
