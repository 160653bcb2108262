/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vectors while a guest runs: each of the sixteen slots is real code, and an exception that the
 * host takes in a handler is the host's.
 *
 * Few of the events can be caused at will (a physical SError, say). So for each slot the guest's
 * handler has the CPU return to EL2 at the slot itself: the slot then finds the state of an
 * exception from the guest, apart from ELR_EL2, which points at the slot.
 */
#include <libcflat.h>
#include <subtest.h>
#include <asm/barrier.h>
#include <asm/guest-check.h>
#include <asm/mmu.h>
#include <asm/processor.h>

#define VMID 4

extern char guest_vectors[];

static void guest_hvc_forever(void)
{
	for (;;)
		asm volatile("hvc #0" : : : "memory");
}

static u64 slot_address(enum vector vector)
{
	return (u64)guest_vectors + vector * VECTOR_SLOT_SIZE;
}

/*
 * Slots 8..15: exits
 */

struct visit {
	enum vector slot;
	unsigned int entries[VECTOR_MAX]; /* calls of each vector's handler at the slot's address */
	unsigned int wrong; /* of x0..x30 in the handler */
	u64 pan; /* PSR_PAN_BIT: set at the slot */
	u64 pan_in_handler, esr;
};

static u64 pan_of_cpu(void)
{
	return FIELD(read_sysreg(id_aa64mmfr1_el1), 23, 20) ? PSR_PAN_BIT : 0;
}

static enum guest_handler_result go_to_slot(struct guest *guest)
{
	struct visit *visit = guest->data;

	for (u64 n = 0; n < 31; n++)
		guest->x[n] = 0x1000 * visit->slot + n;
	guest->elr_el2 = slot_address(visit->slot);
	guest->spsr_el2 = PSR_MODE_EL2h | PSR_DAIF | visit->pan;
	return GUEST_ACTION_RESUME;
}

static enum guest_handler_result arrived(struct guest *guest, enum vector vector)
{
	struct visit *visit = guest->data;

	if (vector == ELx_LOW_SYNC_64 && guest->elr_el2 != slot_address(visit->slot))
		return go_to_slot(guest);
	visit->pan_in_handler = pan_of_cpu() ? read_sysreg(PSTATE_PAN) : 0;
	visit->esr = guest->esr_el2;
	visit->wrong = 0;
	for (u64 n = 0; n < 31; n++)
		visit->wrong += guest->x[n] != 0x1000 * visit->slot + n;
	visit->entries[vector]++;
	return GUEST_ACTION_EXIT;
}

#define DEFINE_ARRIVAL(vector)                                                 \
	static enum guest_handler_result arrived_##vector(struct guest *guest) \
	{                                                                      \
		return arrived(guest, vector);                                 \
	}
DEFINE_ARRIVAL(ELx_LOW_SYNC_64)
DEFINE_ARRIVAL(ELx_LOW_IRQ_64)
DEFINE_ARRIVAL(ELx_LOW_FIQ_64)
DEFINE_ARRIVAL(ELx_LOW_ERROR_64)
DEFINE_ARRIVAL(ELx_LOW_SYNC_32)
DEFINE_ARRIVAL(ELx_LOW_IRQ_32)
DEFINE_ARRIVAL(ELx_LOW_FIQ_32)
DEFINE_ARRIVAL(ELx_LOW_ERROR_32)

static const guest_handler_t arrivals[VECTOR_MAX] = {
	[ELx_LOW_SYNC_64] = arrived_ELx_LOW_SYNC_64, [ELx_LOW_IRQ_64] = arrived_ELx_LOW_IRQ_64,
	[ELx_LOW_FIQ_64] = arrived_ELx_LOW_FIQ_64,   [ELx_LOW_ERROR_64] = arrived_ELx_LOW_ERROR_64,
	[ELx_LOW_SYNC_32] = arrived_ELx_LOW_SYNC_32, [ELx_LOW_IRQ_32] = arrived_ELx_LOW_IRQ_32,
	[ELx_LOW_FIQ_32] = arrived_ELx_LOW_FIQ_32,   [ELx_LOW_ERROR_32] = arrived_ELx_LOW_ERROR_32,
};

