// SPDX-License-Identifier: GPL-2.0-or-later
#include "helper.h"
int helper(int value)
{
	return value + 1;
}
