/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two vPEs, and guests that take their virtual LPIs. */
#ifndef GUEST_VLPI_VLPI_H
#define GUEST_VLPI_VLPI_H

#include <libcflat.h>
#include <asm/gic-v4.h>
#include <asm/guest-check.h>
#include <asm/vgic.h>

#define NR_VPES 2
#define AN_INTID 40 /* of an IRQ in a list register */
/* Event n is virtual LPI(n); the last ones are the markers of the vPEs, of the lowest priority. */
#define EVENT_BITS 14
#define MARKER(nr) (30 + (nr))
#define DOORBELL 29 /* physical LPI */
#define MAX_TAKEN 8

/* Written by guests, whose image is the host's. */
struct taken {
	volatile unsigned int count;
	volatile bool marker;
	u32 ids[MAX_TAKEN];
};
extern struct taken taken;
extern struct its_device *dev;
extern struct gicv4_vpe *vpe[NR_VPES];

void set_up(void);
/* Map event @event, enabled, to vPE @nr. */
void map(u32 event, int nr);
void configure(u32 event, u8 config);
void send_event(u32 event);
void schedule(int nr);
void deschedule(int nr);

/*
 * Have a guest take what is pending for vPE @nr, which is scheduled; the number of them. The marker
 * is sent last. With an IRQ of @priority in a list register, and without guest_vgic_enable()
 */
unsigned int take(int nr);
unsigned int take_with_irq(int nr, u8 priority);
unsigned int take_by_host_interface(int nr);
/* What a guest takes that is signalled to it already: no marker is sent. */
unsigned int take_signalled(void);
/* CPU 1 sends @event while a guest waits for it, whose exits are counted. */
unsigned int take_from_other_cpu(u32 event, struct guest_statistics *statistics);

void check_none(int nr, const char *when);
void check_one(int nr, u32 event, const char *when);
void check_pending_last(int nr, bool expected, const char *when);
/* The physical LPI is pending; it is taken. */
void check_doorbell(bool expected, const char *when);
/* Accesses to the virtual CPU interface without guest_vgic_enable() are exits. */
void guest_check_closed(const char *when);

#endif
