/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The soak's machines, what they are asked to do, and what is known of them.
 *
 * A machine is a stage 2 with 1..MAX_VCPUS guests on it. It has an arena, memory of the host's,
 * that its guests see twice: in each half of a window of IPAs, which are as large as a block of
 * level 2.
 * The window is what is mapped and unmapped; what lies around the arena is in the tables only.
 */
#ifndef SOAK_H
#define SOAK_H

#include <libcflat.h>
#include <asm/guest.h>
#include <asm/spinlock.h>
#include "calls.h"
#include "random.h"

#define MAX_MACHINES 4
#define MAX_VCPUS 4
#define MAX_CPUS 8
#define MAX_OPS 6

#define ARENA_SIZE (4 * SZ_64K)
#define WORDS 128 /* of an arena: those that are used */
#define WORD_STEP (ARENA_SIZE / WORDS)
#define COUNTER 0 /* the word that vCPUs count in together */

/* Operations of a guest, in sequence. The values are in struct op. */
enum op_kind {
	OP_READ, /* a word of the arena */
	OP_WRITE,
	OP_ADD, /* atomically */
	OP_CALL, /* the host, with and from random registers */
	OP_SVC, /* likewise its own EL1; from EL0 the host */
	OP_BRK,
	OP_TREE, /* have the host change the stage 2 */
	OP_FP, /* look at what is in the FP registers, and change it */
	OP_SYSTEM, /* likewise the system registers */
	OP_VIRTUAL, /* take a virtual interrupt */
	OP_PHYSICAL, /* have the host send itself an interrupt, which ends the run */
	OP_PAUSE, /* end the run; the next one goes on behind it, maybe on another CPU */
	OP_KINDS,
};

/* The virtual interrupts */
#define FIRST_INTID 32
#define INTIDS 900

/* Of pages of the window */
enum change_kind { CHANGE_MAP, CHANGE_UNMAP, CHANGE_PROTECT, CHANGE_COLLAPSE, CHANGE_KINDS };
struct change {
	enum change_kind kind;
	u32 first, count;
	unsigned long flags; /* S2_MAP_ */
};

struct op {
	enum op_kind kind;
	u64 salt; /* all that is random about it */
	u64 address; /* IPA */
	u64 value; /* to write or add; the next seed of registers */
	u64 old; /* the seed of what is in the registers */
	u64 expected, result;
	bool checked; /* the result is known before the run */
	struct change change;
	u64 regs[31];
};

/* In the image, which guests see: written by the host while the guest does not run. */
struct script {
	u64 at, count;
	bool el0, vgic;
	bool returns; /* at its end, with @value */
	u64 value;
	u64 own; /* exceptions that its EL1 took */
	u64 interrupts, intid; /* virtual ones; the last */
	u64 unexpected; /* ESR_EL1 */
	struct op ops[MAX_OPS];
};

/* Pages of the window that are mapped, with their flags: those from page `first` to the next run's. */
#define MAX_RUNS 1024
struct run {
	u32 first, flags; /* 0: not mapped */
};
struct model {
	u32 pages, count;
	bool hw_access, hw_dirty;
	struct run runs[MAX_RUNS];
};

struct vcpu {
	struct guest *guest; /* NULL: there is none */
	struct machine *machine;
	int index;
	struct script script;
	bool over; /* the script */
	bool plain; /* it changes nothing that other vCPUs see, but for the counter */
	u64 next, until; /* the ops of this run */
	u64 fp_seed, system_seed;
	u64 faults, own, interrupts, physical; /* expected, of this run */
	u64 own_before, interrupts_before;
	u64 faults_seen;
	/* Ways to run it */
	u64 host_seed;
	u64 timer_us; /* 0: no interrupt of the timer */
	bool sgi_at_entry, irqs_open, irqs_in_handler;
};

struct machine {
	bool alive, el0;
	bool shared; /* more than one of its vCPUs run in this step */
	bool changed; /* since its tables were looked at */
	enum s2_granule granule;
	struct s2_mmu *mmu;
	u64 window; /* IPA */
	phys_addr_t block; /* what each half of the window maps */
	u32 half; /* pages */
	u64 *arena;
	struct spinlock lock; /* of the model, while guests run */
	struct model model;
	u64 words[WORDS]; /* what the arena has to be */
	struct vcpu vcpus[MAX_VCPUS];
};

