/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dispatch of exits.
 *
 * A vector calls the one function in guest->dispatch. That is the installed handler itself, unless
 * something comes before it: then it is a function of this file, which tries everything that may
 * handle the exit. So a guest that needs none of this does not pay for it.
 */
#include <libcflat.h>
#include <string.h>
#include <asm/guest.h>
#include <asm/guest-fp.h>
#include <asm/guest-internal.h>
#include <asm/mmio.h>
#include <asm/vgic.h>

static enum guest_handler_result default_sync_handler(struct guest *guest)
{
	if (vgic_host_opens(guest))
		return GUEST_ACTION_RESUME;
	guest->exit_reason = GUEST_EXIT_UNHANDLED;
	/* Once for an instruction: a caller of guest_run() may emulate it, and run it often. */
	if (guest->elr_el2 != guest->printed_pc)
		guest_dump(guest);
	guest->printed_pc = guest->elr_el2;
	return GUEST_ACTION_EXIT;
}

/* The interrupt is the host's: it is taken when guest_run() unmasks. */
static enum guest_handler_result default_interrupt_handler(struct guest *guest)
{
	guest->exit_reason = GUEST_EXIT_INTERRUPT;
	return GUEST_ACTION_EXIT;
}

enum guest_handler_result guest_take_interrupts(struct guest *guest)
{
	daif_clear(PSR_I_BIT | PSR_F_BIT);
	isb(); /* what is pending is taken here */
	daif_set(PSR_I_BIT | PSR_F_BIT);
	/*
	 * Interrupts that another CPU has injected are taken over when the registers return to the
	 * CPU.
	 */
	if (guest->vgic_queue.count && !guest->regs_in_memory)
		guest_registers_to_memory(guest);
	return GUEST_ACTION_RESUME;
}

static guest_handler_t default_handler(enum vector vector)
{
	return vector_is_interrupt(vector) ? default_interrupt_handler : default_sync_handler;
}

static bool is_sync(enum vector vector)
{
	return vector % VECTORS_PER_GROUP == ELxT_SYNC;
}

void guest_count_exit(struct guest *guest, enum vector vector)
{
	struct guest_statistics *statistics = guest->statistics;

	if (!statistics)
		return;
	statistics->vectors[vector]++;
	if (is_sync(vector))
		statistics->classes[ESR_ELx_EC(guest->esr_el2)]++;
}

/* True when the framework has handled the exit itself, with @result. */
static bool answered_by_framework(struct guest *guest, enum guest_handler_result *result)
{
	enum mmio_result mmio = MMIO_NOT_OURS;

	*result = GUEST_ACTION_RESUME;
	if (guest->fp_lazy && guest_fp_first_use(guest))
		return true;
	if (guest->nr_devices)
		mmio = mmio_emulate(guest);
	if (mmio == MMIO_REPORTED)
		*result = GUEST_ACTION_EXIT;
	return mmio != MMIO_NOT_OURS;
}

static enum guest_handler_result dispatch(struct guest *guest, enum vector vector)
{
	unsigned int ec = ESR_ELx_EC(guest->esr_el2);
	enum guest_handler_result result;

	guest_count_exit(guest, vector);
	if (is_sync(vector)) {
		if (answered_by_framework(guest, &result))
			return result;
		if (guest->class_handlers[ec])
			return guest->class_handlers[ec](guest);
	}
	return guest->handlers[vector](guest);
}

#define EXIT_VECTORS(X)     \
	X(ELx_LOW_SYNC_64)  \
	X(ELx_LOW_IRQ_64)   \
	X(ELx_LOW_FIQ_64)   \
	X(ELx_LOW_ERROR_64) \
	X(ELx_LOW_SYNC_32)  \
	X(ELx_LOW_IRQ_32)   \
	X(ELx_LOW_FIQ_32)   \
	X(ELx_LOW_ERROR_32)

#define DEFINE_DISPATCH(vector)                                                 \
	static enum guest_handler_result dispatch_##vector(struct guest *guest) \
	{                                                                       \
		return dispatch(guest, vector);                                 \
	}
#define DISPATCH_ENTRY(vector) dispatch_##vector,

EXIT_VECTORS(DEFINE_DISPATCH)
/* From ELx_LOW_SYNC_64 on */
static const guest_handler_t dispatches[] = { EXIT_VECTORS(DISPATCH_ENTRY) };

static bool has_class_handler(const struct guest *guest)
{
	for (unsigned int ec = 0; ec < EC_MAX; ec++)
		if (guest->class_handlers[ec])
			return true;
	return false;
}

/* True when more than the vector's handler may handle an exit of @vector. */
static bool needs_dispatch(const struct guest *guest, enum vector vector)
{
	return guest->statistics || (is_sync(vector) && (guest->fp_lazy || guest->nr_devices ||
							 has_class_handler(guest)));
}

void guest_update_dispatch(struct guest *guest)
{
	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++)
		guest->dispatch[vector - ELx_LOW_SYNC_64] = (struct guest_dispatch){
			.handler = needs_dispatch(guest, vector)
					   ? dispatches[vector - ELx_LOW_SYNC_64]
					   : guest->handlers[vector],
			.frame = guest->host_frame,
		};
}

void guest_install_handler(struct guest *guest, enum vector vector, guest_handler_t handler)
{
	assert_msg(vector >= ELx_LOW_SYNC_64 && vector < VECTOR_MAX,
		   "%s is no vector of a guest's exits", vector_name(vector));
	guest->handlers[vector] = handler ?: default_handler(vector);
	guest_update_dispatch(guest);
}

void guest_install_default_handlers(struct guest *guest)
{
	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++)
		guest->handlers[vector] = default_handler(vector);
	guest_update_dispatch(guest);
}

void guest_install_class_handler(struct guest *guest, unsigned int ec, guest_handler_t handler)
{
	assert_msg(ec < EC_MAX, "%#x is no exception class", ec);
	guest->class_handlers[ec] = handler;
	guest_update_dispatch(guest);
}

void guest_count_exits(struct guest *guest, struct guest_statistics *statistics)
{
	if (statistics)
		memset(statistics, 0, sizeof(*statistics));
	guest->statistics = statistics;
	guest_update_dispatch(guest);
}

void guest_print_statistics(const struct guest_statistics *statistics)
{
	for (enum vector vector = ELx_LOW_SYNC_64; vector < VECTOR_MAX; vector++)
		if (statistics->vectors[vector])
			report_info("guest: %lu exits by %s", statistics->vectors[vector],
				    vector_name(vector));
	for (u64 ec = 0; ec < EC_MAX; ec++)
		if (statistics->classes[ec])
			report_info("guest: %lu exits of class %#lx, %s", statistics->classes[ec],
				    ec, esr_class_name(ec << ESR_ELx_EC_SHIFT));
}

int guest_c_exception_handler(struct guest *guest, unsigned long vector_offset)
{
	enum vector vector = vector_offset / VECTOR_SLOT_SIZE;
	u64 outer = guest->exit_code;

	assert(vector >= ELx_LOW_SYNC_64 && vector < VECTOR_MAX);
	guest->exit_code = vector;
	if (guest->dispatch[vector - ELx_LOW_SYNC_64].handler(guest) != GUEST_ACTION_RESUME)
		return 1;
	guest->exit_code = outer;
	return 0;
}
