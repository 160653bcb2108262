/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an image says to the boot. An image that says nothing has none of the flags. */
#ifndef AUXINFO_H
#define AUXINFO_H

/* main() starts with the MMU off, on tables that are ready for mmu_enable(). */
#define AUXINFO_MMU_OFF (1UL << 0)

#ifndef __ASSEMBLY__

struct auxinfo {
	const char *progname; /* main()'s argv[0] */
	unsigned long flags;
};

/* An image defines its own to be other than the library's. */
extern struct auxinfo auxinfo;

#endif
#endif
