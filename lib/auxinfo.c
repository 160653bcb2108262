/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiled for each image, with PROGNAME defined as its name: "arm/NAME.flat". */
#include <libcflat.h>
#include <auxinfo.h>

__weak struct auxinfo auxinfo = { .progname = PROGNAME };
