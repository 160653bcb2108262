/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that takes virtual interrupts and records them; the tests of each subject. */
#ifndef GUEST_VIRQ_VIRQ_H
#define GUEST_VIRQ_VIRQ_H

#include <libcflat.h>
#include <asm/gic.h>
#include <asm/guest-check.h>
#include <asm/vgic.h>

#define VMID 5
#define AN_INTID 40
#define SPURIOUS GICC_INT_SPURIOUS
#define MAX_SEEN 8

/* Calls of the host, by immediate of HVC */
enum { HVC_RAISE = 1, HVC_STOP };
#define hvc(n) asm volatile("hvc %0" : : "i"(n) : "memory")

/* Written by guests, whose image is the host's. */
struct seen {
	volatile unsigned int irqs, fiqs;
	unsigned int masked; /* of them while PSTATE masked them */
	u32 ids[MAX_SEEN];
};
extern struct seen seen;

/*
 * A guest that runs @func, with a virtual CPU interface and with handlers that record; @seen is
 * reset. create_with_vgic_again(): another one, without a reset of @seen.
 */
struct guest *create_without_vgic(void *func);
struct guest *create_with_vgic(void *func);
struct guest *create_with_vgic_again(void *func);

/* For guests */
void guest_unmask(void);
void guest_on_irq(struct guest_el1_regs *regs, unsigned int esr);
/* Call the host with HVC_RAISE, while interrupts are masked, and take what is pending. */
void guest_raise_and_take(void);
/* Take what is pending before the CPU interface is enabled, and after that. */
void guest_enable_and_take(void);
/* The host's handler is called in the first IRQ, before its end. */
void guest_on_irq_raise(struct guest_el1_regs *regs, unsigned int esr);

#define check_returned(guest, what) guest_check_run(guest, EXPECT_REASON(GUEST_EXIT_RETURNED), what)
void check_seen(const char *when, unsigned int irqs, unsigned int fiqs);
void check_id(const char *which, u32 expected);
void check_lr(const struct guest *guest, int lr, enum gic_irq_state expected);

/* Physical interrupts behind virtual ones: hardware.c */
void test_maintenance(void);
void test_hw(void);
void test_hw_active(void);
/* Several CPUs: cpus.c */
void test_migrate(void);
void test_migrate_fiq(void);
void test_vcpus(void);
void test_other_cpu(void);
void test_queued(void);

#endif