/*
 * An empty slot would run into the next one, or into endless exceptions at EL2: check it before
 * the jump. The first instruction of a slot stores the guest's registers, or branches to the slot of
 * the host's own vectors; zero is UDF.
 */
static bool check_slot(const char *table, enum vector vector)
{
	const u32 *slot = (const u32 *)(table + vector * VECTOR_SLOT_SIZE);
	const u32 branch_to_itself = 0x14000000;
	bool has_code = true;

	for (int i = 0; i < 4; i++)
		has_code = has_code && slot[i] != 0 && slot[i] != branch_to_itself;
	return report(has_code,
		      "first instructions of the slot: expected none 0 or a branch to itself, "
		      "found %08x %08x %08x %08x",
		      slot[0], slot[1], slot[2], slot[3]);
}

/* Interrupts leave ESR_EL2 as it was, here that of the HVC before. */
static void check_visit(const struct visit *visit)
{
	bool has_syndrome = !vector_is_interrupt(visit->slot);

	report(visit->entries[visit->slot] == 1,
	       "calls of the vector's handler: expected 1, found %u", visit->entries[visit->slot]);
	report(!visit->wrong, "x0..x30 in the handler: expected 0 wrong, found %u", visit->wrong);
	report(!visit->pan_in_handler,
	       "PSTATE.PAN in the handler, %#lx before: expected 0, found %#lx", visit->pan,
	       visit->pan_in_handler);
	report(has_syndrome ? ESR_ELx_EC(visit->esr) == ESR_ELx_EC_HVC64 : !visit->esr,
	       "esr_el2 in the handler: expected %s, found %#lx",
	       has_syndrome ? "the CPU's, an HVC" : "0", visit->esr);
}

static void visit_slot(struct visit *visit)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);

	guest->data = visit;
	for (enum vector v = ELx_LOW_SYNC_64; v < VECTOR_MAX; v++)
		guest_install_handler(guest, v, arrivals[v]);
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "guest sent to the slot");
	check_visit(visit);
	guest_destroy(guest);
}

/* With PSTATE.PAN clear and, where the CPU has it, set */
static void test_exit_slots(void)
{
	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++) {
		report_prefix_push(vector_name(vector));
		if (check_slot(guest_vectors, vector)) {
			visit_slot(&(struct visit){ .slot = vector });
			if (pan_of_cpu())
				visit_slot(&(struct visit){ .slot = vector, .pan = PSR_PAN_BIT });
		}
		report_prefix_pop();
	}
}

/*
 * exit_code is the vector of the last exit: in a handler, and after the run
 */

struct codes {
	enum vector slot;
	unsigned int exits;
	u64 in_handler[3];
};

static void go_to_guest(struct guest *guest)
{
	guest->elr_el2 = (u64)guest_hvc_forever;
	guest->spsr_el2 = PSR_MODE_EL1h | PSR_DAIF;
}

/* An HVC, the slot, and an HVC again, which ends the run. */
static enum guest_handler_result note_code(struct guest *guest)
{
	struct codes *codes = guest->data;

	codes->in_handler[codes->exits++] = guest->exit_code;
	switch (codes->exits) {
	case 1:
		guest->elr_el2 = slot_address(codes->slot);
		guest->spsr_el2 = PSR_MODE_EL2h | PSR_DAIF;
		return GUEST_ACTION_RESUME;
	case 2:
		go_to_guest(guest);
		return GUEST_ACTION_RESUME;
	default:
		return GUEST_ACTION_EXIT;
	}
}

static void check_code_after_run(struct guest *guest, enum vector expected, const char *what)
{
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER), "%s", what);
	report(guest->exit_code == expected, "exit_code after %s: expected %s, found %s", what,
	       vector_name(expected), vector_name(guest->exit_code));
}

