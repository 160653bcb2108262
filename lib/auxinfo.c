/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <libcflat.h>
#include <auxinfo.h>

__weak struct auxinfo auxinfo = { .progname = "kut" };
