/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of error numbers. */
#include <libcflat.h>
#include <errno.h>

static const struct {
	int number;
	const char *name;
} errors[] = {
	{ ENOENT, "ENOENT" },	      { ENOMEM, "ENOMEM" }, { EBUSY, "EBUSY" },
	{ EEXIST, "EEXIST" },	      { EINVAL, "EINVAL" }, { ERANGE, "ERANGE" },
	{ EOPNOTSUPP, "EOPNOTSUPP" },
};

const char *errno_name(int error)
{
	if (error >= 0)
		return "success";
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].number == -(long)error)
			return errors[i].name;
	return "unknown";
}