static void check_exit_codes(enum vector slot)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);
	struct codes codes = { .slot = slot };

	guest->data = &codes;
	for (enum vector v = ELx_LOW_SYNC_64; v < VECTOR_MAX; v++)
		guest_install_handler(guest, v, note_code);
	check_code_after_run(guest, ELx_LOW_SYNC_64, "a run that the slot does not end");
	report(codes.in_handler[0] == ELx_LOW_SYNC_64 && codes.in_handler[1] == slot &&
		       codes.in_handler[2] == ELx_LOW_SYNC_64,
	       "exit_code in handlers of HVC, of the slot, and of HVC again: expected %s, %s, %s, "
	       "found %s, %s, %s",
	       vector_name(ELx_LOW_SYNC_64), vector_name(slot), vector_name(ELx_LOW_SYNC_64),
	       vector_name(codes.in_handler[0]), vector_name(codes.in_handler[1]),
	       vector_name(codes.in_handler[2]));

	guest_destroy(guest);
}

static void check_exit_code_at_end(enum vector slot)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);
	struct codes codes = { .slot = slot };

	guest->data = &codes;
	guest_install_handler(guest, ELx_LOW_SYNC_64, note_code);
	guest_install_handler(guest, slot, guest_exit_always);
	check_code_after_run(guest, slot, "a run that the slot ends");
	go_to_guest(guest);
	codes.exits = 2;
	check_code_after_run(guest, ELx_LOW_SYNC_64, "the run after it");
	guest_destroy(guest);
}

static void test_exit_code(void)
{
	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++) {
		report_prefix_push(vector_name(vector));
		check_exit_codes(vector);
		if (vector != ELx_LOW_SYNC_64)
			check_exit_code_at_end(vector);
		report_prefix_pop();
	}
}

/*
 * Slots 0..7: the host's own exceptions, in a handler
 */

static enum vector host_vector;
static unsigned int host_visits;
static u64 continue_at;

/* Return to behind the branch into the slot. */
static void come_back(enum vector vector, struct pt_regs *regs, unsigned int esr)
{
	host_vector = vector;
	host_visits++;
	regs->pc = continue_at;
	regs->pstate = PSR_MODE_EL2h | PSR_DAIF;
}

/*
 * In a handler: branch into the slot as the CPU does, with ELR_EL2 and SPSR_EL2 set. The slot
 * returns to label 1 through come_back().
 */
static enum guest_handler_result enter_host_slot(struct guest *guest)
{
	u64 slot = slot_address((enum vector)(u64)guest->data);

	asm volatile("	adr	x1, 1f\n"
		     "	str	x1, [%1]\n"
		     "	mov	x2, #0x3c9\n"
		     "	msr	elr_el2, x1\n"
		     "	msr	spsr_el2, x2\n"
		     "	ret	%0\n" /* no branch target check */
		     "1:\n"
		     :
		     : "r"(slot), "r"(&continue_at)
		     : "x1", "x2", "memory");
	return GUEST_ACTION_EXIT;
}

static void test_host_slots(void)
{
	for (enum vector vector = ELxT_SYNC; vector <= ELxH_ERROR; vector++) {
		struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);

		report_prefix_push(vector_name(vector));
		if (check_slot(guest_vectors, vector)) {
			guest->data = (void *)(u64)vector;
			guest_install_handler(guest, ELx_LOW_SYNC_64, enter_host_slot);
			install_vector_handler(vector, come_back);
			host_visits = 0;
			guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
					"handler that enters the slot");
			report(host_visits == 1 && host_vector == vector,
			       "calls of the host's handler: expected 1 of %s, found %u of %s",
			       vector_name(vector), host_visits, vector_name(host_vector));
			install_vector_handler(vector, NULL);
		}
		guest_destroy(guest);
		report_prefix_pop();
	}
}

/*
 * An exception of the host in a handler
 */

