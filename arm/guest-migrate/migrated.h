/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest that migrates the machine, and the tests of each subject. */
#ifndef GUEST_MIGRATE_MIGRATED_H
#define GUEST_MIGRATE_MIGRATED_H

#include <libcflat.h>
#include <asm/guest-check.h>

#define VMID 9
#define MIGRATIONS 2
/* In a guest: migrate the machine. */
#define guest_migrate() asm volatile("hvc #0" : : : "memory")

/* The handler of guest_migrate() */
enum guest_handler_result migrate_and_resume(struct guest *guest);
/* A guest that runs @func, with this handler. */
struct guest *create(void *func);

/* Registers of the host and of a guest: registers.c */
void test_host(void);
void test_el1(void);
void test_keys(void);
void test_debug(void);
/* fp.c */
void test_fp(void);
void test_sve(void);
/* Memory and page tables: memory.c */
void test_memory(void);
void test_dirty(void);
/* Time and virtual interrupts: interrupts.c */
void test_timer(void);
void test_timer_pending(void);
void test_vgic(void);

#endif
