/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine as the device tree describes it: memory, CPUs, firmware, console. Valid from main()
 * on.
 */
#ifndef ASMARM64_SETUP_H
#define ASMARM64_SETUP_H

#include <libcflat.h>
#include <memregions.h>
#include <asm/page.h>
#include <asm/pgtable-hwdef.h>

#define NR_CPUS 512

extern u64 cpus[NR_CPUS]; /* MPIDR affinity of each CPU; cpus[0] is the one that boots */
extern int nr_cpus;

/* Start and end of all memory, which may have holes. */
extern phys_addr_t phys_offset, phys_end;
#define PHYS_OFFSET phys_offset
#define PHYS_END phys_end

/* True in the image, the device tree, the initrd, and the memory that the device tree reserves. */
bool memory_is_reserved(phys_addr_t pa);

struct percpu;
/*
 * This CPU's exception level, vectors and per-CPU data: everything that an exception needs. @percpu
 * has its number and stacks.
 */
void setup_cpu(struct percpu *percpu);

/* CNTVCT_EL0 at the image's first instruction */
extern u64 boot_counter;

/* The parts of the image (image.lds). */
extern char _start[], _stext[], _etext[], _sdata[], _edata[], _end[];

#endif