static unsigned int brks;
static int brk_chain;
static u64 below_stack; /* descriptor of the page below the handler's stack, 0 if none */

/* Follow frame records until they end; the number of steps, or -1 if they do not. */
static int chain_length(u64 frame)
{
	for (int steps = 0; steps < 32; steps++) {
		if (!frame)
			return steps;
		frame = *(u64 *)frame;
	}
	return -1;
}

static void skip_brk(struct pt_regs *regs, unsigned int esr)
{
	brks++;
	brk_chain = chain_length(container_of(regs, struct exception_frame, regs)->record[0]);
	regs->pc += 4;
}

static enum guest_handler_result brk_in_handler(struct guest *guest)
{
	u64 x0 = guest->x[0], elr = guest->elr_el2, spsr = guest->spsr_el2, esr = guest->esr_el2;
	u64 frame = (u64)__builtin_frame_address(0);
	pteval_t *guard = follow_pte(mmu_idmap, ALIGN_DOWN(frame, THREAD_SIZE) - PAGE_SIZE);

	below_stack = guard ? *guard : 0;
	asm volatile("brk #1" : : : "memory");
	report(guest->x[0] == x0 && guest->elr_el2 == elr && guest->spsr_el2 == spsr &&
		       guest->esr_el2 == esr,
	       "x0, ELR_EL2, SPSR_EL2, ESR_EL2 in struct guest after a BRK in a handler: expected "
	       "%#lx, %#lx, %#lx, %#lx, found %#lx, %#lx, %#lx, %#lx",
	       x0, elr, spsr, esr, guest->x[0], guest->elr_el2, guest->spsr_el2, guest->esr_el2);
	return guest->x[0]-- ? GUEST_ACTION_RESUME : GUEST_ACTION_EXIT;
}

static void test_exception_in_handler(void)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);

	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, skip_brk);
	guest_install_handler(guest, ELx_LOW_SYNC_64, brk_in_handler);
	guest->x[0] = 2;
	guest->x[29] = 0x1234567; /* not a frame pointer of the host's */
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_HANDLER),
			"three exits to a handler that executes BRK");
	report(brks == 3, "BRK of a guest's handler in the host's handler: expected 3, found %u",
	       brks);
	report(brk_chain > 2,
	       "frame records from a guest's handler to guest_run(): expected more than 2 and an "
	       "end, found %d",
	       brk_chain);
	report(!below_stack,
	       "stage-1 descriptor of the page below the handler's stack: expected none, found %#lx",
	       below_stack);
	install_exception_handler(ELxH_SYNC, ESR_ELx_EC_BRK64, NULL);
	guest_destroy(guest);
}

/*
 * An illegal exception return
 */

#define MODE_EL3h 0xd
#define MODE_RESERVED 0x1 /* EL0 with SP_EL1 */
#define MODE_SVC32 0x13 /* EL1 is in AArch64 */

/* The host's memory at the guest's PC, where the CPU is after the return */
enum pc { PC_OF_GUEST, PC_UNMAPPED, PC_MISALIGNED, PC_OF_DATA, PC_TOO_LARGE };

static const struct illegal {
	const char *what;
	u64 spsr, hcr;
	enum pc pc;
} illegals[] = {
	{ .what = "EL3h", .spsr = MODE_EL3h | PSR_DAIF },
	{ .what = "EL3h, nothing masked", .spsr = MODE_EL3h },
	{ .what = "EL3h, PAN set", .spsr = MODE_EL3h | PSR_DAIF | PSR_PAN_BIT },
	{ .what = "EL3h, other bits set",
	  .spsr = MODE_EL3h | PSR_DAIF | PSR_UAO_BIT | PSR_TCO_BIT | 3UL << 10 },
	{ .what = "a reserved mode", .spsr = MODE_RESERVED | PSR_DAIF },
	{ .what = "AArch32", .spsr = MODE_SVC32 },
	{ .what = "EL1h with HCR_EL2.TGE", .spsr = PSR_MODE_EL1h | PSR_DAIF, .hcr = HCR_EL2_TGE },
	{ .what = "EL3h, PC not mapped for the host", .spsr = MODE_EL3h, .pc = PC_UNMAPPED },
	{ .what = "EL3h, PC misaligned", .spsr = MODE_EL3h, .pc = PC_MISALIGNED },
	{ .what = "EL3h, PC not executable for the host", .spsr = MODE_EL3h, .pc = PC_OF_DATA },
	{ .what = "EL3h, PC of more than 52 bits", .spsr = MODE_EL3h, .pc = PC_TOO_LARGE },
};

