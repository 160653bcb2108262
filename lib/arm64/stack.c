/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks: their backtraces on the console, and the memory of those of CPUs. */
#include <libcflat.h>
#include <alloc_page.h>
#include <vmalloc.h>
#include <asm/backtrace.h>
#include <asm/guest-call.h>
#include <asm/setup.h>
#include <asm/mmu.h>
#include <asm/thread_info.h>

void dump_frame_stack(const void *insn, const void *frame)
{
	struct backtrace trace = {};

	if (in_guest()) {
		guest_call(GUEST_CALL_STACK, 0, 0, 0);
		return;
	}
	backtrace_add(&trace, "@", (u64)insn);
	backtrace_add_chain(&trace, frame);
	printf("\tSTACK:%s\n", trace.text);
}

void dump_stack(void)
{
	dump_frame_stack(NULL, __builtin_frame_address(0));
}

/* A stack with its guard, and the emergency stack with another: both in one slot of addresses. */
#define STACK_BLOCK (2 * THREAD_SIZE)
#define BLOCK_SIZE (2 * STACK_BLOCK)
static_assert(BLOCK_SIZE <= VM_SLOT_SIZE, "two stacks fit a slot");

/* The initial stack pointer of the stack in @block, with its struct percpu. */
static void *init_stack(char *block)
{
	struct percpu *cpu = (void *)(block + STACK_BLOCK - ALIGN(sizeof(*cpu), 16));

	*cpu = (struct percpu){ .thread = (void *)(block + STACK_BLOCK - THREAD_SIZE),
				.emergency_stack = block + BLOCK_SIZE };
	return cpu;
}

void *thread_stack_alloc(void)
{
	char *block;

	if (!mmu_enabled()) {
		block = memalign_pages(BLOCK_SIZE, BLOCK_SIZE);
		return block ? init_stack(block) : NULL;
	}
	block = vm_slot_alloc();
	if (!block)
		return NULL;
	if (vm_populate(block + THREAD_SIZE, THREAD_SIZE) &&
	    vm_populate(block + STACK_BLOCK + THREAD_SIZE, THREAD_SIZE))
		return init_stack(block);
	vm_slot_free(block);
	return NULL;
}

void thread_stack_free(void *stack)
{
	void *block = (void *)ALIGN_DOWN((uintptr_t)stack, BLOCK_SIZE);

	if (vm_contains(block))
		vm_slot_free(block);
	else
		free_pages(block);
}
