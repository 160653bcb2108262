/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a defect of the hypervisor below is known to be fixed, by the environment (lines of the
 * initrd, as ERRATA_6c7a5dce22b3=y, or ERRATA_FORCE=y for all).
 */
#ifndef ERRATA_H
#define ERRATA_H

#include <libcflat.h>

static inline bool env_is(const char *name, const char *first_letters)
{
	const char *value = getenv(name);

	return value && *value && strchr(first_letters, *value);
}

/* True when all defects are to be taken as fixed. */
static inline bool errata_force(void)
{
	return env_is("ERRATA_FORCE", "1yY");
}

static inline bool errata(const char *name)
{
	return errata_force() || env_is(name, "1yY");
}

static inline bool errata_relaxed(const char *name)
{
	return errata_force() || !env_is(name, "0nN");
}

/* @erratum is the commit that fixes it. True when the environment says so. */
#define ERRATA(erratum) errata("ERRATA_" xstr(erratum))
/* True unless the environment denies it. */
#define ERRATA_RELAXED(erratum) errata_relaxed("ERRATA_" xstr(erratum))

#endif