static u64 pc_of(const struct guest *guest, enum pc pc)
{
	switch (pc) {
	case PC_UNMAPPED:
		return 0x1000;
	case PC_MISALIGNED:
		return guest->elr_el2 | 2;
	case PC_OF_DATA:
		return (u64)guest->stack;
	case PC_TOO_LARGE:
		return 1UL << 54;
	case PC_OF_GUEST:
		break;
	}
	return guest->elr_el2;
}

static u64 returned_to;

static enum guest_handler_result make_return_illegal(struct guest *guest)
{
	const struct illegal *illegal = guest->data;

	guest->spsr_el2 = illegal->spsr;
	guest->elr_el2 = returned_to = pc_of(guest, illegal->pc);
	if (illegal->hcr)
		guest->hcr_el2 |= illegal->hcr;
	return GUEST_ACTION_RESUME;
}

/* It ends the run with PC and registers as they were, and the guest may go on with a legal SPSR. */
static void check_illegal_eret(const struct illegal *illegal)
{
	struct guest *guest = guest_create_4k(VMID, guest_hvc_forever);
	u64 link = guest->x[30], ipa;

	guest->data = (void *)illegal;
	guest_install_handler(guest, ELx_LOW_SYNC_64, make_return_illegal);
	guest->elr_el2 = (u64)guest_hvc_forever;
	guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_ILLEGAL_ERET), "return to %s",
			illegal->what);
	report(guest->esr_el2 == ((u64)ESR_ELx_EC_ILL << ESR_ELx_EC_SHIFT | ESR_ELx_IL) &&
		       !guest_fault_ipa(guest, &ipa),
	       "ESR_EL2 after a return to %s: expected illegal execution state, without an IPA, found "
	       "%s (%#lx)",
	       illegal->what, esr_class_name(guest->esr_el2), guest->esr_el2);
	report(guest->elr_el2 == returned_to && guest->spsr_el2 == illegal->spsr &&
		       guest->x[30] == link,
	       "state after it: expected PC %#lx, SPSR_EL2 %#lx, x30 %#lx, found %#lx, %#lx, %#lx",
	       returned_to, illegal->spsr, link, guest->elr_el2, guest->spsr_el2, guest->x[30]);
	guest->elr_el2 = (u64)guest_hvc_forever;
	guest->spsr_el2 = PSR_MODE_EL1h | PSR_DAIF;
	guest->hcr_el2 &= ~illegal->hcr;
	guest_install_handler(guest, ELx_LOW_SYNC_64, guest_exit_always);
	guest_check_run(guest, EXPECT_CLASS(ESR_ELx_EC_HVC64), "run after a return to %s",
			illegal->what);
	guest_destroy(guest);
}

static void test_illegal_eret(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(illegals); i++)
		check_illegal_eret(&illegals[i]);
}

static const struct subtest subtests[] = {
	{ "exits", test_exit_slots },	       { "exit-code", test_exit_code },
	{ "host", test_host_slots },	       { "in-handler", test_exception_in_handler },
	{ "illegal-eret", test_illegal_eret },
};

int main(int argc, char **argv)
{
	return run_subtests_unless(guest_unsupported(S2_PAGE_4K), subtests, ARRAY_SIZE(subtests),
				   argc, argv);
}
