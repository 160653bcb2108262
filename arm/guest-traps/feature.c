/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features of the CPU, by the fields of its ID registers. */
#include <libcflat.h>
#include "trap.h"

static u64 read_id(enum id_register id)
{
#define CASE_OF(name)      \
	case INDEX_##name: \
		return read_sysreg(name);

	switch (id) {
		ID_REGISTERS(CASE_OF)
	}
	return 0;
}

static unsigned int field_of(const struct feature *feature)
{
	return FIELD(read_id(feature->id), feature->lowest + ID_FIELD_WIDTH - 1, feature->lowest);
}

bool feature_present(const struct feature *feature)
{
	unsigned int value;

	if (!feature->max)
		return true;
	value = field_of(feature);
	return value >= feature->min && value <= feature->max;
}

void feature_skip(const struct feature *feature)
{
	report_skip("not on this CPU: %s expected %#x..%#x, found %#x", feature->name, feature->min,
		    feature->max, field_of(feature));
}
