/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_ID_FIELDS 16

/* A field of an ID register that the user sets: 4 bits from @lsb. */
struct id_field {
	const char *name;
	uint64_t id; /* for KVM_GET_ONE_REG */
	unsigned int lsb, value;
};

struct options {
	const char *image, *initrd, *args;
	const char *control; /* file with requests, NULL for none */
	unsigned int smp;
	uint64_t memory; /* MiB */
	bool el2; /* vCPUs start at EL2 */
	bool e2h0; /* and HCR_EL2.E2H is RES0: no VHE */
	bool pmu, its, pauth, sve;
	bool capabilities; /* only print what KVM offers */
	struct id_field id_fields[MAX_ID_FIELDS];
	unsigned int nr_id_fields;
};

/* Fill in @options; ends the process with status 2 and a message on a bad one. */
void parse_options(struct options *options, int argc, char **argv);

#endif