extern struct machine machines[MAX_MACHINES];

/* Each word at another offset in its page */
static inline u64 word_offset(unsigned int word)
{
	return word * (WORD_STEP + sizeof(u64));
}

/* Its address in the host */
static inline u64 *word_of(const struct machine *machine, unsigned int word)
{
	return &machine->arena[word_offset(word) / sizeof(u64)];
}

/* The first failure of this run is kept, with the caller's place, from any CPU. */
#define soak_fail(...) __soak_fail(SOURCE_PLACE, __VA_ARGS__)
void __soak_fail(const char *place, const char *fmt, ...) __printf(2, 3);
bool soak_failed(void);

/* model.c */
void model_init(struct model *model, u32 pages);
void model_copy(struct model *to, const struct model *from);
u32 model_flags(const struct model *model, u32 page);
/* The pages around @page of the same kind: [*first, *end) */
void model_extent(const struct model *model, u32 page, u32 *first, u32 *end);
void model_set(struct model *model, u32 first, u32 end, u32 flags);
bool model_equal(const struct model *a, const struct model *b);
/* The error that the change will have. */
int model_change(struct model *model, const struct change *change);
/* ESR_ELx_FSC_* of an access, without level; 0 if it ends well. */
unsigned int model_fault(const struct model *model, u32 page, bool write);

/* tree.c */
unsigned int machine_page_shift(const struct machine *machine);
u64 word_ipa(const struct machine *machine, unsigned int half, unsigned int word);
u32 page_of(const struct machine *machine, u64 ipa);
/* One of the window's, most often where the arena is. */
u32 draw_page(const struct machine *machine, struct random *random);
/* A change of pages around @page. */
struct change draw_change(const struct machine *machine, struct random *random, u32 page);
/* Answer of the host to a fault. @alone: no other CPU may access the pages meanwhile. */
struct change answer_fault(const struct machine *machine, const struct model *model, u32 page,
			   bool write, u64 salt);
int change_tree(struct machine *machine, const struct change *change);
const char *describe_change(const struct change *change, char *buf, int size);
/* The tables are what the model says, and so is the CPU's own walk for @word. */
void check_tables(struct machine *machine);
void check_walk(struct machine *machine, unsigned int half, unsigned int word);

/* machine.c */
extern bool lpa2_levels; /* draw those start levels too */
void machine_create(struct machine *machine, struct random *random);
void machine_destroy(struct machine *machine);
int machine_vcpus(const struct machine *machine);
/* False when there is no room for one. */
bool machine_add_vcpu(struct machine *machine, struct random *random);
void machine_remove_vcpu(struct machine *machine, struct vcpu *vcpu);

/* script.c */
void draw_script(struct vcpu *vcpu, struct random *random, bool plain);
/* Do with model and words what the next run will do with tables and memory. */
void simulate(struct vcpu *vcpu, struct model *model);
void check_script(struct vcpu *vcpu);

/* work.c */
void work_init(int cpus);
/* Run @vcpus[n] on CPU n, all at once; NULL: none. */
void work_on(struct vcpu *const *vcpus, int cpus);

/* run.c */
#define WAKE_SGI 6 /* nothing but that */
void run_init(void); /* on each CPU */
void take_pending(void); /* interrupts */
void run_vcpu(struct vcpu *vcpu);
enum guest_handler_result on_sync(struct guest *guest);

/* guest.c: at EL1 or EL0 of the guest */
u64 soak_guest(struct script *script);
void soak_on_sync(struct guest_el1_regs *regs, unsigned int esr);
void soak_on_irq(struct guest_el1_regs *regs, unsigned int esr);
void soak_transform(u64 *regs);
u64 system_value(u64 seed, unsigned int n);

/* cpu.S */
void soak_call_host(u64 *regs);
void soak_call_svc(u64 *regs);
void soak_call_brk(u64 *regs);
u64 soak_fp(u64 old, u64 new);
enum guest_exit_reason soak_run_guest(struct guest *guest, u64 seed, u64 *wrong);

#endif
