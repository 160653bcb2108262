/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of error numbers. */
#include <libcflat.h>
#include <errno.h>

#define NAME(error) [error] = #error

const char *errno_name(int error)
{
	static const char *const names[] = {
		NAME(ENOENT), NAME(ENOMEM), NAME(EBUSY),  NAME(EEXIST),
		NAME(EINVAL), NAME(ERANGE), NAME(ENOSYS),
	};

	if (error >= 0)
		return "success";
	return -(long)error < (long)ARRAY_SIZE(names) && names[-error] ? names[-error] : "unknown";
}
