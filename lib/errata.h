/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a defect of the hypervisor below is known to be fixed, by the environment (lines of the
 * initrd, as ERRATA_6c7a5dce22b3=y).
 */
#ifndef ERRATA_H
#define ERRATA_H

#include <libcflat.h>

static inline bool errata_set(const char *name, bool unless_told)
{
	const char *value = getenv(name);

	return value ? *value == '1' || *value == 'y' || *value == 'Y' : unless_told;
}

/* @erratum is the commit that fixes it. True when the environment says so. */
#define ERRATA(erratum) errata_set("ERRATA_" xstr(erratum), false)
/* True unless the environment denies it. */
#define ERRATA_RELAXED(erratum) errata_set("ERRATA_" xstr(erratum), true)

#endif
