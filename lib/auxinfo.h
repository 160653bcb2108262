/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flags that an image passes to the boot; none unless it defines auxinfo. */
#ifndef AUXINFO_H
#define AUXINFO_H

/* main() starts with the MMU off, on tables that are ready for mmu_enable(). */
#define AUXINFO_MMU_OFF (1UL << 0)

#ifndef __ASSEMBLY__

struct auxinfo {
	const char *progname; /* main()'s argv[0] */
	unsigned long flags;
};

/* An image that defines its own replaces the library's. */
extern struct auxinfo auxinfo;

#endif
#endif
