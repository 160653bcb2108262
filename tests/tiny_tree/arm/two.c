// SPDX-License-Identifier: GPL-2.0-or-later
#include "helper.h"
int main(void);
int main(void)
{
	return helper(2);
}
